"""Pictures before and after, many on one sheet, to be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.enhancer import load
from edge_dce.files.pictures import read_image

Uint8Array = npt.NDArray[np.uint8]

_GAP_PX = 6


def draw_gallery(paths: Sequence[Path], *, model: str, columns: int, cell_px: tuple[int, int]) -> Uint8Array:
    """(H, W, 3) uint8 RGB: each picture beside what the model makes of it, `columns` such pairs in a row.

    Pictures are enhanced at their own size and then scaled to cover a cell of `cell_px` (width, height); what juts out
    is cut off.

    Raises:
        ImageError, ModelError: as `edge_dce.load` and `Enhancer.enhance`.
    """
    enhancer = load(model)
    width, height = cell_px
    cells = []
    for path in paths:
        image = read_image(path)
        pair = [_cover(each, width, height) for each in (image, enhancer.enhance(image))]
        cells.append(_frame(np.hstack(pair)))
    while len(cells) % columns:
        cells.append(np.full_like(cells[0], 255))
    rows = [np.hstack(cells[start : start + columns]) for start in range(0, len(cells), columns)]
    return np.vstack(rows)


def _cover(image: Uint8Array, width: int, height: int) -> Uint8Array:
    scale = max(width / image.shape[1], height / image.shape[0])
    size = (max(width, round(image.shape[1] * scale)), max(height, round(image.shape[0] * scale)))
    scaled = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    top, left = (scaled.shape[0] - height) // 2, (scaled.shape[1] - width) // 2
    return scaled[top : top + height, left : left + width].astype(np.uint8, copy=False)


def _frame(image: Uint8Array) -> Uint8Array:
    white = (255, 255, 255)
    framed = cv2.copyMakeBorder(image, _GAP_PX, _GAP_PX, _GAP_PX, _GAP_PX, cv2.BORDER_CONSTANT, value=white)
    return framed.astype(np.uint8, copy=False)
