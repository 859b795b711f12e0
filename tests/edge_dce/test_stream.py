"""Frames in time: calm in a still scene, at once when the light changes. With the bundled default, and with curves."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import edge_dce
from edge_dce.models.catalog import DEFAULT_MODEL
from edge_dce.pixels.look import Look
from edge_dce.pixels.smoothing import FRAME_BY_FRAME, THUMBNAIL_PX, Smoother, Smoothing, make_thumbnail, measure_change
from edge_dce.stream import Stream

CURVES_MODEL = "zero-dce-scene-256x256-int8"
CLEAN, BARE = Look(denoise=1.0), Look(denoise=0)
NOISE = np.random.default_rng(1).normal(0, 1, (40, 120, 160, 3))


@pytest.fixture(scope="module", params=[CURVES_MODEL, DEFAULT_MODEL])
def enhancer(request: pytest.FixtureRequest) -> edge_dce.Enhancer:
    return edge_dce.load(request.param, threads=1)


def make_frame(number: int, brightness: float, noise: float = 2.0) -> np.ndarray:
    """A dark scene of vertical gradients that averages `brightness`, with sensor noise of its own."""
    scene = np.linspace(0.2, 1.8, 120)[:, np.newaxis, np.newaxis] * np.linspace(1.5, 0.5, 160)[:, np.newaxis]
    samples = scene * brightness + noise * NOISE[number % len(NOISE)]
    return np.clip(np.rint(samples), 0, 255).astype(np.uint8)


def enhance_all(enhancer: edge_dce.Enhancer, frames: list[np.ndarray], smoothing: Smoothing) -> np.ndarray:
    """Mean brightness of every enhanced frame, as the smoothed estimates alone make it."""
    stream = Stream(enhancer, look=BARE, smoothing=smoothing)
    means = []
    for frame in frames:
        out = np.empty_like(frame)
        stream.enhance_into(frame, out)
        means.append(out.mean())
    return np.array(means)


@pytest.mark.parametrize("every_frames", [1, 2, 5])
@pytest.mark.parametrize(("before", "after"), [(6.0, 9.0), (10.0, 14.0), (10.0, 60.0), (40.0, 8.0), (3.0, 4.0)])
def test_light_switched_on_or_off_is_followed_within_five_frames(
    enhancer: edge_dce.Enhancer, before: float, after: float, every_frames: int
) -> None:
    frames = [make_frame(number, before if number < 12 else after) for number in range(20)]
    smoothed = enhance_all(enhancer, frames, Smoothing(every_frames=every_frames))
    at_once = enhance_all(enhancer, frames, FRAME_BY_FRAME)
    # After five frames the thumbnail has less than 0.005 of the step to go (see pixels.smoothing), and the map the same
    # part of its own way. One level for rounding and for the noise of the frames before.
    left = min(1.0, 0.005 / abs(np.sqrt(after / 255) - np.sqrt(before / 255)))
    stale = enhancer.apply(frames[17], enhancer.estimate(frames[11])).mean()
    # A map is smoothed as it brightens; a tone's numbers are exponents, and half-way between two is not half the light.
    slack = 1 if enhancer.contract == "curves" else 2
    assert abs(smoothed[17] - at_once[17]) <= left * abs(stale - at_once[17]) + slack


@pytest.mark.parametrize("every_frames", [1, 2, 5])
def test_still_scene_with_noise_does_not_flicker(enhancer: edge_dce.Enhancer, every_frames: int) -> None:
    frames = [make_frame(number, 8.0, noise=4.0) for number in range(40)]
    smoothed = enhance_all(enhancer, frames, Smoothing(every_frames=every_frames))
    frozen = Stream(enhancer).next_estimate(frames[0]).copy()
    own = np.array([enhancer.apply(frame, frozen, BARE).mean() for frame in frames])
    at_once = enhance_all(enhancer, frames, FRAME_BY_FRAME)
    flicker, flicker_at_once = (np.abs(np.diff(means - own)).mean() for means in (smoothed, at_once))
    assert flicker <= 0.5 * flicker_at_once


def test_scene_cut_is_as_if_the_stream_began_there(enhancer: edge_dce.Enhancer) -> None:
    first, other = make_frame(0, 6.0), make_frame(1, 50.0)
    stream = Stream(enhancer)
    for _ in range(8):
        stream.next_estimate(first)
    np.testing.assert_array_equal(stream.next_estimate(other), Stream(enhancer).next_estimate(other))


def test_slow_dimming_is_followed(enhancer: edge_dce.Enhancer) -> None:
    frames = [make_frame(number, 40.0 * 0.9**number) for number in range(30)]
    smoothed = enhance_all(enhancer, frames, Smoothing())
    at_once = enhance_all(enhancer, frames, FRAME_BY_FRAME)
    # Five frames late would show each frame through the map of five frames earlier.
    late = [
        enhancer.apply(frame, enhancer.estimate(earlier)).mean()
        for frame, earlier in zip(frames[5:], frames, strict=False)
    ]
    assert np.abs(smoothed - at_once)[5:].mean() < np.abs(np.array(late) - at_once[5:]).mean()


def test_same_frames_give_the_same_result_twice(enhancer: edge_dce.Enhancer) -> None:
    frames = [make_frame(number, 8.0 + number) for number in range(12)]
    first, second = (enhance_all(enhancer, frames, Smoothing()) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_how_often_a_map_is_estimated_does_not_change_the_approach() -> None:
    def approach(every_frames: int) -> np.ndarray:
        smoother = Smoother(Smoothing(every_frames=every_frames))
        smoother.aim(*make_moment(0.0))
        shown = [smoother.advance()]
        for frame in range(12):
            if frame % every_frames == 0:
                smoother.aim(*make_moment(-0.5))
            shown.append(smoother.advance())
        return np.array(shown)

    np.testing.assert_allclose(approach(4), approach(1), atol=1e-6)


def make_moment(value: float, thumbnail: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
    shape = (THUMBNAIL_PX, THUMBNAIL_PX, 3)
    return np.full((4, 6, 3), value, np.float32), np.full(shape, thumbnail, np.float32)


# A wall that gets brighter from left to right, as a thumbnail.
TURNED = np.tile(np.linspace(0.1, 0.5, THUMBNAIL_PX, dtype=np.float32)[:, None], (THUMBNAIL_PX, 1, 3))
CALM_SHARE = 1 - np.exp(-1 / Smoothing().time_constant_frames)


def show(before: np.ndarray, after: np.ndarray, smoother: Smoother) -> float:
    """The first number of a tone that is shown when it goes from 0 to 1, along with these thumbnails."""
    smoother.aim(np.zeros(103, np.float32), before)
    smoother.advance()
    smoother.aim(np.ones(103, np.float32), after)
    return float(smoother.advance()[0])


def turn_camera(estimates: list[np.ndarray]) -> np.ndarray:
    """The first number of what is shown while the camera turns by two cells a frame, by place a cut each time."""
    smoother, shown = Smoother(), []
    for number, estimate in enumerate(estimates):
        smoother.aim(estimate, np.roll(TURNED, 2 * number, axis=1))
        shown.append(smoother.advance().flat[0])
    return np.array(shown)


def test_tone_of_a_turning_camera_does_not_follow_each_estimate() -> None:
    shown = turn_camera([np.full(103, number % 2, np.float32) for number in range(40)])
    # No two estimates differ by more than one, so that is the most that the calm share goes; float32 adds 1e-7.
    assert np.abs(np.diff(shown)).max() <= CALM_SHARE + 1e-6


def test_map_of_a_turning_camera_stays_where_the_light_is() -> None:
    shown = turn_camera([np.full((4, 6, 3), number % 2, np.float32) for number in range(40)])
    np.testing.assert_array_equal(np.abs(np.diff(shown)), 1)


def test_tone_of_a_lamp_that_is_switched_on_is_shown_at_once() -> None:
    smoother, lit = Smoother(), TURNED.copy()
    lit[4:8, 4:12] = 1
    assert show(TURNED, lit, smoother) == 1
    assert smoother.has_cut


def test_turn_of_like_light_is_a_cut_whose_tone_is_approached() -> None:
    smoother = Smoother()
    np.testing.assert_allclose(show(TURNED, np.roll(TURNED, 2, axis=1), smoother), CALM_SHARE, atol=1e-6)
    assert smoother.has_cut
    smoother.advance()
    assert not smoother.has_cut


def test_tone_of_another_scene_of_like_light_is_shown_at_once() -> None:
    assert show(TURNED, TURNED[:, ::-1], Smoother()) == 1


def test_light_of_another_color_is_other_light() -> None:
    # As bright as before, with red and blue changed for each other: by place 0.08, less than a turn may make.
    reddish = np.tile(np.float32([0.42, 0.3, 0.3]), (THUMBNAIL_PX, THUMBNAIL_PX, 1))
    assert show(reddish, reddish[..., ::-1], Smoother()) == 1


def test_time_constant_is_in_frames() -> None:
    smoother = Smoother(Smoothing(time_constant_frames=7))
    smoother.aim(*make_moment(0.0))
    smoother.advance()
    smoother.aim(*make_moment(1.0))
    for _ in range(7):
        curves = smoother.advance()
    np.testing.assert_allclose(curves, 1 - np.exp(-1), atol=1e-5)


def test_network_runs_every_so_many_frames_and_when_the_scene_changes() -> None:
    smoother = Smoother(Smoothing(every_frames=3))
    still, changed = make_moment(0.0)[1], make_moment(0.0, thumbnail=0.25)[1]
    assert smoother.is_due(still)
    smoother.aim(*make_moment(0.0))
    due = []
    for _ in range(4):
        smoother.advance()
        due.append(smoother.is_due(still))
    assert due == [False, False, True, True]
    smoother.aim(*make_moment(0.0))
    smoother.advance()
    assert smoother.is_due(changed)


def test_before_the_first_estimate_a_frame_stays_as_it_is(enhancer: edge_dce.Enhancer) -> None:
    frame = make_frame(0, 10.0)
    np.testing.assert_array_equal(enhancer.apply(frame, Smoother(neutral=enhancer.neutral).advance()), frame)


def test_maps_estimated_on_another_thread_arrive_whole() -> None:
    smoother = Smoother(FRAME_BY_FRAME)

    def aim() -> None:
        for number in range(300):
            smoother.aim(*make_moment(number / 300, thumbnail=number / 300))

    with ThreadPoolExecutor(1) as estimating:
        done = estimating.submit(aim)
        while not done.done():
            curves = smoother.advance()
            assert curves.min() == curves.max()
    done.result()
    np.testing.assert_allclose(smoother.advance(), 299 / 300, atol=1e-6)


def test_map_of_another_shape_starts_afresh() -> None:
    smoother = Smoother()
    smoother.aim(*make_moment(0.0))
    smoother.advance()
    wide = np.full((2, 9, 3), -0.3, np.float32)
    smoother.aim(wide, make_moment(0.0)[1])
    np.testing.assert_array_equal(smoother.advance(), wide)


def test_assigned_model_takes_over_with_the_next_frame_as_if_the_stream_began_there(
    enhancer: edge_dce.Enhancer,
) -> None:
    other = edge_dce.load("zero-dce-pp-128x128-int8", threads=1)
    frames = [make_frame(number, 8.0 + number) for number in range(4)]
    stream, out = Stream(enhancer), np.empty_like(frames[0])
    for frame in frames[:3]:
        stream.enhance_into(frame, out)
    stream.enhancer = other
    stream.enhance_into(frames[3], out)
    np.testing.assert_array_equal(out, other.enhance(frames[3]))


def test_assigned_look_counts_from_the_next_frame_on(enhancer: edge_dce.Enhancer) -> None:
    frame, look = make_frame(0, 10.0), Look(strength=0.5)
    stream, out = Stream(enhancer, smoothing=FRAME_BY_FRAME), np.empty_like(frame)
    stream.enhance_into(frame, out)
    np.testing.assert_array_equal(out, enhancer.enhance(frame))
    stream.look = look
    stream.enhance_into(frame, out)
    np.testing.assert_array_equal(out, enhancer.enhance(frame, look))


def test_noise_of_a_still_scene_is_averaged_over_frames_if_the_look_asks_for_denoise(
    enhancer: edge_dce.Enhancer,
) -> None:
    # Flat, so that its noise is the same everywhere.
    frames = [np.clip(np.rint(20 + 2 * NOISE[number]), 0, 255).astype(np.uint8) for number in range(12)]
    stream, averaged = Stream(enhancer), []
    for frame in frames:
        out = np.empty_like(frame)
        stream.enhance_into(frame, out)
        averaged.append(out.astype(np.float32))
    estimate = stream.next_estimate(frames[-1])
    unfiltered = enhancer.apply(frames[-1], estimate, BARE).astype(np.float32)
    # The scene is flat, so what deviates is noise.
    assert np.std(averaged[-1]) <= np.std(unfiltered) / 3


@pytest.mark.parametrize("change", ["cut", "size", "look", "type"])
def test_filter_over_time_begins_anew(enhancer: edge_dce.Enhancer, change: str) -> None:
    before, frame = make_frame(0, 6.0), make_frame(1, 6.0)
    look = CLEAN
    if change == "cut":
        frame = make_frame(1, 50.0)
    elif change == "size":
        frame = np.ascontiguousarray(frame[:100])
    elif change == "look":
        look = Look(strength=0.7, denoise=1.0)
    stream, out = Stream(enhancer, look=CLEAN, smoothing=FRAME_BY_FRAME), np.empty_like(frame)
    for _ in range(4):
        stream.enhance_into(before, np.empty_like(before))
    if change == "type":
        stream.enhance_into(before.astype(np.uint16) * 257, np.empty(before.shape, np.uint16))
    stream.look = look
    stream.enhance_into(frame, out)
    expected = np.empty_like(frame)
    Stream(enhancer, look=look).enhance_into(frame, expected)
    np.testing.assert_array_equal(out, expected)


def test_share_is_of_the_looks_strength(enhancer: edge_dce.Enhancer) -> None:
    frame = make_frame(0, 10.0)
    out = np.empty_like(frame)
    Stream(enhancer, look=Look(strength=0.8)).enhance_into(frame, out, share=0.25)
    np.testing.assert_array_equal(out, enhancer.enhance(frame, Look(strength=0.2)))


def test_small_copy_is_enough_for_the_network(enhancer: edge_dce.Enhancer) -> None:
    frame = make_frame(0, 10.0)
    small, out = frame[::2, ::2], np.empty_like(frame)
    Stream(enhancer).enhance_into(frame, out, small=small)
    np.testing.assert_array_equal(out, enhancer.apply(frame, enhancer.estimate(small)))


def test_view_on_another_thread_never_gets_the_empty_map_of_a_model_that_was_just_assigned(
    enhancer: edge_dce.Enhancer,
) -> None:
    enhancers = [enhancer, edge_dce.load("zero-dce-pp-128x128-int8", threads=1)]
    frame, stream = make_frame(0, 10.0), Stream(enhancer)
    shapes = {each.estimate(frame).shape for each in enhancers}
    stream.estimate(frame)

    def estimate() -> None:
        for number in range(20):
            stream.enhancer = enhancers[number % 2]
            stream.estimate(frame)

    with ThreadPoolExecutor(1) as estimating:
        done = estimating.submit(estimate)
        while not done.done():
            assert stream.advance().shape in shapes
    done.result()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("shape", [(1, 1, 3), (9, 700, 3), (1080, 1920, 3), (300, 200, 4)])
def test_thumbnail_is_the_root_of_the_mean(dtype: type, shape: tuple[int, ...]) -> None:
    white = np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 1
    thumbnail = make_thumbnail(np.full(shape, white, dtype) // 1)
    assert thumbnail.shape == (THUMBNAIL_PX, THUMBNAIL_PX, shape[2])
    np.testing.assert_allclose(thumbnail, 1, atol=1e-6)


def test_change_is_large_for_light_and_small_for_noise() -> None:
    dark = make_thumbnail(make_frame(0, 8.0))
    assert measure_change(dark, make_thumbnail(make_frame(1, 8.0))) < Smoothing().still_change
    assert measure_change(dark, make_thumbnail(make_frame(1, 30.0))) > Smoothing().cut_change


@pytest.mark.parametrize(
    "options",
    [{"time_constant_frames": -1}, {"time_constant_frames": float("nan")}, {"every_frames": 0}, {"still_change": 0.06}],
)
def test_impossible_settings_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        Smoothing(**options)  # type: ignore[arg-type]
