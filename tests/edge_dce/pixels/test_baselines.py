import numpy as np

from edge_dce.pixels.baselines import apply_clahe, apply_gamma


def test_gamma_row_is_the_formula() -> None:
    image = np.array([[[0, 26, 255]]], np.uint8)
    # 255 · (26/255)^0.4 = 102.41
    np.testing.assert_array_equal(apply_gamma(image), [[[0, 102, 255]]])


def test_clahe_brightens_the_dark_and_keeps_its_color_and_its_argument() -> None:
    image = np.random.default_rng(1).integers(0, 40, (48, 64, 1)).astype(np.uint8) * np.array([1, 1, 1], np.uint8)
    before = image.copy()
    enhanced = apply_clahe(image)
    np.testing.assert_array_equal(image, before)
    assert enhanced.shape == image.shape
    assert enhanced.dtype == np.uint8
    assert enhanced.mean() > image.mean()
    # Grey stays grey; 8-bit Lab rounds a and b, which costs a level or two on the way back.
    assert np.ptp(enhanced.astype(int), axis=2).max() <= 2
