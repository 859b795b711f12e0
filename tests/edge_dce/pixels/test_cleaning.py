import dataclasses

import numpy as np
import pytest

from edge_dce.pixels.cleaning import Cleaning, clean, measure_slope, plan_cleaning, shrink_for_cleaning
from edge_dce.pixels.noise import NoiseProfile, assume_noise, estimate_noise
from edge_dce.pixels.strips import StripWorkers
from tests.edge_dce.pixels.noisy_pictures import add_noise, make_ramp

SILENT = NoiseProfile(*np.zeros((3, 256), np.float32))


def brighten(image: np.ndarray, factor: int = 4) -> np.ndarray:
    white = np.iinfo(image.dtype).max
    return np.minimum(image.astype(np.int64) * factor, white).astype(image.dtype)


def plan(image: np.ndarray, noise: NoiseProfile, factor: int = 4) -> Cleaning | None:
    small = shrink_for_cleaning(image)
    slope = measure_slope(small, lambda colors: brighten(colors, factor))
    return plan_cleaning(small, slope, noise, channel_order="RGB")


@pytest.mark.parametrize(
    ("shape", "expected"), [((400, 600), (100, 150)), ((3000, 4000), (375, 500)), ((2, 3), (1, 1))]
)
def test_small_copy_has_areas_of_four_to_eight_pixels(shape: tuple[int, int], expected: tuple[int, int]) -> None:
    assert shrink_for_cleaning(np.zeros((*shape, 3), np.uint8)).shape[:2] == expected


def test_noise_to_remove_is_what_the_slope_added() -> None:
    planned = plan(add_noise(make_ramp(low=10, high=50), 0), assume_noise(0.8))
    assert planned is not None
    # A slope of four adds three times the noise that was there; no step of a quantized picture is assumed.
    np.testing.assert_allclose(planned.added.luma, 3 * 0.8, rtol=0.02)


@pytest.mark.parametrize("seed", range(6))
def test_plan_is_the_same_to_the_bit_the_first_time_and_the_tenth(seed: int) -> None:
    dark = add_noise(make_ramp(120, 160, low=2, high=50), 2, seed=seed)
    noise = dataclasses.replace(estimate_noise(dark, channel_order="RGB"), blocks=1.0)
    small = shrink_for_cleaning(dark)

    def lighten(image: np.ndarray) -> np.ndarray:
        return (255 * np.sqrt(image / 255)).astype(np.uint8)

    # All are kept, so that each lies elsewhere in memory.
    first, *others = [
        plan_cleaning(small, measure_slope(small, lighten), noise, channel_order="RGB") for _ in range(10)
    ]
    assert first is not None
    for other in others:
        assert other is not None
        for name in ("luma", "chroma", "blocks"):
            np.testing.assert_array_equal(getattr(other.added, name), getattr(first.added, name))
        np.testing.assert_array_equal(other.samples, first.samples)


def test_unchanged_picture_needs_nothing() -> None:
    night = make_ramp(low=0, high=255).astype(np.uint8)
    assert plan(night, assume_noise(1), factor=1) is None


def test_clean_picture_without_black_needs_nothing() -> None:
    assert plan(make_ramp(low=10, high=50).astype(np.uint8), SILENT) is None


def test_brightened_noise_is_halved_at_least_without_being_told_how_strong_it_is() -> None:
    truth = make_ramp(low=10, high=50)
    dark = add_noise(truth, 2)
    bright, out = brighten(dark), np.zeros_like(dark)
    planned = plan(dark, estimate_noise(dark, channel_order="RGB"))
    assert planned is not None
    clean(dark, bright, planned, out, channel_order="RGB", workers=StripWorkers(1))
    errors = [np.std(image - 4 * truth) for image in (bright, out)]
    assert errors[1] < errors[0] / 2


def test_original_may_receive_the_result() -> None:
    dark = add_noise(make_ramp(low=0, high=250), 1)
    bright, expected = brighten(dark), np.zeros_like(dark)
    planned = plan(dark, assume_noise(1))
    assert planned is not None
    assert planned.toe is not None
    clean(dark, bright, planned, expected, channel_order="RGB", workers=StripWorkers(1))
    clean(dark, bright, planned, dark, channel_order="RGB", workers=StripWorkers(2))
    np.testing.assert_array_equal(dark, expected)


def test_a_part_that_fades_changes_no_other_part_and_may_receive_its_result(monkeypatch: pytest.MonkeyPatch) -> None:
    half_dark = add_noise(make_ramp(320, 240, low=30, high=250), 1)
    half_dark[:160] = add_noise(np.full((160, 240, 3), 1.5), 0.5)
    bright = brighten(half_dark)
    planned = plan(half_dark, assume_noise(1))
    assert planned is not None
    without, expected = np.zeros_like(half_dark), np.zeros_like(half_dark)
    unfaded = dataclasses.replace(planned, toe=None)
    clean(half_dark, bright.copy(), unfaded, without, channel_order="RGB", workers=StripWorkers(1))
    clean(half_dark, bright.copy(), planned, expected, channel_order="RGB", workers=StripWorkers(1))
    # Where 1.5 levels were, a quarter of the gain is kept of what stays under its own noise, more of the rest.
    assert expected[:120].mean() < 0.7 * without[:120].mean()
    # Beyond the reach of the toe's averages and of the filter.
    np.testing.assert_array_equal(expected[216:], without[216:])
    monkeypatch.setattr("edge_dce.pixels.cleaning._MOST_STRIP_PX", 1)
    clean(half_dark, bright, planned, half_dark, channel_order="RGB", workers=StripWorkers(2))
    np.testing.assert_array_equal(half_dark, expected)


@pytest.mark.parametrize(("recorded", "left"), [(0.1, 0), (0.24, 0), (1 / 3, 0.5), (0.5, 1.5)])
def test_only_blocks_whose_steps_are_seen_are_smoothed(recorded: float, left: float) -> None:
    noise = dataclasses.replace(assume_noise(1), blocks=recorded)
    planned = plan(make_ramp(low=10, high=50).astype(np.uint8), noise)
    assert planned is not None
    # A slope of four adds three times the steps; those of less than a level are of the same height as rounding's own.
    np.testing.assert_allclose(planned.added.blocks, left, rtol=0.02)


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("low", [0, 10])
def test_picture_too_wide_for_strips_is_cleaned_on_its_side(
    monkeypatch: pytest.MonkeyPatch, depth: type[np.generic], low: int
) -> None:
    level = np.iinfo(depth).max // 255
    dark = (add_noise(make_ramp(low=low, high=60), 2)[:60].astype(np.int64) * level).astype(depth)
    bright, upright, turned = brighten(dark), np.zeros_like(dark), np.zeros_like(dark)
    planned = plan(dark, assume_noise(1))
    assert planned is not None
    clean(dark, bright, planned, upright, channel_order="RGB", workers=StripWorkers(1))
    monkeypatch.setattr("edge_dce.pixels.cleaning._WIDEST_PX", 61)
    clean(dark, bright, planned, turned, channel_order="RGB", workers=StripWorkers(2))
    # Filters do the same across and down, but for the order of their sums: where a rounding falls otherwise, a level of
    # luma and one of chroma, which counts for 1.773 levels of blue.
    assert np.abs(turned.astype(np.int64) - upright).max() <= 3 * level
    assert np.abs(turned.astype(np.int64) - upright).mean() < 0.01 * level
