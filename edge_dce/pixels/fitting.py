"""Images at the size of a screen or of a stream, none of them cut off or squashed."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Uint8Array = npt.NDArray[np.uint8]


def fit_size(image: Uint8Array, size: tuple[int, int]) -> Uint8Array:
    """The whole image at (width, height), its aspect kept, with black borders where that leaves some."""
    width, height = size
    if image.shape[:2] == (height, width):
        return image
    scale = min(width / image.shape[1], height / image.shape[0])
    inner = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    scaled = cv2.resize(image, inner, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    fitted: Uint8Array = np.zeros((height, width, 3), np.uint8)
    fitted[top : top + inner[1], left : left + inner[0]] = scaled
    return fitted
