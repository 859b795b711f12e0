"""JPEG, PNG, WebP, GIF, BMP, PPM and AVIF, by Pillow.

Of PNG and PPM with 16 bits Pillow has the upper 8 only: OpenCV and we read those.
"""

from __future__ import annotations

import collections
import dataclasses
import io
import re

import numpy as np
from PIL import Image

from edge_dce.errors import ImageError
from edge_dce.files.formats import deep_png, jpeg_segments, metadata
from edge_dce.files.formats.coding import Coding, read_code_points_beside_profile, show
from edge_dce.files.formats.iso_boxes import read_properties
from edge_dce.files.formats.limits import check_size
from edge_dce.files.formats.pillow_samples import has_avif, open_picture, read_raw_mode, read_samples
from edge_dce.files.formats.png_chunks import XMP_KEYWORD, read_coding
from edge_dce.files.picture import Animation, Notes, Picture, Samples, Uint16Array

# ImageMagick writes EXIF as text, and Pillow reads it as EXIF.
_NO_TEXTS = frozenset({XMP_KEYWORD, "Raw profile type exif", "Raw profile type APP1"})
_MOTION = re.compile(rb"""GCamera:(?:MotionPhoto|MicroVideo)(?:\s*=\s*["']|>)1""")
# Names by which Android, Apple and ISO 21496-1 call a gain map.
_GAIN_MAPS = (b"hdrgm:Version", b"aux:hdrgainmap", b"urn:iso:std:iso:ts:21496:-1")
# How long browsers show a frame that says nothing.
_DEFAULT_MS = 100
_X_RESOLUTION = 282


def read_by_pillow(data: bytes) -> Picture:
    """Read a picture file.

    Raises:
        ImageError: its samples mean what is not understood, or it is too large.
        Others as `open_picture`.
    """
    if data[4:12] in (b"ftypavif", b"ftypavis") and not has_avif():
        raise ImageError("AVIF needs Pillow 11.3 or newer; run: pip install --upgrade pillow")
    with open_picture(io.BytesIO(data)) as opened:
        frames = getattr(opened, "n_frames", 1)
        # Those of a phone's JPEG are other pictures: a gain map, a second view.
        moves = frames > 1 and opened.format in ("AVIF", "GIF", "PNG", "WEBP")
        check_size(opened.width, opened.height, frames if moves else 1)
        return _read(opened, data, frames, moves=moves)


def _read(opened: Image.Image, data: bytes, frames: int, *, moves: bool) -> Picture:
    raw_mode = read_raw_mode(opened)
    first = 0
    if moves and opened.info.get("default_image"):
        # A PNG may begin with a picture for those who do not see it move.
        first = 1
        opened.seek(1)
    picture = read_samples(opened)
    deep = None if moves else _read_deep(opened, data, raw_mode)
    if deep is not None:
        image, alpha = deep
        is_grey = picture.is_grey or raw_mode.startswith("LA;16")
        picture = dataclasses.replace(picture, image=image, alpha=alpha, is_grey=is_grey)
    coding, bits_lost = _read_coding(opened, data, picture, raw_mode)
    exif = _read_exif(opened)
    orientation = metadata.read_orientation(exif)
    notes = _read_notes(opened, data, exif)
    left_out = _list_left_out(data, notes.xmp or b"", 0 if moves else frames - 1)
    left_out["still picture"] = first
    left_out["bits beyond 8"] = int(bits_lost)
    if moves:
        picture = _add_frames(picture, opened, range(first, frames))
    picture = dataclasses.replace(
        picture,
        exif=metadata.keep_exif(exif),
        notes=dataclasses.replace(notes, xmp=metadata.keep_xmp(notes.xmp)),
        left_out=+left_out,
    )
    return show(picture.turned_upright(orientation), coding)


def _list_left_out(data: bytes, xmp: bytes, further: int) -> collections.Counter[str]:
    """What phones put behind the picture of a JPEG."""
    has_gain_map = any(name in data for name in _GAIN_MAPS) and data[:2] == b"\xff\xd8"
    return collections.Counter(
        {
            "gain map": int(has_gain_map),
            "further pictures": max(0, further - int(has_gain_map)),
            "motion photo's video": int(_MOTION.search(xmp) is not None),
            "extended XMP": int(b"xmpNote:HasExtendedXMP" in xmp),
        }
    )


def _read_coding(opened: Image.Image, data: bytes, picture: Picture, raw_mode: str) -> tuple[Coding, bool]:
    """How samples are coded, and whether they had more bits than Pillow decodes."""
    if opened.format == "AVIF":
        properties = read_properties(data)
        return read_code_points_beside_profile(*properties.cicp, picture.icc_profile), properties.bits > 8
    is_shallow = picture.image.dtype == np.uint8
    # BMP calls 16 what three channels have together.
    had_more = ";16" in raw_mode and opened.format != "BMP"
    return read_coding(data) if opened.format == "PNG" else Coding(), is_shallow and had_more


def _read_deep(opened: Image.Image, data: bytes, raw_mode: str) -> tuple[Samples, Samples | None] | None:
    """Colors and alpha in 16 bits, where Pillow has more than one channel and only the upper bytes.

    None where OpenCV takes the file for something else.
    """
    if opened.format == "PPM" and opened.mode == "RGB":
        return _read_deep_ppm(data)
    if ";16" not in raw_mode or opened.mode.startswith("I"):
        return None
    samples = deep_png.decode(data)
    if samples is None:
        return None
    image, alpha = samples[..., :3], samples[..., 3] if samples.shape[2] == 4 else None
    shallow = np.asarray(opened.convert("RGB"))
    if image.shape != shallow.shape or np.any((image >> 8) != shallow):
        return None
    return np.ascontiguousarray(image), alpha


def _read_deep_ppm(data: bytes) -> tuple[Uint16Array, None] | None:
    separator = rb"(?:\s|#[^\n]*\n)+"
    header = re.match(rb"P6" + 3 * (separator + rb"(\d+)") + rb"\s", data[:4096])
    if header is None:
        return None
    width, height, white = (int(number) for number in header.groups())
    if not 255 < white <= 65535:
        return None
    samples = np.frombuffer(data, ">u2", height * width * 3, header.end()).astype(np.uint32)
    scaled: Uint16Array = (np.minimum(samples, white) * 65535 // white).astype(np.uint16)
    return scaled.reshape(height, width, 3), None


def _add_frames(picture: Picture, opened: Image.Image, frames: range) -> Picture:
    """The picture with the frames behind its first; all have alpha if one has."""
    durations_ms, read = [_read_duration(opened)], [(picture.image, picture.alpha)]
    for number in frames[1:]:
        opened.seek(number)
        frame = read_samples(opened)
        durations_ms.append(_read_duration(opened))
        read.append((frame.image, frame.alpha))
    if any(alpha is not None for _, alpha in read):
        read = [(image, np.full(image.shape[:2], 255, np.uint8) if alpha is None else alpha) for image, alpha in read]
    # A GIF that does not say how often is shown once.
    loops = int(opened.info.get("loop", 1 if opened.format == "GIF" else 0))
    animation = Animation(tuple(durations_ms), tuple(read[1:]), loops)
    return dataclasses.replace(picture, image=read[0][0], alpha=read[0][1], is_grey=False, animation=animation)


def _read_duration(opened: Image.Image) -> int:
    return round(float(opened.info.get("duration") or _DEFAULT_MS))


def _read_exif(opened: Image.Image) -> Image.Exif | None:
    try:
        return opened.getexif()
    except metadata.DECODE_ERRORS:
        return None


def _read_notes(opened: Image.Image, data: bytes, exif: Image.Exif | None) -> Notes:
    info = opened.info
    xmp, iptc = info.get("xmp"), None
    texts: list[tuple[str, str]] = []
    if opened.format in ("JPEG", "MPO"):
        xmp, iptc = jpeg_segments.find_xmp(data), jpeg_segments.find_iptc(data)
    elif opened.format == "PNG":
        told = dict(getattr(opened, "text", {}))
        xmp = str(told[XMP_KEYWORD]).encode() if XMP_KEYWORD in told else None
        texts = [(str(key), str(text)) for key, text in told.items() if key not in _NO_TEXTS]
    if isinstance(info.get("comment"), bytes):
        texts.append(("Comment", info["comment"].decode("utf-8", "replace")))
    return Notes(
        xmp=xmp if isinstance(xmp, bytes) else None,
        iptc=iptc,
        resolution_dpi=_read_resolution(opened, exif),
        texts=tuple(texts),
    )


def _read_resolution(opened: Image.Image, exif: Image.Exif | None) -> tuple[float, float] | None:
    # Pillow makes one up for a JPEG that tells none.
    is_told = opened.format not in ("JPEG", "MPO") or opened.info.get("jfif_unit") or _X_RESOLUTION in (exif or {})
    told = opened.info.get("dpi") if is_told else None
    if not isinstance(told, tuple) or len(told) != 2:
        return None
    across, down = float(told[0]), float(told[1])
    return (across, down) if 0 < across < 1e6 and 0 < down < 1e6 else None
