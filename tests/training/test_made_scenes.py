"""Made scenes: what their partners ask of a network."""

import numpy as np
import pytest

from training.made_scenes import make_scene

KINDS = 60


def draw_photo(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(60, 220, (96, 144, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def scenes() -> list:
    """Of every kind several."""
    random = np.random.default_rng(4)
    return [make_scene(draw_photo(number), draw_photo(number + 1), random) for number in range(KINDS)]


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
