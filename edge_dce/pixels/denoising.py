"""Smooth away the noise that brightening amplified, and leave alone what it did not brighten.

Self-guided filters (He et al., "Guided Image Filtering", TPAMI 2013, eq. 5 and 6) on luma and, at half the resolution,
on the two chroma channels. Their regularizer is the variance below which a texture counts as noise; here it follows the
gain: where enhancement multiplied brightness by g, it multiplied noise by about as much, so sigma = amount · (g - 1) of
255 levels. What was not brightened stays as it is. The guide is blurred a little, or it would hold the very noise that
it is to remove.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.pixels.buffers import Buffers
from edge_dce.pixels.shrinking import shrink
from edge_dce.pixels.strips import StripWorkers, cut_strips

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

# All of what follows was chosen on LOL, and by eye on DICM and LIME: guides at full chroma strength wash out small
# patches of color, a larger radius flattens texture (docs/decisions/0010).
_LUMA_RADIUS_PX, _CHROMA_RADIUS_PX = 2, 3
_LUMA_BLUR_PX, _CHROMA_BLUR_PX = 0.6, 1.0
_CHROMA_SHARE = 0.5
# Brightness is compared over areas of this side, so that the gain is that of the surroundings and not of a noisy pixel.
_AREA_PX = 8
# Even, so that chroma is halved alike in every strip, and beyond the reach of two chroma boxes and a blur.
_HALO_ROWS = 24
_STRIP_PX = 384 * 1024
_CONVERSIONS = {
    "RGB": (cv2.COLOR_RGB2YCrCb, cv2.COLOR_YCrCb2RGB),
    "BGR": (cv2.COLOR_BGR2YCrCb, cv2.COLOR_YCrCb2BGR),
}


def measure_gain(before: Uint8Array, after: Uint8Array) -> FloatArray:
    """How many times brighter one small (h, w, C) image is than the other, smoothed; (h, w) float32, at least 1."""
    dark, bright = (image[..., :3].mean(axis=2, dtype=np.float32) + 1 for image in (before, after))
    gain: FloatArray = np.maximum(cv2.GaussianBlur(bright / dark, (0, 0), 2), np.float32(1))
    return gain


def shrink_for_gain(image: npt.NDArray[Any]) -> Uint8Array:
    """An image as `measure_gain` compares it."""
    return shrink(image, max(1, image.shape[1] // _AREA_PX), max(1, image.shape[0] // _AREA_PX))


def remove_noise(
    noisy: npt.NDArray[Any],
    gain: FloatArray,
    amount: float,
    out: npt.NDArray[Any],
    *,
    channel_order: str,
    workers: StripWorkers,
) -> None:
    """Write the denoised image to `out`.

    Args:
        noisy: (H, W, 3 or 4) of `channel_order`, uint8, uint16 or floating point in [0, 1]; alpha is copied.
        gain: what `measure_gain` returned.
        amount: 0 to 1.
        out: array like `noisy`, another one.
    """
    height, width = noisy.shape[:2]
    white = np.float32(np.iinfo(noisy.dtype).max if np.issubdtype(noisy.dtype, np.integer) else 1)
    # The map is small, and stretching it whole keeps strips from differing at their edges.
    wide_gain = _resize(gain, (width, len(gain)), cv2.INTER_LINEAR)

    def work(rows: slice, _: Buffers) -> None:
        top, bottom = max(0, rows.start - _HALO_ROWS), min(height, rows.stop + _HALO_ROWS)
        sigma = _stretch(wide_gain, top, bottom, height) - 1
        sigma *= np.float32(amount)
        samples = noisy[top:bottom, :, :3].astype(np.float32)
        samples *= 255 / white
        filtered = _filter(samples, sigma, channel_order)[rows.start - top : rows.stop - top]
        filtered *= white / 255
        np.clip(filtered, 0, white, out=filtered)
        if white > 1:
            np.rint(filtered, out=filtered)
        np.copyto(out[rows, :, :3], filtered, casting="unsafe")
        np.copyto(out[rows, :, 3:], noisy[rows, :, 3:])

    rows = max(2 * _HALO_ROWS, _STRIP_PX // width)
    workers.run(work, cut_strips(height, rows - rows % 2))


def _filter(samples: FloatArray, sigma: FloatArray, channel_order: str) -> FloatArray:
    """(H, W, 3) float32 of 255 levels, smoothed where `sigma` (H, W), in the same levels, says so."""
    # Chroma is halved: an odd side would be halved by another factor in each strip.
    odd_rows, odd_columns = (side % 2 for side in sigma.shape)
    if odd_rows or odd_columns:
        border = (0, odd_rows, 0, odd_columns, cv2.BORDER_REPLICATE)
        even: list[Any] = [cv2.copyMakeBorder(each, *border) for each in (samples, sigma)]
        return _filter(even[0], even[1], channel_order)[: sigma.shape[0], : sigma.shape[1]]
    height, width = sigma.shape
    to_luma, to_color = _CONVERSIONS[channel_order[:3]]
    half = (width // 2, height // 2)
    half_sigma = _resize(sigma, half, cv2.INTER_AREA) * np.float32(_CHROMA_SHARE)
    share = np.minimum(sigma, 1)

    def smooth_chroma(plane: FloatArray) -> FloatArray:
        halved = _resize(plane, half, cv2.INTER_AREA)
        smooth = _smooth(halved, half_sigma, _CHROMA_RADIUS_PX, _CHROMA_BLUR_PX)
        return _resize(smooth, (width, height), cv2.INTER_LINEAR)

    luma, *chroma = (np.asarray(plane, np.float32) for plane in cv2.split(cv2.cvtColor(samples, to_luma)))
    smooth = [_smooth(luma, sigma, _LUMA_RADIUS_PX, _LUMA_BLUR_PX), *map(smooth_chroma, chroma)]
    # The blur and the halving must not touch what was not brightened.
    planes = [plane + share * (other - plane) for plane, other in zip((luma, *chroma), smooth, strict=True)]
    return np.asarray(cv2.cvtColor(cv2.merge(planes), to_color), np.float32)


def _smooth(plane: FloatArray, sigma: FloatArray, radius_px: int, blur_px: float) -> FloatArray:
    """The plane filtered by itself: kept where its local variance is far above sigma², averaged where it is below."""
    guide = np.asarray(cv2.GaussianBlur(plane, (0, 0), blur_px), np.float32)
    mean_guide, mean = _average(guide, radius_px), _average(plane, radius_px)
    covariance = _average(guide * plane, radius_px) - mean_guide * mean
    variance = _average(guide * guide, radius_px) - mean_guide * mean_guide
    # The floor keeps flat places from dividing zero by zero.
    slope = covariance / (np.maximum(variance, 0) + sigma * sigma + np.float32(1e-3))
    smooth: FloatArray = _average(slope, radius_px) * guide + _average(mean - slope * mean_guide, radius_px)
    return smooth


def _average(plane: FloatArray, radius_px: int) -> FloatArray:
    side = 2 * radius_px + 1
    return np.asarray(cv2.boxFilter(plane, -1, (side, side)), np.float32)


def _resize(plane: FloatArray, size: tuple[int, int], method: int) -> FloatArray:
    return np.asarray(cv2.resize(plane, size, interpolation=method), np.float32)


def _stretch(wide: FloatArray, top: int, bottom: int, height: int) -> FloatArray:
    """Rows of a map that is `wide` enough already, stretched to `height` rows: bilinear, half-pixel centers."""
    position = np.clip((np.arange(top, bottom) + 0.5) * len(wide) / height - 0.5, 0, len(wide) - 1)
    above = position.astype(int)
    share = (position - above).astype(np.float32)[:, np.newaxis]
    below = np.minimum(above + 1, len(wide) - 1)
    stretched: FloatArray = wide[above] * (1 - share) + wide[below] * share
    return stretched
