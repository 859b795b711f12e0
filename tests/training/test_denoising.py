"""The filter as training sees it."""

import numpy as np
import pytest

from training.denoising import remove_noise


def make_noisy(level: float, deviation: float) -> np.ndarray:
    noise = np.random.default_rng(3).normal(level, deviation, (1, 64, 96, 3))
    return (np.clip(noise, 0, 255) / 255).astype(np.float32)


def fill(sigma: float) -> np.ndarray:
    return np.full((1, 64, 96, 1), sigma, np.float32)


def test_picture_without_noise_stays_as_it_is() -> None:
    images = make_noisy(120, 30)
    # Into YCrCb and back in float32.
    np.testing.assert_allclose(np.asarray(remove_noise(images, fill(0), fill(0))), images, atol=1e-5)


def test_noise_is_smoothed_by_as_much_as_is_said_to_be_noise() -> None:
    images = make_noisy(120, 10)
    left = [
        float(np.asarray(remove_noise(images, fill(sigma), fill(sigma))).std() * 255)
        for sigma in (0.0, 3.0, 10.0, 30.0)
    ]
    assert left == sorted(left, reverse=True)
    assert left[2] < 4
    assert left[3] < 3


def test_mean_is_kept() -> None:
    images = make_noisy(120, 10)
    smooth = np.asarray(remove_noise(images, fill(10), fill(10)))
    # The border is mirrored, so it counts a little more than the rest.
    np.testing.assert_allclose(smooth.mean(axis=(1, 2)), images.mean(axis=(1, 2)), atol=0.3 / 255)


def test_edge_far_above_the_noise_stays_sharp() -> None:
    images = make_noisy(60, 5)
    images[:, :, 48:] += 120 / 255
    smooth = np.asarray(remove_noise(images, fill(5), fill(5)))[0] * 255
    # Coefficients of half the size reach four pixels; 5 of the step's 120 levels is what they carry across.
    assert smooth[:, 44:47].mean() == pytest.approx(60, abs=5)
    assert smooth[:, 49:52].mean() == pytest.approx(180, abs=5)
    assert (smooth[:, 49] - smooth[:, 46]).mean() > 110
