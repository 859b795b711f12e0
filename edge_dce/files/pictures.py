"""Picture files to a `Picture` and back, losing nothing that the target can hold, and nothing without a word.

A file is what its content says, whatever its suffix. One module reads each family of formats: `pillow_pictures`,
`tiff_pictures`, `heif_pictures`, `raw_pictures`; `picture_writer` writes all.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from edge_dce.errors import ImageError
from edge_dce.files.formats.heif_pictures import is_heif, read_heif
from edge_dce.files.formats.iso_boxes import read_properties
from edge_dce.files.formats.limits import MOST_PIXELS
from edge_dce.files.formats.metadata import DECODE_ERRORS, make_exif
from edge_dce.files.formats.pillow_pictures import read_by_pillow
from edge_dce.files.formats.pillow_samples import open_picture
from edge_dce.files.formats.raw_pictures import HEAD_BYTES, is_raw, read_raw
from edge_dce.files.formats.registry import READABLE_SUFFIXES, WRITABLE_SUFFIXES, list_suffixes
from edge_dce.files.formats.tiff_directories import is_tiff
from edge_dce.files.formats.tiff_pictures import read_tiff
from edge_dce.files.formats.writer import encode_picture, list_left_out
from edge_dce.files.output import check_free, write_file
from edge_dce.files.picture import Picture

__all__ = [
    "READABLE_SUFFIXES",
    "WRITABLE_SUFFIXES",
    "Picture",
    "count_pixels",
    "encode_picture",
    "list_left_out",
    "list_suffixes",
    "make_exif",
    "read_image",
    "read_picture",
    "write_picture",
]

Uint8Array = npt.NDArray[np.uint8]
# Raw files do not say how large they become before they are unpacked; most have about as many.
_RAW_PIXELS = 24_000_000


def read_picture(path: str | Path) -> Picture:
    """Read a picture file: RGB(A), grey, palette, 16 bits per sample, CMYK, HDR, animations, raw files.

    Samples are what a viewer shows, see `Picture`. CMYK is converted to sRGB through its own profile where it carries
    one. Of several pages or pictures the first is read, and `left_out` counts the others.

    Raises:
        ImageError: the file is missing, no picture, damaged, too large, needs a package that is not installed, or holds
            samples whose meaning is not understood.
    """
    path = Path(path)
    try:
        return _read(path)
    except UnidentifiedImageError:
        raise ImageError(
            f"{path}: its content is not a picture; expected one of: {list_suffixes(READABLE_SUFFIXES)}"
        ) from None
    except Image.DecompressionBombError:
        raise ImageError(f"{path}: larger than {MOST_PIXELS // 1_000_000} megapixels; make it smaller first") from None
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error
    except DECODE_ERRORS as error:
        # Only the system's own errors carry a number; Pillow raises bare OSErrors for damaged data.
        if isinstance(error, OSError) and error.errno is not None:
            raise ImageError(f"{path}: cannot be read ({error.strerror}); check the path") from error
        reason = " ".join(str(error).split())
        raise ImageError(f"{path}: damaged or unsupported picture file ({reason}); get a fresh copy") from error


def read_image(path: str | Path) -> Uint8Array:
    """The samples of a picture file in 8 bits, (H, W, 3) RGB: what networks are trained, calibrated and scored on.

    Raises as `read_picture`.
    """
    image: Uint8Array = read_picture(path).rounded().image.astype(np.uint8, copy=False)
    return image


def count_pixels(path: str | Path) -> int:
    """About how many pixels reading a picture file decodes; 0 where it will fail."""
    path = Path(path)
    try:
        head = _read_head(path)
        if is_raw(path, head):
            return _RAW_PIXELS
        if is_heif(head):
            return read_properties(path.read_bytes()).pixels
        with open_picture(path) as opened:
            return opened.width * opened.height * (1 if is_tiff(head) else getattr(opened, "n_frames", 1))
    except (Image.DecompressionBombError, *DECODE_ERRORS):
        return 0


def write_picture(picture: Picture, path: str | Path, *, overwrite: bool = False) -> None:
    """Write a picture in the format of the path's suffix: whole under its final name, or not at all.

    Raises:
        ImageError: unknown suffix, or the format cannot hold the alpha channel.
        OutputError: the file exists and `overwrite` is False, or it cannot be written.
    """
    path = Path(path)
    check_free(path, overwrite=overwrite)
    write_file(path, encode_picture(picture, path.suffix), overwrite=overwrite)


def _read(path: Path) -> Picture:
    head = _read_head(path)
    if is_raw(path, head):
        return read_raw(path)
    if is_heif(head):
        return read_heif(path)
    if is_tiff(head):
        return read_tiff(path.read_bytes())
    return read_by_pillow(path.read_bytes())


def _read_head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)
