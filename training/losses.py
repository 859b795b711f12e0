"""The four non-reference losses of Zero-DCE, as in the authors' published code (Li-Chongyi/Zero-DCE, Myloss.py), three
that compare with a normal-light partner, and one of the curves of a tone.

`images`, `enhanced` and `partners` are (B, H, W, C) float32 in [0, 1], C being 1 (grey), 3 (RGB) or 4 (RGB and near
infrared), `curves` (B, H, W, C·maps) float32 in [-1, 1]. Each function returns a float32 scalar: the mean over the
batch.

The widely copied Keras tutorial has two faults that the tests here keep out: its spatial kernels are laid out so that
any brightening is punished and vertical neighbors are ignored, and its smoothness is divided by channel count instead
of height, 11 times too strong at 256 x 256.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from edge_dce.pixels.curve import take_steps

# Of whichever backend Keras runs on.
Tensor = Any

_SPATIAL_REGION_PX = 4
_COMPARED_REGION_PX = 16
# Wang et al., "Image quality assessment: from error visibility to structural similarity", IEEE TIP 2004; peak 1.
_WINDOW_PX, _SIGMA_PX = 11, 1.5
_C1, _C2 = 0.01**2, 0.03**2


def apply_curves(images: Tensor, curves: Tensor, *, root: int = 1) -> Tensor:
    """Enhance: y = x + a·(x² − x), eight times (paper eq. 3; sign as in the authors' code), on the root axis.

    Every C channels of `curves` are one map `a`; where there are fewer maps than iterations, they take turns.
    """
    maps = ops.split(curves, curves.shape[-1] // images.shape[-1], axis=-1)
    # Not as a product, whose gradient is a sum: runs come out to the bit as those that made the bundled models.
    return take_steps(images, maps, root=root, sqrt=ops.sqrt, square=ops.square)


def spatial_consistency(images: Tensor, enhanced: Tensor) -> Tensor:
    """Change of contrast between neighboring 4x4 regions, summed over the four neighbors, mean over regions (eq. 4).

    (Y_I − Y_I,nb) − (Y_X − Y_X,nb) is the difference between neighbors of Y_I − Y_X, so one map is enough. Outside the
    picture that map counts as zero, as the zero padding of the authors' code has it.
    """
    change = _pool_grey(enhanced, _SPATIAL_REGION_PX) - _pool_grey(images, _SPATIAL_REGION_PX)
    padded = ops.pad(change, [[0, 0], [1, 1], [1, 1], [0, 0]])
    neighbors = (padded[:, 1:-1, :-2], padded[:, 1:-1, 2:], padded[:, :-2, 1:-1], padded[:, 2:, 1:-1])
    return ops.mean(sum(ops.square(change - neighbor) for neighbor in neighbors))


def exposure(enhanced: Tensor, target: float, region_px: int | None = 16) -> Tensor:
    """Squared distance of each region's grey level from `target` (eq. 5, squared as in the authors' code).

    With `region_px` None the whole picture is one region: it then costs nothing to leave a dark corner dark in a
    picture that is bright enough, where the authors' 16x16 regions pull every place to the same grey.
    """
    if region_px is None:
        return ops.mean(ops.square(ops.mean(enhanced, axis=(1, 2, 3)) - target))
    return ops.mean(ops.square(_pool_grey(enhanced, region_px) - target))


def color_constancy(enhanced: Tensor) -> Tensor:
    """sqrt(d_rg² + d_rb² + d_gb²) with d the *squared* differences of an image's channel means (eq. 6, as coded).

    Of the color channels alone: near infrared has no color to be constant, and a grey image costs nothing.
    """
    if enhanced.shape[-1] < 3:
        return ops.zeros(())
    red, green, blue, *_ = ops.split(ops.mean(enhanced, axis=(1, 2)), enhanced.shape[-1], axis=-1)
    total = sum(ops.power(one - other, 4) for one, other in ((red, green), (red, blue), (green, blue)))
    # The floor keeps the gradient of the root finite for a perfectly grey image.
    return ops.mean(ops.sqrt(ops.maximum(total, 1e-12)))


def illumination_smoothness(curves: Tensor) -> Tensor:
    """Total variation of the curves (eq. 7, as coded).

    2·(Σ(Δ_h A)² / ((H−1)·W) + Σ(Δ_w A)² / (H·(W−1))) / B, the sums running over channels and batch too.
    """
    vertical = ops.sum(ops.square(curves[:, 1:] - curves[:, :-1]), axis=-1)
    horizontal = ops.sum(ops.square(curves[:, :, 1:] - curves[:, :, :-1]), axis=-1)
    return 2.0 * (ops.mean(vertical) + ops.mean(horizontal))


def absolute(enhanced: Tensor, partners: Tensor) -> Tensor:
    """Mean absolute difference from the normal-light partner (L1)."""
    return ops.mean(ops.abs(enhanced - partners))


def regional(enhanced: Tensor, partners: Tensor) -> Tensor:
    """Mean absolute difference of the means of 16x16 regions: exposure and color, of which noise knows nothing."""
    return ops.mean(ops.abs(_pool(enhanced - partners, _COMPARED_REGION_PX)))


def structure(enhanced: Tensor, partners: Tensor) -> Tensor:
    """1 − SSIM against the normal-light partner, as `edge_dce.pixels.metrics.ssim` defines it, peak 1.

    Needs images of at least 11x11 pixels.
    """
    mean_x, mean_y = _window_mean(enhanced), _window_mean(partners)
    variance_x = _window_mean(ops.square(enhanced)) - ops.square(mean_x)
    variance_y = _window_mean(ops.square(partners)) - ops.square(mean_y)
    covariance = _window_mean(enhanced * partners) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + _C1) / (ops.square(mean_x) + ops.square(mean_y) + _C1)
    contrast = (2 * covariance + _C2) / (variance_x + variance_y + _C2)
    return 1 - ops.mean(luminance * contrast)


def neutrality(tables: Tensor) -> Tensor:
    """Mean absolute difference of the curves of red, green and blue from the mean of the three.

    It is what they tint grey by, where hue is not kept.

    Args:
        tables: (B, 256, 3 or more) float32 in [0, 1], red, green and blue first, see `training.tone.tabulate`.
    """
    curves = tables[:, :, :3]
    return ops.mean(ops.abs(curves - ops.mean(curves, axis=2, keepdims=True)))


@dataclasses.dataclass(frozen=True)
class Step:
    """What a step of training a curve network has made, for losses that need no partner.

    Attributes:
        images, enhanced, curves: as above, `curves` at the size of the images.
        exposure_target, exposure_region_px: as the recipe has them.
    """

    images: Tensor
    enhanced: Tensor
    curves: Tensor
    exposure_target: float
    exposure_region_px: int | None


# By the names that loss weights have for them. Another loss is one function and one entry, here or in COMPARISONS.
REFERENCE_FREE: dict[str, Callable[[Step], Tensor]] = {
    "spatial_consistency": lambda step: spatial_consistency(step.images, step.enhanced),
    "exposure": lambda step: exposure(step.enhanced, step.exposure_target, step.exposure_region_px),
    "color_constancy": lambda step: color_constancy(step.enhanced),
    "illumination_smoothness": lambda step: illumination_smoothness(step.curves),
}
# Each takes enhanced images and their partners.
COMPARISONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "absolute": absolute,
    "structure": structure,
    "regional": regional,
}


def _window_mean(images: Tensor) -> Tensor:
    channels = images.shape[-1]
    offsets = np.arange(_WINDOW_PX) - _WINDOW_PX // 2
    weights = np.exp(-(offsets**2) / (2 * _SIGMA_PX**2)).astype(np.float32)
    weights /= weights.sum()
    for kernel in (weights[:, np.newaxis], weights[np.newaxis]):
        repeated = np.repeat(kernel[:, :, np.newaxis, np.newaxis], channels, axis=2)
        images = ops.depthwise_conv(images, repeated, padding="valid")
    return images


def _pool_grey(images: Tensor, region_px: int) -> Tensor:
    return _pool(ops.mean(images, axis=-1, keepdims=True), region_px)


def _pool(images: Tensor, region_px: int) -> Tensor:
    return ops.average_pool(images, region_px, strides=region_px, padding="valid")
