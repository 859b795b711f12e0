"""TIFF files of 8 and 16 bits, with all that is said beside the samples.

An EXIF block is a TIFF without samples: the file begins with it, so that what its entries point to stays where it is.
Formats: TIFF 6.0, sections 2 and 14; Adobe's Deflate (Technical Note 2); XMP specification, part 3.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from edge_dce.files.formats.deflating import count_rows, cut_strips, start_compression

_BYTE, _SHORT, _LONG, _RATIONAL, _UNDEFINED = 1, 3, 4, 5, 7
# By type, of numbers and of values: a fraction has two numbers.
_NUMBER_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 6: 1, 7: 1, 8: 2, 9: 4, 10: 4, 11: 4, 12: 8}
_VALUE_BYTES = _NUMBER_BYTES | {5: 8, 10: 8}
_CODES = {_SHORT: "H", _LONG: "I", _RATIONAL: "I"}
_BLACK_IS_ZERO, _RGB = 1, 2
_EMPTY = b"II*\0\x08\0\0\0\0\0\0\0\0\0"

# Entries of an EXIF block that would speak of other samples than ours, or of a thumbnail.
_OF_SAMPLES = frozenset({254, 255, *range(256, 267), *range(273, 282), 284, *range(317, 347), *range(512, 533)})

# Type and values of an entry: numbers, or bytes.
_Entry = tuple[int, "list[int] | bytes"]


def encode_tiff(
    samples: npt.NDArray[Any],
    *,
    icc_profile: bytes | None = None,
    exif: bytes | None = None,
    xmp: bytes | None = None,
    iptc: bytes | None = None,
    resolution_dpi: tuple[float, float] | None = None,
    others: Sequence[tuple[int, int, bytes]] = (),
) -> bytes:
    """A TIFF file of (H, W, C) samples, uint8 or uint16: grey, grey with alpha, RGB or RGBA by the number of channels.

    Args:
        others: tag, type and little-endian numbers of further entries.

    Raises:
        ValueError, struct.error: the EXIF block is damaged, or the file would be larger than 4 GB.
    """
    start = exif.removeprefix(b"Exif\0\0") if exif else _EMPTY
    order: Literal["<", ">"] = "<" if start[:2] == b"II" else ">"
    height, width, channels = samples.shape
    strips = [_compress_differences(samples[rows], order) for rows in cut_strips(samples)]
    counts = [len(strip) for strip in strips]
    start += b"\0" * (len(start) % 2)
    offsets = (len(start) + np.cumsum([0, *counts[:-1]])).tolist()
    entries: dict[int, _Entry] = {tag: (kind, _order_numbers(kind, numbers, order)) for tag, kind, numbers in others}
    entries |= {
        256: (_LONG, [width]),
        257: (_LONG, [height]),
        258: (_SHORT, [8 * samples.itemsize] * channels),
        259: (_SHORT, [8]),
        262: (_SHORT, [_RGB if channels >= 3 else _BLACK_IS_ZERO]),
        273: (_LONG, offsets),
        277: (_SHORT, [channels]),
        278: (_LONG, [count_rows(samples)]),
        279: (_LONG, counts),
        317: (_SHORT, [2]),
    }
    if channels in (2, 4):
        # Alpha that the colors are not multiplied with.
        entries[338] = (_SHORT, [2])
    if resolution_dpi is not None:
        across, down = (round(1000 * dpi) for dpi in resolution_dpi)
        entries |= {282: (_RATIONAL, [across, 1000]), 283: (_RATIONAL, [down, 1000]), 296: (_SHORT, [2])}
    for tag, kind, content in ((34675, _UNDEFINED, icc_profile), (700, _BYTE, xmp), (33723, _UNDEFINED, iptc)):
        if content:
            entries[tag] = (kind, content)
    filling = b"\0" * ((len(start) + sum(counts)) % 2)
    at = len(start) + sum(counts) + len(filling)
    # In one piece at once: large pictures would be in memory several times.
    head = start[:4] + struct.pack(f"{order}I", at) + start[8:]
    return b"".join([head, *strips, filling, _pack_directory(start, entries, at, order)])


def _pack_directory(start: bytes, entries: dict[int, _Entry], at: int, order: str) -> bytes:
    """The directory of the picture: the entries of the one that the file began with, and these."""
    (first,) = struct.unpack_from(f"{order}I", start, 4)
    (count,) = struct.unpack_from(f"{order}H", start, first)
    packed: dict[int, bytes] = {}
    for number in range(count):
        entry = start[first + 2 + 12 * number : first + 14 + 12 * number]
        (tag,) = struct.unpack_from(f"{order}H", entry)
        if tag not in _OF_SAMPLES:
            packed[tag] = entry
    values = b""
    values_at = at + 2 + 12 * len(packed.keys() | entries.keys()) + 4
    for tag, (kind, numbers) in entries.items():
        if isinstance(numbers, bytes):
            content = numbers
        else:
            content = struct.pack(f"{order}{len(numbers)}{_CODES[kind]}", *numbers)
        times = len(content) // _VALUE_BYTES[kind]
        packed[tag] = struct.pack(f"{order}HHI", tag, kind, times)
        if len(content) <= 4:
            packed[tag] += content.ljust(4, b"\0")
        else:
            packed[tag] += struct.pack(f"{order}I", values_at + len(values))
            values += content + b"\0" * (len(content) % 2)
    return struct.pack(f"{order}H", len(packed)) + b"".join(packed[tag] for tag in sorted(packed)) + bytes(4) + values


def _order_numbers(kind: int, numbers: bytes, order: str) -> bytes:
    size = _NUMBER_BYTES[kind]
    return np.frombuffer(numbers, f"<u{size}").astype(f"{order}u{size}").tobytes()


def _compress_differences(strip: npt.NDArray[Any], order: Literal["<", ">"]) -> bytes:
    """Predictor 2: every sample less that of the pixel to the left."""
    differences = strip.astype(strip.dtype.newbyteorder(order))
    np.subtract(strip[:, 1:], strip[:, :-1], out=differences[:, 1:])
    compressor = start_compression()
    return compressor.compress(differences.data) + compressor.flush()
