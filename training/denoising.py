"""The spatial filter behind the tone, as training sees it: the differentiable twin of `edge_dce.pixels.denoising`.

A network that is trained in front of the filter learns to use what the filter forgives. Gradients reach the picture
through local means and through what the filter keeps of each pixel, not through its coefficients.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from keras import ops

Tensor = Any
FloatArray = npt.NDArray[np.float32]

# Shares of the noise's standard deviation below which texture counts as noise.
_LUMA_STRENGTH, _CHROMA_STRENGTH = 0.9, 1.5
_LUMA_RADIUS_PX, _CHROMA_RADIUS_PX = 1, 2
_LUMA_BLUR_PX, _CHROMA_BLUR_PX = 0.5, 1.0
# What OpenCV takes for a kernel of three samples.
_FINE_BLUR_PX = 0.8
# ITU-R BT.601, full range, as OpenCV has it: luma, Cr, Cb.
_TO_LUMA = np.array([[0.299, 0.587, 0.114], [0.5, -0.418688, -0.081312], [-0.168736, -0.331264, 0.5]], np.float32).T
_TO_RGB = np.linalg.inv(_TO_LUMA).astype(np.float32)


def remove_noise(images: Tensor, luma_noise: Tensor, chroma_noise: Tensor) -> Tensor:
    """The images without noise, (B, H, W, 3) float32 in [0, 1].

    Self-guided filters (He et al., "Guided Image Filtering", TPAMI 2013, eq. 5 and 6) on luma and chroma. On the device
    steps between blocks are smoothed too, and black is held: neither is learned from here.

    Args:
        images: (B, H, W, 3) float32 in [0, 1]; H and W are multiples of 4.
        luma_noise: (B, H, W, 1) float32: the standard deviation of the noise of luma at each place, in levels of 255.
        chroma_noise: the same of Cr and Cb, averaged over 4 x 4 pixels.
    """
    planes = ops.matmul(images * 255, _TO_LUMA)
    luma, chroma = ops.split(planes, (1,), axis=3)
    smooth_luma = _smooth(luma, luma_noise * _LUMA_STRENGTH, _LUMA_RADIUS_PX, _LUMA_BLUR_PX)
    half = _smooth(_halve(chroma), _halve(chroma_noise) * _CHROMA_STRENGTH, _CHROMA_RADIUS_PX, _CHROMA_BLUR_PX)
    smooth = ops.concatenate([smooth_luma, _double(half)], axis=3)
    # The blur must not touch what has no noise.
    share = ops.minimum(luma_noise, 1)
    return ops.clip(ops.matmul(planes + share * (smooth - planes), _TO_RGB) / 255, 0, 1)


def _smooth(plane: Tensor, noise: Tensor, radius_px: int, blur_px: float) -> Tensor:
    """Planes as the lines say that are fitted at half their size to how samples follow their blurred neighborhood."""
    samples = _halve(plane)
    guide = _blur(samples, blur_px)
    mean_guide, mean = _average(guide, radius_px), _average(samples, radius_px)
    covariance = _average(guide * samples, radius_px) - mean_guide * mean
    variance = _average(guide * guide, radius_px) - mean_guide * mean_guide
    # The floor keeps flat places from dividing zero by zero.
    slope = covariance / (ops.maximum(variance, 0) + ops.square(_halve(noise)) + 1e-3)
    slope = ops.stop_gradient(slope)
    offset = _average(mean - slope * mean_guide, radius_px)
    slope = _average(slope, radius_px)
    # Where lines are flat samples are noise, and their surroundings say more.
    sharp = slope * ops.square(ops.clip(slope, 0, 1))
    return _double(sharp) * plane + _double(slope - sharp) * _blur(plane, _FINE_BLUR_PX) + _double(offset)


def _halve(planes: Tensor) -> Tensor:
    return ops.average_pool(planes, 2, strides=2, padding="valid")


def _double(planes: Tensor) -> Tensor:
    _, height, width, _ = planes.shape
    return ops.image.resize(planes, (2 * height, 2 * width), interpolation="bilinear")


def _average(planes: Tensor, radius_px: int) -> Tensor:
    side = 2 * radius_px + 1
    return ops.average_pool(_mirror(planes, radius_px), side, strides=1, padding="valid")


def _blur(planes: Tensor, sigma_px: float) -> Tensor:
    """Gaussian over three samples, as on the device."""
    offsets = np.arange(-1, 2)
    weights = np.exp(-(offsets**2) / (2 * sigma_px**2)).astype(np.float32)
    weights /= weights.sum()
    planes = _mirror(planes, 1)
    for kernel in (weights[:, np.newaxis], weights[np.newaxis]):
        repeated = np.repeat(kernel[:, :, np.newaxis, np.newaxis], planes.shape[-1], axis=2)
        planes = ops.depthwise_conv(planes, repeated, padding="valid")
    return planes


def _mirror(planes: Tensor, radius_px: int) -> Tensor:
    """A border without the outermost row twice, as OpenCV has it."""
    return ops.pad(planes, [[0, 0], [radius_px, radius_px], [radius_px, radius_px], [0, 0]], mode="reflect")
