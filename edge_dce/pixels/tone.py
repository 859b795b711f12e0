"""The tone of a picture: a monotone curve per channel, a color matrix and a share of kept hue, from a few numbers.

A network that sees the whole small picture returns `COUNT` numbers in [-1, 1] for it; zeros are the identity. In their
order, with K for `INCREMENTS`: K shared log-increments s_k, K deviations d_ck of each of the channels R, G and B, six
matrix numbers and the hue share.

Curves: knots lie at x_k = (k / K)², close together in the dark, and a curve rises by (x_k - x_(k-1)) · exp(4 s_k +
0.5 d_ck) from one to the next, divided by the sum of all K rises. So it is monotone, black stays black and white stays
white whatever the numbers say. Between knots it is linear. The shared curve is that of no deviations.

Hue: a curve per channel turns orange into yellow, because it lifts the lower of two channels by more. Where the shared
curve lifts the highest channel m of a pixel to y, the factor y / m on all channels keeps their hue. The hue share h
blends from the first (0) to the second (1), and all the more the brighter that channel is: h + (1 - h) m². A steep
curve per channel would turn colored lights white.

Matrix: its off-diagonals are 0.25 of the six numbers, row by row, and its rows sum to 1, so grey stays grey.

`strength` multiplies the log-increments, deviations and matrix numbers: half a strength is half the exponent where the
curve is a power, and curves stay monotone up to any strength, which a blend of samples would not beyond 1.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from edge_dce.pixels.look import PLAIN, Look, protect_highlights

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

INCREMENTS = 24
# Where the kinds of numbers begin: after the shared increments, after the deviations, after the matrix.
_DEVIATIONS = INCREMENTS
_MATRIX = _DEVIATIONS + 3 * INCREMENTS
_HUE = _MATRIX + 6
COUNT = _HUE + 1

INCREMENT_RANGE, DEVIATION_RANGE, MATRIX_RANGE = 4.0, 0.5, 0.25
KNOTS: FloatArray = (np.arange(INCREMENTS + 1, dtype=np.float32) / np.float32(INCREMENTS)) ** 2
_WIDTHS: FloatArray = np.diff(KNOTS)


@dataclasses.dataclass(frozen=True)
class Tone:
    """What the numbers mean.

    Attributes:
        values: (4, K + 1) float32 in [0, 1]: of the curves of red, green and blue and of the shared one, at `KNOTS`.
        matrix: (3, 3) float32 from curved RGB to RGB.
        hue_share: 0 to 1.
    """

    values: FloatArray
    matrix: FloatArray
    hue_share: float


def decode(numbers: FloatArray, strength: float = 1.0) -> Tone:
    """The tone of (COUNT,) float32 `numbers` in [-1, 1]; those outside are clipped."""
    numbers = np.clip(numbers, -1, 1)
    deviations = np.zeros((4, INCREMENTS), np.float32)
    deviations[:3] = numbers[_DEVIATIONS:_MATRIX].reshape(3, INCREMENTS)
    exponents = INCREMENT_RANGE * numbers[:_DEVIATIONS] + DEVIATION_RANGE * deviations
    rises = _WIDTHS * np.exp(np.float32(strength) * exponents)
    values = np.zeros((4, INCREMENTS + 1), np.float32)
    np.cumsum(rises, axis=1, out=values[:, 1:])
    values /= values[:, -1:]
    matrix = np.zeros((3, 3), np.float32)
    matrix[~np.eye(3, dtype=bool)] = np.float32(strength * MATRIX_RANGE) * numbers[_MATRIX:_HUE]
    np.fill_diagonal(matrix, 1 - matrix.sum(axis=1))
    return Tone(values, matrix, float(numbers[_HUE] + 1) / 2)


def follow_curve(x: FloatArray, values: FloatArray) -> FloatArray:
    """y of `x` in [0, 1], any shape: float32, linear between the `values` at `KNOTS`."""
    slopes = np.diff(values) / _WIDTHS
    # The last knot belongs to the last interval.
    interval = np.minimum((np.sqrt(x) * np.float32(INCREMENTS)).astype(np.intp), INCREMENTS - 1)
    y: FloatArray = (values[:-1] - slopes * KNOTS[:-1])[interval] + slopes[interval] * x
    # Rounding takes it a hair beyond.
    return np.clip(y, 0, 1, out=y)


def tabulate(tone: Tone, max_brightness: float, values: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The formula before its matrix in two terms.

    A sample v becomes shares[highest channel] · curves[channel, v] + factors[highest channel] · v.

    Args:
        values: (N,) float32 that samples may have, ascending from 0 to 1.

    Returns:
        (3, N) float32 by the place of a sample in `values`, and twice (N,) by that of the highest channel of its pixel.
    """
    kept = _share_hue(tone, values)
    curves = np.stack([follow_curve(values, each) for each in tone.values])
    protect_highlights(curves, values, max_brightness)
    factors = kept * curves[3] / np.maximum(values, values[1])
    return curves[:3], 1 - kept, factors


def apply_to_samples(x: FloatArray, tone: Tone, max_brightness: float) -> FloatArray:
    """The formula, on (..., 3) float32 RGB samples in [0, 1]; the same shape and range."""
    curved = np.stack([follow_curve(x[..., channel], tone.values[channel]) for channel in range(3)], axis=-1)
    protect_highlights(curved, x, max_brightness)
    highest = x.max(axis=-1, keepdims=True)
    lifted = follow_curve(highest, tone.values[3])
    protect_highlights(lifted, highest, max_brightness)
    scaled = x * (lifted / np.maximum(highest, np.float32(1e-6)))
    kept = _share_hue(tone, highest)
    # Colors leave the cube at its faces; and the shoulder holds after the matrix as well.
    ceiling = np.maximum(x, np.float32(max_brightness))
    y: FloatArray = ((1 - kept) * curved + kept * scaled) @ tone.matrix.T
    return np.clip(y, 0, ceiling, out=y)


def _share_hue(tone: Tone, highest: FloatArray) -> FloatArray:
    """How much of a pixel keeps its hue, by its highest channel."""
    share = np.float32(tone.hue_share)
    return share + (1 - share) * np.square(highest)


def apply_exact(image: Uint8Array, numbers: FloatArray, *, look: Look = PLAIN) -> Uint8Array:
    """Enhance by the formula, in float32: the reference for `edge_dce.pixels.tone_table`, many times slower.

    Args:
        image: (H, W, 3) uint8 RGB.
        numbers: (COUNT,) float32 in [-1, 1].
        look: strength and max_brightness; denoise is no matter of the tone and is left to `Enhancer`.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    x = image.astype(np.float32) / np.float32(255)
    y = apply_to_samples(x, decode(numbers, look.strength), look.max_brightness)
    enhanced: Uint8Array = np.rint(y * np.float32(255)).astype(np.uint8)
    return enhanced
