"""The filter over time: calm in a still scene, no ghosts of what moved. Without a network."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from edge_dce.pixels.strips import StripWorkers
from edge_dce.pixels.temporal import BLOCK_PX, TemporalFilter

FloatArray = npt.NDArray[np.float32]
Uint8Array = npt.NDArray[np.uint8]

SIGMA = 8.0
HEIGHT, WIDTH = 200, 300
NOISE = np.random.default_rng(2).standard_normal((20, HEIGHT, WIDTH, 3), np.float32)
# Larger than a frame, so that it can be panned over: texture of one pixel and of many, of every color.
_GRAINS = np.random.default_rng(3).uniform(40, 215, (2, 300, 500, 3)).astype(np.float32)
TEXTURE = np.clip((cv2.GaussianBlur(_GRAINS[0], (0, 0), 12) - 127) * 12 + 0.5 * _GRAINS[1] + 64, 30, 225)


def add_noise(clean: FloatArray, number: int, sigma: float = SIGMA) -> Uint8Array:
    height, width = clean.shape[:2]
    noisy = clean + np.float32(sigma) * NOISE[number % len(NOISE), :height, :width]
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def make_still(height: int = HEIGHT, width: int = WIDTH) -> FloatArray:
    return TEXTURE[:height, :width]


def make_sigma(sigma: float = SIGMA) -> FloatArray:
    return np.full((3, 5), sigma, np.float32)


def filter_all(frames: list[Uint8Array], sigma: float = SIGMA, threads: int = 1) -> list[Uint8Array]:
    temporal_filter, filtered = TemporalFilter(StripWorkers(threads)), []
    for frame in frames:
        out = np.empty_like(frame)
        temporal_filter.apply(frame, make_sigma(sigma), out)
        filtered.append(out)
    return filtered


def measure_error(image: Uint8Array, clean: FloatArray) -> float:
    return float(np.square(image - clean).mean())


@pytest.mark.parametrize("sigma", [4.0, 8.0, 20.0])
def test_ten_frames_of_a_still_scene_leave_a_third_of_the_noise(sigma: float) -> None:
    clean = make_still()
    frames = [add_noise(clean, number, sigma) for number in range(10)]
    last = filter_all(frames, sigma)[-1]
    assert np.std(last - clean) <= np.std(frames[-1] - clean) / 3


def test_first_frame_stays_as_it_is() -> None:
    frame = add_noise(make_still(), 0)
    np.testing.assert_array_equal(filter_all([frame])[0], frame)


def test_what_is_left_is_told() -> None:
    clean, temporal_filter = make_still(), TemporalFilter(StripWorkers(1))
    for number in range(12):
        out = add_noise(clean, number)
        left = temporal_filter.apply(out, make_sigma(), out)
    assert left.shape == (HEIGHT // BLOCK_PX, WIDTH // BLOCK_PX)
    # A standard deviation of 180,000 samples is known to 1 %; rounding to levels adds 1/12 to a variance of 5; and
    # where chance passes for motion the gain is that of the place, not that of the mean.
    assert SIGMA * left.mean() == pytest.approx(np.std(out - clean), rel=0.04)


def test_the_same_frame_again_takes_no_noise_away() -> None:
    temporal_filter, frame = TemporalFilter(StripWorkers(1)), add_noise(make_still(), 0)
    for _ in range(5):
        left = temporal_filter.apply(frame, make_sigma(), np.empty_like(frame))
    assert (left == 1).all()


@pytest.mark.parametrize("speed_px", [1, 2, 7, 40])
@pytest.mark.parametrize("sigma", [3.0, 8.0, 20.0])
def test_pan_is_never_worse_than_without(speed_px: int, sigma: float) -> None:
    cleans = [np.roll(TEXTURE, -speed_px * number, axis=1)[:HEIGHT, :WIDTH] for number in range(8)]
    frames = [add_noise(clean, number, sigma) for number, clean in enumerate(cleans)]
    for frame, filtered, clean in zip(frames, filter_all(frames, sigma), cleans, strict=True):
        assert measure_error(filtered, clean) <= measure_error(frame, clean)


def test_half_that_stands_still_is_averaged_while_the_other_half_moves() -> None:
    temporal_filter, half = TemporalFilter(StripWorkers(1)), WIDTH // 2
    for number in range(10):
        clean = make_still().copy()
        clean[:, half:] = np.roll(TEXTURE, 5 * number, axis=0)[:HEIGHT, half:WIDTH]
        frame = add_noise(clean, number)
        out = np.empty_like(frame)
        left = temporal_filter.apply(frame, make_sigma(), out)
    # The block that has the border and its neighbor see both halves.
    margin = 2 * BLOCK_PX
    still = np.s_[:, : half - margin]
    assert np.std(out[still] - clean[still]) <= SIGMA / 3
    assert left[:, half // BLOCK_PX + 2 :].mean() > 0.8


@pytest.mark.parametrize("factor", [1.5, 3.0])
def test_pan_is_never_worse_than_without_though_texture_was_taken_for_noise(factor: float) -> None:
    cleans = [np.roll(TEXTURE, -2 * number, axis=1)[:HEIGHT, :WIDTH].copy() for number in range(8)]
    for clean in cleans:
        # As every scene has, some of it is smooth.
        clean[:60] = 90
    frames = [add_noise(clean, number) for number, clean in enumerate(cleans)]
    filtered = filter_all(frames, factor * SIGMA)
    # The second frame is the first that tells how much changes.
    for frame, image, clean in list(zip(frames, filtered, cleans, strict=True))[2:]:
        assert measure_error(image, clean) <= measure_error(frame, clean)


def test_lamp_that_moves_on_black_leaves_no_trail() -> None:
    temporal_filter, lamp_px = TemporalFilter(StripWorkers(1)), 12
    for number in range(15):
        clean = np.full((HEIGHT, WIDTH, 3), 12, np.float32)
        left = 20 + 9 * number
        clean[90 : 90 + lamp_px, left : left + lamp_px] = 240
        frame = add_noise(clean, number, 4)
        out = np.empty_like(frame)
        temporal_filter.apply(frame, make_sigma(4), out)
    trail = np.s_[90 : 90 + lamp_px, left - 45 : left]
    # The trail's pixels have noise of 4 levels or less: their mean, over 1620 samples, is within 0.1 · 5.
    assert abs(out[trail].mean() - 12) < 0.5
    lamp = np.s_[90 : 90 + lamp_px, left : left + lamp_px]
    assert abs(out[lamp].mean() - 240) < 0.5


@pytest.mark.parametrize("step", [-1, 1])
def test_slow_change_of_light_is_followed_to_the_last_level(step: int) -> None:
    """No dead zone: what the gain rounds to nothing adds up."""
    levels = [120, *[120 + step] * 80]
    frames = [np.full((16, 16, 3), level, np.uint8) for level in levels]
    np.testing.assert_array_equal(filter_all(frames, sigma=30)[-1], frames[-1])


@pytest.mark.parametrize("sigma", [0.0, 1e-9])
def test_without_noise_nothing_changes(sigma: float) -> None:
    frames = [np.roll(TEXTURE, number, axis=0)[:HEIGHT, :WIDTH].astype(np.uint8) for number in range(4)]
    for frame, filtered in zip(frames, filter_all(frames, sigma), strict=True):
        np.testing.assert_array_equal(filtered, frame)


def test_noise_is_taken_by_place() -> None:
    temporal_filter, clean = TemporalFilter(StripWorkers(1)), make_still()
    sigma = np.repeat(np.float32([[0, 0, SIGMA, SIGMA]]), 4, axis=0)
    for number in range(10):
        frame = add_noise(clean, number)
        out = np.empty_like(frame)
        temporal_filter.apply(frame, sigma, out)
    # The map is stretched from four columns: the outer eighths have the values of the outer columns.
    np.testing.assert_array_equal(out[:, : WIDTH // 8], frame[:, : WIDTH // 8])
    assert np.std((out - clean)[:, -WIDTH // 8 :]) <= SIGMA / 3


def test_after_a_reset_the_next_frame_stays_as_it_is() -> None:
    temporal_filter, clean = TemporalFilter(StripWorkers(1)), make_still()
    for number in range(3):
        frame = add_noise(clean, number)
        out = np.empty_like(frame)
        temporal_filter.apply(frame, make_sigma(), out)
    temporal_filter.reset()
    left = temporal_filter.apply(frame, make_sigma(), out)
    np.testing.assert_array_equal(out, frame)
    np.testing.assert_array_equal(left, np.ones_like(left))


@pytest.mark.parametrize("shape", [(HEIGHT, WIDTH), (101, 151), (4, 4), (5, 7), (3, 40), (40, 3), (1, 1)])
def test_frame_of_another_size_begins_anew(shape: tuple[int, int]) -> None:
    temporal_filter = TemporalFilter(StripWorkers(2))
    for number, (height, width) in enumerate(((120, 160), shape, (120, 160))):
        frame = add_noise(make_still(height, width), number)
        out = np.empty_like(frame)
        temporal_filter.apply(frame, make_sigma(), out)
        np.testing.assert_array_equal(out, frame)


@pytest.mark.parametrize("shape", [(101, 151), (6, 9), (1000, 450)])
def test_every_pixel_of_any_size_is_averaged(shape: tuple[int, int]) -> None:
    frames = [np.full((*shape, 3), 100 + 10 * (number % 2), np.uint8) for number in range(30)]
    last = filter_all(frames, sigma=60)[-1]
    # The gain is 3/32 and the levels take turns: the mean is a level or so from half-way.
    assert np.abs(last.astype(int) - 105).max() <= 1


def test_threads_do_not_change_the_result() -> None:
    # So large that there are several strips.
    frames = [np.tile(add_noise(make_still(), number), (4, 3, 1)) for number in range(5)]
    for one, two in zip(filter_all(frames, threads=1), filter_all(frames, threads=2), strict=True):
        np.testing.assert_array_equal(one, two)


def test_strided_frames_are_taken_as_they_are_and_may_be_their_own_output() -> None:
    plain = [add_noise(make_still(), number) for number in range(5)]
    temporal_filter = TemporalFilter(StripWorkers(1))
    for frame, expected in zip(plain, filter_all(plain), strict=True):
        wide = np.zeros((HEIGHT, WIDTH + 9, 4), np.uint8)
        view = wide[:, 5 : 5 + WIDTH, :3]
        view[...] = frame
        temporal_filter.apply(view, make_sigma(), view)
        np.testing.assert_array_equal(view, expected)
        view[...] = 0
        assert not wide.any()


def test_sixteen_bits_are_filtered_as_eight_are() -> None:
    frames = [add_noise(make_still(), number) for number in range(10)]
    deep = filter_all([frame.astype(np.uint16) * 257 for frame in frames])[-1]
    # Half a level for rounding; gains may differ by a part of 32 of a step of a few sigma.
    assert np.abs(deep / 257 - filter_all(frames)[-1]).max() <= 0.5 + 4 * SIGMA / 32
    assert np.std(deep / 257 - make_still()) <= SIGMA / 3


@pytest.mark.parametrize("value", [0, 1, 65535])
def test_sixteen_bits_without_noise_stay_to_the_bit(value: int) -> None:
    frames = [np.full((8, 8, 3), value, np.uint16), np.full((8, 8, 3), 65535 - value, np.uint16)] * 2
    for frame, filtered in zip(frames, filter_all(frames, sigma=0), strict=True):
        np.testing.assert_array_equal(filtered, frame)


def test_order_of_channels_does_not_matter() -> None:
    frames = [add_noise(make_still(), number) for number in range(5)]
    turned = [np.ascontiguousarray(frame[..., ::-1]) for frame in frames]
    for one, other in zip(filter_all(frames), filter_all(turned), strict=True):
        # Sums of three in another order may differ in the last bit, and a gain with it by one part of 32.
        np.testing.assert_allclose(one, other[..., ::-1], atol=1)


def test_nothing_is_kept_of_two_thousand_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [add_noise(make_still(40, 60), number) for number in range(4)]
    # With one thread: of several, one may get its first strip late.
    temporal_filter, out, sigma = TemporalFilter(StripWorkers(1)), np.empty_like(frames[0]), make_sigma()
    temporal_filter.apply(frames[0], sigma, out)
    monkeypatch.setattr("edge_dce.pixels.buffers.np.empty", None)
    for number in range(2000):
        temporal_filter.apply(frames[number % 4], sigma, out)


@pytest.mark.parametrize(
    ("frame", "out"),
    [
        (np.zeros((8, 8, 3), np.float32), np.zeros((8, 8, 3), np.float32)),
        (np.zeros((8, 8), np.uint8), np.zeros((8, 8), np.uint8)),
        (np.zeros((8, 8, 4), np.uint8), np.zeros((8, 8, 4), np.uint8)),
        (np.zeros((8, 8, 3), np.uint8), np.zeros((8, 9, 3), np.uint8)),
    ],
)
def test_other_arrays_are_refused(frame: npt.NDArray[np.uint8], out: npt.NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match="expected"):
        TemporalFilter(StripWorkers(1)).apply(frame, make_sigma(), out)
