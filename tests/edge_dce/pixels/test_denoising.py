import numpy as np
import pytest

from edge_dce.pixels import denoising
from edge_dce.pixels.denoising import measure_gain, remove_noise, shrink_for_gain
from edge_dce.pixels.strips import StripWorkers


def make_noisy(height: int = 200, width: int = 240, sigma: float = 12.0) -> tuple[np.ndarray, np.ndarray]:
    """A flat grey image with one bright square, without and with noise."""
    clean = np.full((height, width, 3), 90, np.uint8)
    clean[height // 4 : height // 2, width // 4 : width // 2] = (200, 120, 60)
    noise = np.random.default_rng(7).normal(0, sigma, clean.shape)
    return clean, np.clip(np.rint(clean + noise), 0, 255).astype(np.uint8)


def denoise(noisy: np.ndarray, gain: float, amount: float = 1.0, *, order: str = "RGB", threads: int = 1) -> np.ndarray:
    out = np.zeros_like(noisy)
    gains = np.full((10, 10), gain, np.float32)
    remove_noise(noisy, gains, amount, out, channel_order=order, workers=StripWorkers(threads))
    return out


def measure_error(image: np.ndarray, clean: np.ndarray) -> float:
    return float(np.sqrt(np.mean((image.astype(float) - clean) ** 2)))


def test_amplified_noise_is_halved_at_least_and_edges_stay() -> None:
    clean, noisy = make_noisy()
    found = denoise(noisy, gain=10)
    assert measure_error(found, clean) < measure_error(noisy, clean) / 2
    # Two pixels inside the square and out of it: the step of 110 levels in red has at least nine tenths left.
    step = found[60:90, 62, 0].mean() - found[60:90, 57, 0].mean()
    assert step > 0.9 * 110


def test_more_amount_leaves_less_noise() -> None:
    clean, noisy = make_noisy()
    errors = [measure_error(denoise(noisy, 10, amount), clean) for amount in (0.1, 0.3, 1.0)]
    assert errors == sorted(errors, reverse=True)


def test_what_was_not_brightened_stays_as_it_is() -> None:
    _, noisy = make_noisy()
    # YCrCb and back in float32 is exact to far less than half a level.
    np.testing.assert_array_equal(denoise(noisy, gain=1), noisy)


def test_strips_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    _, noisy = make_noisy(231, 77)
    monkeypatch.setattr(denoising, "_STRIP_PX", 10**9)
    whole = denoise(noisy, gain=8)
    monkeypatch.setattr(denoising, "_STRIP_PX", 1)
    strips = denoise(noisy, gain=8, threads=3)
    # OpenCV's running sums start at another row, so float32 rounds them otherwise: a half may tip the other way.
    assert np.abs(strips.astype(int) - whole).max() <= 1


@pytest.mark.parametrize("order", ["BGR", "BGRA", "RGBA"])
def test_order_of_channels_does_not_change_the_result(order: str) -> None:
    _, noisy = make_noisy()
    expected = denoise(noisy, gain=8)
    colors = noisy[..., ::-1] if order.startswith("BGR") else noisy
    alpha = np.random.default_rng(8).integers(0, 256, (*noisy.shape[:2], 1)).astype(np.uint8)
    given = np.concatenate([colors, alpha], axis=2) if order.endswith("A") else colors
    found = denoise(given, gain=8, order=order)
    found_colors = found[..., 2::-1] if order.startswith("BGR") else found[..., :3]
    # The same sums of three products in another order.
    assert np.abs(found_colors.astype(int) - expected).max() <= 1
    np.testing.assert_array_equal(found[..., 3:], given[..., 3:])


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_deep_images_are_denoised_alike(dtype: type) -> None:
    _, noisy = make_noisy()
    white = 65535 if dtype is np.uint16 else 1
    found = denoise((noisy.astype(np.float64) * (white / 255)).astype(dtype), gain=8)
    assert found.dtype == dtype
    np.testing.assert_allclose(found / white * 255, denoise(noisy, gain=8), atol=0.51)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (7, 5)])
def test_smallest_images_are_denoised_too(shape: tuple[int, int]) -> None:
    image = np.full((*shape, 3), 50, np.uint8)
    np.testing.assert_array_equal(denoise(image, gain=5), image)


def test_gain_is_the_ratio_of_brightness() -> None:
    dark, bright = np.full((80, 80, 3), 9, np.uint8), np.full((80, 80, 3), 59, np.uint8)
    gain = measure_gain(shrink_for_gain(dark), shrink_for_gain(bright))
    # (59 + 1) / (9 + 1)
    np.testing.assert_allclose(gain, 6, rtol=1e-5)
    assert (measure_gain(shrink_for_gain(bright), shrink_for_gain(dark)) == 1).all()
