"""The segments of a JPEG file, above all those that hold XMP and IPTC.

Formats: ITU-T T.81, annex B; XMP specification, part 3; IPTC-IIM in Photoshop's image resources.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

# The header of the samples, which are coded behind it.
SCAN = 0xDA
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_PHOTOSHOP = b"Photoshop 3.0\0"
_IPTC_RESOURCE = 0x0404
# The length of a segment counts its own two bytes.
MOST_BYTES = 65533
# Before a segment, and before the samples.
_MOST_FILL_BYTES, _MOST_SEGMENTS = 1024, 10_000


def check_segments(file: BinaryIO) -> None:
    """Look at what comes before a JPEG's samples: Pillow would read bytes without meaning one by one, however many.

    The file is at its beginning before and afterwards.

    Raises:
        ValueError: more fill bytes, or more segments, than any program writes.
    """
    at, segments = 2, 0
    is_jpeg = file.read(2) == b"\xff\xd8"
    while is_jpeg:
        file.seek(at)
        read = file.read(_MOST_FILL_BYTES + 4)
        fill_bytes = len(read) - len(read.lstrip(b"\xff\0"))
        if fill_bytes > _MOST_FILL_BYTES or segments > _MOST_SEGMENTS:
            raise ValueError("truncated or damaged: segments without content")
        marker, size = struct.unpack_from(">BH", read[fill_bytes:].ljust(3, b"\0"))
        if not fill_bytes or marker in (0, 0xD9, 0xDA):
            break
        at += fill_bytes + 1 + (0 if 0xD0 <= marker <= 0xD8 else max(size, 2))
        segments += 1
    file.seek(0)


def walk_segments(data: bytes) -> Iterator[tuple[int, slice]]:
    """Marker and place, marker included, of every segment; the header of the samples is the last."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, size = struct.unpack_from(">xBH", data, at)
        if marker == 0xFF:
            # Fill bytes may precede a marker.
            at += 1
            continue
        yield marker, slice(at, at + 2 + size)
        if marker == SCAN:
            return
        at += 2 + size


def list_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and content of the application segments (APP0 is 0) before the samples."""
    for marker, place in walk_segments(data):
        if 0xE0 <= marker <= 0xEF:
            yield marker - 0xE0, data[place.start + 4 : place.stop]


def find_xmp(data: bytes) -> bytes | None:
    """The XMP packet of a JPEG file."""
    found = (content for number, content in list_segments(data) if number == 1 and content.startswith(_XMP))
    return next((content[len(_XMP) :] for content in found), None)


def find_iptc(data: bytes) -> bytes | None:
    """The IPTC records of a JPEG file."""
    parts = [content for number, content in list_segments(data) if number == 13 and content.startswith(_PHOTOSHOP)]
    return read_iptc_resource(b"".join(part[len(_PHOTOSHOP) :] for part in parts))


def read_iptc_resource(resources: bytes) -> bytes | None:
    """The IPTC records among Photoshop's image resources."""
    at = 0
    while resources[at : at + 4] == b"8BIM" and at + 7 <= len(resources):
        (kind,) = struct.unpack_from(">H", resources, at + 4)
        name_bytes = resources[at + 6] + 1
        start = at + 6 + name_bytes + name_bytes % 2
        if start + 4 > len(resources):
            return None
        (size,) = struct.unpack_from(">I", resources, start)
        if kind == _IPTC_RESOURCE:
            return resources[start + 4 : start + 4 + size] or None
        at = start + 4 + size + size % 2
    return None


def insert_segments(data: bytes, *, xmp: bytes | None = None, iptc: bytes | None = None) -> bytes:
    """A JPEG file with these behind its first segment, which is JFIF's and must stay the first."""
    segments = b""
    if xmp:
        segments += _pack_segment(1, _XMP + xmp)
    if iptc:
        resource = struct.pack(">4sHHI", b"8BIM", _IPTC_RESOURCE, 0, len(iptc)) + iptc + b"\0" * (len(iptc) % 2)
        segments += _pack_segment(13, _PHOTOSHOP + resource)
    at = 2
    if data[2:4] == b"\xff\xe0":
        at += 2 + struct.unpack_from(">H", data, 4)[0]
    return data[:at] + segments + data[at:]


def fits(content: bytes) -> bool:
    """Whether a segment can hold so much, and its name."""
    return len(content) <= MOST_BYTES - 64


def _pack_segment(number: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, 0xE0 + number, len(content) + 2) + content
