"""The good picture of a view: the same for each exposure, black stays black, night stays night."""

import cv2
import numpy as np
import pytest

from training.panoramas.rendering import RENDERINGS, average_light, balance, fuse, render
from training.panoramas.sensor import encode_srgb, quantize

from .made_panorama import make_panorama


def make_wedge() -> np.ndarray:
    """Grey light over fourteen stops, from left to right."""
    return np.repeat(np.exp2(np.linspace(-10, 4, 200, dtype=np.float32))[np.newaxis, :, np.newaxis], 3, axis=2)


def test_the_scale_of_light_does_not_count() -> None:
    light = make_panorama()
    # A rounding may tip over.
    assert np.abs(render(light).astype(int) - render(light * np.float32(8))).max() <= 1


def test_more_light_is_never_darker() -> None:
    assert (np.diff(render(make_wedge()).astype(int), axis=1) >= 0).all()


def test_black_stays_black_and_clipped_is_white() -> None:
    light = np.minimum(make_panorama(), 0.5)
    light[:4] = 0
    # The least share that counts as clipped is 0.5 %.
    light[-4:] = 0.5
    picture = render(light)
    assert picture[:4].max() == 0
    assert picture[-4:].min() == 255


def test_grey_stays_grey() -> None:
    picture = render(make_wedge())
    assert (picture == picture[..., :1]).all()


@pytest.mark.parametrize("stops", [-3, 0, 3])
def test_an_orange_lamp_does_not_turn_lemon(stops: int) -> None:
    light = np.full((20, 20, 3), 0.2, np.float32)
    light[5:10, 5:10] = np.array([1.0, 0.4, 0.1], np.float32) * 2.0**stops
    red, green, blue = render(light)[7, 7].astype(float)
    hue = 60 * (green - blue) / (red - blue)
    # 29 degrees in the plain sRGB curve; what acts on each channel may turn it by a few.
    assert hue == pytest.approx(29, abs=5)


def test_a_night_is_darker_than_a_day() -> None:
    light = make_panorama()
    assert render(light, is_night=True).mean() < 0.6 * render(light).mean()


def test_fused_picture_shows_the_shadows_and_holds_the_lights() -> None:
    light = make_panorama(256)
    exposure = 1 / float(np.percentile(light, 99))
    shot = RENDERINGS["filmic"](light, exposure)
    fused = fuse(np.minimum(light, 1 / exposure), exposure)
    dark = np.rint(255 * np.clip(light * exposure, 0, 1) ** (1 / 2.2))
    shadows = dark.mean(axis=2) < 100
    assert fused[shadows].mean() > 1.3 * dark[shadows].mean()
    assert fused.shape == shot.shape
    assert fused.max() >= 230


def test_picture_that_is_bright_already_is_fused_of_itself_alone() -> None:
    light = np.full((8, 8, 3), 0.5, np.float32)
    # Its average light would be white at twice this exposure; the next shot is three times as long.
    fused = fuse(light, 1.0)
    # sRGB of 0.5.
    np.testing.assert_array_equal(fused, 188)


def test_night_is_not_fused() -> None:
    light = make_panorama()
    np.testing.assert_array_equal(fuse(light, 0.1, is_night=True), render(light, is_night=True))


def test_balanced_picture_is_between_the_filmic_one_and_the_fusion_of_shorter_and_longer_shots() -> None:
    # One level of light: 0.5 is 188 in every shot of exposure 1; the mean of both pictures lies between them.
    light = np.full((8, 8, 3), 0.5, np.float32)
    filmic = int(render(light)[0, 0, 0])
    balanced = balance(light, 1.0)
    assert (balanced == balanced[0, 0]).all()
    shots = [encode_srgb(light * np.float32(4.0**number)) for number in range(-3, 4)]
    fused = cv2.createMergeMertens().process([quantize(shot) for shot in shots])
    # Each of the two is rounded once more on the way.
    assert float(balanced[0, 0, 0]) == pytest.approx((filmic + 255 * fused[0, 0, 0]) / 2, abs=1)


def test_balanced_picture_of_an_overexposed_shot_is_darker_than_it() -> None:
    light = make_panorama(256)
    exposure = 4 / average_light(light)
    shot = quantize(encode_srgb(light * np.float32(exposure)))
    assert balance(np.minimum(light, 1 / np.float32(exposure)), exposure).mean() < shot.mean()


def test_balanced_night_is_filmic() -> None:
    light = make_panorama()
    np.testing.assert_array_equal(balance(light, 0.1, is_night=True), render(light, is_night=True))


def test_balanced_picture_lifts_what_is_dark_in_front_of_something_bright() -> None:
    light = np.full((96, 144, 3), 0.5, np.float32)
    light[30:80, 55:90] = 0.01
    picture = quantize(encode_srgb(light))
    balanced = balance(light, 1.0)
    # Levels of 25 before; with no longer shots they would come out at half of that.
    assert balanced[40:70, 60:85].mean() > picture[40:70, 60:85].mean()
