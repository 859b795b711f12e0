"""The boxes of AVIF and HEIC files that say what their samples are, where the decoder does not tell.

Format: ISO/IEC 14496-12, 23008-12 (HEIF); AV1-ISOBMFF.
"""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Iterator

_UNSPECIFIED = 2
# meta > iprp > ipco holds the properties of all pictures of the file.
_CONTAINERS = {b"iprp": 0, b"ipco": 0, b"meta": 4}


@dataclasses.dataclass(frozen=True)
class Properties:
    """What the boxes of a file say of its largest picture.

    Attributes:
        cicp: color primaries and transfer function, code points of H.273.
        bits: of a sample, of AV1 only.
        pixels: of the largest picture.
    """

    cicp: tuple[int, int] = (_UNSPECIFIED, _UNSPECIFIED)
    bits: int = 8
    pixels: int = 0


def read_properties(data: bytes) -> Properties:
    """What the boxes say; as if they said nothing where they are damaged."""
    found = Properties()
    for kind, content in _walk(data, 0, len(data)):
        if kind == b"colr" and content[:4] == b"nclx" and len(content) >= 8:
            found = dataclasses.replace(found, cicp=struct.unpack_from(">2H", content, 4))
        elif kind == b"av1C" and len(content) >= 3:
            is_high, is_twelve = content[2] & 0x40, content[2] & 0x20
            found = dataclasses.replace(found, bits=(12 if is_twelve else 10) if is_high else 8)
        elif kind == b"ispe" and len(content) >= 12:
            width, height = struct.unpack_from(">2I", content, 4)
            found = dataclasses.replace(found, pixels=max(found.pixels, width * height))
    return found


def _walk(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, bytes]]:
    while at + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, at)
        if size == 0:
            size = end - at
        if size < 8:
            # 1 announces a size of 64 bits, which only the box of the samples has.
            return
        stop = min(at + size, end)
        if kind in _CONTAINERS:
            yield from _walk(data, at + 8 + _CONTAINERS[kind], stop)
        elif kind in (b"colr", b"av1C", b"ispe"):
            yield kind, data[at + 8 : stop]
        at += size
