"""A small panorama in linear light: a ground, a sky, a sun; no data set."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]


def make_panorama(width: int = 128) -> FloatArray:
    """(width / 2, width, 3): textured red ground below the middle, blue sky above, a sun in it straight ahead."""
    height = width // 2
    random = np.random.default_rng(5)
    panorama = np.empty((height, width, 3), np.float32)
    panorama[: height // 2] = (0.2, 0.3, 0.8)
    panorama[height // 2 :] = (0.12, 0.06, 0.05)
    panorama *= random.uniform(0.5, 1.5, (height, width, 1)).astype(np.float32)
    panorama[height // 3 : height // 3 + 2, width // 2 - 1 : width // 2 + 1] = 500
    return panorama


def write_panorama(path: Path, panorama: FloatArray) -> Path:
    """As Radiance's .hdr."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), panorama[..., ::-1])
    return path
