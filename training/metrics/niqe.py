"""NIQE: how far the statistics of a picture are from those of good photos. It needs no truth.

Mittal, Soundararajan and Bovik, "Making a 'completely blind' image quality analyzer", IEEE Signal Processing Letters
2013; equations below are this paper's. Numpy alone: the libraries that have it bring PyTorch, or may not be used for
every purpose. The statistics of good photos are the file that BasicSR publishes of the authors' own.
"""

from __future__ import annotations

import functools
import math
import zipfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.errors import ImageError

from .weights import WeightsError, find_weights

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float64]

# Apache 2.0; 11 kB.
URL = "https://github.com/XPixelGroup/BasicSR/raw/master/basicsr/metrics/niqe_pris_params.npz"
FEATURES = 36
_BLOCK_PX = 96
# Of one there is no covariance.
_FEWEST_BLOCKS = 2
_SCALES = (1, 2)
_WINDOW_PX, _SIGMA_PX = 7, 7 / 6
# Of two neighbors below, right, and along both diagonals.
_NEIGHBORS = ((0, 1), (1, 0), (1, 1), (1, -1))
# Shapes of the distribution that are tried, 0.2 to 10 (section II-B).
_SHAPES = np.arange(0.2, 10.001, 0.001)


def measure_naturalness(image: Uint8Array) -> float | None:
    """NIQE of an (H, W, 3) uint8 RGB image; less is better, and good photos have 3 to 4. None of one that is all black.

    √((ν₁ − ν₂)ᵀ ((Σ₁ + Σ₂) / 2)⁺ (ν₁ − ν₂)) of the means and covariances of 36 features of blocks of 96x96 pixels, in
    good photos and in this one (eq. 10). Halving is by means of 2x2 pixels, where the authors' is bicubic: figures
    differ a little from theirs.

    Raises:
        ImageError: it is smaller than two such blocks.
        WeightsError: the file of the statistics is not there, or is another one.
    """
    mean, covariance = _read_statistics(find_weights("niqe", URL))
    features = measure_features(image)
    if len(features) < _FEWEST_BLOCKS:
        return None
    distance = mean - features.mean(axis=0)
    joint = (covariance + np.cov(features, rowvar=False)) / 2
    return math.sqrt(max(0.0, float(distance @ np.linalg.pinv(joint) @ distance)))


def measure_features(image: Uint8Array) -> FloatArray:
    """(blocks, 36) features of an (H, W, 3) uint8 RGB image: 18 at its own size and 18 at half of it.

    Blocks without any contrast have none and are left out.

    Raises:
        ImageError: it is smaller than two blocks.
    """
    rows, columns = (side // _BLOCK_PX for side in image.shape[:2])
    if rows * columns < _FEWEST_BLOCKS:
        raise ImageError(
            f"expected two blocks of {_BLOCK_PX}x{_BLOCK_PX} pixels or more for NIQE, "
            f"found {image.shape[1]}x{image.shape[0]} pixels; leave niqe out"
        )
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.float64)
    grey = grey[: rows * _BLOCK_PX, : columns * _BLOCK_PX]
    found: list[list[list[float]]] = []
    for scale in _SCALES:
        side_px = _BLOCK_PX // scale
        found.append([_describe_block(block) for block in _cut(_normalize(grey), side_px)])
        grey = np.asarray(cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.float64)
    features = np.concatenate([np.array(each) for each in found], axis=1)
    with_contrast: FloatArray = features[np.isfinite(features).all(axis=1)]
    return with_contrast


def fit_asymmetric(samples: FloatArray) -> tuple[float, float, float]:
    """Shape and both scales of an asymmetric generalized Gaussian with these samples' moments (eq. 4; Lasmar 2009).

    NaN where all samples have one sign.
    """
    left, right = samples[samples < 0], samples[samples > 0]
    if not left.size or not right.size:
        return (math.nan,) * 3
    deviations = [math.sqrt(float(np.mean(np.square(side)))) for side in (left, right)]
    ratio = deviations[0] / deviations[1]
    spread = float(np.mean(np.abs(samples)) ** 2 / np.mean(np.square(samples)))
    wanted = spread * (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
    shape = float(_SHAPES[np.argmin(np.square(_list_spreads() - wanted))])
    factor = math.sqrt(math.gamma(1 / shape) / math.gamma(3 / shape))
    return shape, deviations[0] * factor, deviations[1] * factor


@functools.cache
def _list_spreads() -> FloatArray:
    """E|x|² / E x² of a generalized Gaussian of each shape."""
    logs = [2 * math.lgamma(2 / shape) - math.lgamma(1 / shape) - math.lgamma(3 / shape) for shape in _SHAPES]
    return np.exp(logs)


def _normalize(grey: FloatArray) -> FloatArray:
    """Without local mean and contrast: (I − μ) / (σ + 1) (eq. 1)."""

    def blur(samples: FloatArray) -> FloatArray:
        blurred = cv2.GaussianBlur(samples, (_WINDOW_PX, _WINDOW_PX), _SIGMA_PX, borderType=cv2.BORDER_REPLICATE)
        return np.asarray(blurred, np.float64)

    mean = blur(grey)
    normalized: FloatArray = (grey - mean) / (np.sqrt(np.abs(blur(grey * grey) - mean * mean)) + 1)
    return normalized


def _cut(samples: FloatArray, side_px: int) -> Iterator[FloatArray]:
    for top in range(0, samples.shape[0], side_px):
        for left in range(0, samples.shape[1], side_px):
            yield samples[top : top + side_px, left : left + side_px]


def _describe_block(block: FloatArray) -> list[float]:
    """18 features: of the samples themselves, and of the products of neighbors (eq. 4 to 8)."""
    shape, left, right = fit_asymmetric(block)
    features = [shape, (left + right) / 2]
    for neighbor in _NEIGHBORS:
        shape, left, right = fit_asymmetric(block * np.roll(block, neighbor, axis=(0, 1)))
        mean = (right - left) * math.gamma(2 / shape) / math.gamma(1 / shape) if shape == shape else shape
        features += [shape, mean, left, right]
    return features


@functools.cache
def _read_statistics(path: Path) -> tuple[FloatArray, FloatArray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            mean, covariance = (np.asarray(file[f"{name}_pris_param"], np.float64) for name in ("mu", "cov"))
        if mean.size != FEATURES or covariance.shape != (FEATURES, FEATURES):
            raise ValueError(f"{mean.size} means and covariances of shape {covariance.shape}")
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise WeightsError(
            f"{path}: expected mu_pris_param and cov_pris_param of {FEATURES} features, found something else "
            f"({error}); place {URL} there"
        ) from error
    return mean.ravel(), covariance
