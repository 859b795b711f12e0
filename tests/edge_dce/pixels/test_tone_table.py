import numpy as np
import pytest

from edge_dce.errors import ImageError
from edge_dce.pixels import wide_look_up
from edge_dce.pixels.look import Look
from edge_dce.pixels.strips import StripWorkers
from edge_dce.pixels.tone import COUNT, apply_exact
from edge_dce.pixels.tone_table import ToneTable

LOOKS = [Look(), Look(strength=0.5), Look(strength=1.5), Look(max_brightness=0.8), Look(1.5, 0.5)]


def make_numbers(seed: int, span: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-span, span, COUNT).astype(np.float32)


def make_image(seed: int, height: int = 90, width: int = 120, channels: int = 3) -> np.ndarray:
    """Mostly dark, every value present."""
    return (np.random.default_rng(seed).random((height, width, channels)) ** 3 * 255.99).astype(np.uint8)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("seed", range(4))
def test_bytes_stay_within_two_levels_of_the_formula(look: Look, seed: int) -> None:
    image, numbers = make_image(seed), make_numbers(seed)
    found = ToneTable(StripWorkers(2)).apply(image, numbers, look=look)
    difference = np.abs(apply_exact(image, numbers, look=look).astype(int) - found)
    # The table is off by half a level; a row of the matrix makes 2 of its 1 at most (2.5 at strength 1.5), and the
    # result is rounded on both sides: 0.5 · 2.5 + 0.5 + 0.5 is 2.25, and levels are whole.
    assert difference.max() <= 2
    assert difference.mean() <= 0.5


@pytest.mark.parametrize("look", LOOKS)
def test_deep_samples_are_those_of_the_formula(look: Look) -> None:
    image, numbers = make_image(7), make_numbers(8)
    expected = apply_exact(image, numbers, look=look).astype(float)
    table = ToneTable(StripWorkers(2))
    deep = table.apply(image.astype(np.uint16) * 257, numbers, look=look) / 257
    real = table.apply(image.astype(np.float32) / np.float32(255), numbers, look=look) * 255
    # The reference is rounded to levels of 255, and 16 bits to a hundredth of one more.
    assert np.abs(deep - expected).max() <= 0.51
    assert np.abs(real - expected).max() <= 0.501


def test_colors_that_8_bits_cannot_tell_apart_are_kept_apart() -> None:
    ramp = np.linspace(0, 2000, 1000).astype(np.uint16).reshape(1, -1, 1).repeat(3, axis=2)
    brightened = ToneTable().apply(ramp, np.linspace(0.6, -0.6, COUNT).astype(np.float32))
    assert len(np.unique(brightened[..., 1])) > 900


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_order_of_channels_and_alpha_change_nothing(dtype: type) -> None:
    image = make_image(9, channels=4)
    image = image if dtype == np.uint8 else image.astype(np.uint16) * 257 if dtype == np.uint16 else image / dtype(255)
    numbers, table = make_numbers(10), ToneTable()
    plain = table.apply(np.ascontiguousarray(image[..., :3]), numbers)
    with_alpha = table.apply(image, numbers)
    np.testing.assert_array_equal(with_alpha[..., :3], plain)
    np.testing.assert_array_equal(with_alpha[..., 3], image[..., 3])
    # The matrix adds its terms in another order, which float32 may tell and levels may not.
    swapped = table.apply(np.ascontiguousarray(image[..., 2::-1]), numbers, is_bgr=True)[..., ::-1]
    np.testing.assert_allclose(swapped, plain, atol=0 if dtype == np.uint8 else 1e-6 if dtype == np.float32 else 1)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 500), (500, 1), (33, 17), (700, 900)])
def test_any_size_and_number_of_threads_gives_the_same(height: int, width: int) -> None:
    image, numbers = make_image(11, height, width), make_numbers(12)
    one = ToneTable(StripWorkers(1)).apply(image, numbers)
    np.testing.assert_array_equal(one, ToneTable(StripWorkers(4)).apply(image, numbers))


def test_views_and_frames_in_place_are_enhanced_like_copies() -> None:
    image, numbers = make_image(13), make_numbers(14)
    view = image[::-1, ::2]
    expected = ToneTable().apply(np.ascontiguousarray(view), numbers)
    out = np.zeros((90, 130, 3), np.uint8)[:, 5:65]
    assert ToneTable().apply(view, numbers, out=out) is out
    np.testing.assert_array_equal(out, expected)
    look = Look(max_brightness=0.9)
    expected = ToneTable().apply(np.ascontiguousarray(view), numbers, look=look)
    ToneTable().apply(view, numbers, look=look, out=view)
    np.testing.assert_array_equal(view, expected)


def test_next_tone_and_look_count_at_once() -> None:
    image, table = make_image(15), ToneTable()
    for seed, look in ((16, Look()), (16, Look(strength=0.5)), (17, Look(strength=0.5)), (16, Look())):
        expected = ToneTable().apply(image, make_numbers(seed), look=look)
        np.testing.assert_array_equal(table.apply(image, make_numbers(seed), look=look), expected)


def test_both_ways_to_look_up_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    image, numbers = make_image(18), make_numbers(19)
    found = ToneTable().apply(image, numbers)
    monkeypatch.setattr(wide_look_up, "_CV2_TAKES_WIDE_INDICES", False)
    np.testing.assert_array_equal(found, ToneTable().apply(image, numbers))


def test_unfit_result_array_is_refused() -> None:
    with pytest.raises(ImageError, match="expected `out` like the image"):
        ToneTable().apply(make_image(20), make_numbers(21), out=np.empty((90, 121, 3), np.uint8))
