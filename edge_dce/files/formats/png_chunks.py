"""The chunks of a PNG file: what its samples mean, and what is put beside them.

Format: W3C PNG (third edition), sections 5 and 11; XMP specification, part 3.
"""

from __future__ import annotations

import dataclasses
import struct
import zlib
from collections.abc import Iterator, Sequence

from edge_dce.errors import ImageError
from edge_dce.files.formats.coding import Coding, read_code_points
from edge_dce.files.formats.profiles import SRGB_PRIMARIES
from edge_dce.files.formats.transfer import make_gamma
from edge_dce.files.picture import Gamma

SIGNATURE = b"\x89PNG\r\n\x1a\n"
XMP_KEYWORD = "XML:com.adobe.xmp"
_HEADER_END = len(SIGNATURE) + 25
# A file can be nearly all chunks of this size; none that matters is larger.
_MOST_CHUNKS = 1 << 16


def pack_chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk with its length and checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))


def list_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of the chunks before the samples, as far as the file is whole."""
    at = len(SIGNATURE)
    for _ in range(_MOST_CHUNKS):
        if at + 8 > len(data):
            return
        size, kind = struct.unpack_from(">I4s", data, at)
        if kind in (b"IDAT", b"IEND"):
            return
        yield kind, data[at + 8 : at + 8 + size]
        at += 12 + size


def read_coding(data: bytes) -> Coding:
    """How samples are coded, by the first of the chunks that speak of it, in the order that PNG demands.

    Raises:
        ImageError: they mean what is not understood.
    """
    chunks = dict(list_chunks(data))
    if len(content := chunks.get(b"cICP", b"")) == 4:
        primaries, code, matrix, is_full = content
        if matrix != 0 or is_full != 1:
            raise ImageError("samples that are not RGB of the full range (cICP); convert it to sRGB")
        coding = read_code_points(primaries, code)
        # What was said by code points alone stays so: programs that do not know them would see other colors.
        return coding if b"iCCP" in chunks else dataclasses.replace(coding, gamma=Gamma())
    if b"iCCP" in chunks or b"sRGB" in chunks:
        return Coding()
    told: tuple[float, ...] = SRGB_PRIMARIES
    exponent, chromaticities = None, None
    if len(content := chunks.get(b"cHRM", b"")) == 32:
        chromaticities = struct.unpack(">8I", content)
        white_x, white_y, *colors = (number / 100_000 for number in chromaticities)
        told = (*colors, white_x, white_y)
    if len(content := chunks.get(b"gAMA", b"")) == 4:
        exponent = struct.unpack(">I", content)[0] or None
    if exponent is None and chromaticities is None:
        return Coding()
    transfer = make_gamma(100_000 / exponent) if exponent else None
    return Coding(transfer, told, gamma=Gamma(exponent, chromaticities))


def insert_chunks(
    data: bytes,
    *,
    cicp: tuple[int, int] | None = None,
    gamma: Gamma | None = None,
    icc_profile: bytes | None = None,
    resolution_dpi: tuple[float, float] | None = None,
    exif: bytes | None = None,
    xmp: bytes | None = None,
    texts: Sequence[tuple[str, str]] = (),
) -> bytes:
    """A PNG file with these chunks behind its header, which must not have them yet."""
    chunks = []
    if cicp is not None:
        chunks.append(pack_chunk(b"cICP", bytes((*cicp, 0, 1))))
    if gamma is not None and gamma.hundred_thousandths:
        chunks.append(pack_chunk(b"gAMA", struct.pack(">I", gamma.hundred_thousandths)))
    if gamma is not None and gamma.chromaticities:
        chunks.append(pack_chunk(b"cHRM", struct.pack(">8I", *gamma.chromaticities)))
    if icc_profile:
        chunks.append(pack_chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(icc_profile)))
    if resolution_dpi is not None:
        across, down = (round(dpi / 0.0254) for dpi in resolution_dpi)
        chunks.append(pack_chunk(b"pHYs", struct.pack(">IIB", across, down, 1)))
    if exif:
        chunks.append(pack_chunk(b"eXIf", exif.removeprefix(b"Exif\0\0")))
    if xmp:
        chunks.append(pack_chunk(b"iTXt", XMP_KEYWORD.encode() + b"\0\0\0\0\0" + xmp))
    chunks += [_pack_text(keyword, text) for keyword, text in texts]
    return data[:_HEADER_END] + b"".join(chunks) + data[_HEADER_END:]


def _pack_text(keyword: str, text: str) -> bytes:
    name = keyword.encode("latin-1", "replace")[:79]
    try:
        return pack_chunk(b"tEXt", name + b"\0" + text.encode("latin-1"))
    except UnicodeEncodeError:
        return pack_chunk(b"iTXt", name + b"\0\0\0\0\0" + text.encode("utf-8", "replace"))
