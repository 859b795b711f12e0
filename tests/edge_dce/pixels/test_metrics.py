import math

import numpy as np
import pytest

from edge_dce.errors import ImageError
from edge_dce.pixels.metrics import color_difference, finite_psnr, ms_ssim, psnr, psnr_at_equal_mean, ssim


def make_noise(seed: int, height: int = 64, width: int = 64) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def test_psnr_of_unrelated_noise_is_not_the_28_db_of_wrapped_arithmetic() -> None:
    # Two independent uniform bytes differ by (256² − 1)/6 squared on average: 10·log10(255²·6/65535) = 7.75 dB. The
    # mean over 12,288 samples strays from that by about 0.04 dB (one sigma).
    assert psnr(make_noise(1), make_noise(2)) == pytest.approx(7.75, abs=0.15)


def test_psnr_of_a_constant_difference_equals_the_formula() -> None:
    image = np.full((8, 8, 3), 200, np.uint8)
    assert psnr(image, image - 10) == pytest.approx(10 * math.log10(255**2 / 100))
    assert psnr(image - 10, image) == psnr(image, image - 10)


def test_psnr_of_equal_images_is_infinite() -> None:
    assert psnr(make_noise(1), make_noise(1)) == math.inf


def test_psnr_at_equal_mean_forgives_exposure_and_nothing_else() -> None:
    image = np.full((8, 8, 3), 40, np.uint8)
    image[:4] = 20
    # Twice as bright throughout: nothing is left but exposure.
    assert psnr_at_equal_mean(image, image * 2) == finite_psnr(image, image)
    # Turned upside down the means are equal already.
    assert psnr_at_equal_mean(image, image[::-1].copy()) == pytest.approx(psnr(image, image[::-1].copy()))


def test_psnr_at_equal_mean_of_black_is_a_number() -> None:
    assert math.isfinite(psnr_at_equal_mean(np.zeros((8, 8, 3), np.uint8), make_noise(1, 8, 8)))


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        # L* is 100 for white and 0 for black; L*a*b* of sRGB red is (53.24, 80.09, 67.20), Lindbloom's calculator.
        ((255, 255, 255), (0, 0, 0), 100.0),
        ((255, 0, 0), (0, 0, 0), 117.34),
        ((120, 60, 30), (120, 60, 30), 0.0),
    ],
)
def test_color_difference_is_the_distance_in_lab(one: tuple, other: tuple, distance: float) -> None:
    images = [np.full((4, 4, 3), color, np.uint8) for color in (one, other)]
    # Lindbloom's white point has one digit less than OpenCV's.
    assert color_difference(*images) == pytest.approx(distance, abs=0.1)


def test_ssim_is_one_for_equal_images_and_near_zero_for_unrelated_noise() -> None:
    assert ssim(make_noise(1), make_noise(1)) == pytest.approx(1.0)
    assert abs(ssim(make_noise(1), make_noise(2))) < 0.05


def test_ssim_of_flat_images_equals_the_luminance_term() -> None:
    c1 = (0.01 * 255) ** 2
    expected = (2 * 100 * 150 + c1) / (100**2 + 150**2 + c1)
    assert ssim(np.full((20, 20, 3), 100, np.uint8), np.full((20, 20, 3), 150, np.uint8)) == pytest.approx(expected)


def test_ssim_agrees_with_scikit_image() -> None:
    # scikit-image 0.26, structural_similarity(a, b, channel_axis=2, data_range=255, gaussian_weights=True, sigma=1.5,
    # use_sample_covariance=False) on these two arrays.
    image = make_noise(3)
    blurred = ((image.astype(np.uint16) + np.roll(image, 1, axis=1)) // 2).astype(np.uint8)
    assert ssim(image, blurred) == pytest.approx(0.6523636040509065, abs=1e-6)


def test_images_of_different_size_or_type_are_refused() -> None:
    with pytest.raises(ImageError, match="one size"):
        psnr(make_noise(1), make_noise(1, 32, 64))
    with pytest.raises(ImageError, match="uint8"):
        psnr(make_noise(1).astype(np.float32), make_noise(1))
    with pytest.raises(ImageError, match="at least 11x11"):
        ssim(make_noise(1, 8, 20), make_noise(2, 8, 20))


def test_ms_ssim_is_one_for_equal_images_and_near_zero_for_unrelated_noise() -> None:
    assert ms_ssim(make_noise(1, 200, 180), make_noise(1, 200, 180)) == pytest.approx(1.0)
    # Means over 2x2 pixels of noise are as unrelated as noise, and SSIM of them is a few hundredths.
    assert ms_ssim(make_noise(1, 200, 180), make_noise(2, 200, 180)) < 0.2


def test_ms_ssim_of_flat_images_is_the_luminance_term_of_the_smallest_scale() -> None:
    c1 = (0.01 * 255) ** 2
    expected = ((2 * 100 * 150 + c1) / (100**2 + 150**2 + c1)) ** 0.1333
    assert ms_ssim(np.full((180, 190, 3), 100, np.uint8), np.full((180, 190, 3), 150, np.uint8)) == pytest.approx(
        expected
    )


def test_ms_ssim_forgives_fine_noise_more_than_coarse_noise() -> None:
    image = np.full((192, 192, 3), 128, np.uint8)
    noise = np.random.default_rng(1).integers(-20, 21, (24, 24, 1))
    coarse = (image + np.kron(noise, np.ones((8, 8, 1), int))).astype(np.uint8)
    fine = (image + np.random.default_rng(2).integers(-20, 21, (192, 192, 1))).astype(np.uint8)
    assert ms_ssim(fine, image) > ms_ssim(coarse, image)


def test_ms_ssim_needs_its_smallest_scale() -> None:
    with pytest.raises(ImageError, match="at least 176x176"):
        ms_ssim(make_noise(1, 175, 300), make_noise(2, 175, 300))
