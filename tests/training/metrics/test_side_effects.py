"""What brightening does besides, against figures computed by hand."""

import numpy as np
import pytest

from training.metrics.side_effects import (
    count_clipped_share,
    measure_hue_shift,
    measure_noise_left,
    measure_order_error,
)

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def make_grey(levels: object) -> np.ndarray:
    """(H, W, 3) of a (H, W) table of levels."""
    return np.repeat(np.asarray(levels, np.uint8)[..., np.newaxis], 3, axis=2)


def fill(*colors: tuple[int, int, int]) -> np.ndarray:
    """A column of 4x4 squares."""
    return np.concatenate([np.full((4, 4, 3), color, np.uint8) for color in colors])


@pytest.mark.parametrize(
    ("dark", "image", "error"),
    [
        # Brighter throughout, in the same order.
        ([[1, 2], [3, 4]], [[10, 20], [30, 40]], 0),
        # Each of four places has the wrong order to the three others.
        ([[1, 2], [3, 4]], [[4, 3], [2, 1]], 3),
        # 1 ≥ 1 was true and 1 ≥ 2 is not; 2 ≥ 1 is as true as before. So one of two places is wrong, by one.
        ([[1, 1]], [[1, 2]], 0.5),
    ],
)
def test_order_error_counts_the_places_whose_order_turned(dark: list, image: list, error: float) -> None:
    assert measure_order_error(make_grey(image), make_grey(dark)) == error


def test_order_is_that_of_the_largest_channel() -> None:
    dark = np.array([[(9, 0, 0), (0, 5, 0)]], np.uint8)
    image = np.array([[(0, 0, 6), (7, 0, 0)]], np.uint8)
    assert measure_order_error(image, dark) == 1


def test_order_is_taken_after_shrinking_to_50_pixels() -> None:
    # 75 stripes of 4 pixels: 200x300 becomes 50x75, a stripe a column. Turned around, a place has the wrong order to
    # all in the 74 other columns.
    stripes = make_grey(np.tile(np.arange(300) // 4, (200, 1)))
    assert measure_order_error(np.uint8(74) - stripes, stripes) == 74 * 50


def test_noise_left_is_the_deviation_in_flat_places() -> None:
    checks = np.indices((64, 64)).sum(axis=0) % 2 * 2 - 1
    # A quarter of the truth is flat; the rest has a texture of ±50, and its own trouble in the picture.
    is_flat = np.indices((64, 64)).max(axis=0) < 32
    truth = np.where(is_flat, 100, 100 + 50 * checks)
    image = np.where(is_flat, 140 + 3 * checks, 140 + 80 * checks)
    assert measure_noise_left(make_grey(image), make_grey(truth)) == pytest.approx(3)


def test_noise_of_the_truth_is_not_counted() -> None:
    checks = np.indices((64, 64)).sum(axis=0) % 2 * 2 - 1
    truth = make_grey(100 + 3 * checks)
    assert measure_noise_left(truth, truth) == 0
    assert measure_noise_left(make_grey(np.full((64, 64), 100)), truth) == 0
    # 5² = 3² + 4².
    assert measure_noise_left(make_grey(100 + 5 * checks), truth) == pytest.approx(4)


def test_noise_of_a_picture_smaller_than_a_block_is_a_number() -> None:
    assert measure_noise_left(make_grey([[10, 20]]), make_grey([[10, 10]])) == pytest.approx(5)


def test_clipped_are_samples_that_were_not_clipped_before() -> None:
    dark = np.array([[(0, 10, 20), (255, 30, 40)]], np.uint8)
    image = np.array([[(0, 255, 120), (255, 0, 255)]], np.uint8)
    # 10 and 40 became 255, 30 became 0: three of six; 0 and 255 were that before.
    assert count_clipped_share(image, dark) == pytest.approx(50)
    assert count_clipped_share(dark, dark) == 0


@pytest.mark.parametrize(
    ("one", "other", "degrees"),
    [
        # a* and b* of sRGB red, green and blue are (80.09, 67.20), (-86.18, 83.18) and (79.19, -107.86), Lindbloom's
        # calculator: hues of 40.0, 136.0 and 306.3 degrees. Those of (128, 0, 0) are (48.05, 38.06): 38.4 degrees.
        (RED, GREEN, 96.0),
        # The short way around.
        (BLUE, RED, 93.7),
        (RED, (128, 0, 0), 1.6),
        (RED, RED, 0),
        # Grey has no hue that could be another.
        (RED, (120, 120, 120), 0),
        ((90, 90, 90), (120, 120, 120), 0),
    ],
)
def test_hue_shift_is_the_angle_between_hues(one: tuple, other: tuple, degrees: float) -> None:
    # Lindbloom's white point has one digit less than OpenCV's.
    assert measure_hue_shift(fill(one), fill(other)) == pytest.approx(degrees, abs=0.1)


def test_hue_of_what_has_more_chroma_weighs_more() -> None:
    # Chroma is 104.55 of red and 119.78 of green. Red that stayed has the weight 104.55, red that became green that of
    # √(104.55 · 119.78) = 111.91: 96.0 · 111.91 / (104.55 + 111.91).
    assert measure_hue_shift(fill(RED, GREEN), fill(RED, RED)) == pytest.approx(49.6, abs=0.1)
