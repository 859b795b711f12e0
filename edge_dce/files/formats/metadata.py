"""What files say about a picture, made true of the new one: EXIF and XMP.

Formats: EXIF 2.32 (CIPA DC-008); XMP specification, part 2.
"""

from __future__ import annotations

import datetime
import io
import re
import struct
import zlib

import numpy as np
from PIL import ExifTags, Image

from edge_dce.files.picture import Picture

# What Pillow's decoders were seen to raise on damaged files.
DECODE_ERRORS = (
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
# And when it writes again what it read of damaged EXIF.
_EXIF_ERRORS = (*DECODE_ERRORS, AttributeError)
_ORIENTATION = 0x0112
_WIDTH, _HEIGHT = 0xA002, 0xA003
_THUMBNAIL_PX = 160
# What is in the first directory of a TIFF and says something of the picture rather than of the file.
DESCRIPTIVE_TAGS = frozenset(
    {
        *(269, 270, 271, 272, 285, 305, 306, 315, 316, 33432),
        *(0x4746, 0x4749, 0x9C9B, 0x9C9C, 0x9C9D, 0x9C9E, 0x9C9F),
        *(ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo),
    }
)
# Parts of XMP that speak of what is no longer there.
_STALE_XMP = (
    (rb'(tiff:Orientation\s*=\s*["\'])\d(["\'])', rb"\g<1>1\2"),
    (rb"(<tiff:Orientation>)\d(</tiff:Orientation>)", rb"\g<1>1\2"),
    (rb'\s(hdrgm:\w+|GCamera:(?:MotionPhoto|MicroVideo)\w*|xmpNote:HasExtendedXMP)\s*=\s*("[^"]*"|\'[^\']*\')', b""),
    (rb"<((?:Container|GContainer):Directory)\b.*?</\1>", b""),
    (rb"<(hdrgm:\w+|GCamera:(?:MotionPhoto|MicroVideo)\w*)\b[^>]*>.*?</\1>", b""),
)


def make_exif(taken: datetime.datetime, software: str) -> bytes:
    """The EXIF block of a photo that is upright and was taken at a local time (with its offset, if it has one)."""
    exif = Image.Exif()
    text = taken.strftime("%Y:%m:%d %H:%M:%S")
    exif[ExifTags.Base.Orientation] = 1
    exif[ExifTags.Base.Software] = software
    exif[ExifTags.Base.DateTime] = text
    details: dict[int, str] = {ExifTags.Base.DateTimeOriginal: text}
    if taken.tzinfo is not None:
        details[ExifTags.Base.OffsetTimeOriginal] = taken.isoformat()[-6:]
    # Pillow 10 forgets what is put into `get_ifd`.
    exif[ExifTags.IFD.Exif] = details
    return exif.tobytes()


def load_exif(block: bytes) -> Image.Exif | None:
    """An EXIF block, or a whole TIFF, of which the first directory counts; None for a damaged one.

    EXIF that cameras write is often malformed; the photo matters more than its notes.
    """
    exif = Image.Exif()
    try:
        exif.load(block)
        for directory in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
            if directory in exif:
                exif.get_ifd(directory)
    except _EXIF_ERRORS:
        return None
    return exif


def read_orientation(exif: Image.Exif | None) -> int:
    """1 to 8 as in EXIF; 1, upright, where there is none that can be read."""
    try:
        orientation = int(exif.get(_ORIENTATION, 1)) if exif is not None else 1
    except (TypeError, ValueError):
        return 1
    return orientation if 1 <= orientation <= 8 else 1


def keep_exif(exif: Image.Exif | None, *, is_of_tiff: bool = False) -> bytes | None:
    """The block to keep of what a file says: without an orientation that was applied.

    Of a TIFF it goes without what describes the file, too.
    """
    if exif is None:
        return None
    for tag in list(exif):
        if (tag == _ORIENTATION and exif[tag] != 1) or (is_of_tiff and tag not in DESCRIPTIVE_TAGS):
            del exif[tag]
    try:
        thumbnail = None if is_of_tiff else exif.get_ifd(ExifTags.IFD.IFD1)
        # Pillow leaves the old one out.
        return _append_thumbnail(exif.tobytes(), b"") if thumbnail else exif.tobytes() if len(exif) else None
    except _EXIF_ERRORS:
        return None


def fit_exif(picture: Picture, *, has_thumbnail: bool = True) -> bytes | None:
    """The EXIF block of a picture with its width and height, and a new thumbnail where it had one."""
    exif = load_exif(picture.exif) if picture.exif else None
    if exif is None:
        return None
    height, width = picture.image.shape[:2]
    details = exif.get_ifd(ExifTags.IFD.Exif) if ExifTags.IFD.Exif in exif else {}
    for tag, size in ((_WIDTH, width), (_HEIGHT, height)):
        if tag in details:
            details[tag] = size
    try:
        had_thumbnail = bool(exif.get_ifd(ExifTags.IFD.IFD1))
        block = exif.tobytes()
    except _EXIF_ERRORS:
        return None
    return _append_thumbnail(block, _make_thumbnail(picture)) if had_thumbnail and has_thumbnail else block


def keep_xmp(packet: bytes | None) -> bytes | None:
    """An XMP packet without the orientation, gain map and motion photo that are applied or left out."""
    if not packet:
        return None
    for stale, kept in _STALE_XMP:
        packet = re.sub(stale, kept, packet, flags=re.DOTALL)
    return packet


def _make_thumbnail(picture: Picture) -> bytes:
    image = Image.fromarray(np.ascontiguousarray(picture.rounded().image))
    image.thumbnail((_THUMBNAIL_PX, _THUMBNAIL_PX))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=80)
    return stream.getvalue()


def _append_thumbnail(block: bytes, thumbnail: bytes) -> bytes:
    """An EXIF block, which has one directory, with a second one: of a thumbnail, or of none yet."""
    head = b"Exif\0\0"
    data = block.removeprefix(head)
    order = "<" if data[:2] == b"II" else ">"
    data += b"\0" * (len(data) % 2)
    (first,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, first)
    link = first + 2 + 12 * count
    entries = [(259, 3, 6), (513, 4, 0), (514, 4, len(thumbnail))]
    size = 2 + 12 * len(entries) + 4
    directory = struct.pack(f"{order}H", len(entries))
    for tag, kind, value in entries:
        number = value if tag != 513 else len(data) + size
        directory += struct.pack(f"{order}HHI", tag, kind, 1)
        directory += struct.pack(f"{order}H2x" if kind == 3 else f"{order}I", number)
    return (
        head + data[:link] + struct.pack(f"{order}I", len(data)) + data[link + 4 :] + directory + bytes(4) + thumbnail
    )
