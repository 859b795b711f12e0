"""Our PSNR and SSIM are those of scikit-image, the reference that papers use, and MS-SSIM is TensorFlow's."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from edge_dce.files.pictures import read_picture
from edge_dce.pixels.baselines import apply_clahe, apply_gamma
from edge_dce.pixels.metrics import ms_ssim, psnr, ssim

PHOTO = Path(__file__).resolve().parents[2] / "docs" / "pictures" / "night-launch.jpg"


def make_pairs() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    photo = read_picture(PHOTO).image
    noise = [np.random.default_rng(seed).integers(0, 256, (37, 64, 3)).astype(np.uint8) for seed in (1, 2)]
    return {
        "photo and its gamma": (photo, apply_gamma(photo)),
        "photo and its CLAHE": (photo, apply_clahe(photo)),
        "photo and itself blurred": (photo, cv2.GaussianBlur(photo, (5, 5), 1).astype(np.uint8)),
        "unrelated noise": (noise[0], noise[1]),
    }


@pytest.mark.parametrize("name", make_pairs())
def test_psnr_and_ssim_agree_with_scikit_image(name: str) -> None:
    image, reference = make_pairs()[name]
    assert psnr(image, reference) == pytest.approx(peak_signal_noise_ratio(reference, image, data_range=255), abs=1e-6)
    # The settings of Wang et al. 2004, whose window reaches 3.5 sigma and leaves the border out.
    expected = structural_similarity(
        reference,
        image,
        channel_axis=2,
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert ssim(image, reference) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", ["photo and its gamma", "photo and its CLAHE", "photo and itself blurred"])
def test_ms_ssim_agrees_with_tensorflow(name: str) -> None:
    tensorflow = pytest.importorskip("tensorflow")
    image, reference = make_pairs()[name]
    # All sides even down to the smallest scale, because TensorFlow pads odd ones.
    image, reference = (each[: each.shape[0] // 16 * 16, : each.shape[1] // 16 * 16] for each in (image, reference))
    expected = float(tensorflow.image.ssim_multiscale(reference, image, max_val=255))
    # TensorFlow sums in float32.
    assert ms_ssim(image, reference) == pytest.approx(expected, abs=1e-4)
