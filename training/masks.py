"""Shapes to join two pictures by: something in front of something else, houses under a sky, lit windows.

Needs no Keras.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

# Of either width: what random numbers are mixed with becomes float64.
Samples = npt.NDArray[np.floating[Any]]

_WINDOW_PX = 8


def draw_field(height: int, width: int, cells: int, random: np.random.Generator) -> Samples:
    """(height, width, 1) in [0, 1], smooth."""
    coarse = random.random((cells, cells), dtype=np.float32)
    field = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(field, 0, 1), np.float32)[..., np.newaxis]


def draw_blob(height: int, width: int, area: float, random: np.random.Generator) -> Samples:
    """(height, width, 1) in [0, 1]: a round shape that covers about that share, with a sharp or a soft edge."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    down, right = random.uniform(0.3, 0.8) * height, random.uniform(0.2, 0.8) * width
    radius, aspect = np.sqrt(area * height * width / np.pi), random.uniform(0.6, 1.6)
    bumps = random.uniform(0, 0.25) * (2 * draw_field(height, width, 7, random)[..., 0] - 1)
    distance = np.hypot((rows - down) / aspect, (columns - right) * aspect) / radius + bumps
    blob = distance < 1 if random.random() < 0.7 else np.clip((1.1 - distance) * 5, 0, 1)
    return np.asarray(blob, np.float32)[..., np.newaxis]


def draw_skyline(height: int, width: int, random: np.random.Generator) -> Samples:
    """(height, width, 1): 0 in the sky, 1 below: houses, or hills."""
    count = int(random.integers(2, 12))
    heights = random.uniform(-0.15, 0.15, count) + random.uniform(0.25, 0.85)
    edge = np.repeat(heights, -(-width // count))[np.newaxis, :width].astype(np.float32)
    if random.random() < 0.5:
        edge = np.asarray(cv2.GaussianBlur(edge, (0, 0), width / 40), np.float32)
    below = np.arange(height)[:, np.newaxis] > edge * height
    return below.astype(np.float32)[..., np.newaxis]


def scatter(height: int, width: int, share: float, random: np.random.Generator) -> Samples:
    """(height, width, 1): 1 in squares that cover that share."""
    cells = random.random((height // _WINDOW_PX + 1, width // _WINDOW_PX + 1)) < share
    squares = cv2.resize(cells.astype(np.float32), (width, height), interpolation=cv2.INTER_NEAREST)
    return squares[..., np.newaxis].astype(np.float32)
