import dataclasses

import numpy as np
import pytest

from edge_dce.pixels.buffers import Buffers
from edge_dce.pixels.noise import NoiseProfile, assume_noise
from edge_dce.pixels.toe import Toe, fade_strip, find_toe, follow_light, measure_light

QUIET = assume_noise(0.7)


def make_night(lamp: int = 255) -> np.ndarray:
    """(90, 120) luma of small areas: a sky of 1, a street of 20 below it and a lamp."""
    luma = np.ones((90, 120), np.uint8)
    luma[60:] = 20
    luma[50:54, 60:64] = lamp
    return luma


def find(luma: np.ndarray) -> Toe:
    toe = find_toe(luma, QUIET, light=measure_light(luma, QUIET))
    assert toe is not None
    return toe


def test_black_sky_keeps_nothing_and_the_street_everything() -> None:
    toe = find(make_night())
    # A ramp from 0.5 to 3.5 levels holds 7 % at 1.
    assert toe.surroundings[:40].max() < 0.1 * 255
    assert toe.surroundings[70:].min() == 255
    assert toe.color[:40].max() < 0.1


def test_sky_around_a_lamp_is_left_dark() -> None:
    toe = find(make_night())
    # Three areas from the lamp, which averaging alone would reach.
    assert toe.surroundings[52, 67] < 0.2 * 255


def test_sky_that_a_codec_emptied_is_left_dark_at_three_levels_too() -> None:
    night = np.maximum(make_night(), 3)
    emptied = find_toe(night, dataclasses.replace(QUIET, emptiness=0.95), light=1)
    assert emptied is not None
    # Ramps from 1.5 to 6.5 and from 0.5 to 3.5 levels hold 22 % and 93 % at 3.
    assert emptied.surroundings[:40].max() < 0.25 * 255
    assert find(night).surroundings[:40].min() > 0.9 * 255
    assert emptied.surroundings[70:].min() == 255


def test_star_counts_of_its_own() -> None:
    own = find(make_night()).own
    assert own[1] == 0
    assert own[40] == 255
    assert (np.diff(own.astype(int)) >= 0).all()


def test_picture_without_light_has_no_toe() -> None:
    assert measure_light(make_night(lamp=60), QUIET) == 0
    assert find_toe(make_night(lamp=60), QUIET, light=0) is None


def test_night_that_a_codec_emptied_is_lit_by_dimmer_lamps() -> None:
    emptied = dataclasses.replace(QUIET, emptiness=0.95)
    # Ramps from 95 to 110 and from 110 to 160.
    assert measure_light(make_night(lamp=115), emptied) == 1
    assert measure_light(make_night(lamp=115), QUIET) < 0.05
    assert measure_light(make_night(lamp=90), emptied) == 0


def test_light_of_a_stream_comes_within_a_second_and_goes_within_ten() -> None:
    assert follow_light(0.3, None, 1 / 30) == 0.3
    assert follow_light(1.0, 0.2, 0.5) == pytest.approx(0.7)
    assert follow_light(0.0, 1.0, 5.0) == pytest.approx(0.5)
    assert follow_light(0.95, 1.0, 5.0) == 0.95


def test_lamps_that_come_and_go_do_not_make_the_sky_pulse() -> None:
    light: float | None = None
    followed = []
    # Half a second each at 30 frames a second, for ten seconds.
    for frame in range(300):
        light = follow_light(1.0 if frame // 15 % 2 == 0 else 0.4, light, 1 / 30)
        followed.append(light)
    # Half a second falls by a twentieth.
    assert min(followed) >= 0.95 - 1e-6


def test_picture_without_black_has_no_toe() -> None:
    assert find_toe(np.maximum(make_night(), 12), QUIET, light=1) is None


def test_dark_place_keeps_its_color_when_there_is_no_noise() -> None:
    room = np.maximum(make_night(), 6)
    clean = find_toe(room, dataclasses.replace(assume_noise(0), quantization=0.3), light=1)
    assert clean is not None
    assert clean.color[:40].min() == 1
    # Half way from 1.5 to 12 levels a ramp holds a half; 6 is a little less.
    assert find(room).color[:40].max() < 0.5


def test_deep_picture_without_noise_has_no_toe() -> None:
    assert find_toe(make_night(), NoiseProfile(*np.zeros((3, 256), np.float32)), light=1) is None


def fade(original: np.ndarray, enhanced: np.ndarray, share: int) -> np.ndarray:
    surroundings = np.full(original.shape[:2], share, np.uint8)
    faded, own = enhanced.copy(), find(make_night()).own
    fade_strip(original, faded, surroundings, own, channel_order="RGB", workspace=Buffers())
    return faded


def test_black_stays_black_and_the_star_in_it_shines() -> None:
    original = np.ones((40, 40, 3), np.uint8)
    original[20, 20] = 60
    enhanced = np.where(original == 1, 70, 200).astype(np.uint8)
    faded = fade(original, enhanced, 0)
    assert faded[20, 20].tolist() == [200, 200, 200]
    assert faded[0].max() == 1


def test_all_depths_fade_alike() -> None:
    generator = np.random.default_rng(1)
    original = generator.integers(0, 6, (40, 40, 3)).astype(np.uint8)
    enhanced = (original * 20).astype(np.uint8)
    expected = fade(original, enhanced, 100)
    for dtype, factor in ((np.uint16, 257), (np.float32, 1 / 255)):
        deep = [(each.astype(np.float64) * factor).astype(dtype) for each in (original, enhanced)]
        # Two products of bytes, each rounded; and a luma that is rounded may be another step of the table's ramp.
        np.testing.assert_allclose(fade(deep[0], deep[1], 100) / factor, expected, atol=1.01)


def test_picture_is_untouched_where_everything_is_kept() -> None:
    original = np.zeros((30, 30, 3), np.uint8)
    enhanced = np.random.default_rng(2).integers(0, 256, original.shape).astype(np.uint8)
    np.testing.assert_array_equal(fade(original, enhanced, 255), enhanced)
