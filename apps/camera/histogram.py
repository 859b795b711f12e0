"""The histogram overlay: how bright the picture is that would be taken now."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edge_dce.pixels.look import Look
from edge_dce.pixels.rendering import Rendering

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

BINS = 64


def measure_histogram(image: Uint8Array, estimate: FloatArray, rendering: Rendering, strength: float) -> FloatArray:
    """How often each of 64 brightnesses occurs in an (H, W, 3) image once enhanced; the highest is 1.

    Returns:
        (64,) float32.
    """
    enhanced = rendering.apply(np.ascontiguousarray(image), estimate, look=Look(strength))
    luma = enhanced.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    counts = np.histogram(luma, BINS, (0, 256))[0].astype(np.float32)
    # A root shows the small ones too; a night is nearly all black.
    heights: FloatArray = np.sqrt(counts / counts.max())
    return heights
