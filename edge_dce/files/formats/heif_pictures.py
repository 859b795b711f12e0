"""HEIC files, as phones take them.

Needs pillow-heif, of the extra `heic`, which is imported when the first such file is read.
"""

from __future__ import annotations

import collections
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_dce.errors import ImageError
from edge_dce.files.formats import metadata
from edge_dce.files.formats.coding import read_code_points_beside_profile, show
from edge_dce.files.formats.limits import check_size
from edge_dce.files.formats.registry import HEIC
from edge_dce.files.picture import Notes, Picture, divide_by_alpha

_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})


def is_heif(head: bytes) -> bool:
    """Whether a file that begins so is a HEIC, by its brands; those of HEIF are also AVIF's."""
    size = min(int.from_bytes(head[:4], "big"), len(head))
    compatible = {head[at : at + 4] for at in range(16, size - 3, 4)}
    return head[4:8] == b"ftyp" and head[8:12] in _BRANDS and not compatible & _AVIF_BRANDS


def read_heif(data: bytes) -> Picture:
    """The main picture of a HEIC file, with 16 bits where it has more than 8. libheif turns it upright.

    Raises:
        ImageError: pillow-heif is missing.
        OSError, ValueError, EOFError, SyntaxError, RuntimeError: damaged.
    """
    try:
        import pillow_heif
    except ImportError as error:
        raise ImageError(f"HEIC needs pillow-heif ({error}); run: pip install 'edge-dce[{HEIC.extra}]'") from error
    opened: Any = pillow_heif.open_heif(data, convert_hdr_to_8bit=False)
    main = opened[opened.primary_index]
    check_size(*main.size)
    samples = np.array(main)
    if samples.dtype == np.uint16:
        # 10 bits come as the upper ones of 16: they repeat below, so that white becomes 65535.
        samples |= samples >> int(main.info.get("bit_depth", 10))
    image, alpha, is_grey = _split_channels(samples, main.mode)
    left_out: collections.Counter[str] = collections.Counter()
    left_out["further pictures"] = len(opened) - 1
    left_out["depth maps"] = len(main.info.get("depth_images") or ())
    for kind, numbers in (main.info.get("aux") or {}).items():
        left_out["gain maps" if "gainmap" in kind.lower() else "auxiliary pictures"] += len(numbers)
    notes = Notes(xmp=metadata.keep_xmp(main.info.get("xmp")))
    exif = metadata.load_exif(main.info["exif"]) if main.info.get("exif") else None
    picture = Picture(
        image,
        alpha,
        is_grey=is_grey,
        icc_profile=main.info.get("icc_profile"),
        exif=metadata.keep_exif(exif),
        notes=notes,
        left_out=+left_out,
    )
    nclx = main.info.get("nclx_profile") or {}
    codes = nclx.get("color_primaries", 2), nclx.get("transfer_characteristics", 2)
    return show(picture, read_code_points_beside_profile(*codes, picture.icc_profile))


def _split_channels(samples: npt.NDArray[Any], mode: str) -> tuple[npt.NDArray[Any], npt.NDArray[Any] | None, bool]:
    samples = samples.reshape(*samples.shape[:2], -1)
    has_alpha = mode.split(";")[0][-1] in "Aa"
    colors, alpha = (samples[..., :-1], samples[..., -1].copy()) if has_alpha else (samples, None)
    if alpha is not None and mode.split(";")[0][-1] == "a":
        colors = divide_by_alpha(colors, alpha)
    is_grey = colors.shape[2] == 1
    return np.repeat(colors, 3, axis=2) if is_grey else np.ascontiguousarray(colors), alpha, is_grey
