"""Levels of 255 and the real values that they stand for. numpy alone, for processes that have nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]


def normalize(image: Uint8Array, out: FloatArray | None = None) -> FloatArray:
    """A (height, width, 3) uint8 image as (1, height, width, 3) float32 in [0, 1]: what networks are trained on."""
    tensor: FloatArray = np.divide(image[np.newaxis], np.float32(255), out=out, dtype=np.float32)
    return tensor


def round_to_levels(values: npt.NDArray[Any]) -> Uint8Array:
    """Floating-point values as uint8 of the same shape; those outside of [0, 1] are clipped."""
    levels: Uint8Array = np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
    return levels
