"""Image quality in float64, without the traps: uint8 differences wrap modulo 256 and score any two photos 28 dB."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.errors import ImageError

Uint8Array = npt.NDArray[np.uint8]

_PEAK = 255.0
# Wang et al., "Image quality assessment: from error visibility to structural similarity", IEEE TIP 2004, section III-B.
_WINDOW_PX, _SIGMA_PX = 11, 1.5
_C1, _C2 = (0.01 * _PEAK) ** 2, (0.03 * _PEAK) ** 2


def psnr(image: Uint8Array, reference: Uint8Array) -> float:
    """Peak signal-to-noise ratio in dB over all samples, peak 255; infinite for equal images.

    Raises:
        ImageError: shapes differ, or samples are not uint8.
    """
    _check(image, reference)
    error = np.mean(np.square(image.astype(np.float64) - reference.astype(np.float64)))
    return math.inf if error == 0 else float(10 * np.log10(_PEAK**2 / error))


def finite_psnr(image: Uint8Array, reference: Uint8Array) -> float:
    """As `psnr`, but equal images score as if one sample were off by one: for means and for JSON."""
    return min(psnr(image, reference), float(10 * np.log10(_PEAK**2 * image.size)))


def psnr_at_equal_mean(image: Uint8Array, reference: Uint8Array) -> float:
    """`finite_psnr` after the image is multiplied to the reference's mean and clipped, in dB.

    It leaves out most of a wrong exposure, so it must never stand in for `psnr`, nor without this name beside it.

    Raises:
        ImageError: as `psnr`.
    """
    _check(image, reference)
    factor = float(reference.mean()) / max(float(image.mean()), 1 / image.size)
    scaled = np.clip(np.rint(image.astype(np.float64) * factor), 0, _PEAK).astype(np.uint8)
    return finite_psnr(scaled, reference)


def color_difference(image: Uint8Array, reference: Uint8Array) -> float:
    """Mean over pixels of the distance in CIE L*a*b* (CIE76, white D65) of two (H, W, 3) RGB images taken as sRGB.

    Lightness counts as much as color does. About 2 is just visible side by side.

    Raises:
        ImageError: as `psnr`.
    """
    _check(image, reference)
    one, other = (
        cv2.cvtColor(each.astype(np.float32) / np.float32(_PEAK), cv2.COLOR_RGB2Lab) for each in (image, reference)
    )
    return float(np.mean(np.sqrt(np.square(one - other).sum(axis=2)), dtype=np.float64))


def ssim(image: Uint8Array, reference: Uint8Array) -> float:
    """Structural similarity, mean over channels: 11x11 Gaussian window (sigma 1.5), windows inside the image only.

    Raises:
        ImageError: shapes differ, samples are not uint8, or a side is shorter than the window.
    """
    _check(image, reference)
    if min(image.shape[:2]) < _WINDOW_PX:
        raise ImageError(f"expected at least {_WINDOW_PX}x{_WINDOW_PX} pixels for SSIM, found {image.shape[:2]}")
    x, y = image.astype(np.float64), reference.astype(np.float64)
    mean_x, mean_y = _window_mean(x), _window_mean(y)
    variance_x = _window_mean(x * x) - mean_x**2
    variance_y = _window_mean(y * y) - mean_y**2
    covariance = _window_mean(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + _C1) / (mean_x**2 + mean_y**2 + _C1)
    structure = (2 * covariance + _C2) / (variance_x + variance_y + _C2)
    return float(np.mean(luminance * structure))


def _window_mean(samples: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    blurred = cv2.GaussianBlur(samples, (_WINDOW_PX, _WINDOW_PX), _SIGMA_PX)
    border = _WINDOW_PX // 2
    return np.asarray(blurred[border:-border, border:-border], dtype=np.float64)


def _check(image: Uint8Array, reference: Uint8Array) -> None:
    if image.dtype != np.uint8 or reference.dtype != np.uint8:
        raise ImageError(f"expected uint8 images, found {image.dtype} and {reference.dtype}")
    if image.shape != reference.shape:
        raise ImageError(
            f"expected images of one size, found {image.shape} and {reference.shape}; never resize to compare"
        )
