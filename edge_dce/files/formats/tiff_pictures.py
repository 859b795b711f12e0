"""TIFF files, but for raw files of cameras."""

from __future__ import annotations

import collections
import io

import numpy as np
from PIL import Image, UnidentifiedImageError

from edge_dce.errors import ImageError
from edge_dce.files.formats import metadata
from edge_dce.files.formats.coding import Coding, show
from edge_dce.files.formats.jpeg_segments import read_iptc_resource
from edge_dce.files.formats.limits import check_size
from edge_dce.files.formats.pillow_samples import open_picture, read_samples
from edge_dce.files.formats.registry import TIFF_TAGS
from edge_dce.files.formats.tiff_samples import Page, decode_deep, find_page
from edge_dce.files.picture import Notes, Picture

_XMP, _IPTC, _PHOTOSHOP, _PROFILE = 700, 33723, 34377, 34675
_ORIENTATION = 274
_X_RESOLUTION, _Y_RESOLUTION, _UNIT = 282, 283, 296
# What says how samples are stored, and what Photoshop keeps for itself.
_STRUCTURE = frozenset({*range(254, 267), *range(273, 302), *range(317, 348), *range(512, 533), _PHOTOSHOP, 37724})
_KEPT = metadata.DESCRIPTIVE_TAGS | {_XMP, _IPTC, _PROFILE}
_INCHES = {2: 1.0, 3: 2.54}


def read_tiff(data: bytes) -> Picture:
    """The first picture of a TIFF that is neither a smaller copy nor a mask.

    Raises:
        ImageError: its samples mean what is not understood.
        Others of `metadata.DECODE_ERRORS`: damaged.
    """
    page = find_page(data)
    check_size(page.directory.find(256), page.directory.find(257))
    exif = metadata.load_exif(data)
    samples = _decode_deep(data, page) if page.is_deep else _decode_shallow(data, page)
    others = page.directory.names - _STRUCTURE - _KEPT
    values = page.directory.values
    notes = Notes(
        xmp=metadata.keep_xmp(_find_bytes(page, _XMP)),
        iptc=_find_bytes(page, _IPTC) or read_iptc_resource(_find_bytes(page, _PHOTOSHOP) or b""),
        resolution_dpi=_read_resolution(exif),
        tiff_tags=tuple((tag, *values[tag]) for tag in sorted(others & values.keys())),
    )
    left_out = collections.Counter(
        {
            "further pages": page.further,
            "extra channels": page.extra_channels,
            "bits beyond 8": int(not page.is_deep and page.directory.find(258, 1) > 8),
            TIFF_TAGS: len(others - values.keys()),
        }
    )
    picture = Picture(
        samples.image,
        samples.alpha,
        is_grey=samples.is_grey,
        icc_profile=samples.icc_profile,
        exif=metadata.keep_exif(exif, is_of_tiff=True),
        notes=notes,
        left_out=+left_out,
    )
    return show(picture.turned_upright(page.directory.find(_ORIENTATION, 1)), Coding())


def _decode_deep(data: bytes, page: Page) -> Picture:
    colors, alpha = decode_deep(data, page.directory)
    is_grey = colors.shape[2] == 1
    image = np.repeat(colors, 3, axis=2) if is_grey else colors
    return Picture(image, alpha, is_grey=is_grey, icc_profile=_find_bytes(page, _PROFILE))


def _decode_shallow(data: bytes, page: Page) -> Picture:
    try:
        with open_picture(io.BytesIO(data)) as opened:
            opened.seek(page.number)
            # Pillow would turn it, in releases from 10.1 on.
            opened.getexif().pop(_ORIENTATION, None)
            return read_samples(opened)
    except UnidentifiedImageError:
        raise ImageError("samples in an order that is not understood; save it as RGB or grey of 8 or 16 bits") from None


def _find_bytes(page: Page, tag: int) -> bytes | None:
    # IPTC is sometimes said to be of 32-bit numbers, which it is not.
    values = page.directory.tags.get(tag)
    if values is None:
        return None
    if max(values) > 255 or min(values) < 0:
        return np.array(values, f"{page.directory.order}u4").tobytes() if min(values) >= 0 else None
    return bytes(values)


def _read_resolution(exif: Image.Exif | None) -> tuple[float, float] | None:
    """Pixels per inch; None where the file tells no unit of length."""
    if exif is None:
        return None
    try:
        inches = _INCHES[int(exif.get(_UNIT, 2))]
        across, down = (float(exif[tag]) * inches for tag in (_X_RESOLUTION, _Y_RESOLUTION))
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    return (across, down) if 0 < across < 1e6 and 0 < down < 1e6 else None
