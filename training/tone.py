"""The tone of a picture as training sees it: the differentiable twin of `edge_dce.pixels.tone`.

A network returns `COUNT` numbers in [-1, 1] for a whole picture. They decode to one monotone curve for each channel
and a shared one, a color matrix that keeps grey grey, and the share of the curves that keeps hue. All zeros are the
identity; that module has the formulas.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
from keras import ops

from edge_dce.pixels.tone import DEVIATION_RANGE, INCREMENT_RANGE, INCREMENTS, KNOTS, MATRIX_RANGE

# Of whichever backend Keras runs on.
Tensor = Any
FloatArray = npt.NDArray[np.float32]

_LEVELS = 256


@dataclasses.dataclass(frozen=True)
class Tone:
    """The tones of B pictures.

    Attributes:
        knots: (B, INCREMENTS + 1, 4) float32 in [0, 1]: the curves of red, green and blue, and the shared one, at
            `KNOTS`. Each starts at 0, ends at 1 and never falls.
        matrix: (B, 3, 3) float32 with rows that sum to 1: what the three channels are mixed with after their curves.
        hue_share: (B,) float32 in [0, 1]: how much of the result, at least, scales all channels of a pixel alike, by
            what the shared curve makes of its brightest channel; the brighter that is, the more.
    """

    knots: Tensor
    matrix: Tensor
    hue_share: Tensor


def decode(numbers: Tensor) -> Tone:
    """The tones that (B, COUNT) numbers in [-1, 1] stand for.

    In this order: INCREMENTS logarithms of the shared increments, as many deviations of red, of green and of blue, the
    six off-diagonal elements of the matrix row by row, and the hue share.
    """
    shared, channels, mixing, hue = ops.split(numbers, (INCREMENTS, 4 * INCREMENTS, 4 * INCREMENTS + 6), axis=1)
    deviations = ops.reshape(channels, (-1, 3, INCREMENTS)) * DEVIATION_RANGE
    deviations = ops.concatenate([deviations, ops.zeros_like(deviations[:, :1])], axis=1)
    increments = np.diff(KNOTS) * ops.exp(INCREMENT_RANGE * shared[:, None] + deviations)
    totals = ops.sum(increments, axis=2, keepdims=True)
    knots = ops.pad(ops.cumsum(increments, axis=2) / totals, [[0, 0], [0, 0], [1, 0]])
    return Tone(ops.transpose(knots, (0, 2, 1)), _decode_matrix(mixing), (hue[:, 0] + 1) / 2)


def tabulate(knots: Tensor) -> Tensor:
    """The curves at each level of 255, (B, 256, 4): straight between knots."""
    return ops.matmul(_INTERPOLATION, knots)


def measure_slopes(table: Tensor) -> Tensor:
    """The mean slope of the three curves of a (B, 256, 4) table at each level, over the two levels beside it: (B, 256).

    It is what the tone multiplies noise by.
    """
    padded = ops.concatenate([table[:, :1], table, table[:, -1:]], axis=1)
    slopes = (padded[:, 2:, :3] - padded[:, :-2, :3]) * _SLOPE_SCALE
    return ops.mean(slopes, axis=2)


def apply_tone(images: Tensor, tone: Tone, table: Tensor | None = None) -> Tensor:
    """The images with their tones, (B, H, W, 3) float32 in [0, 1]; gradients reach the tone alone.

    Args:
        images: (B, H, W, 3) float32 in [0, 1]; taken at the nearest of 256 levels, as pictures are.
        table: of the tone, where it is known already.
    """
    table = tabulate(tone.knots) if table is None else table
    levels = ops.cast(ops.round(images * 255), "int32")
    curved = look_up(table[:, :, :3], levels)
    brightest = ops.max(levels, axis=3, keepdims=True)
    # Black has no hue to keep, and is black either way.
    gain = look_up(table[:, :, 3:], brightest) * (255 / ops.cast(ops.maximum(brightest, 1), "float32"))
    share = tone.hue_share[:, None, None, None]
    kept = share + (1 - share) * ops.square(ops.cast(brightest, "float32") / 255)
    blended = kept * gain * (ops.cast(levels, "float32") / 255) + (1 - kept) * curved
    pixels = ops.reshape(blended, (ops.shape(images)[0], -1, 3))
    mixed = ops.matmul(pixels, ops.transpose(tone.matrix, (0, 2, 1)))
    return ops.clip(ops.reshape(mixed, ops.shape(images)), 0, 1)


def look_up(table: Tensor, levels: Tensor) -> Tensor:
    """The values of a (B, 256, C) table at (B, H, W, C) int32 levels, each picture and channel by its own column."""
    batch, _, _, channels = ops.shape(levels)
    columns = ops.reshape(ops.transpose(table, (0, 2, 1)), (-1,))
    first = ops.reshape(ops.arange(batch * channels) * _LEVELS, (batch, 1, 1, channels))
    return ops.take(columns, levels + first)


def _decode_matrix(mixing: Tensor) -> Tensor:
    red_green, red_blue, green_red, green_blue, blue_red, blue_green = ops.split(mixing * MATRIX_RANGE, 6, axis=1)
    rows = (
        (1 - red_green - red_blue, red_green, red_blue),
        (green_red, 1 - green_red - green_blue, green_blue),
        (blue_red, blue_green, 1 - blue_red - blue_green),
    )
    return ops.stack([ops.concatenate(row, axis=1) for row in rows], axis=1)


def _interpolate_levels() -> FloatArray:
    """(256, INCREMENTS + 1): the share that each knot has in the value at each level."""
    levels = np.arange(_LEVELS) / (_LEVELS - 1)
    units = np.eye(INCREMENTS + 1)
    return np.stack([np.interp(levels, KNOTS, unit) for unit in units], axis=1).astype(np.float32)


def _scale_slopes() -> FloatArray:
    """(256, 1): the two ends have one neighbor only."""
    scale = np.full((_LEVELS, 1), (_LEVELS - 1) / 2, np.float32)
    scale[[0, -1]] *= 2
    return scale


_INTERPOLATION = _interpolate_levels()
_SLOPE_SCALE = _scale_slopes()
