"""Made scenes: what their partners ask of a network."""

from collections.abc import Callable

import numpy as np
import pytest

from training.made_scenes import make_backlit, make_grey, make_lamp, make_night, make_scene, make_sunset

SEEDS = range(20)
# Of numbers in [0, 1].
CLOSELY = 1e-6


def draw_photo(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(60, 220, (96, 144, 3)).astype(np.uint8)


def make(maker: Callable[..., tuple[np.ndarray, np.ndarray]], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The dark picture and its partner, in [0, 1]."""
    photos = (draw_photo(each).astype(np.float32) / 255 for each in (seed, seed + 1))
    return maker(*photos, np.random.default_rng(seed))


@pytest.fixture(scope="module")
def scenes() -> list:
    """Of every kind several."""
    random = np.random.default_rng(4)
    return [make_scene(draw_photo(number), draw_photo(number + 1), random) for number in range(60)]


def test_no_partner_is_darker_than_its_picture(scenes: list) -> None:
    # Noise of up to 1.5 levels has a mean of 0.6 above black, where it is clipped.
    assert all(scene.partner.mean() >= scene.dark.mean() - 1 for scene in scenes)


def test_black_stays_black(scenes: list) -> None:
    skies = [(scene.dark.max(axis=2) <= 4, scene.partner) for scene in scenes]
    nights = [partner[sky] for sky, partner in skies if sky.mean() > 0.2]
    assert nights
    # The brightest sky of 2.2 levels with a tint of at most four standard deviations.
    assert max(float(np.percentile(night, 95)) for night in nights) <= 4


def test_some_are_lifted_about_three_times_in_a_part_alone(scenes: list) -> None:
    def measure_lift(scene) -> tuple[float, float]:  # type: ignore[no-untyped-def]
        dark, partner = (image.mean(axis=2) + 1 for image in (scene.dark, scene.partner))
        bright = dark > 120
        if not bright.any() or bright.all():
            return 1.0, 1.0
        return float(np.median(partner[~bright] / dark[~bright])), float(np.median(partner[bright] / dark[bright]))

    lifts = [measure_lift(scene) for scene in scenes]
    assert any(subject > 2.2 and ground < 1.1 for subject, ground in lifts)


def test_same_random_numbers_give_the_same_scene() -> None:
    one, other = (make_scene(draw_photo(1), draw_photo(2), np.random.default_rng(9)) for _ in range(2))
    np.testing.assert_array_equal(one.dark, other.dark)
    assert one.noise == other.noise


@pytest.mark.parametrize("seed", SEEDS)
def test_black_sky_stays_as_it_is(seed: int) -> None:
    dark, partner = make(make_night, seed)
    # 2.2 levels with a tint of 15 %, of at most four standard deviations.
    sky = dark.max(axis=2) < 2.2 * 1.6 / 255
    assert sky.any()
    np.testing.assert_allclose(partner[sky], dark[sky], atol=CLOSELY)


@pytest.mark.parametrize("seed", SEEDS)
def test_sky_of_a_sunset_stays_as_it_is(seed: int) -> None:
    dark, partner = make(make_sunset, seed)
    # The ground begins below 0.3 of the height.
    np.testing.assert_array_equal(partner[:28], dark[:28])


@pytest.mark.parametrize("seed", SEEDS)
def test_backlit_subject_is_lifted_three_to_four_times(seed: int) -> None:
    dark, partner = make(make_backlit, seed)
    lifted = partner > dark + CLOSELY
    # Of a soft edge a part is ground, which is not lifted: the subject itself is lifted most.
    assert 3 - 1e-3 <= (partner[lifted] / dark[lifted]).max() <= 4 + 1e-3
    assert dark[~lifted].mean() > 0.3


@pytest.mark.parametrize("seed", SEEDS)
def test_lamp_keeps_its_color(seed: int) -> None:
    dark, partner = make(make_lamp, seed)
    # The room has at most 0.25 of white, and glows with 0.35 of the lamp's color.
    lamp = dark.max(axis=2) > 0.9
    assert lamp.any()
    hues, kept = (image[lamp] / image[lamp].max(axis=1, keepdims=True) for image in (dark, partner))
    # Its soft edge is mixed with the lifted room.
    assert np.abs(kept - hues).max() < 0.1


@pytest.mark.parametrize("seed", SEEDS)
def test_grey_stays_grey(seed: int) -> None:
    for image in make(make_grey, seed):
        np.testing.assert_array_equal(image, image[..., :1].repeat(3, axis=2))


def test_the_brighter_grey_is_the_less_it_is_lifted() -> None:
    pairs = [make(make_grey, seed) for seed in range(60)]
    # Bright enough from a mean of 0.45 on; dark ones by 1.2 to 2.2, all samples up to a level of 0.15 at least.
    bright = [(dark, partner) for dark, partner in pairs if dark.mean() > 0.45]
    dim = [partner.mean() / dark.mean() for dark, partner in pairs if dark.max() < 0.15]
    assert bright
    assert all((partner == dark).all() for dark, partner in bright)
    assert dim
    assert all(1.2 - CLOSELY <= lift <= 2.2 + CLOSELY for lift in dim)
