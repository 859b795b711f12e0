"""What brightening does besides: it turns the order of lightness, leaves noise, clips samples, shifts hues.

All images are (H, W, 3) uint8 RGB; two that are compared have one size.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.pixels.shrinking import shrink

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float64]

# Of Wang et al.: both pictures are shrunk until their shorter side has 50 pixels.
_ORDER_SIDE_PX = 50
# So many lines of the table of all pairs at a time: 10 MB of it.
_ORDER_ROWS = 1024
_BLOCK_PX = 8
_FLAT_SHARE = 0.2
# Of chroma; half of what is just visible is 1.
_GREY = 0.05


def measure_order_error(image: Uint8Array, dark: Uint8Array) -> float:
    """Lightness order error (LOE) of an image against the dark one that it was made of; 0 where the order is the same.

    With lightness L the largest of red, green and blue, and both pictures shrunk until the shorter side has 50 pixels:
    the number of places y whose order L(x) ≥ L(y) is not that of the dark picture, mean over all places x. Wang et al.,
    "Naturalness preserved enhancement algorithm for non-uniform illumination images", IEEE TIP 2013. It grows with the
    number of places, so figures of pictures of one aspect compare.
    """
    lightness, before = (_shrink_for_order(each).max(axis=2).ravel() for each in (image, dark))
    turned = 0
    for start in range(0, len(lightness), _ORDER_ROWS):
        rows = slice(start, start + _ORDER_ROWS)
        now = lightness[rows, np.newaxis] >= lightness
        turned += int(np.count_nonzero(now != (before[rows, np.newaxis] >= before)))
    return turned / len(lightness)


def measure_noise_left(image: Uint8Array, truth: Uint8Array) -> float:
    """Standard deviation of the noise that an image has beyond its truth, in levels of 255; 0 where it has no more.

    sqrt(max(0, mean σ²(image) − mean σ²(truth))), over the flattest fifth of the truth's blocks of 8x8 pixels; σ² is
    the variance of luma (ITU-R BT.601) inside a block. Where a scene is flat, variance is noise: the homogeneous blocks
    of Amer and Dubois, "Fast and reliable structure-oriented video noise estimation", IEEE TCSVT 2005, here known from
    the truth. Noise is brightened with the picture, so a darker picture has less.
    """
    variances, flatness = (_measure_variances(each) for each in (image, truth))
    flattest = np.argsort(flatness, kind="stable")[: max(1, math.ceil(_FLAT_SHARE * len(flatness)))]
    return math.sqrt(max(0.0, float(variances[flattest].mean() - flatness[flattest].mean())))


def count_clipped_share(image: Uint8Array, dark: Uint8Array) -> float:
    """Percent of samples at 0 or 255 that were between them in the dark picture: detail that enhancing destroyed."""
    is_clipped, was_clipped = ((each == 0) | (each == 255) for each in (image, dark))
    return 100 * float(np.mean(is_clipped & ~was_clipped))


def measure_hue_shift(image: Uint8Array, truth: Uint8Array) -> float:
    """Mean angle between the hues of image and truth, in degrees from 0 to 180, weighted by chroma.

    Σ w·|Δh| / Σ w with the hue angle h = atan2(b*, a*) of CIE 1976 L*a*b* and w = √(C*₁·C*₂), the mean chroma by which
    CIE 15:2004 makes a hue difference of an angle. Grey has no hue and no weight; of two
    pictures without a color in common the shift is 0.
    """
    one, other = (_find_color(each) for each in (image, truth))
    weights = np.sqrt(np.abs(one * other))
    total = float(weights.sum())
    return float(np.degrees((weights * np.abs(np.angle(one * other.conj()))).sum() / total)) if total > 0 else 0.0


def _shrink_for_order(image: Uint8Array) -> Uint8Array:
    height, width = image.shape[:2]
    ratio = _ORDER_SIDE_PX / min(height, width)
    if ratio >= 1:
        return image
    return shrink(image, max(1, round(width * ratio)), max(1, round(height * ratio)))


def _measure_variances(image: Uint8Array) -> FloatArray:
    """Of luma in each block; what is left over at the right and at the bottom does not count."""
    luma = np.asarray(image, np.float64) @ np.array([0.299, 0.587, 0.114])
    rows, columns = (max(1, side // _BLOCK_PX) for side in luma.shape)
    height, width = (min(side, _BLOCK_PX) for side in luma.shape)
    blocks = luma[: rows * height, : columns * width].reshape(rows, height, columns, width)
    variances: FloatArray = blocks.var(axis=(1, 3)).ravel()
    return variances


def _find_color(image: Uint8Array) -> npt.NDArray[np.complex128]:
    """a* + i·b* of every pixel."""
    lab = cv2.cvtColor(image.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2Lab).astype(np.float64)
    color: npt.NDArray[np.complex128] = lab[..., 1] + 1j * lab[..., 2]
    # OpenCV's grey is off the axis by rounding.
    color[np.abs(color) < _GREY] = 0
    return color
