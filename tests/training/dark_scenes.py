"""Pictures like photos taken in the dark: smooth surfaces, a lamp, sensor noise; reproducible, no data set."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from edge_dce.files.pictures import Picture, write_picture


def write_dark_scenes(
    folder: Path, count: int, *, seed: int, brightest: int = 70, size: tuple[int, int] = (120, 90)
) -> Path:
    """Write `count` different scenes as PNG; the folder. `size` is (width, height)."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(seed)
    for number in range(count):
        coarse = random.random((5, 7, 3)).astype(np.float32) ** 2 * brightest * random.uniform(0.3, 1)
        scene = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
        if number % 3 == 0 and brightest > 30:
            center = (int(random.integers(10, size[0] - 10)), int(random.integers(10, size[1] - 10)))
            scene = cv2.circle(scene, center, 6, (250.0, 240.0, 200.0), -1)
        noisy = scene + random.normal(0, 1.5, scene.shape)
        write_picture(Picture(np.clip(np.rint(noisy), 0, 255).astype(np.uint8)), folder / f"{seed}-{number:03}.png")
    return folder
