"""Dark pictures whose noise is known."""

from __future__ import annotations

import numpy as np


def make_ramp(height: int = 320, width: int = 480, low: float = 4, high: float = 120) -> np.ndarray:
    """A smooth gradient from left to right, float64 levels of 255."""
    return np.broadcast_to(np.linspace(low, high, width)[:, np.newaxis], (height, width, 3)).copy()


def add_noise(levels: np.ndarray, deviation: float, seed: int = 7) -> np.ndarray:
    """White noise of that standard deviation in every channel, rounded to bytes."""
    noise = np.random.default_rng(seed).normal(0, deviation, levels.shape)
    return np.clip(np.rint(levels + noise), 0, 255).astype(np.uint8)
