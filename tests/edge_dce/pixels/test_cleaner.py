"""What is kept from one frame of a stream to the next. Without a network."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from edge_dce.pixels import cleaner as cleaner_module
from edge_dce.pixels.cleaner import PictureCleaner, StreamCleaner
from edge_dce.pixels.look import Look
from edge_dce.pixels.noise import NoiseProfile, assume_noise
from edge_dce.pixels.strips import StripWorkers
from tests.edge_dce.pixels.noisy_pictures import add_noise, make_ramp

Image = npt.NDArray[Any]
AUTO = Look()


def brighten(image: Image, channel_order: str, out: Image | None = None) -> Image:
    enhanced = np.empty_like(image) if out is None else out
    white = np.iinfo(image.dtype).max if image.dtype.kind == "u" else 1
    np.copyto(enhanced, np.minimum(image.astype(np.float64) * 4, white), casting="unsafe")
    return enhanced


def run(cleaner: PictureCleaner | StreamCleaner, image: Image, look: Look = AUTO) -> Image:
    return cleaner.run(image, brighten, look, None, channel_order="RGB")


def make_frame(number: int, deviation: float = 2.0) -> Image:
    return add_noise(make_ramp(low=10, high=50), deviation, seed=number)


def make_night(lamp: int) -> Image:
    night = np.full((200, 300, 3), 1, np.uint8)
    night[150:] = 20
    night[100:120, 100:120] = lamp
    return night


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_picture_is_cleaned_alike_to_the_bit_the_first_time_and_the_tenth(
    depth: type[np.unsignedinteger[Any]], threads: int
) -> None:
    cleaner = PictureCleaner(StripWorkers(threads))
    frame = make_frame(0).astype(depth) * depth(np.iinfo(depth).max // 255)
    # All are kept, so that each lies elsewhere in memory.
    first, *others = [run(cleaner, frame) for _ in range(10)]
    for other in others:
        np.testing.assert_array_equal(other, first)


@pytest.mark.parametrize("depth", [np.uint8, np.uint16, np.float32])
def test_picture_is_cleaned_alike_to_the_bit_by_one_thread_and_by_two(depth: type[np.generic]) -> None:
    white = np.iinfo(depth).max if np.issubdtype(depth, np.integer) else 1
    frame = (make_frame(0) * (white / 255)).astype(depth)
    one, two = (run(PictureCleaner(StripWorkers(threads)), frame) for threads in (1, 2))
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("look", [AUTO, Look(denoise=0.5)], ids=["auto", "fixed"])
@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("kind", [PictureCleaner, StreamCleaner])
def test_noise_measured_beforehand_cleans_alike_to_the_bit(
    kind: type[PictureCleaner | StreamCleaner], threads: int, look: Look
) -> None:
    cleaner, frame = kind(StripWorkers(threads)), make_frame(0)
    noise = cleaner.measure(frame, look, channel_order="RGB")
    found = cleaner.run(frame, brighten, look, None, channel_order="RGB", noise=noise)
    np.testing.assert_array_equal(found, run(kind(StripWorkers(1)), frame, look))


def test_rendering_that_fails_leaves_nothing_at_work_on_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = []

    def measure_slowly(image: Image, *, channel_order: str) -> NoiseProfile:
        time.sleep(0.1)
        measured.append(image)
        return assume_noise(0.5)

    def fail(image: Image, channel_order: str, out: Image | None = None) -> Image:
        if out is not None:
            raise MemoryError
        return brighten(image, channel_order)

    monkeypatch.setattr(cleaner_module, "estimate_noise", measure_slowly)
    with pytest.raises(MemoryError):
        PictureCleaner(StripWorkers(2)).run(make_frame(0), fail, AUTO, None, channel_order="RGB")
    assert len(measured) == 1


def test_stream_leaves_less_noise_from_frame_to_frame_than_pictures_have() -> None:
    stream, picture = StreamCleaner(StripWorkers(1)), PictureCleaner(StripWorkers(1))
    frames = [make_frame(number) for number in range(12)]
    last = [run(stream, frame) for frame in frames][-1]
    truth = 4 * make_ramp(low=10, high=50)
    assert np.std(last - truth) < np.std(run(picture, frames[-1]) - truth)


def test_noise_of_a_stream_is_measured_again_after_half_a_second() -> None:
    stream = StreamCleaner(StripWorkers(1))
    # Each frame as if it were the first of its scene, so that only the profile is kept.
    for number in range(15):
        run(stream, make_frame(number, deviation=0))
    known = run(stream, make_frame(20, deviation=4))
    expected = run(StreamCleaner(StripWorkers(1)), make_frame(20, deviation=4))
    np.testing.assert_array_equal(known, expected)


def test_stream_that_begins_anew_knows_nothing_of_before() -> None:
    stream = StreamCleaner(StripWorkers(1))
    for number in range(5):
        run(stream, make_frame(number, deviation=0.5))
    stream.begin_anew()
    frame = make_frame(9, deviation=4)
    np.testing.assert_array_equal(run(stream, frame), run(StreamCleaner(StripWorkers(1)), frame))


def test_sky_darkens_slowly_when_a_lamp_appears() -> None:
    stream = StreamCleaner(StripWorkers(1))
    dark = run(stream, make_night(lamp=20))[20, 20].max()
    skies = [int(run(stream, make_night(lamp=255))[20, 20].max()) for _ in range(40)]
    assert dark == 4
    assert skies[0] >= 3
    assert np.abs(np.diff(skies)).max() <= 1
    assert skies[-1] <= 1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_cleaning_brightens_nothing_beyond_the_limit(dtype: type) -> None:
    night = make_night(lamp=255).astype(np.int64)
    noisy = np.clip(night + np.random.default_rng(4).normal(0, 2, night.shape), 0, 255)
    factor = 257 if dtype is np.uint16 else 1
    image = (np.rint(noisy) * factor).astype(dtype)
    limit = round(0.6 * 255 * factor)

    def brighten_to_limit(each: Image, channel_order: str, out: Image | None = None) -> Image:
        bright = brighten(each, channel_order, out)
        np.minimum(bright, np.maximum(each, dtype(limit)), out=bright)
        return bright

    look = Look(max_brightness=0.6)
    found = PictureCleaner(StripWorkers(1)).run(image, brighten_to_limit, look, None, channel_order="RGB")
    assert (found <= np.maximum(image, limit)).all()
