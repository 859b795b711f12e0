import cv2
import numpy as np
import pytest

from edge_dce.pixels import cleaning
from edge_dce.pixels.cleaning import Cleaning, clean
from edge_dce.pixels.denoising import AddedNoise
from edge_dce.pixels.strips import StripWorkers
from edge_dce.pixels.toe import Toe

PLAIN = {"channel_order": "RGB", "workers": StripWorkers(1)}


def make_noisy(height: int = 200, width: int = 240, sigma: float = 12.0) -> tuple[np.ndarray, np.ndarray]:
    """A flat grey image with one bright square, without and with noise."""
    clean = np.full((height, width, 3), 90, np.uint8)
    clean[height // 4 : height // 2, width // 4 : width // 2] = (200, 120, 60)
    noise = np.random.default_rng(7).normal(0, sigma, clean.shape)
    return clean, np.clip(np.rint(clean + noise), 0, 255).astype(np.uint8)


def denoise(
    noisy: np.ndarray, added: float, *, blocks: float | np.ndarray = 0, order: str = "RGB", threads: int = 1
) -> np.ndarray:
    out = np.zeros_like(noisy)
    luma, chroma, steps = (np.full((10, 10), level, np.float32) for level in (added, added / 4, blocks))
    planned = Cleaning(AddedNoise(luma, chroma, steps), samples=luma, toe=None)
    clean(noisy, noisy, planned, out, channel_order=order, workers=StripWorkers(threads))
    return out


def measure_error(image: np.ndarray, clean: np.ndarray) -> float:
    return float(np.sqrt(np.mean((image.astype(float) - clean) ** 2)))


def test_amplified_noise_is_halved_at_least_and_edges_stay() -> None:
    clean, noisy = make_noisy()
    found = denoise(noisy, 9)
    assert measure_error(found, clean) < measure_error(noisy, clean) / 2
    # Two pixels inside the square and out of it: the step of 110 levels in red has at least nine tenths left.
    step = found[60:90, 62, 0].mean() - found[60:90, 57, 0].mean()
    assert step > 0.9 * 110


def test_the_more_noise_was_added_the_less_is_left() -> None:
    clean, noisy = make_noisy()
    errors = [measure_error(denoise(noisy, added), clean) for added in (1, 3, 9)]
    assert errors == sorted(errors, reverse=True)


def test_what_was_not_brightened_stays_as_it_is() -> None:
    _, noisy = make_noisy()
    np.testing.assert_array_equal(denoise(noisy, 0), noisy)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_what_was_not_brightened_stays_to_the_bit_beside_what_was(dtype: type) -> None:
    _, noisy = make_noisy()
    deep = noisy.astype(dtype) / dtype(255) if dtype is np.float32 else noisy.astype(dtype)
    added = np.zeros((50, 60), np.float32)
    added[:20] = 9
    planned = Cleaning(AddedNoise(added, added / 4, added * 0), samples=added, toe=None)
    out = np.zeros_like(deep)
    clean(deep, deep, planned, out, channel_order="RGB", workers=StripWorkers(1))
    # The map has a quarter of the size: its bilinear ramp ends within one of its rows.
    np.testing.assert_array_equal(out[84:], deep[84:])
    assert (out[:76] != deep[:76]).any()


@pytest.mark.parametrize("blocks", [0, 8, np.repeat([[0], [8]], 5, axis=0)], ids=["none", "all over", "below"])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_strips_do_not_show(
    monkeypatch: pytest.MonkeyPatch, depth: type[np.generic], blocks: float | np.ndarray
) -> None:
    _, noisy = make_noisy(431, 77)
    noisy = noisy.astype(depth) * depth(np.iinfo(depth).max // 255)
    monkeypatch.setattr(cleaning, "_MOST_STRIP_PX", 10**9)
    whole = denoise(noisy, 8, blocks=blocks)
    monkeypatch.setattr(cleaning, "_MOST_STRIP_PX", 1)
    strips = denoise(noisy, 8, blocks=blocks, threads=3)
    # OpenCV's running sums start at another row, so float32 rounds them otherwise: a half may tip the other way.
    # Of 16 bits that is one of 65535, and twice as much of green, which has both chromas.
    assert np.abs(strips.astype(int) - whole).max() <= (1 if depth is np.uint8 else 3)


@pytest.mark.parametrize("order", ["BGR", "BGRA", "RGBA"])
def test_order_of_channels_does_not_change_the_result(order: str) -> None:
    _, noisy = make_noisy()
    expected = denoise(noisy, 8)
    colors = noisy[..., ::-1] if order.startswith("BGR") else noisy
    alpha = np.random.default_rng(8).integers(0, 256, (*noisy.shape[:2], 1)).astype(np.uint8)
    given = np.concatenate([colors, alpha], axis=2) if order.endswith("A") else colors
    found = denoise(given, 8, order=order)
    found_colors = found[..., 2::-1] if order.startswith("BGR") else found[..., :3]
    # The same sums of three products in another order.
    assert np.abs(found_colors.astype(int) - expected).max() <= 1
    np.testing.assert_array_equal(found[..., 3:], given[..., 3:])


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_deep_images_are_denoised_alike(dtype: type) -> None:
    _, noisy = make_noisy()
    white = 65535 if dtype is np.uint16 else 1
    found = denoise((noisy.astype(np.float64) * (white / 255)).astype(dtype), 8)
    assert found.dtype == dtype
    # Bytes are rounded by half a level: luma and color on the way there, color when it is halved, both after the
    # filter, and all on the way back; blue has 1.77 times the error of its color: 1 + 1.77 · 1.5 + 0.5 at worst.
    np.testing.assert_allclose(found / white * 255, denoise(noisy, 8), atol=4.2)
    assert np.abs(found / white * 255 - denoise(noisy, 8)).mean() < 0.6


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (7, 5)])
def test_smallest_images_are_denoised_too(shape: tuple[int, int]) -> None:
    image = np.full((*shape, 3), 50, np.uint8)
    np.testing.assert_array_equal(denoise(image, 5), image)


def test_steps_between_blocks_are_smoothed_and_edges_of_the_picture_stay() -> None:
    image = np.full((160, 160, 3), 90, np.uint8)
    # A step of two levels, ten times brightened, between blocks of 8 x 8; and an edge of 100 levels.
    image[:, 40:] += 20
    image[:, 120:] += 100
    found = denoise(image, 10, blocks=10)[80, :, 0].astype(int)
    assert np.abs(np.diff(found[20:60])).max() <= 10
    # The wide filter leaves v / (v + s²) of it, where v = 50² and s is twice the step that was told.
    assert found[126] - found[113] > 100 * 2500 / (2500 + 400)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("added", [0, 5])
def test_color_fades_where_none_of_it_is_kept_with_noise_and_without(dtype: type, added: float) -> None:
    white = {np.uint8: 255, np.uint16: 65535, np.float32: 1}[dtype]
    image = (np.full((64, 64, 3), (120, 110, 40)) / 255 * white).astype(dtype)
    level, everything = np.full((8, 8), added, np.float32), np.full((8, 8), 255, np.uint8)
    out = np.zeros_like(image)
    toe = Toe(everything, np.full(256, 255, np.uint8), color=level * 0, own_ramp=(0, 1))
    clean(image, image.copy(), Cleaning(AddedNoise(level, level, level * 0), level, toe), out, **PLAIN)
    # Luma of (120, 110, 40), to the nearest; without a tint.
    assert np.abs(out / white * 255 - 105).max() <= 1
    assert np.ptp(out / white * 255, axis=2).max() < 0.1


def test_calm_colors_stay_where_only_luma_is_noisy() -> None:
    """Variances of calm places are nothing but roundings, and nothing may be divided by them."""
    random = np.random.default_rng(3)
    colors = cv2.resize(random.uniform(60, 240, (5, 6, 3)), (480, 400), interpolation=cv2.INTER_CUBIC)
    image = np.clip(np.rint(colors), 0, 255).astype(np.uint8)
    luma, none = np.full((10, 10), 1, np.float32), np.zeros((10, 10), np.float32)
    planned = Cleaning(AddedNoise(luma, none, none), samples=luma, toe=None)
    found = np.zeros_like(image)
    clean(image, image, planned, found, channel_order="RGB", workers=StripWorkers(1))
    # Nothing is to be smoothed: two roundings, to YCrCb and back, each of up to two levels in blue.
    assert np.abs(found.astype(int) - image).max() <= 6
