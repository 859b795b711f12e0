"""A sensor clips, is noisy as told, and writes 8 bits of sRGB."""

import dataclasses

import numpy as np
import pytest

from training.panoramas.sensor import (
    Noise,
    Sensor,
    decode_srgb,
    encode_srgb,
    expose,
    find_exposure,
    mix_luma,
    record,
)

from .made_panorama import make_panorama

PLAIN = Sensor(exposure=1.0)
NOISE = Noise(shot=2e-5, read=2e-4)


def make_grey(level: float, *, side: int = 200) -> np.ndarray:
    return np.full((side, side, 3), decode_srgb(np.array(level / 255, np.float32)), np.float32)


def test_srgb_there_and_back() -> None:
    levels = np.linspace(0, 1, 256, dtype=np.float32)
    # float32 powers: a millionth.
    np.testing.assert_allclose(encode_srgb(decode_srgb(levels)), levels, atol=1e-6)


def test_what_is_brighter_than_white_is_clipped() -> None:
    light = np.array([[[0.2, 0.6, 3.0]]], np.float32)
    assert expose(light, Sensor(exposure=2.0))[0, 0].tolist() == pytest.approx([0.4, 1.0, 1.0])


def test_white_balance_scales_the_channels() -> None:
    sensor = Sensor(exposure=1.0, white_balance=(1.5, 1.0, 0.5))
    assert expose(make_grey(100), sensor)[0, 0] == pytest.approx(make_grey(100)[0, 0] * (1.5, 1, 0.5))


def test_exposure_gives_the_mean_that_was_asked_for() -> None:
    light = make_panorama(256)
    exposed = light * np.float32(find_exposure(light, 40))
    # It is found on a copy of a quarter of the size, where texture is averaged in linear light: brighter by its spread.
    assert mix_luma(encode_srgb(exposed)).mean() * 255 == pytest.approx(40, abs=4)


@pytest.mark.parametrize("level", [20, 60, 150])
def test_noise_has_the_strength_that_it_states(level: int) -> None:
    sensor = dataclasses.replace(PLAIN, noise=NOISE)
    dark, clean = record(make_grey(level), sensor, np.random.default_rng(3))
    measured = np.std(dark.astype(float) - clean)
    # Rounding adds 1/12 to the variance; 120,000 samples have a standard error of 0.2 %, the curve's bend adds more.
    assert measured == pytest.approx(np.hypot(NOISE.measure_at(level), 12**-0.5), rel=0.02)


def test_without_noise_both_pictures_are_the_same() -> None:
    dark, clean = record(expose(make_panorama(), PLAIN), PLAIN, np.random.default_rng(3))
    np.testing.assert_array_equal(dark, clean)


def test_a_mosaic_keeps_even_colors() -> None:
    orange = np.full((16, 16, 3), (0.5, 0.25, 0.1), np.float32)
    sensor = dataclasses.replace(PLAIN, has_mosaic=True)
    _, clean = record(orange, sensor, np.random.default_rng(3))
    _, without = record(orange, PLAIN, np.random.default_rng(3))
    np.testing.assert_array_equal(clean, without)


def test_a_mosaic_spreads_noise_over_neighbors() -> None:
    sensor = dataclasses.replace(PLAIN, noise=NOISE, has_mosaic=True)
    dark, clean = record(make_grey(60), sensor, np.random.default_rng(3))
    red = dark[..., 0].astype(float) - clean[..., 0]
    # Bilinear interpolation of every second sample: neighbors share half of what they are made of, or more.
    assert np.corrcoef(red[:, 1:].ravel(), red[:, :-1].ravel())[0, 1] > 0.4


def test_jpeg_is_for_the_noisy_picture_alone() -> None:
    sensor = dataclasses.replace(PLAIN, noise=NOISE, jpeg_quality=60)
    exposed = expose(make_panorama(), sensor)
    plain, _ = record(exposed, dataclasses.replace(sensor, jpeg_quality=None), np.random.default_rng(3))
    compressed, clean = record(exposed, sensor, np.random.default_rng(3))
    assert (compressed != plain).any()
    np.testing.assert_array_equal(clean, record(exposed, PLAIN, np.random.default_rng(3))[1])
