"""Picture files to a `Picture` and back, losing nothing that the target can hold, and nothing without a word.

A file is what its content says, whatever its suffix. One module reads each family of formats: `pillow_pictures`,
`tiff_pictures`, `heif_pictures`, `raw_pictures`; `picture_writer` writes all.
"""

from __future__ import annotations

import collections
import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from edge_dce.errors import ImageError, describe_unreadable
from edge_dce.files.formats.heif_pictures import is_heif, read_heif
from edge_dce.files.formats.iso_boxes import read_properties
from edge_dce.files.formats.limits import MOST_PIXELS, read_file
from edge_dce.files.formats.metadata import DECODE_ERRORS, make_exif
from edge_dce.files.formats.pillow_pictures import read_by_pillow
from edge_dce.files.formats.pillow_samples import open_picture
from edge_dce.files.formats.raw_pictures import HEAD_BYTES, is_raw, read_raw
from edge_dce.files.formats.registry import JPEG, READABLE_SUFFIXES, WRITABLE_SUFFIXES, find_writer, list_suffixes
from edge_dce.files.formats.tiff_directories import is_tiff
from edge_dce.files.formats.tiff_pictures import read_tiff
from edge_dce.files.formats.writer import DEFAULT_QUALITY, encode_and_list, encode_picture, list_left_out
from edge_dce.files.objects import ObjectPath, Place, read_object, write_object
from edge_dce.files.output import check_free, write_file
from edge_dce.files.picture import Picture
from edge_dce.files.signatures import HEAD_BYTES as SIGNATURE_BYTES
from edge_dce.files.signatures import tell_other_content

__all__ = [
    "DEFAULT_QUALITY",
    "READABLE_SUFFIXES",
    "WRITABLE_SUFFIXES",
    "Picture",
    "count_pixels",
    "decode_picture",
    "encode_and_list",
    "encode_picture",
    "is_jpeg",
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
# Nor is an object opened to look: a phone's picture.
_OBJECT_PIXELS = 4_000_000


def read_picture(path: str | Place) -> Picture:
    """Read a picture file: RGB(A), grey, palette, 16 bits per sample, CMYK, HDR, animations, raw files.

    Samples are what a viewer shows, see `Picture`. CMYK is converted to sRGB through its own profile where it carries
    one. Of several pages or pictures the first is read, and `left_out` counts the others.

    Raises:
        ImageError: the file is missing, no picture, damaged, too large, needs a package that is not installed, or holds
            samples whose meaning is not understood.
    """
    if isinstance(path, ObjectPath):
        data = read_object(path)
        with _naming_errors(str(path)):
            return _decode(data)
    path = Path(path)
    with _naming_errors(str(path)):
        return _decode(read_file(path))


def decode_picture(data: bytes) -> Picture:
    """Read the bytes of a picture file, as `read_picture` reads the file.

    Raises:
        ImageError: as `read_picture`.
    """
    with _naming_errors(f"{len(data)} bytes"):
        return _decode(data)


def read_image(path: str | Path) -> Uint8Array:
    """The samples of a picture file in 8 bits, (H, W, 3) RGB: what networks are trained, calibrated and scored on.

    Raises as `read_picture`.
    """
    image: Uint8Array = read_picture(path).rounded().image.astype(np.uint8, copy=False)
    return image


def count_pixels(path: str | Place) -> int:
    """About how many pixels reading a picture file decodes; 0 where it will fail. Of an object of a store a guess."""
    if isinstance(path, ObjectPath):
        return _OBJECT_PIXELS
    path = Path(path)
    try:
        head = _read_head(path)
        data = read_file(path) if is_heif(head) or is_tiff(head) else head
        if is_raw(data):
            return _RAW_PIXELS
        if is_heif(head):
            return read_properties(data).pixels
        with open_picture(path) as opened:
            return opened.width * opened.height * (1 if is_tiff(head) else getattr(opened, "n_frames", 1))
    except (Image.DecompressionBombError, ImageError, *DECODE_ERRORS):
        return 0


def is_jpeg(path: str | Place) -> bool:
    """Whether a picture of this name is written as a JPEG."""
    return find_writer(Path(path).suffix if isinstance(path, str) else path.suffix) is JPEG


def write_picture(
    picture: Picture, path: str | Place, *, overwrite: bool = False, quality: int = DEFAULT_QUALITY
) -> collections.Counter[str]:
    """Write a picture in the format of the path's suffix: whole under its final name, or not at all.

    Args:
        quality: of JPEG and WebP, from 1 to 100.

    Returns:
        What the file does not hold of the picture, see `list_left_out`.

    Raises:
        ImageError: unknown suffix, or the format cannot hold the alpha channel.
        OutputError: the file exists and `overwrite` is False, or it cannot be written.
    """
    if isinstance(path, ObjectPath):
        data, left_out = encode_and_list(picture, path.suffix, quality=quality)
        write_object(path, data, overwrite=overwrite)
        return left_out
    path = Path(path)
    check_free(path, overwrite=overwrite)
    data, left_out = encode_and_list(picture, path.suffix, quality=quality)
    write_file(path, data, overwrite=overwrite)
    return left_out


@contextlib.contextmanager
def _naming_errors(name: str) -> Iterator[None]:
    """Whatever goes wrong is one line about what has this name."""
    try:
        yield
    except Image.DecompressionBombError:
        raise ImageError(f"{name}: larger than {MOST_PIXELS // 1_000_000} megapixels; make it smaller first") from None
    except ImageError as error:
        raise ImageError(f"{name}: {error}") from error
    except DECODE_ERRORS as error:
        # Only the system's own errors carry a number; Pillow raises bare OSErrors for damaged data.
        if isinstance(error, OSError) and error.errno is not None:
            raise ImageError(f"{name}: {describe_unreadable(error)}") from error
        reason = " ".join(str(error).split())
        raise ImageError(f"{name}: damaged or unsupported picture file ({reason}); get a fresh copy") from error


def _decode(data: bytes) -> Picture:
    try:
        return _decode_known(data)
    except UnidentifiedImageError:
        raise ImageError(tell_other_content(data[:SIGNATURE_BYTES])) from None


def _decode_known(data: bytes) -> Picture:
    head = data[:HEAD_BYTES]
    if is_raw(data):
        return read_raw(data)
    if is_heif(head):
        return read_heif(data)
    if is_tiff(head):
        return read_tiff(data)
    return read_by_pillow(data)


def _read_head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)
