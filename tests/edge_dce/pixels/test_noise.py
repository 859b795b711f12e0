import io

import numpy as np
import pytest
from PIL import Image

from edge_dce.pixels.noise import NoiseProfile, assume_noise, estimate_noise
from tests.edge_dce.pixels.noisy_pictures import add_noise, make_ramp

# What luma has of white noise of 1 in each channel: the root of the sum of the squared weights of BT.601.
LUMA_SHARE = (0.299**2 + 0.587**2 + 0.114**2) ** 0.5


def estimate(image: np.ndarray, order: str = "RGB") -> NoiseProfile:
    return estimate_noise(image, channel_order=order)


@pytest.mark.parametrize("deviation", [1.0, 2.0, 4.0])
def test_white_noise_is_measured_where_it_is_not_clipped(deviation: float) -> None:
    profile = estimate(add_noise(make_ramp(), deviation))
    # The calmest fifth of the tiles lies a little below their mean; quantization is a third of the least noise here.
    np.testing.assert_allclose(profile.luma[20:120], deviation * LUMA_SHARE, rtol=0.15)


def test_noise_that_follows_brightness_is_measured_at_each_brightness() -> None:
    ramp = make_ramp(low=10, high=110)
    noise = np.random.default_rng(3).normal(0, 1, ramp.shape) * np.sqrt(ramp / 10)
    profile = estimate(np.clip(np.rint(ramp + noise), 0, 255).astype(np.uint8))
    assert profile.luma[20] < profile.luma[50] < profile.luma[100]


def test_picture_without_noise_has_none() -> None:
    profile = estimate(np.rint(make_ramp()).astype(np.uint8))
    assert profile.luma.max() < 0.1
    assert profile.chroma.max() < 0.1
    assert profile.blocks == 0


def test_dark_of_one_level_is_empty_and_noise_or_more_bits_are_not() -> None:
    sky = np.full((240, 320, 3), 3, np.uint8)
    sky[200:] = 60
    assert estimate(sky).emptiness == 1
    # Of 16 samples whose luma strays by 0.8 hardly any cell has one level.
    assert estimate(add_noise(sky.astype(np.float64), 1.2)).emptiness < 0.1
    assert estimate(sky.astype(np.uint16) * 257).emptiness == 0
    assert estimate(np.maximum(sky, 12)).emptiness == 0


def test_rounding_does_not_pass_coarse_texture_for_noise() -> None:
    levels = make_ramp(low=20, high=120)
    # A soft texture in every place: waves of 16 pixels, which have next to nothing at the finest scale.
    waves = np.sin(np.arange(max(levels.shape[:2])) * (2 * np.pi / 16))
    levels += 6 * np.outer(waves[: levels.shape[0]], waves[: levels.shape[1]])[:, :, np.newaxis]
    assert estimate(np.rint(levels).astype(np.uint8)).luma.max() == 0


def test_pattern_of_single_pixels_is_no_noise() -> None:
    levels = make_ramp(low=20, high=60)
    levels[::2, ::2] += 20
    levels[1::2, 1::2] += 20
    assert estimate(np.rint(levels).astype(np.uint8)).luma.max() < 1


def test_texture_in_some_places_is_no_noise() -> None:
    levels = make_ramp()
    # Stripes of two pixels over two thirds of the picture.
    levels[:213] += 20 * (np.arange(levels.shape[1]) // 2 % 2)[:, np.newaxis]
    np.testing.assert_allclose(estimate(add_noise(levels, 2)).luma[20:100], 2 * LUMA_SHARE, rtol=0.3)


def test_deep_pictures_have_the_noise_of_bytes() -> None:
    image = add_noise(make_ramp(), 3)
    expected = estimate(image)
    for deep in (image.astype(np.uint16) * 257, image.astype(np.float32) / 255):
        found = estimate(deep)
        np.testing.assert_allclose(found.luma, expected.luma, rtol=1e-3)
        # Rounding to eight bits is no step that more bits have.
        assert (expected.quantization > 0, found.quantization) == (True, 0)


@pytest.mark.parametrize("order", ["BGR", "RGBA", "BGRA"])
def test_order_of_channels_does_not_change_the_estimate(order: str) -> None:
    image = add_noise(make_ramp(), 3)
    colors = image[..., ::-1] if order.startswith("BGR") else image
    alpha = np.full((*image.shape[:2], 1), 255, np.uint8)
    given = np.concatenate([colors, alpha], axis=2) if order.endswith("A") else colors
    np.testing.assert_allclose(estimate(given, order).luma, estimate(image).luma, rtol=1e-4)


def test_picture_smaller_than_a_tile_counts_as_clean() -> None:
    assert not estimate(add_noise(make_ramp(20, 20), 3)).luma.any()


def compress(image: np.ndarray, quality: int) -> np.ndarray:
    data = io.BytesIO()
    Image.fromarray(image).save(data, "JPEG", quality=quality)
    return np.asarray(Image.open(data))


def test_blocks_of_jpeg_are_seen_and_noise_is_no_block() -> None:
    noisy = add_noise(make_ramp(low=4, high=40), 2)
    assert estimate(noisy).blocks == 0
    # A constant term in steps of 10 / 8 levels and more at this quality: some tenths of a level at least.
    assert estimate(compress(noisy, 60)).blocks > 0.2


def test_blocks_are_found_in_a_cropped_picture() -> None:
    cropped = compress(add_noise(make_ramp(low=4, high=40), 2), 60)[3:, 5:]
    assert estimate(cropped).blocks > 0.2


def test_assumed_noise_is_the_same_at_every_brightness() -> None:
    profile = assume_noise(0.5)
    assert (profile.luma == 0.5).all()
    assert 0 < profile.chroma[0] < 0.5
