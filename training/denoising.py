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

# Statistics of luma are taken at half of the size, those of chroma at a quarter.
_LUMA_STEP, _CHROMA_STEP = 2, 4
_LUMA_RADIUS_PX, _CHROMA_RADIUS_PX = 1, 2
_LUMA_BLUR_PX, _CHROMA_BLUR_PX = 0.5, 1.0
# Shares of sigma below which texture counts as noise.
_LUMA_SHARE, _CHROMA_SHARE = 0.7, 0.5
# What OpenCV takes for a kernel of three samples.
_FINE_BLUR_PX = 0.8
# ITU-R BT.601, full range, as OpenCV has it: luma, Cr, Cb.
_TO_LUMA = np.array([[0.299, 0.587, 0.114], [0.5, -0.418688, -0.081312], [-0.168736, -0.331264, 0.5]], np.float32).T
_TO_RGB = np.linalg.inv(_TO_LUMA).astype(np.float32)


def remove_noise(images: Tensor, sigma: Tensor) -> Tensor:
    """The images without noise, (B, H, W, 3) float32 in [0, 1].

    Self-guided filters (He et al., "Guided Image Filtering", TPAMI 2013, eq. 5 and 6) on luma and chroma.

    Args:
        images: (B, H, W, 3) float32 in [0, 1]; H and W are multiples of 4.
        sigma: (B, H, W, 1) float32: the standard deviation of the noise at each place, in levels of 255.
    """
    luma, chroma = ops.split(ops.matmul(images * 255, _TO_LUMA), (1,), axis=3)
    # The blur must not touch what has no noise.
    share = ops.minimum(sigma, 1)
    fine = _blur(luma, _FINE_BLUR_PX, radius_px=1)
    smooth_luma = _smooth(
        luma, fine, sigma * _LUMA_SHARE, step=_LUMA_STEP, radius_px=_LUMA_RADIUS_PX, blur_px=_LUMA_BLUR_PX
    )
    smooth_chroma = _smooth(
        chroma, None, sigma * _CHROMA_SHARE, step=_CHROMA_STEP, radius_px=_CHROMA_RADIUS_PX, blur_px=_CHROMA_BLUR_PX
    )
    planes = [luma + share * (smooth_luma - luma), chroma + share * (smooth_chroma - chroma)]
    return ops.clip(ops.matmul(ops.concatenate(planes, axis=3), _TO_RGB) / 255, 0, 1)


def _smooth(
    plane: Tensor, target: Tensor | None, sigma: Tensor, *, step: int, radius_px: int, blur_px: float
) -> Tensor:
    """Planes filtered by themselves with statistics at a 1/`step` of the size, at their full size.

    The coefficients are stretched and applied to `target`; None applies them to the small planes and stretches those.
    """
    small, small_sigma = _shrink(plane, step), _shrink(sigma, step)
    guide = _blur(small, blur_px, radius_px=2)
    mean_guide, mean = _average(guide, radius_px), _average(small, radius_px)
    covariance = _average(guide * small, radius_px) - mean_guide * mean
    variance = _average(guide * guide, radius_px) - mean_guide * mean_guide
    # The floor keeps flat places from dividing zero by zero.
    slope = ops.stop_gradient(covariance / (ops.maximum(variance, 0) + ops.square(small_sigma) + 1e-3))
    offset = _average(mean - slope * mean_guide, radius_px)
    slope = _average(slope, radius_px)
    if target is None:
        return _stretch(slope * guide + offset, step)
    return _stretch(slope, step) * target + _stretch(offset, step)


def _shrink(planes: Tensor, step: int) -> Tensor:
    return ops.average_pool(planes, step, strides=step, padding="valid")


def _stretch(planes: Tensor, step: int) -> Tensor:
    _, height, width, _ = planes.shape
    return ops.image.resize(planes, (height * step, width * step), interpolation="bilinear")


def _average(planes: Tensor, radius_px: int) -> Tensor:
    side = 2 * radius_px + 1
    return ops.average_pool(_mirror(planes, radius_px), side, strides=1, padding="valid")


def _blur(planes: Tensor, sigma_px: float, *, radius_px: int) -> Tensor:
    offsets = np.arange(-radius_px, radius_px + 1)
    weights = np.exp(-(offsets**2) / (2 * sigma_px**2)).astype(np.float32)
    weights /= weights.sum()
    planes = _mirror(planes, radius_px)
    for kernel in (weights[:, np.newaxis], weights[np.newaxis]):
        repeated = np.repeat(kernel[:, :, np.newaxis, np.newaxis], planes.shape[-1], axis=2)
        planes = ops.depthwise_conv(planes, repeated, padding="valid")
    return planes


def _mirror(planes: Tensor, radius_px: int) -> Tensor:
    """A border without the outermost row twice, as OpenCV has it."""
    return ops.pad(planes, [[0, 0], [radius_px, radius_px], [radius_px, radius_px], [0, 0]], mode="reflect")
