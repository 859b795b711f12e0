"""A `Picture` as the bytes of a file, with all that its format holds."""

from __future__ import annotations

import collections
import dataclasses
import io
import struct
from typing import Any

import numpy as np
from PIL import Image

from edge_dce.errors import ImageError
from edge_dce.files.formats import jpeg_segments, registry
from edge_dce.files.formats.coding import is_hdr, restore_coding
from edge_dce.files.formats.deep_png import encode_png, mix_grey
from edge_dce.files.formats.metadata import fit_exif
from edge_dce.files.formats.pillow_samples import convert_to_srgb
from edge_dce.files.formats.png_chunks import insert_chunks
from edge_dce.files.formats.registry import Format
from edge_dce.files.formats.tiff_writer import encode_tiff
from edge_dce.files.picture import Animation, Notes, Picture, Samples

DEFAULT_QUALITY = 95
_COMMENT = "Comment"
# What a file says of itself is the same whatever it shows.
_SMALLEST = Picture(np.zeros((1, 1, 3), np.uint8))


def encode_picture(picture: Picture, suffix: str, *, quality: int = DEFAULT_QUALITY) -> bytes:
    """The bytes of a picture file in the format of `suffix` (".png", ".jpg", ...).

    PNG and TIFF keep 16 bits; for other formats samples are rounded to 8.

    Args:
        quality: of JPEG and WebP, from 1 to 100.

    Raises:
        ImageError: unknown suffix, or the format cannot hold the picture's alpha channel or size.
    """
    return encode_and_list(picture, suffix, quality=quality)[0]


def encode_and_list(
    picture: Picture, suffix: str, *, quality: int = DEFAULT_QUALITY
) -> tuple[bytes, collections.Counter[str]]:
    """What `encode_picture` and `list_left_out` return, with the work that both need done once. Raises as they do."""
    target = _find_format(suffix)
    fitted, left_out = _fit(picture, target)
    try:
        return _ENCODERS[target](fitted, quality), left_out
    except (OSError, OverflowError, RuntimeError, ValueError, struct.error) as error:
        height, width = picture.image.shape[:2]
        raise ImageError(f"{target.name} cannot hold this {width}x{height} picture ({error}); write .png") from error


def list_left_out(picture: Picture, suffix: str) -> collections.Counter[str]:
    """What of a picture's file is not in one of `suffix`, by kind, and how often.

    Raises:
        ImageError: unknown suffix, or the format cannot hold the picture's alpha channel.
    """
    return _fit(picture, _find_format(suffix))[1]


def _find_format(suffix: str) -> Format:
    target = registry.find_writer(suffix)
    if target is None:
        expected = registry.list_suffixes(registry.WRITABLE_SUFFIXES)
        raise ImageError(f"cannot write '{suffix or 'no suffix'}'; expected one of {expected}")
    return target


def _fit(picture: Picture, target: Format) -> tuple[Picture, collections.Counter[str]]:
    """The picture with what the format holds, and what it does not."""
    holds = target.holds or frozenset()
    left_out = picture.left_out.copy()
    if registry.FRAMES not in holds and picture.animation is not None:
        left_out[registry.FRAMES] = len(picture.animation.further)
        picture = dataclasses.replace(picture, animation=None)
    if registry.ALPHA not in holds and picture.alpha is not None:
        if np.any(picture.alpha != np.iinfo(picture.alpha.dtype).max):
            raise ImageError(
                f"{target.name} cannot hold this picture's transparency; write .png, .webp or .tif instead"
            )
        picture = dataclasses.replace(picture, alpha=None)
    if registry.HDR not in holds and picture.cicp is not None:
        left_out[registry.HDR] = int(is_hdr(picture))
        picture = dataclasses.replace(picture, cicp=None)
    if registry.DEPTH not in holds or picture.animation is not None:
        # Pillow writes the frames.
        picture = _round(picture)
    if registry.PROFILE not in holds and picture.icc_profile:
        picture = dataclasses.replace(
            picture, image=convert_to_srgb(picture.rounded().image, picture.icc_profile), icc_profile=None
        )
    notes, exif = _fit_notes(picture, target, left_out)
    return dataclasses.replace(picture, notes=notes, exif=exif), +left_out


def _round(picture: Picture) -> Picture:
    animation = picture.animation
    if animation is not None:
        frames = [Picture(image, alpha).rounded() for image, alpha in animation.further]
        further = tuple((frame.image, frame.alpha) for frame in frames)
        animation = dataclasses.replace(animation, further=further)
    return dataclasses.replace(picture.rounded(), animation=animation)


def _fit_notes(picture: Picture, target: Format, left_out: collections.Counter[str]) -> tuple[Notes, bytes | None]:
    holds = target.holds or frozenset()
    notes = picture.notes
    is_jpeg = target is registry.JPEG
    exif = fit_exif(picture, has_thumbnail=target is not registry.TIFF) if registry.EXIF in holds else None
    if is_jpeg and exif and not jpeg_segments.fits(exif):
        exif = fit_exif(picture, has_thumbnail=False)
        exif = exif if exif and jpeg_segments.fits(exif) else None
    xmp, iptc = (
        content if kind in holds and not (is_jpeg and content and not jpeg_segments.fits(content)) else None
        for kind, content in ((registry.XMP, notes.xmp), (registry.IPTC, notes.iptc))
    )
    resolution_dpi = notes.resolution_dpi if registry.RESOLUTION in holds else None
    texts = notes.texts if registry.TEXT in holds else ()
    if is_jpeg:
        texts = tuple(entry for entry in texts if entry[0] == _COMMENT and len(entry[1].encode()) < 65000)[:1]
    tiff_tags = notes.tiff_tags if registry.TIFF_TAGS in holds else ()
    left_out[registry.TIFF_TAGS] += len(notes.tiff_tags) - len(tiff_tags)
    left_out[registry.EXIF] = int(bool(picture.exif) and exif is None)
    left_out[registry.XMP] = int(bool(notes.xmp) and xmp is None)
    left_out[registry.IPTC] = int(bool(notes.iptc) and iptc is None)
    left_out[registry.RESOLUTION] = int(notes.resolution_dpi is not None and resolution_dpi is None)
    left_out[registry.TEXT] = len(notes.texts) - len(texts)
    return Notes(xmp=xmp, iptc=iptc, resolution_dpi=resolution_dpi, texts=texts, tiff_tags=tiff_tags), exif


def _encode_png(picture: Picture, _: int) -> bytes:
    animation = picture.animation
    # Of frames Pillow writes 8 bits, which are too few for other transfer functions.
    coded = restore_coding(picture) if animation is None else dataclasses.replace(picture, cicp=None, gamma=None)
    has_profile = coded.image is picture.image and coded.gamma is None
    picture = coded
    if picture.image.dtype == np.uint16:
        data = encode_png(_stack(picture))
    else:
        options: dict[str, Any] = {"format": "PNG"}
        if animation is not None:
            options |= _list_frames(animation)
        data = _save(picture, options)
    notes = picture.notes
    return insert_chunks(
        data,
        cicp=picture.cicp,
        gamma=picture.gamma,
        icc_profile=picture.icc_profile if has_profile else None,
        resolution_dpi=notes.resolution_dpi,
        exif=picture.exif,
        xmp=notes.xmp,
        texts=notes.texts,
    )


def _encode_jpeg(picture: Picture, quality: int) -> bytes:
    notes = picture.notes
    kept = _select(icc_profile=picture.icc_profile, exif=picture.exif)
    options = {"format": "JPEG", "quality": quality, "subsampling": "4:2:0", **kept}
    if notes.texts:
        options["comment"] = notes.texts[0][1].encode()
    if notes.resolution_dpi is not None:
        # JFIF has whole numbers of 16 bits.
        options["dpi"] = tuple(min(max(round(dpi), 1), 65535) for dpi in notes.resolution_dpi)
    strips = picture.strips
    joined = None
    if strips is not None and strips.image is picture.image and strips.quality == quality and not picture.is_grey:
        joined = strips.join(_save(_SMALLEST, options))
    return jpeg_segments.insert_segments(joined or _save(picture, options), xmp=notes.xmp, iptc=notes.iptc)


def _encode_webp(picture: Picture, quality: int) -> bytes:
    kept = _select(icc_profile=picture.icc_profile, exif=picture.exif, xmp=picture.notes.xmp)
    frames = _list_frames(picture.animation) if picture.animation is not None else {}
    return _save(picture, {"format": "WEBP", "quality": quality, **kept, **frames})


def _encode_tiff(picture: Picture, _: int) -> bytes:
    notes = picture.notes
    if picture.alpha is not None and picture.image.dtype == np.uint16:
        # Grey with alpha of 16 bits is what Pillow and OpenCV do not read from a TIFF.
        picture = dataclasses.replace(picture, is_grey=False)
    return encode_tiff(
        _stack(picture),
        icc_profile=picture.icc_profile,
        exif=picture.exif,
        others=notes.tiff_tags,
        xmp=notes.xmp,
        iptc=notes.iptc,
        resolution_dpi=notes.resolution_dpi,
    )


def _encode_bmp(picture: Picture, _: int) -> bytes:
    return _save(picture, {"format": "BMP", **_select(dpi=picture.notes.resolution_dpi)})


_ENCODERS = {
    registry.BMP: _encode_bmp,
    registry.JPEG: _encode_jpeg,
    registry.PNG: _encode_png,
    registry.TIFF: _encode_tiff,
    registry.WEBP: _encode_webp,
}


def _select(**options: object) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value}


def _save(picture: Picture, options: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    _to_pillow(picture.image, picture.alpha, is_grey=picture.is_grey).save(stream, **options)
    return stream.getvalue()


def _list_frames(animation: Animation) -> dict[str, Any]:
    frames = [_to_pillow(image, alpha, is_grey=False) for image, alpha in animation.further]
    return {
        "save_all": True,
        "append_images": frames,
        "duration": list(animation.durations_ms),
        "loop": animation.loops,
    }


def _to_pillow(pixels: Samples, alpha: Samples | None, *, is_grey: bool) -> Image.Image:
    image = Image.fromarray(np.ascontiguousarray(pixels))
    if is_grey:
        image = image.convert("L")
    if alpha is not None:
        image.putalpha(Image.fromarray(np.ascontiguousarray(alpha)))
    return image


def _stack(picture: Picture) -> Any:
    """(H, W, C): grey, grey with alpha, RGB or RGBA."""
    colors: Any = mix_grey(picture.image) if picture.is_grey else picture.image
    return colors if picture.alpha is None else np.concatenate([colors, picture.alpha[..., np.newaxis]], axis=2)
