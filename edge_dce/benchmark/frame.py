"""The frame that every benchmark enhances."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edge_dce.pixels.strips import cut_strips

Uint8Array = npt.NDArray[np.uint8]

_STRIP_ROWS = 16


def make_dark_frame(width: int, height: int) -> Uint8Array:
    """A reproducible dark frame with sensor noise and one bright region, (height, width, 3) uint8."""
    random = np.random.default_rng(2001)
    frame = np.empty((height, width, 3), np.uint8)
    x = np.arange(width, dtype=np.float32) / width
    # In strips: a whole frame of floating-point noise would be the peak of the memory that is measured.
    for rows in cut_strips(height, _STRIP_ROWS):
        y = np.arange(rows.start, rows.stop, dtype=np.float32)[:, np.newaxis] / height
        scene = 10 + 20 * x + 200 * np.exp(-((x - 0.7) ** 2 + (y - 0.3) ** 2) / 0.005)
        noise = random.normal(0, 4, (len(y), width, 3))
        frame[rows] = np.clip(scene[..., np.newaxis] + noise, 0, 255)
    return frame
