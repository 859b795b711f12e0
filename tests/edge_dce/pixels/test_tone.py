import colorsys

import numpy as np
import pytest

from edge_dce.pixels.look import Look
from edge_dce.pixels.tone import COUNT, INCREMENTS, KNOTS, apply_exact, decode, follow_curve

BYTES = np.arange(256, dtype=np.uint8)
GRAYS = BYTES.reshape(1, 256, 1).repeat(3, axis=2)


def make_numbers(seed: int, span: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-span, span, COUNT).astype(np.float32)


def make_shared(hue: float = 0.0) -> np.ndarray:
    """One curve for all channels, which lifts shadows as a network does; no matrix."""
    numbers = np.zeros(COUNT, np.float32)
    numbers[:INCREMENTS] = np.linspace(0.5, -0.5, INCREMENTS)
    numbers[-1] = hue
    return numbers


def test_numbers_of_a_tone_are_103() -> None:
    # Training and files have it as the length of their output.
    assert COUNT == 103


def test_zeros_are_the_identity() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    np.testing.assert_array_equal(apply_exact(image, np.zeros(COUNT, np.float32)), image)


@pytest.mark.parametrize("strength", [0.5, 1.0, 1.5])
def test_curves_are_monotone_from_black_to_white_whatever_the_numbers(strength: float) -> None:
    for seed in range(20):
        values = decode(np.sign(make_numbers(seed)), strength).values
        assert (np.diff(values, axis=1) >= 0).all()
        np.testing.assert_array_equal(values[:, 0], 0)
        np.testing.assert_allclose(values[:, -1], 1, atol=1e-6)


def test_formula_is_that_of_its_description() -> None:
    numbers = make_numbers(1)
    found = decode(numbers)
    for channel in range(3):
        rises = [
            (((k + 1) / 24) ** 2 - (k / 24) ** 2) * np.exp(4 * numbers[k] + 0.5 * numbers[24 + 24 * channel + k])
            for k in range(24)
        ]
        np.testing.assert_allclose(found.values[channel, 1:], np.cumsum(rises) / sum(rises), atol=1e-5)
    m = 0.25 * numbers[96:102]
    matrix = [[1 - m[0] - m[1], m[0], m[1]], [m[2], 1 - m[2] - m[3], m[3]], [m[4], m[5], 1 - m[4] - m[5]]]
    np.testing.assert_allclose(found.matrix, matrix, atol=1e-6)
    assert found.hue_share == pytest.approx((numbers[102] + 1) / 2)


def test_curve_is_linear_between_knots() -> None:
    values = decode(make_numbers(2)).values[0]
    x = np.linspace(0, 1, 5000, dtype=np.float32)
    # Steps of float32 near a knot in the dark, where one interval is 1/576 wide.
    np.testing.assert_allclose(follow_curve(x, values), np.interp(x, KNOTS, values), atol=1e-4)


@pytest.mark.parametrize("seed", range(5))
def test_gray_stays_gray_where_channels_share_a_curve(seed: int) -> None:
    numbers = make_numbers(seed)
    numbers[INCREMENTS : 4 * INCREMENTS] = 0
    enhanced = apply_exact(GRAYS, numbers).astype(int)
    # Float32 rounds on either side of half a level.
    assert np.ptp(enhanced, axis=2).max() <= 1


def test_whole_hue_share_keeps_the_hue_of_an_orange_lamp() -> None:
    lamp = np.full((1, 1, 3), (90, 45, 10), np.uint8)

    def measure_hue(image: np.ndarray) -> float:
        return 360 * colorsys.rgb_to_hsv(*image[0, 0] / 255)[0]

    before = measure_hue(lamp)
    # Half a level of 255 on each of two channels 100 levels apart is a third of a degree.
    assert measure_hue(apply_exact(lamp, make_shared(hue=1))) == pytest.approx(before, abs=0.5)
    assert measure_hue(apply_exact(lamp, make_shared(hue=-1))) > before + 5


def test_bright_color_keeps_its_hue_without_a_share() -> None:
    light = np.array([[(60, 80, 255), (6, 8, 25)]], np.uint8)
    bright, dark = apply_exact(light, make_shared(hue=-1))[0].astype(int)
    # White is not lifted, nor is what keeps the hue of a channel at white.
    assert bright.tolist() == [60, 80, 255]
    # In the dark each channel has its own curve, and the red one gains more than the blue one.
    assert dark[0] / 6 > 1.4 * dark[2] / 25


def test_strength_goes_from_nothing_beyond_what_was_estimated() -> None:
    means = [apply_exact(GRAYS, make_shared(), look=Look(strength=strength)).mean() for strength in (0, 0.5, 1, 1.5)]
    assert means[0] == GRAYS.mean()
    assert np.diff(means).min() > 5


@pytest.mark.parametrize("limit", [0.5, 0.8])
def test_nothing_is_brightened_beyond_max_brightness(limit: float) -> None:
    image = np.random.default_rng(3).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    for seed in range(5):
        enhanced = apply_exact(image, make_numbers(seed), look=Look(max_brightness=limit))
        assert (enhanced <= np.maximum(image, np.rint(255 * limit))).all()


def test_numbers_beyond_one_count_as_one() -> None:
    wild = 3 * make_numbers(4)
    np.testing.assert_array_equal(apply_exact(GRAYS, wild), apply_exact(GRAYS, np.clip(wild, -1, 1)))
