"""Picture files of any shape, made without their pixels ever being in memory: what is measured is who reads them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from edge_dce.files.formats.limits import MOST_SIDE_PX
from edge_dce.files.pictures import Picture, write_picture

_SHORT, _LONG = 3, 4
_TILE_PX = 256
_STRIP_BYTES = 1 << 20
# Different ones, which come again and again.
_ROWS = 16


def write_png(path: Path, width: int, height: int, bits: int) -> None:
    """A PNG with 3 channels."""
    rows = _make_rows(width, bits, ">").view(np.uint8)
    unfiltered = np.pad(rows, ((0, 0), (1, 0))).tobytes()
    header = struct.pack(">IIBBBBB", width, height, bits, 2, 0, 0, 0)
    packer = zlib.compressobj(1)
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + _pack_chunk(b"IHDR", header))
        for part in _repeat(unfiltered, len(unfiltered) // _ROWS * height):
            file.write(_pack_chunk(b"IDAT", packer.compress(part)))
        file.write(_pack_chunk(b"IDAT", packer.flush()) + _pack_chunk(b"IEND", b""))


def write_jpeg(path: Path, width: int, height: int, bits: int) -> None:
    """A JPEG; `bits` is 8. Its encoder takes the whole picture."""
    rows = _make_rows(width, bits, "<").reshape(_ROWS, width, 3)
    write_picture(Picture(np.tile(rows, (-(-height // _ROWS), 1, 1))[:height].astype(np.uint8)), path, overwrite=True)


def write_stripped_tiff(path: Path, width: int, height: int, bits: int) -> None:
    """A TIFF without compression, in strips of about a megabyte."""
    block = _make_rows(width, bits, "<").tobytes()
    row_bytes = len(block) // _ROWS
    rows = min(height, max(1, _STRIP_BYTES // row_bytes))
    sizes = [min(rows, height - top) * row_bytes for top in range(0, height, rows)]
    with path.open("wb") as file:
        file.write(_pack_tiff({278: (_LONG, [rows])}, (273, 279), width, height, bits, 1, sizes))
        for part in _repeat(block, height * row_bytes):
            file.write(part)


def write_tiled_tiff(path: Path, width: int, height: int, bits: int, *, tile_px: int = _TILE_PX) -> None:
    """A TIFF in square tiles, each deflated."""
    block = _make_rows(tile_px, bits, "<").tobytes()
    tile = zlib.compress(b"".join(_repeat(block, len(block) // _ROWS * tile_px)), 1)
    count = -(-width // tile_px) * -(-height // tile_px)
    tags = {322: (_LONG, [tile_px]), 323: (_LONG, [tile_px])}
    with path.open("wb") as file:
        file.write(_pack_tiff(tags, (324, 325), width, height, bits, 8, [len(tile)] * count))
        for _ in range(count):
            file.write(tile)


Writer = Callable[[Path, int, int, int], None]
# By name: what writes it, its suffix, and its longest side.
WRITERS: Mapping[str, tuple[Writer, str, int]] = {
    "PNG": (write_png, ".png", MOST_SIDE_PX),
    "TIFF, strips": (write_stripped_tiff, ".tif", MOST_SIDE_PX),
    "TIFF, tiles": (write_tiled_tiff, ".tif", MOST_SIDE_PX),
    "JPEG": (write_jpeg, ".jpg", 65_500),
}


def _make_rows(width: int, bits: int, order: Literal["<", ">"]) -> npt.NDArray[np.unsignedinteger[Any]]:
    """Dark noise of 3 channels, (`_ROWS`, 3 * width): what can be compressed would need less memory when written."""
    kind: np.dtype[Any] = np.dtype(f"u{bits // 8}")
    noise = np.random.default_rng(0).integers(0, 2**bits // 5, (_ROWS, 3 * width), kind.type)
    return noise.astype(kind.newbyteorder(order))


def _repeat(block: bytes, size: int) -> Iterator[bytes]:
    """So many bytes of a block that comes again and again, in pieces of about a megabyte."""
    piece = block * max(1, _STRIP_BYTES // len(block))
    for start in range(0, size, len(piece)):
        yield piece[: size - start]


def _pack_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _pack_tiff(
    tags: Mapping[int, tuple[int, list[int]]],
    places: tuple[int, int],
    width: int,
    height: int,
    bits: int,
    compression: int,
    sizes: list[int],
) -> bytes:
    """Header and only directory of a little-endian TIFF whose pieces, of these sizes, follow one another behind it.

    Args:
        places: the tags of where the pieces are and of their sizes.
    """
    entries = {
        256: (_LONG, [width]),
        257: (_LONG, [height]),
        258: (_SHORT, [bits] * 3),
        259: (_SHORT, [compression]),
        262: (_SHORT, [2]),
        277: (_SHORT, [3]),
        **tags,
        places[0]: (_LONG, sizes),
        places[1]: (_LONG, sizes),
    }
    content_at = 8 + 2 + 12 * len(entries) + 4
    start = content_at + sum(_count_outside_bytes(*entry) for entry in entries.values())
    entries[places[0]] = (_LONG, [start + int(before) for before in np.cumsum([0, *sizes[:-1]], dtype=np.int64)])
    directory, content = struct.pack("<H", len(entries)), b""
    for tag, (kind, values) in sorted(entries.items()):
        packed = struct.pack(f"<{len(values)}{'H' if kind == _SHORT else 'I'}", *values)
        directory += struct.pack("<HHI", tag, kind, len(values))
        if len(packed) <= 4:
            directory += packed.ljust(4, b"\0")
        else:
            directory += struct.pack("<I", content_at + len(content))
            content += packed
    return b"II*\0" + struct.pack("<I", 8) + directory + bytes(4) + content


def _count_outside_bytes(kind: int, values: list[int]) -> int:
    size = len(values) * (2 if kind == _SHORT else 4)
    return size if size > 4 else 0
