"""Masks: how much of a picture they cover."""

import numpy as np
import pytest

from training.masks import draw_blob, draw_field, draw_skyline, scatter

HEIGHT, WIDTH = 200, 300


def draw(mask, *arguments: float) -> list[np.ndarray]:  # type: ignore[no-untyped-def]
    return [mask(HEIGHT, WIDTH, *arguments, np.random.default_rng(seed)) for seed in range(50)]


@pytest.mark.parametrize(
    "masks", [draw(draw_field, 5), draw(draw_blob, 0.2), draw(draw_skyline), draw(scatter, 0.1)], ids=range(4)
)
def test_mask_has_one_channel_from_0_to_1(masks: list[np.ndarray]) -> None:
    assert all(mask.shape == (HEIGHT, WIDTH, 1) and 0 <= mask.min() <= mask.max() <= 1 for mask in masks)


def test_blob_covers_about_its_area() -> None:
    areas = [mask.mean() for mask in draw(draw_blob, 0.1)]
    # Some are cut off at the border, a soft edge and bumps of up to a quarter of the radius make others larger.
    assert min(areas) > 0.05
    assert max(areas) < 0.2
    assert np.mean(areas) == pytest.approx(0.1, rel=0.25)


def test_squares_cover_about_their_share() -> None:
    # Each has about 950 squares: the standard deviation of the mean of 50 is 0.0014.
    assert np.mean([mask.mean() for mask in draw(scatter, 0.1)]) == pytest.approx(0.1, abs=0.006)


def test_sky_is_above_and_ground_below() -> None:
    for mask in draw(draw_skyline):
        assert (np.diff(mask[..., 0], axis=0) >= 0).all()
        assert mask[0].max() == 0
        assert mask[-1].min() == 1
