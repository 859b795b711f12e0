"""Picture files to RGB arrays and back, losing nothing that the picture carried.

A photo is more than its RGB samples: orientation is applied on reading, alpha, greyness, the ICC profile and EXIF
travel beside the samples in a `Picture` and are written back. PNG and TIFF of 16 bits keep them, see
`edge_dce.files.deep_pictures`. This is the only module that imports Pillow.
"""

from __future__ import annotations

import dataclasses
import datetime
import io
import struct
import threading
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageCms, ImageOps, UnidentifiedImageError

from edge_dce.errors import ImageError
from edge_dce.files import deep_pictures
from edge_dce.files.output import check_free, write_file

Uint8Array = npt.NDArray[np.uint8]
Uint16Array = npt.NDArray[np.uint16]
Samples = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]

READABLE_SUFFIXES = frozenset(
    {".avif", ".bmp", ".gif", ".heic", ".heif", ".hif", ".jfif", ".jpe", ".jpeg", ".jpg"}
    | {".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"}
)
_FORMATS = {
    ".bmp": "BMP",
    ".jfif": "JPEG",
    ".jpe": "JPEG",
    ".jpeg": "JPEG",
    ".jpg": "JPEG",
    ".png": "PNG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
}
WRITABLE_SUFFIXES = frozenset(_FORMATS)
DEFAULT_QUALITY = 95
_KEEPS_16_BITS = frozenset({"PNG", "TIFF"})
_NO_ALPHA = frozenset({"BMP", "JPEG"})
_ORIENTATION = 0x0112
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
        image: (H, W, 3) RGB, uint8, or uint16 for a file of 16 bits per sample.
        alpha: (H, W) opacity of the image's type, or None where the file has none.
        is_grey: the file holds one channel; `image` repeats it three times and writing reduces it again.
        icc_profile: the file's color profile, which still describes `image`, or None.
        exif: EXIF block without orientation, or None.
    """

    image: Samples
    alpha: Samples | None = None
    is_grey: bool = False
    icc_profile: bytes | None = None
    exif: bytes | None = None

    def with_image(self, image: Samples) -> Picture:
        """The same picture with other samples of the same type: what enhancement returns."""
        return dataclasses.replace(self, image=image)

    def rounded(self) -> Picture:
        """The same picture with 8 bits per sample."""
        if self.image.dtype == np.uint8:
            return self
        alpha = None if self.alpha is None else _round_to_uint8(self.alpha)
        return dataclasses.replace(self, image=_round_to_uint8(self.image), alpha=alpha)


def read_picture(path: str | Path) -> Picture:
    """Read a picture file of any mode: RGB(A), grey, palette, 16 bits per sample, CMYK.

    PNG, TIFF and grey PGM of 16 bits keep them; CMYK is converted to sRGB through its own profile where it carries
    one; of an animation the first frame is read.

    Raises:
        ImageError: the file is missing, no picture, damaged, too large or holds floating-point samples.
    """
    path = Path(path)
    try:
        with _open(path) as opened:
            return _decode(opened, path)
    except UnidentifiedImageError:
        raise ImageError(
            f"{path}: its content is not a picture; expected one of: {list_suffixes(READABLE_SUFFIXES)}"
        ) from None
    except Image.DecompressionBombError:
        limit_mp = 2 * (Image.MAX_IMAGE_PIXELS or 0) // 1_000_000
        raise ImageError(f"{path}: larger than {limit_mp} megapixels; make it smaller first") from None
    except _DECODE_ERRORS as error:
        # Only the system's own errors carry a number; Pillow raises bare OSErrors for damaged data.
        if isinstance(error, OSError) and error.errno is not None:
            raise ImageError(f"{path}: cannot be read ({error.strerror}); check the path") from error
        raise ImageError(f"{path}: damaged or unsupported picture file ({error}); get a fresh copy") from error


def read_image(path: str | Path) -> Uint8Array:
    """The samples of a picture file in 8 bits, (H, W, 3) RGB: what networks are trained, calibrated and scored on.

    Raises as `read_picture`.
    """
    image: Uint8Array = read_picture(path).rounded().image.astype(np.uint8, copy=False)
    return image


def count_pixels(path: str | Path) -> int:
    """How many pixels a picture file says it has, without decoding it; 0 where reading it will fail."""
    try:
        with _open(Path(path)) as opened:
            return opened.width * opened.height
    except (Image.DecompressionBombError, *_DECODE_ERRORS):
        return 0


def write_picture(
    picture: Picture, path: str | Path, *, overwrite: bool = False, quality: int = DEFAULT_QUALITY
) -> None:
    """Write a picture in the format of the path's suffix: whole under its final name, or not at all.

    Args:
        quality: of JPEG and WebP, from 1 to 100.

    Raises:
        ImageError: unknown suffix, or the format cannot hold the alpha channel.
        OutputError: the file exists and `overwrite` is False, or it cannot be written.
    """
    path = Path(path)
    check_free(path, overwrite=overwrite)
    write_file(path, encode_picture(picture, path.suffix, quality=quality), overwrite=overwrite)


def encode_picture(picture: Picture, suffix: str, *, quality: int = DEFAULT_QUALITY) -> bytes:
    """The bytes of a picture file in the format of `suffix` (".png", ".jpg", ...).

    PNG and TIFF keep 16 bits; for other formats samples are rounded to 8.

    Raises:
        ImageError: unknown suffix, or the format cannot hold the picture's alpha channel, size or EXIF.
    """
    file_format = _FORMATS.get(suffix.lower())
    if file_format is None:
        raise ImageError(f"cannot write '{suffix or 'no suffix'}'; expected one of {list_suffixes(WRITABLE_SUFFIXES)}")
    if picture.alpha is not None and file_format in _NO_ALPHA:
        raise ImageError(f"{file_format} cannot hold this picture's transparency; write .png, .webp or .tif instead")
    if picture.image.dtype == np.uint16 and file_format in _KEEPS_16_BITS:
        return _encode_deep(picture, file_format)
    picture = picture.rounded()
    options: dict[str, object] = {"format": file_format}
    if file_format == "JPEG":
        options |= {"quality": quality, "subsampling": "4:2:0"}
    elif file_format == "WEBP":
        options |= {"quality": quality}
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


def _open(path: Path) -> Image.Image:
    with _opening, warnings.catch_warnings():
        # Pillow warns at 89 megapixels and refuses at twice that; only the refusal is for us.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return Image.open(path, formats=_READABLE_FORMATS)


def _decode(opened: Image.Image, path: Path) -> Picture:
    exif_survives = opened.format in _KEEPS_EXIF
    if opened.mode == "F" or (opened.mode == "I" and opened.format == "TIFF"):
        raise ValueError("32 bits per sample; expected 8 or 16")
    raw_mode = _read_raw_mode(opened)
    orientation = _read_orientation(opened)
    opened.load()
    upright = _turn_upright(opened)
    exif = _read_exif(upright) if exif_survives else None
    icc_profile = upright.info.get("icc_profile")
    is_grey = upright.mode in ("1", "L", "LA") or upright.mode.startswith("I") or raw_mode.startswith("LA;16")
    if upright.mode == "CMYK":
        upright, icc_profile = _convert_cmyk(upright, icc_profile), None
    deep = _read_deep(path, orientation, upright) if ";16" in raw_mode else None
    image, alpha = _read_samples(upright) if deep is None else deep
    return Picture(image, alpha, is_grey=is_grey, icc_profile=icc_profile, exif=exif)


def _read_samples(upright: Image.Image) -> tuple[Samples, Samples | None]:
    """Colors and alpha as Pillow has them: 8 bits, or 16 of a single channel."""
    transparent = upright.info.get("transparency")
    if upright.mode.startswith("I"):
        samples = np.clip(np.asarray(upright), 0, 65535).astype(np.uint16)
        opacity = None if transparent is None else np.where(samples == transparent, 0, 65535).astype(np.uint16)
        return np.repeat(samples[..., np.newaxis], 3, axis=2), opacity
    alpha = None
    if upright.mode in ("LA", "La", "PA", "RGBA", "RGBa") or transparent is not None:
        upright = upright.convert("RGBA")
        alpha = np.array(upright.getchannel("A"))
    return np.array(upright.convert("RGB")), alpha


def _read_raw_mode(opened: Image.Image) -> str:
    """How samples are stored, in Pillow's words, such as "RGB;16B"; empty where it does not tell."""
    tiles: Any = getattr(opened, "tile", None)
    # By place: its parts have names from Pillow 11 on only, and Debian 12 has 9.4.
    arguments = tiles[0][3] if tiles else ""
    first = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return first if isinstance(first, str) else ""


def _read_deep(path: Path, orientation: int, upright: Image.Image) -> tuple[Samples, Samples | None] | None:
    """Colors and alpha in 16 bits, where Pillow has more than one channel and only the upper bytes.

    None where OpenCV takes the file for something else, as it does where colors are multiplied by alpha.
    """
    if upright.mode.startswith("I"):
        return None
    stored = deep_pictures.decode(path.read_bytes())
    if stored is None:
        return None
    deep = deep_pictures.turn_upright(stored, orientation)
    image, alpha = deep[..., :3], deep[..., 3] if deep.shape[2] == 4 else None
    shallow = np.asarray(upright.convert("RGB"))
    if image.shape != shallow.shape or np.any((image >> 8) != shallow):
        return None
    return np.ascontiguousarray(image), alpha


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


def _read_orientation(image: Image.Image) -> int:
    """1 to 8 as in EXIF; 1, upright, where there is none that can be read."""
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except _DECODE_ERRORS:
        return 1


def _read_exif(image: Image.Image) -> bytes | None:
    try:
        exif = image.getexif()
        return exif.tobytes() if len(exif) else None
    except _DECODE_ERRORS:
        # EXIF written by cameras is often malformed; the photo matters more than its notes.
        return None


def _encode_deep(picture: Picture, file_format: str) -> bytes:
    image: Any = picture.image
    alpha: Any = picture.alpha
    # Pillow cannot read a TIFF of grey with alpha back.
    if picture.is_grey and (alpha is None or file_format == "PNG"):
        image = deep_pictures.mix_grey(image)
    samples = image if alpha is None else np.concatenate([image, alpha[..., np.newaxis]], axis=2)
    if file_format == "PNG":
        return deep_pictures.encode_png(samples, icc_profile=picture.icc_profile, exif=picture.exif)
    return deep_pictures.encode_tiff(samples, icc_profile=picture.icc_profile)


def _to_pillow(picture: Picture) -> Image.Image:
    image = Image.fromarray(picture.image)
    if picture.is_grey:
        image = image.convert("L")
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(picture.alpha))
    return image


def list_suffixes(suffixes: frozenset[str]) -> str:
    """For messages."""
    return " ".join(sorted(suffixes))
