"""The tone as training sees it: the twin of `edge_dce.pixels.tone`."""

import numpy as np
import pytest

from edge_dce.pixels import tone as device
from training.tone import apply_tone, decode, look_up, measure_slopes, tabulate

# float32 sums of 24 terms in [0, 1], in another order.
CLOSELY = 1e-5


def draw_numbers(count: int) -> np.ndarray:
    return np.random.default_rng(5).uniform(-1, 1, (count, device.COUNT)).astype(np.float32)


def draw_images(count: int) -> np.ndarray:
    return np.random.default_rng(6).integers(0, 256, (count, 8, 12, 3)).astype(np.float32) / 255


def test_numbers_mean_what_they_mean_on_the_device() -> None:
    numbers = draw_numbers(3)
    tone = decode(numbers)
    for index, each in enumerate(numbers):
        expected = device.decode(each)
        np.testing.assert_allclose(np.asarray(tone.knots)[index].T, expected.values, atol=CLOSELY)
        np.testing.assert_allclose(np.asarray(tone.matrix)[index], expected.matrix, atol=CLOSELY)
        assert float(np.asarray(tone.hue_share)[index]) == pytest.approx(expected.hue_share, abs=CLOSELY)


def test_pictures_come_out_as_on_the_device() -> None:
    numbers, images = draw_numbers(4), draw_images(4)
    enhanced = np.asarray(apply_tone(images, decode(numbers)))
    for image, each, found in zip(images, numbers, enhanced, strict=True):
        expected = device.apply_to_samples(image, device.decode(each), max_brightness=1.0)
        # A matrix with elements up to 1.5 and 0.25 adds three errors.
        np.testing.assert_allclose(found, expected, atol=3 * CLOSELY)


def test_zeros_are_the_identity() -> None:
    images = draw_images(2)
    enhanced = apply_tone(images, decode(np.zeros((2, device.COUNT), np.float32)))
    np.testing.assert_allclose(np.asarray(enhanced), images, atol=CLOSELY)


def test_slope_of_the_identity_is_1_and_of_two_pieces_their_own() -> None:
    np.testing.assert_allclose(np.asarray(measure_slopes(tabulate(decode_one([0] * device.COUNT)))), 1, atol=1e-3)
    # The last piece alone rises by a factor of e as steeply: it is (1 - (23/24)²) = 0.0816 wide, all others keep slope
    # 1, so that the whole is 0.9184 + 0.0816·e = 1.1402 high before it is scaled to 1.
    numbers = np.zeros(device.COUNT, np.float32)
    numbers[device.INCREMENTS - 1] = 0.25
    slopes = np.asarray(measure_slopes(tabulate(decode_one(numbers))))[0]
    assert slopes[100] == pytest.approx(1 / 1.1402, rel=1e-3)
    assert slopes[250] == pytest.approx(np.e / 1.1402, rel=1e-3)
    assert slopes[[0, 255]] == pytest.approx([slopes[1], slopes[254]], rel=1e-3)


def test_each_picture_and_channel_is_looked_up_in_its_own_column() -> None:
    table = np.arange(2 * 256 * 3, dtype=np.float32).reshape(2, 256, 3)
    levels = np.random.default_rng(1).integers(0, 256, (2, 4, 5, 3)).astype(np.int32)
    found = np.asarray(look_up(table, levels))
    for picture, row, column, channel in ((0, 0, 0, 0), (1, 3, 4, 2), (1, 2, 0, 1)):
        expected = table[picture, levels[picture, row, column, channel], channel]
        assert found[picture, row, column, channel] == expected


def decode_one(numbers: object) -> object:
    return decode(np.asarray(numbers, np.float32)[np.newaxis]).knots
