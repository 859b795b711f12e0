"""Small picture files made by hand: what no library writes as other people's programs do."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import numpy as np

SHORT, LONG, SIGNED_RATIONAL, BYTES, DOUBLE = 3, 4, 10, 1, 12
_CODES = {SHORT: "H", LONG: "I", SIGNED_RATIONAL: "i"}
STRIP_OFFSETS, STRIP_COUNTS, SUB_DIRECTORIES = 273, 279, 330

# Type and values of an entry.
Entry = tuple[int, "Sequence[int] | bytes"]


def make_scene(height: int = 24, width: int = 32, channels: int = 3) -> np.ndarray:
    """(H, W, C) float in [0, 1]: a ramp in each channel, none like another, with black and white."""
    down, across = np.mgrid[0:height, 0:width]
    ramps = (
        across / (width - 1),
        down / (height - 1),
        (across + down) / (width + height - 2),
        1 - across / (width - 1),
    )
    return np.stack(ramps[:channels], axis=2)


def make_noise(channels: int, dtype: type = np.uint16, height: int = 24, width: int = 32) -> np.ndarray:
    top = np.iinfo(dtype).max
    return np.random.default_rng(channels).integers(0, top + 1, (height, width, channels)).astype(dtype)


def describe(samples: np.ndarray, bits: int, photometric: int, **more: Entry) -> dict[int, Entry]:
    """The entries of a TIFF directory for (H, W, C) samples; more by "t" and the number of the tag."""
    height, width, channels = samples.shape
    entries: dict[int, Entry] = {
        256: (LONG, [width]),
        257: (LONG, [height]),
        258: (SHORT, [bits] * channels),
        259: (SHORT, [1]),
        262: (SHORT, [photometric]),
        277: (SHORT, [channels]),
        278: (LONG, [height]),
    }
    return entries | {int(tag[1:]): entry for tag, entry in more.items()}


def make_tiff(
    *pages: tuple[dict[int, Entry], list[bytes]], below: tuple[dict[int, Entry], list[bytes]] | None = None
) -> bytes:
    """A little-endian TIFF of pages, each with its strips; the first has one more below it if `below` is given."""
    data = bytearray(b"II*\0\0\0\0\0")
    link = 4
    below_at = None
    if below is not None:
        below_at = _append(data, *below)
    for number, (entries, strips) in enumerate(pages):
        if number == 0 and below_at is not None:
            entries = {**entries, SUB_DIRECTORIES: (LONG, [below_at])}
        at = _append(data, entries, strips)
        struct.pack_into("<I", data, link, at)
        link = at + 2 + 12 * struct.unpack_from("<H", data, at)[0]
    return bytes(data)


def _append(data: bytearray, entries: dict[int, Entry], strips: list[bytes]) -> int:
    offsets = []
    for strip in strips:
        offsets.append(len(data))
        data += strip + b"\0" * (len(strip) % 2)
    places = {STRIP_OFFSETS: (LONG, offsets), STRIP_COUNTS: (LONG, [len(strip) for strip in strips])}
    packed = b""
    for tag, (kind, values) in sorted((entries | places).items()):
        content = values if isinstance(values, bytes) else struct.pack(f"<{len(values)}{_CODES[kind]}", *values)
        count = len(values) // {SIGNED_RATIONAL: 2, DOUBLE: 8}.get(kind, 1)
        packed += struct.pack("<HHI", tag, kind, count)
        if len(content) > 4:
            packed += struct.pack("<I", len(data))
            data += content + b"\0" * (len(content) % 2)
        else:
            packed += content.ljust(4, b"\0")
    at = len(data)
    data += struct.pack("<H", len(packed) // 12) + packed + bytes(4)
    return at


def pack_bits(samples: np.ndarray, bits: int) -> bytes:
    """(H, W, C) numbers of so many bits, without a gap, each row filled up to whole bytes."""
    rows = []
    for row in samples.reshape(len(samples), -1):
        digits = np.unpackbits(row.astype(">u2").view(np.uint8)).reshape(-1, 16)[:, 16 - bits :].reshape(-1)
        rows.append(np.packbits(digits).tobytes())
    return b"".join(rows)


def make_dng(mosaic: np.ndarray, thumbnail: np.ndarray) -> bytes:
    """A DNG: a small RGB picture first, as cameras write it, and below it (H, W) numbers of 16 bits behind red, green,
    green and blue filters."""
    matrix = (32405, -15371, -4985, -9693, 18760, 416, 556, -2040, 10572)
    small = describe(
        thumbnail,
        8,
        2,
        t254=(LONG, [1]),
        t271=(2, b"a maker\0"),
        t272=(2, b"a camera\0"),
        t274=(SHORT, [1]),
        t50706=(BYTES, bytes((1, 4, 0, 0))),
        t50708=(2, b"a camera\0"),
        # XYZ to the camera's colors: those of sRGB, so that white stays white.
        t50721=(SIGNED_RATIONAL, [number for value in matrix for number in (value, 10000)]),
        t50778=(SHORT, [21]),
    )
    sensor = describe(
        mosaic[..., np.newaxis],
        16,
        32803,
        t254=(LONG, [0]),
        t33421=(SHORT, [2, 2]),
        t33422=(BYTES, bytes((0, 1, 1, 2))),
        t50717=(LONG, [65535]),
    )
    return make_tiff((small, [thumbnail.tobytes()]), below=(sensor, [mosaic.astype("<u2").tobytes()]))


def insert_png_chunk(data: bytes, kind: bytes, content: bytes) -> bytes:
    """A PNG with one chunk more behind its header."""
    chunk = struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    return data[:33] + chunk + data[33:]


def make_moving(count: int = 4, height: int = 40, width: int = 60) -> list[np.ndarray]:
    """Dark frames of a bright square that moves."""
    frames = []
    for number in range(count):
        frame = np.full((height, width, 3), 20, np.uint8)
        frame[10:20, 5 + 8 * number : 15 + 8 * number] = (90, 60, 40)
        frames.append(frame)
    return frames
