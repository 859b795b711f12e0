"""Picture files to uint8 RGB arrays and back, losing nothing that the picture carried.

A photo is more than its RGB samples: orientation is applied on reading, alpha, greyness, the ICC profile and EXIF
travel beside the samples in a `Picture` and are written back. This is the only module that imports Pillow.
"""

from __future__ import annotations

import dataclasses
import datetime
import io
import struct
import threading
import warnings
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageCms, ImageOps, UnidentifiedImageError

from edge_dce.errors import ImageError
from edge_dce.output import check_free, write_file

Uint8Array = npt.NDArray[np.uint8]

READABLE_SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".pgm", ".tif", ".tiff", ".webp"})
_FORMATS = {
    ".bmp": "BMP",
    ".jpeg": "JPEG",
    ".jpg": "JPEG",
    ".png": "PNG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
}
WRITABLE_SUFFIXES = frozenset(_FORMATS)
_NO_ALPHA = frozenset({"BMP", "JPEG"})
_LOSSY_SUFFIXES = frozenset({".jpg", ".jpeg"})
_KEEPS_EXIF = frozenset({"JPEG", "MPO", "PNG", "WEBP"})
# Other formats stay closed: Pillow hands some of them to programs such as Ghostscript, whatever the suffix says.
_READABLE_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
# What Pillow's decoders were seen to raise on damaged files.
_DECODE_ERRORS = (
    EOFError,
    IndexError,
    KeyError,
    MemoryError,
    OSError,
    OverflowError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
# warnings.catch_warnings changes the whole process and must not run twice at a time.
_opening = threading.Lock()


@dataclasses.dataclass(frozen=True)
class Picture:
    """A decoded picture, upright.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        alpha: (H, W) uint8 opacity, or None where the file has none.
        is_grey: the file holds one channel; `image` repeats it three times and writing reduces it again.
        icc_profile: the file's color profile, which still describes `image`, or None.
        exif: EXIF block without orientation, or None.
    """

    image: Uint8Array
    alpha: Uint8Array | None = None
    is_grey: bool = False
    icc_profile: bytes | None = None
    exif: bytes | None = None

    def with_image(self, image: Uint8Array) -> Picture:
        """The same picture with other samples: what enhancement returns."""
        return dataclasses.replace(self, image=image)


def read_picture(path: str | Path) -> Picture:
    """Read a picture file of any mode: RGB(A), grey, palette, 16 bits per sample, CMYK.

    Samples of 16 bits are rounded to 8; CMYK is converted to sRGB through its own profile where it carries one; of
    an animation the first frame is read.

    Raises:
        ImageError: the file is missing, no picture, damaged, too large or holds floating-point samples.
    """
    path = Path(path)
    try:
        with _open(path) as opened:
            return _decode(opened)
    except UnidentifiedImageError:
        raise ImageError(
            f"{path}: not a picture, by its content; expected one that can be read: {_listed(READABLE_SUFFIXES)}"
        ) from None
    except Image.DecompressionBombError:
        limit_mp = 2 * (Image.MAX_IMAGE_PIXELS or 0) // 1_000_000
        raise ImageError(f"{path}: larger than {limit_mp} megapixels; scale it down first") from None
    except _DECODE_ERRORS as error:
        # Only the system's own errors carry a number; Pillow raises bare OSErrors for damaged data.
        if isinstance(error, OSError) and error.errno is not None:
            raise ImageError(f"{path}: cannot be read ({error.strerror}); check the path") from error
        raise ImageError(f"{path}: damaged or unsupported picture file ({error}); get a fresh copy") from error


def write_picture(picture: Picture, path: str | Path, *, overwrite: bool = False) -> None:
    """Write a picture in the format of the path's suffix: whole under its final name, or not at all.

    Raises:
        ImageError: unknown suffix, or the format cannot hold the alpha channel.
        OutputError: the file exists and `overwrite` is False, or it cannot be written.
    """
    path = Path(path)
    check_free(path, overwrite=overwrite)
    write_file(path, encode_picture(picture, path.suffix), overwrite=overwrite)


def encode_picture(picture: Picture, suffix: str) -> bytes:
    """The bytes of a picture file in the format of `suffix` (".png", ".jpg", ...).

    Raises:
        ImageError: unknown suffix, or the format cannot hold the picture's alpha channel, size or EXIF.
    """
    file_format = _FORMATS.get(suffix.lower())
    if file_format is None:
        raise ImageError(f"cannot write '{suffix or 'no suffix'}'; expected one of {_listed(WRITABLE_SUFFIXES)}")
    if picture.alpha is not None and file_format in _NO_ALPHA:
        raise ImageError(f"{file_format} cannot hold this picture's transparency; write .png, .webp or .tif instead")
    options: dict[str, object] = {"format": file_format}
    if file_format == "JPEG":
        options |= {"quality": 95, "subsampling": "4:2:0"}
    elif file_format == "WEBP":
        options |= {"quality": 95}
    elif file_format == "TIFF":
        options |= {"compression": "tiff_deflate"}
    if picture.icc_profile and file_format != "BMP":
        options["icc_profile"] = picture.icc_profile
    if picture.exif and file_format in _KEEPS_EXIF:
        options["exif"] = picture.exif
    stream = io.BytesIO()
    try:
        _to_pillow(picture).save(stream, **options)  # type: ignore[arg-type]
    except (OSError, ValueError, struct.error) as error:
        height, width = picture.image.shape[:2]
        raise ImageError(f"{file_format} cannot hold this {width}x{height} picture ({error}); write .png") from error
    return stream.getvalue()


def make_exif(taken: datetime.datetime, software: str) -> bytes:
    """The EXIF block of a photo that is upright and was taken at a local time (with its offset, if it has one)."""
    exif = Image.Exif()
    text = taken.strftime("%Y:%m:%d %H:%M:%S")
    exif[ExifTags.Base.Orientation] = 1
    exif[ExifTags.Base.Software] = software
    exif[ExifTags.Base.DateTime] = text
    details = exif.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.DateTimeOriginal] = text
    if taken.tzinfo is not None:
        details[ExifTags.Base.OffsetTimeOriginal] = taken.isoformat()[-6:]
    return exif.tobytes()


def find_pictures(folder: str | Path) -> list[Path]:
    """The readable picture files directly inside a folder, sorted by name; hidden files are left out.

    Raises:
        ImageError: not a folder, or no picture in it.
    """
    folder = Path(folder)
    try:
        paths = sorted(
            path
            for path in folder.iterdir()
            if path.suffix.lower() in READABLE_SUFFIXES and not path.name.startswith(".") and path.is_file()
        )
    except FileNotFoundError:
        raise ImageError(f"{folder}: no such folder") from None
    except OSError as error:
        raise ImageError(
            f"{folder}: expected a folder of pictures, but it cannot be read ({error.strerror})"
        ) from error
    if not paths:
        raise ImageError(f"{folder}: no pictures in this folder; expected files ending in {_listed(READABLE_SUFFIXES)}")
    return paths


def match_pairs(low_folder: Path, high_folder: Path) -> list[tuple[Path, Path]]:
    """Every picture of one folder with the picture of the same name in the other.

    Raises:
        ImageError: a folder is missing or empty, or a picture has no partner.
    """
    low = find_pictures(low_folder)
    high = {path.name: path for path in find_pictures(high_folder)}
    for path in low:
        if path.name not in high:
            raise ImageError(f"{path}: no ground truth named {path.name} in {high_folder}")
    return [(path, high[path.name]) for path in low]


def warn_of_lossy(pairs: Iterable[tuple[Path, Path]]) -> list[str]:
    """The warning that figures computed from these files deserve, or none."""
    if any(path.suffix.lower() in _LOSSY_SUFFIXES for pair in pairs for path in pair):
        return ["lossy pairs: JPEG changes PSNR; compare lossless files"]
    return []


def _open(path: Path) -> Image.Image:
    with _opening, warnings.catch_warnings():
        # Pillow warns at 89 megapixels and refuses at twice that; only the refusal is for us.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return Image.open(path, formats=_READABLE_FORMATS)


def _decode(opened: Image.Image) -> Picture:
    exif_survives = opened.format in _KEEPS_EXIF
    if opened.mode == "F" or (opened.mode == "I" and opened.format == "TIFF"):
        raise ValueError("32 bits per sample; expected 8 or 16")
    opened.load()
    upright = _turn_upright(opened)
    exif = _read_exif(upright) if exif_survives else None
    icc_profile = upright.info.get("icc_profile")
    mode = upright.mode
    is_grey = mode in ("1", "L", "LA") or mode.startswith("I")
    alpha: Uint8Array | None = None
    if mode.startswith("I"):
        samples = np.asarray(upright)
        if "transparency" in upright.info:
            alpha = np.where(samples == upright.info["transparency"], 0, 255).astype(np.uint8)
        upright = Image.fromarray(_round_to_uint8(samples))
    elif mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in upright.info:
        upright = upright.convert("RGBA")
        alpha = np.array(upright.getchannel("A"))
    elif mode == "CMYK":
        upright = _convert_cmyk(upright, icc_profile)
        icc_profile = None
    return Picture(
        image=np.array(upright.convert("RGB")), alpha=alpha, is_grey=is_grey, icc_profile=icc_profile, exif=exif
    )


def _turn_upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except _DECODE_ERRORS:
        # The samples are sound, only the EXIF block is not: see _read_exif.
        return image


def _round_to_uint8(samples: npt.NDArray[np.generic]) -> Uint8Array:
    """16-bit grey to 8 bits: 65535 is 255 · 257, so dividing by 257 maps white to white."""
    clipped = np.clip(samples, 0, 65535).astype(np.uint32)
    rounded: Uint8Array = ((clipped + 128) // 257).astype(np.uint8)
    return rounded


def _convert_cmyk(image: Image.Image, icc_profile: bytes | None) -> Image.Image:
    if icc_profile:
        try:
            converted = ImageCms.profileToProfile(
                image,
                ImageCms.ImageCmsProfile(io.BytesIO(icc_profile)),
                ImageCms.createProfile("sRGB"),
                outputMode="RGB",
            )
        except (ImageCms.PyCMSError, OSError):
            # A damaged profile is no reason to refuse the photo: Pillow's plain formula is what viewers fall back to.
            converted = None
        if converted is not None:
            return converted
    return image.convert("RGB")


def _read_exif(image: Image.Image) -> bytes | None:
    try:
        exif = image.getexif()
        return exif.tobytes() if len(exif) else None
    except _DECODE_ERRORS:
        # EXIF written by cameras is often malformed; the photo matters more than its notes.
        return None


def _to_pillow(picture: Picture) -> Image.Image:
    image = Image.fromarray(picture.image)
    if picture.is_grey:
        image = image.convert("L")
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(picture.alpha))
    return image


def _listed(suffixes: frozenset[str]) -> str:
    return " ".join(sorted(suffixes))
