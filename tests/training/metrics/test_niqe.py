"""NIQE, with made statistics in place of the published ones."""

import math
from pathlib import Path

import numpy as np
import pytest

from edge_dce.errors import ImageError
from training.metrics.niqe import FEATURES, URL, fit_asymmetric, measure_features, measure_naturalness
from training.metrics.weights import WeightsError


def make_noise(height: int = 192, width: int = 288) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3)).astype(np.uint8)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the statistics are looked for."""
    monkeypatch.setenv("EDGE_DCE_CACHE", str(tmp_path))
    path = tmp_path / "weights" / "niqe_pris_params.npz"
    path.parent.mkdir(parents=True)
    return path


@pytest.mark.parametrize(("left", "right"), [(1.0, 1.0), (1.0, 3.0)])
def test_distribution_that_samples_came_from_is_found(left: float, right: float) -> None:
    # Two halves of normal distributions, joined without a step: shape 2, and scales of √2 deviations.
    random = np.random.default_rng(1)
    count = 200_000
    is_left = random.random(count) < left / (left + right)
    samples = np.abs(random.standard_normal(count)) * np.where(is_left, -left, right)
    # The deviation of a half of n samples strays by 1/√(2n): of 50,000 by 0.3 % (one sigma); the shape by 0.01.
    shape, *scales = fit_asymmetric(samples)
    assert shape == pytest.approx(2, abs=0.05)
    assert scales == pytest.approx([2**0.5 * left, 2**0.5 * right], rel=0.02)


def test_features_of_noise_tell_how_the_window_ties_neighbors() -> None:
    features = measure_features(make_noise())
    assert features.shape == (6, FEATURES)
    # What is left of independent samples without the mean of the window g is h = δ − g, and neighbors then have the
    # correlation Σ h(x)·h(x + 1) / Σ h². Feature 3 is the mean of their products, and the first two tell the variance.
    offsets = np.arange(-4, 5)
    window = np.exp(-(offsets**2) / (2 * (7 / 6) ** 2)) * (np.abs(offsets) <= 3)
    window = np.outer(window, window) / window.sum() ** 2
    left = -window
    left[4, 4] += 1
    correlation = float((left * np.roll(left, 1, axis=1)).sum() / np.square(left).sum())
    variances = [scale**2 * math.gamma(3 / shape) / math.gamma(1 / shape) for shape, scale in features[:, :2]]
    # The products' own distribution is fitted by its moments of one and two, so its mean is off by a tenth.
    assert (features[:, 3] / variances).mean() == pytest.approx(correlation, rel=0.15)


def test_picture_with_the_statistics_of_good_photos_is_at_distance_0(file: Path) -> None:
    image = make_noise()
    np.savez(file, mu_pris_param=measure_features(image).mean(axis=0)[np.newaxis], cov_pris_param=np.eye(FEATURES))
    # Means of float64, the square root of their rounding.
    assert measure_naturalness(image) == pytest.approx(0, abs=1e-6)


def test_distance_is_measured_in_the_mean_of_both_covariances(file: Path) -> None:
    image = make_noise()
    mean = measure_features(image).mean(axis=0)
    mean[5] += 3000
    # (Σ₁ + Σ₂) / 2 is 10⁶ · 1, but for a few units of the picture's own covariance: 3000 / √10⁶.
    np.savez(file, mu_pris_param=mean, cov_pris_param=2e6 * np.eye(FEATURES))
    assert measure_naturalness(image) == pytest.approx(3, rel=1e-4)


def test_missing_file_is_said_with_its_source_and_place(file: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        measure_naturalness(make_noise())
    assert f"place {URL} at {file}, or leave niqe out" in str(caught.value)


def test_other_file_is_an_error(file: Path) -> None:
    for content in (b"", b"PK no zip"):
        file.write_bytes(content)
        with pytest.raises(WeightsError, match="expected mu_pris_param and cov_pris_param"):
            measure_naturalness(make_noise())
    np.savez(file, mu_pris_param=np.zeros(3), cov_pris_param=np.eye(3))
    with pytest.raises(WeightsError, match="of 36 features"):
        measure_naturalness(make_noise())


@pytest.mark.parametrize("image", [make_noise(95, 300), make_noise(100, 100)])
def test_picture_smaller_than_two_blocks_is_an_error(image: np.ndarray) -> None:
    with pytest.raises(ImageError, match="expected two blocks of 96x96 pixels or more for NIQE"):
        measure_features(image)


def test_black_picture_has_no_figure(file: Path) -> None:
    np.savez(file, mu_pris_param=np.zeros(FEATURES), cov_pris_param=np.eye(FEATURES))
    image = make_noise()
    image[:, 96:] = 0
    # A column of two blocks is left, which is enough; one is not.
    assert measure_naturalness(image) is not None
    image[96:] = 0
    assert measure_naturalness(image) is None
