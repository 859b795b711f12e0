"""What Pillow decodes, as arrays. With its neighbors in this room the only module that imports Pillow."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import io
import threading
import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms, _imaging

from edge_dce.files.formats.jpeg_segments import check_segments
from edge_dce.files.picture import Picture, Samples

Uint8Array = npt.NDArray[np.uint8]

# Other formats stay closed: Pillow hands some of them to programs such as Ghostscript, whatever the suffix says.
_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
# Stays in a core's own cache; strips of 64 kB to 2 MB take as long within a tenth.
_STRIP_BYTES = 1 << 18
# warnings.catch_warnings changes the whole process and must not run twice at a time.
_opening = threading.Lock()


def has_avif() -> bool:
    """Whether this Pillow reads AVIF, as 11.3 and newer do."""
    try:
        from PIL import AvifImagePlugin
    except ImportError:
        return False
    return bool(AvifImagePlugin.SUPPORTED)


def open_picture(source: Path | io.BytesIO) -> Image.Image:
    """Open a file without decoding it.

    Raises:
        Image.UnidentifiedImageError: no picture.
        Image.DecompressionBombError: larger than `pictures.MOST_PIXELS`.
        OSError and others of `metadata.DECODE_ERRORS`: it cannot be read, or is damaged.
    """
    _silence_libtiff()
    formats = (*_FORMATS, "AVIF") if has_avif() else _FORMATS
    with contextlib.nullcontext(source) if isinstance(source, io.BytesIO) else source.open("rb") as file:
        check_segments(file)
    with _opening, warnings.catch_warnings():
        # Pillow warns at 89 megapixels and refuses at twice that; only the refusal is for us.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return Image.open(source, formats=formats)


def read_raw_mode(opened: Image.Image) -> str:
    """How samples are stored, in Pillow's words, such as "RGB;16B"; empty where it does not tell."""
    tiles: Any = getattr(opened, "tile", None)
    # By place: its parts have names from Pillow 11 on only.
    arguments = tiles[0][3] if tiles else ""
    first = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return first if isinstance(first, str) else ""


def read_samples(opened: Image.Image) -> Picture:
    """Samples and profile of the present frame of a file, as they are stored; CMYK as sRGB.

    Raises:
        ValueError: samples of 32 bits.
        Others of `metadata.DECODE_ERRORS`: damaged.
    """
    opened.load()
    if opened.mode == "F":
        raise ValueError("32 bits per sample; expected 8 or 16")
    is_grey = opened.mode in ("1", "L", "LA", "La") or opened.mode.startswith("I")
    icc_profile = opened.info.get("icc_profile")
    if opened.mode == "CMYK":
        image = _convert_cmyk(opened, icc_profile)
        return Picture(_copy_rgb(image), is_grey=False)
    image_and_alpha = _split_alpha(opened)
    return Picture(*image_and_alpha, is_grey=is_grey, icc_profile=icc_profile)


def convert_to_srgb(image: npt.NDArray[Any], icc_profile: bytes) -> Uint8Array:
    """(H, W, 3) colors of a profile, uint8, as those of sRGB; as they are where the profile cannot be used."""
    converted = _apply_profile(Image.fromarray(image), icc_profile)
    return image if converted is None else _copy_rgb(converted)


@functools.cache
def _silence_libtiff() -> None:
    """Keep libtiff from writing on stderr what Pillow raises as an error anyway; without effect where it is hidden."""
    with contextlib.suppress(AttributeError, OSError):
        set_handler = ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler
        set_handler.argtypes, set_handler.restype = [ctypes.c_void_p], ctypes.c_void_p
        set_handler(None)


def _split_alpha(opened: Image.Image) -> tuple[Samples, Samples | None]:
    transparent = opened.info.get("transparency")
    if opened.mode.startswith("I"):
        samples = np.clip(np.asarray(opened), 0, 65535).astype(np.uint16)
        opacity = None if transparent is None else np.where(samples == transparent, 0, 65535).astype(np.uint16)
        return np.repeat(samples[..., np.newaxis], 3, axis=2), opacity
    alpha = None
    image = opened
    if opened.mode in ("LA", "La", "PA", "RGBA", "RGBa") or transparent is not None:
        # Pillow knows no other way from grey that is multiplied by alpha.
        image = (opened.convert("LA") if opened.mode == "La" else opened).convert("RGBA")
        alpha = np.array(image.getchannel("A"))
    if image.size != image.im.size:
        # Of a TIFF that was not turned upright Pillow tells the size that it would then have; not so of a copy.
        image = image.copy()
    if image.mode == "L":
        # Half the time of Pillow's.
        return cv2.cvtColor(np.array(image), cv2.COLOR_GRAY2RGB).astype(np.uint8, copy=False), alpha
    # Pillow would copy what is RGB already.
    return _copy_rgb(image if image.mode == "RGB" else image.convert("RGB")), alpha


def _copy_rgb(image: Image.Image) -> Uint8Array:
    """(H, W, 3) of an image of mode RGB.

    Strip by strip, because the bytes that Pillow hands out are a copy themselves: of the whole it would be another
    36 MB for 12 megapixels, out of every cache.
    """
    samples = np.empty((image.height, image.width, 3), np.uint8)
    rows = max(1, _STRIP_BYTES // max(1, 3 * image.width))
    for top in range(0, image.height, rows):
        strip = samples[top : top + rows]
        copied = image.crop((0, top, image.width, top + len(strip))).tobytes()
        strip[:] = np.frombuffer(copied, np.uint8).reshape(strip.shape)
    return samples


def _convert_cmyk(opened: Image.Image, icc_profile: bytes | None) -> Image.Image:
    converted = _apply_profile(opened, icc_profile) if icc_profile else None
    # Without a profile that can be used, Pillow's plain formula is what viewers fall back to.
    return opened.convert("RGB") if converted is None else converted


def _apply_profile(image: Image.Image, icc_profile: bytes) -> Image.Image | None:
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc_profile))
        return ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        # A damaged profile is no reason to refuse a photo.
        return None
