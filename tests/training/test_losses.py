import numpy as np
import pytest

from edge_dce.pixels import curve, metrics
from training import losses


def make_images(seed: int, side: int = 64) -> np.ndarray:
    return np.random.default_rng(seed).random((2, side, side, 3)).astype(np.float32)


def test_curves_apply_three_channels_per_iteration() -> None:
    images = np.full((1, 2, 2, 3), 0.2, np.float32)
    curves = np.zeros((1, 2, 2, 24), np.float32)
    curves[..., 0], curves[..., 3], curves[..., 4] = -1.0, -0.5, 1.0
    # Red: 0.2 − (0.04 − 0.2) = 0.36, then 0.36 − 0.5·(0.1296 − 0.36) = 0.4752. Green: 0.2 + (0.04 − 0.2) = 0.04.
    # The other six maps are 0, which changes nothing.
    enhanced = losses.apply_curves(images, curves)
    np.testing.assert_allclose(enhanced[0, 0, 0], [0.4752, 0.04, 0.2], rtol=1e-5)


def test_one_shared_map_is_used_in_every_iteration() -> None:
    images = make_images(9, 4)
    shared = np.random.default_rng(9).uniform(-1, 1, (2, 4, 4, 3)).astype(np.float32)
    repeated = losses.apply_curves(images, np.tile(shared, (1, 1, 1, 8)))
    np.testing.assert_allclose(losses.apply_curves(images, shared), repeated, rtol=1e-6)


@pytest.mark.parametrize("root", curve.ROOTS)
def test_training_and_device_mean_the_same_by_a_curve(root: int) -> None:
    image = np.random.default_rng(5).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    curves = np.random.default_rng(6).uniform(-1, 1, (16, 16, 3)).astype(np.float32)
    trained = np.asarray(losses.apply_curves(image[np.newaxis] / np.float32(255), curves[np.newaxis], root=root))[0]
    # Half a level of rounding, and float32 sums in another order.
    np.testing.assert_allclose(curve.apply_exact(image, curves, root=root) / 255, trained, atol=0.51 / 255)


def test_uniform_brightening_costs_nothing_in_the_interior() -> None:
    images = make_images(1) * 0.5
    # Regions away from the border: compare 64 px with the 16x16 regions' own sum. Only the 4·16 border differences
    # remain, each 0.3² where the picture ends, over 256 regions: 64·0.09/256 = 0.0225.
    cost = float(losses.spatial_consistency(images, images + 0.3))
    assert cost == pytest.approx(4 * 16 * 0.3**2 / 16**2, rel=1e-4)


def test_spatial_consistency_sees_vertical_and_horizontal_neighbors_alike() -> None:
    images = np.full((1, 64, 64, 3), 0.5, np.float32)
    stripes = images.copy()
    stripes[:, ::8] = 0.9
    vertical = float(losses.spatial_consistency(images, stripes))
    horizontal = float(losses.spatial_consistency(images, stripes.transpose(0, 2, 1, 3)))
    assert vertical == pytest.approx(horizontal, rel=1e-5)
    assert vertical > 1e-3


def test_spatial_consistency_equals_the_sum_written_out() -> None:
    images, enhanced = make_images(2, 16), make_images(3, 16)
    pooled = [image.mean(-1).reshape(2, 4, 4, 4, 4).mean((2, 4)) for image in (images, enhanced)]
    change = np.pad(pooled[1] - pooled[0], ((0, 0), (1, 1), (1, 1)))
    total = 0.0
    for row in range(1, 5):
        for column in range(1, 5):
            for down, right in ((0, 1), (0, -1), (1, 0), (-1, 0)):
                total += ((change[:, row, column] - change[:, row + down, column + right]) ** 2).sum()
    assert float(losses.spatial_consistency(images, enhanced)) == pytest.approx(total / (2 * 16), rel=1e-4)


def test_exposure_is_the_squared_distance_of_region_means() -> None:
    image = np.zeros((1, 32, 32, 3), np.float32)
    image[:, :16, :16] = 1.0
    # One region at 1, three at 0: (0.4² + 3·0.6²)/4 = 0.31.
    assert float(losses.exposure(image, 0.6)) == pytest.approx(0.31, rel=1e-5)


def test_exposure_of_the_whole_picture_leaves_contrast_alone() -> None:
    image = np.zeros((1, 32, 32, 3), np.float32)
    image[:, :16] = 0.8
    # Its mean is 0.4; regions at 0 and 0.8 would each cost 0.16.
    assert float(losses.exposure(image, 0.4, None)) == pytest.approx(0, abs=1e-6)
    assert float(losses.exposure(image, 0.4, 16)) == pytest.approx(0.16, rel=1e-5)


def test_color_constancy_leaves_near_infrared_out_and_has_nothing_to_say_on_grey() -> None:
    image = np.empty((1, 8, 8, 4), np.float32)
    image[...] = (0.6, 0.4, 0.3, 0.9)
    assert float(losses.color_constancy(image)) == pytest.approx(0.098995, rel=1e-4)
    assert float(losses.color_constancy(image[..., :1])) == 0


def test_curves_of_four_channels_take_turns_by_fours() -> None:
    images = np.full((1, 2, 2, 4), 0.2, np.float32)
    curves = np.zeros((1, 2, 2, 32), np.float32)
    curves[..., 3], curves[..., 7] = -1.0, -0.5
    enhanced = losses.apply_curves(images, curves)
    np.testing.assert_allclose(enhanced[0, 0, 0], [0.2, 0.2, 0.2, 0.4752], rtol=1e-5)


def test_absolute_is_the_mean_difference() -> None:
    one, other = np.full((1, 4, 4, 3), 0.5, np.float32), np.full((1, 4, 4, 3), 0.3, np.float32)
    assert float(losses.absolute(one, other)) == pytest.approx(0.2, rel=1e-5)


def test_structure_is_one_minus_the_ssim_of_the_metrics() -> None:
    one, other = (np.random.default_rng(seed).integers(0, 256, (24, 30, 3)).astype(np.uint8) for seed in (7, 8))
    mixed = (one // 2 + other // 2).astype(np.uint8)
    lost = float(losses.structure(*(image[np.newaxis] / np.float32(255) for image in (one, mixed))))
    # float32 sums against float64 ones.
    assert lost == pytest.approx(1 - metrics.ssim(one, mixed), abs=1e-4)


def test_color_constancy_squares_twice_as_the_authors_do() -> None:
    image = np.empty((1, 8, 8, 3), np.float32)
    image[...] = (0.6, 0.4, 0.3)
    # d = 0.04, 0.09, 0.01 squared: sqrt(0.0016 + 0.0081 + 0.0001) = 0.098995.
    assert float(losses.color_constancy(image)) == pytest.approx(0.098995, rel=1e-4)


def test_color_constancy_of_a_batch_is_the_mean_of_its_images() -> None:
    images = make_images(4)
    images[0, ..., 0] *= 0.2
    each = [float(losses.color_constancy(image[np.newaxis])) for image in images]
    assert float(losses.color_constancy(images)) == pytest.approx(np.mean(each), rel=1e-4)


def test_smoothness_equals_the_hand_computed_value() -> None:
    curves = np.zeros((1, 2, 3, 24), np.float32)
    curves[0, 1, :, 0] = 0.5
    curves[0, :, 2, 1] = -0.2
    # Vertical: 3 differences of 0.5 over (2−1)·3; horizontal: 2 differences of 0.2 over 2·(3−1); twice their sum.
    assert float(losses.illumination_smoothness(curves)) == pytest.approx(2 * (0.25 + 0.02), rel=1e-5)


@pytest.mark.parametrize("batch", [1, 3])
def test_smoothness_does_not_depend_on_size_or_batch(batch: int) -> None:
    def ramp(side: int) -> np.ndarray:
        alternating = np.tile(np.array([0.1, -0.1], np.float32), side // 2)
        return np.broadcast_to(alternating[np.newaxis, np.newaxis, :, np.newaxis], (batch, side, side, 24))

    # Every horizontal difference is 0.2: 2·24·0.04 whatever the size.
    for side in (16, 64, 256):
        assert float(losses.illumination_smoothness(ramp(side))) == pytest.approx(1.92, rel=1e-3)


def test_neutrality_is_how_far_the_curves_are_from_their_mean() -> None:
    tables = np.zeros((2, 256, 4), np.float32)
    # Curves of 0.3, 0 and 0 have the mean 0.1: they are 0.2, 0.1 and 0.1 off it. The other picture's are equal.
    tables[0, :, 0] = 0.3
    tables[1, :, 3] = 0.9
    assert float(losses.neutrality(tables)) == pytest.approx((0.2 + 0.1 + 0.1) / 3 / 2, rel=1e-5)
