import cv2
import numpy as np
import pytest

from edge_dce.pixels.levels import normalize
from edge_dce.pixels.shrinking import Shrinker, shrink


def make_image(height: int, width: int, channels: int = 3) -> np.ndarray:
    """Smooth, so that how areas are cut at their borders hardly matters, with noise on it."""
    y, x = np.mgrid[0:height, 0:width]
    scene = 60 + 40 * np.sin(y / height * 5) + 40 * np.cos(x / width * 7)
    noise = np.random.default_rng(height).normal(0, 6, (height, width, channels))
    return np.clip(scene[..., np.newaxis] + noise, 0, 255).astype(np.uint8)


def average_areas(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """Plain means of whole blocks, for sizes that divide."""
    rows, columns = image.shape[0] // height, image.shape[1] // width
    return image.reshape(height, rows, width, columns, -1).mean(axis=(1, 3))


@pytest.mark.parametrize("factor", [1, 2, 4, 8])
def test_halving_first_gives_the_mean_of_the_area(factor: int) -> None:
    image = make_image(16 * factor, 24 * factor)
    difference = np.abs(shrink(image, 24, 16) - average_areas(image, 24, 16))
    # Every halving and the last step round by half a level at most, upward or downward alike.
    assert difference.max() <= 2
    assert difference.mean() <= 0.5


def test_area_that_cannot_be_halved_into_whole_blocks_is_met_closely() -> None:
    smooth = cv2.GaussianBlur(make_image(16 * 7, 24 * 7), (0, 0), 4)
    # Blocks of two at the borders of an area of seven are shared between both areas: at most half a pixel is off, and
    # this scene changes by less than two levels in a pixel.
    assert np.abs(shrink(smooth, 24, 16) - average_areas(smooth, 24, 16)).max() <= 2


@pytest.mark.parametrize(("height", "width"), [(65, 97), (64, 300), (300, 31), (1, 1000), (1000, 1), (16, 16), (5, 7)])
def test_any_size_becomes_the_size_of_the_network(height: int, width: int) -> None:
    image = make_image(height, width)
    small = shrink(image, 16, 16)
    assert small.shape == (16, 16, 3)
    # Halving leaves out an odd row or column: of three rows of this picture, the darkest weighs most.
    assert abs(float(small.mean()) - float(image.mean())) < 6


@pytest.mark.parametrize("view", [np.s_[..., ::-1], np.s_[::-1], np.s_[:, ::-1], np.s_[..., :3], np.s_[::2, ::2]])
@pytest.mark.parametrize("size", [(16, 16), (150, 160)])
def test_views_are_shrunk_like_copies(view: tuple[slice, ...], size: tuple[int, int]) -> None:
    image = make_image(333, 401, 4)[view]
    np.testing.assert_array_equal(shrink(image, *size), shrink(np.ascontiguousarray(image), *size))


def test_deep_images_look_alike_to_the_network() -> None:
    image = make_image(200, 300)
    expected = shrink(image, 32, 32)
    np.testing.assert_array_equal(shrink(image.astype(np.uint16) * 257, 32, 32), expected)
    for dtype in (np.float16, np.float32):
        # float16 holds a byte / 255 to a quarter of a level, so rounding gives the byte back.
        np.testing.assert_array_equal(shrink((image / 255).astype(dtype), 32, 32), expected)


def test_grey_planes_are_shrunk_too() -> None:
    image = make_image(100, 120, 1)
    np.testing.assert_array_equal(shrink(image[..., 0], 16, 16), shrink(image.repeat(3, axis=2), 16, 16)[..., 0])


def test_frames_of_changing_size_do_not_mix() -> None:
    shrinker = Shrinker(16, 16)
    for height, width in ((300, 400), (20, 30), (300, 400), (64, 64)):
        image = make_image(height, width)
        np.testing.assert_array_equal(shrinker.shrink(image), shrink(image, 16, 16))


def test_normalized_samples_are_divided_by_255() -> None:
    image = make_image(4, 5)
    out = np.empty((1, 4, 5, 3), np.float32)
    assert normalize(image, out=out) is out
    np.testing.assert_allclose(out[0], image / 255, rtol=1e-6)
