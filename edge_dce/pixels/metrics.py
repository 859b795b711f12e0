"""Image quality in float64, without the traps: uint8 differences wrap modulo 256 and score any two photos 28 dB."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.errors import ImageError

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float64]

_PEAK = 255.0
# Wang et al., "Image quality assessment: from error visibility to structural similarity", IEEE TIP 2004, section III-B.
_WINDOW_PX, _SIGMA_PX = 11, 1.5
_C1, _C2 = (0.01 * _PEAK) ** 2, (0.03 * _PEAK) ** 2
# Wang et al., "Multiscale structural similarity for image quality assessment", Asilomar 2003, section 3.2: of each
# scale from the picture itself on, each half as large as the one before.
_SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


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
    luminance, structure = _compare(image.astype(np.float64), reference.astype(np.float64))
    return float(np.mean(luminance * structure))


def ms_ssim(image: Uint8Array, reference: Uint8Array) -> float:
    """Multi-scale structural similarity, mean over channels: Π cs_j^w_j over four scales · SSIM_5^w_5.

    cs is SSIM without its luminance term. Each scale is the mean of 2x2 pixels of the one before; of an odd side the
    last row or column is left out. Where structures are opposite, cs counts as 0.

    Raises:
        ImageError: shapes differ, samples are not uint8, or a side is shorter than the window at the smallest scale.
    """
    _check(image, reference)
    shortest_px = _WINDOW_PX * 2 ** (len(_SCALE_WEIGHTS) - 1)
    if min(image.shape[:2]) < shortest_px:
        raise ImageError(f"expected at least {shortest_px}x{shortest_px} pixels for MS-SSIM, found {image.shape[:2]}")
    x, y = image.astype(np.float64), reference.astype(np.float64)
    product: Any = 1.0
    for number, weight in enumerate(_SCALE_WEIGHTS, start=1):
        luminance, structure = _compare(x, y)
        terms = luminance * structure if number == len(_SCALE_WEIGHTS) else structure
        product = product * np.maximum(terms.mean(axis=(0, 1)), 0) ** weight
        x, y = _halve(x), _halve(y)
    return float(np.mean(product))


def _compare(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The luminance term of SSIM, and the product of contrast and structure, for every window."""
    mean_x, mean_y = _window_mean(x), _window_mean(y)
    variance_x = _window_mean(x * x) - mean_x**2
    variance_y = _window_mean(y * y) - mean_y**2
    covariance = _window_mean(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + _C1) / (mean_x**2 + mean_y**2 + _C1)
    structure = (2 * covariance + _C2) / (variance_x + variance_y + _C2)
    return luminance, structure


def _halve(samples: FloatArray) -> FloatArray:
    height, width = samples.shape[0] // 2, samples.shape[1] // 2
    even = samples[: 2 * height, : 2 * width]
    return np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), np.float64)


def _window_mean(samples: FloatArray) -> FloatArray:
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
