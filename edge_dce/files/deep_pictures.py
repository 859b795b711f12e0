"""PNG and TIFF files of 16 bits per sample, which Pillow reads and writes only where they are grey.

`pictures` decides which files come here: grey ones it reads by Pillow.

Reading is OpenCV's. Writing is done here: OpenCV's writers take neither a color profile nor EXIF, nor grey with alpha.
Formats: W3C PNG (third edition), sections 5 to 11; TIFF 6.0, sections 2 and 14, and Adobe's Deflate (Technical Note 2).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

Uint16Array = npt.NDArray[np.uint16]
Uint8Array = npt.NDArray[np.uint8]

# PNG color types and TIFF photometric interpretations, by the number of channels: grey, grey with alpha, RGB, RGBA.
_PNG_COLOR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
_TIFF_BLACK_IS_ZERO, _TIFF_RGB = 1, 2
_STRIP_BYTES = 1 << 20


def decode(data: bytes) -> Uint16Array | None:
    """(H, W, C) samples of a picture file in the order grey, RGB or RGBA; None where it does not hold 16 bits."""
    try:
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if decoded is None or decoded.dtype != np.uint16:
        return None
    samples: Uint16Array = decoded.reshape(*decoded.shape[:2], -1).astype(np.uint16, copy=False)
    return samples[..., (2, 1, 0, 3)[: samples.shape[2]]] if samples.shape[2] >= 3 else samples


def turn_upright(samples: Uint16Array, orientation: int) -> Uint16Array:
    """A view of (H, W, C) samples stored in one of EXIF's orientations, 1 to 8."""
    if orientation in (5, 6, 7, 8):
        samples = samples.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        samples = samples[:, ::-1]
    if orientation in (3, 4, 7, 8):
        samples = samples[::-1]
    return samples


def mix_grey(image: Uint16Array) -> Uint16Array:
    """(H, W, 1) luma of (H, W, 3) RGB by ITU-R BT.601 in the whole numbers that Pillow uses: grey stays what it is."""
    red, green, blue = (image[..., channel].astype(np.uint32) for channel in range(3))
    mixed: Uint16Array = ((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16).astype(np.uint16)
    return mixed[..., np.newaxis]


def encode_png(samples: Uint16Array, *, icc_profile: bytes | None = None, exif: bytes | None = None) -> bytes:
    """A PNG file of (H, W, C) samples: grey, grey with alpha, RGB or RGBA by the number of channels."""
    height, width, channels = samples.shape
    header = struct.pack(">IIBBBBB", width, height, 16, _PNG_COLOR_TYPES[channels], 0, 0, 0)
    chunks = [b"\x89PNG\r\n\x1a\n", _chunk(b"IHDR", header)]
    if icc_profile:
        chunks.append(_chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(icc_profile)))
    if exif:
        chunks.append(_chunk(b"eXIf", exif.removeprefix(b"Exif\0\0")))
    compressor = _start_compression()
    above = np.zeros(width * channels * 2, np.uint8)
    for rows in _cut_strips(samples):
        strip = samples[rows]
        stored = np.ascontiguousarray(strip.astype(">u2")).view(np.uint8).reshape(len(strip), -1)
        # Filter type 2, "Up": bytes less those of the row above.
        filtered = np.empty((len(strip), 1 + stored.shape[1]), np.uint8)
        filtered[:, 0] = 2
        np.subtract(stored[0], above, out=filtered[0, 1:])
        np.subtract(stored[1:], stored[:-1], out=filtered[1:, 1:])
        above = stored[-1]
        chunks.append(_chunk(b"IDAT", compressor.compress(filtered.data)))
    chunks += [_chunk(b"IDAT", compressor.flush()), _chunk(b"IEND", b"")]
    return b"".join(chunks)


def encode_tiff(samples: Uint16Array, *, icc_profile: bytes | None = None) -> bytes:
    """A TIFF file of (H, W, C) samples: grey, RGB or RGBA by the number of channels."""
    height, width, channels = samples.shape
    strips = [_compress_differences(samples[rows]) for rows in _cut_strips(samples)]
    counts = [len(strip) for strip in strips]
    offsets = [8 + sum(counts[:number]) for number in range(len(counts))]
    tags: dict[int, tuple[str, list[int] | bytes]] = {
        256: ("I", [width]),
        257: ("I", [height]),
        258: ("H", [16] * channels),
        259: ("H", [8]),
        262: ("H", [_TIFF_RGB if channels >= 3 else _TIFF_BLACK_IS_ZERO]),
        273: ("I", offsets),
        277: ("H", [channels]),
        278: ("I", [_count_rows(samples)]),
        279: ("I", counts),
        317: ("H", [2]),
    }
    if channels == 4:
        # Alpha that the colors are not multiplied with.
        tags[338] = ("H", [2])
    if icc_profile:
        tags[34675] = ("B", icc_profile)
    data = b"".join(strips)
    start = 8 + len(data) + len(data) % 2
    return struct.pack("<2sHI", b"II", 42, start) + data + b"\0" * (len(data) % 2) + _pack_directory(tags, start)


def _pack_directory(tags: dict[int, tuple[str, list[int] | bytes]], start: int) -> bytes:
    types = {"B": 7, "H": 3, "I": 4}
    entries, values = b"", b""
    values_start = start + 2 + 12 * len(tags) + 4
    for tag, (kind, numbers) in sorted(tags.items()):
        packed = bytes(numbers) if kind == "B" else struct.pack(f"<{len(numbers)}{kind}", *numbers)
        entries += struct.pack("<HHI", tag, types[kind], len(numbers))
        if len(packed) <= 4:
            entries += packed.ljust(4, b"\0")
        else:
            entries += struct.pack("<I", values_start + len(values))
            values += packed + b"\0" * (len(packed) % 2)
    return struct.pack("<H", len(tags)) + entries + struct.pack("<I", 0) + values


def _compress_differences(strip: Uint16Array) -> bytes:
    """Predictor 2: every sample less that of the pixel to the left."""
    differences = strip.astype("<u2")
    np.subtract(strip[:, 1:], strip[:, :-1], out=differences[:, 1:])
    compressor = _start_compression()
    return compressor.compress(differences.data) + compressor.flush()


def _start_compression() -> zlib._Compress:
    """Run lengths only: on noisy photos a third of the time of level 1, and smaller files."""
    return zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_RLE)


def _cut_strips(samples: Uint16Array) -> Iterator[slice]:
    rows = _count_rows(samples)
    return (slice(top, top + rows) for top in range(0, len(samples), rows))


def _count_rows(samples: Uint16Array) -> int:
    height, width, channels = samples.shape
    return int(min(height, max(1, _STRIP_BYTES // (2 * width * channels))))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))
