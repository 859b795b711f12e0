"""From frame to shot: the newest one, only on demand, with model and look changed on the way."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from apps.pi.darkness import Darkness
from apps.pi.enhancement import Enhancement
from apps.pi.frame_pool import FramePool
from apps.pi.outputs.recording import Recording
from apps.pi.outputs.screen import Screen
from apps.pi.outputs.stills import Stills
from apps.pi.pipeline import Pipeline
from apps.pi.stats import Statistics
from edge_dce.camera import Frame, LatestFrame, open_source
from edge_dce.enhancer import Enhancer, load
from edge_dce.errors import ModelError, OutputError
from edge_dce.pixels.look import Look
from edge_dce.stream import Smoothing

SIZE = (160, 90)


@pytest.fixture(scope="module")
def enhancer() -> Enhancer:
    return load(threads=1)


@pytest.fixture
def pipeline(enhancer: Enhancer) -> Iterator[Pipeline]:
    with LatestFrame(lambda: open_source("synthetic", size=SIZE, fps=30)) as camera:
        running = Pipeline(camera, Enhancement(enhancer, Look()), Statistics())
        running.start()
        yield running
        running.stop()


def make_frame(level: int = 10, **changes: object) -> Frame:
    image = np.full((SIZE[1], SIZE[0], 3), level, np.uint8)
    # What is darkest and brightest decides the network's mood; a plain gray is no picture.
    image[:20] = level // 2
    values = {"image": image, "channel_order": "BGR", "time_s": 0.0, "sequence": 0} | changes
    return Frame(**values)  # type: ignore[arg-type]


def test_shot_has_the_frame_and_its_enhancement(pipeline: Pipeline) -> None:
    with pipeline.subscribe() as shots:
        shot = shots.wait(10)
    assert shot.channel_order == "RGB"
    # The pipeline's own enhancer is at work on the next frame.
    assert np.array_equal(shot.after, load(threads=1).enhance(shot.before))


def test_slow_subscriber_gets_the_newest_and_holds_nobody_up(pipeline: Pipeline) -> None:
    with pipeline.subscribe() as fast, pipeline.subscribe() as slow:
        first = slow.wait(10)
        got = [fast.wait(10).sequence for _ in range(8)]
        second = slow.wait(10)
    assert got == sorted(set(got))
    assert second.sequence >= got[-1] > first.sequence + 6


def test_shot_stays_as_it_was_while_others_are_made(pipeline: Pipeline) -> None:
    with pipeline.subscribe() as shots:
        kept = shots.wait(10)
        before = kept.after.copy()
        for _ in range(12):
            shots.wait(10)
    assert np.array_equal(kept.after, before)


def test_frame_pool_gives_an_array_again_only_when_nobody_has_it() -> None:
    pool = FramePool()
    first = pool.take((4, 4, 3))
    address = first.ctypes.data
    view = first[1:, ::2]
    second = pool.take((4, 4, 3))
    assert not np.shares_memory(first, second)
    del first
    # A view keeps it as well as the array itself.
    assert not np.shares_memory(view, pool.take((4, 4, 3)))
    del view
    assert pool.take((4, 4, 3)).ctypes.data == address
    assert pool.take((2, 2, 3)).shape == (2, 2, 3)


def test_failing_model_lets_frames_pass_and_says_so(enhancer: Enhancer, monkeypatch: pytest.MonkeyPatch) -> None:
    enhancement = Enhancement(enhancer, Look())
    frame, out = make_frame(), np.zeros((SIZE[1], SIZE[0], 3), np.uint8)

    def fail(*arguments: object, **options: object) -> None:
        raise ModelError("the runtime failed on an image")

    with monkeypatch.context() as patch:
        patch.setattr(enhancer, "estimate_curves", fail)
        assert not enhancement.enhance_into(frame, out)
        assert enhancement.error == "the runtime failed on an image"
        assert not out.any()
    assert enhancement.enhance_into(frame, out)
    assert enhancement.error is None


def test_strength_of_zero_and_daylight_cost_no_network(enhancer: Enhancer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enhancer, "estimate_curves", lambda *_, **__: pytest.fail("the network ran"))
    out = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    assert not Enhancement(enhancer, Look(strength=0)).enhance_into(make_frame(), out)
    assert not Enhancement(enhancer, Look(), darkness=Darkness()).enhance_into(make_frame(200), out)


def test_curves_come_from_the_small_image_where_the_camera_makes_one(enhancer: Enhancer) -> None:
    frame = make_frame(10, lores=np.full((45, 80, 3), 120, np.uint8))
    out, expected = (np.zeros((SIZE[1], SIZE[0], 3), np.uint8) for _ in range(2))
    Enhancement(enhancer, Look()).enhance_into(frame, out)
    enhancer.apply_curves(
        frame.image, enhancer.estimate_curves(frame.lores, channel_order="BGR"), out=expected, channel_order="BGR"
    )
    assert np.array_equal(out, expected)


def test_swapped_model_starts_smoothing_anew(enhancer: Enhancer) -> None:
    other = load("zero-dce-pp-128x128-int8", threads=1)
    enhancement = Enhancement(enhancer, Look(), smoothing=Smoothing())
    frame, out = make_frame(), np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    for _ in range(3):
        enhancement.enhance_into(frame, out)
    enhancement.enhancer = other
    enhancement.enhance_into(frame, out)
    # Not a mixture of what the two models think.
    assert np.array_equal(out, other.enhance(frame.image, channel_order="BGR"))


def test_stills_pause_below_the_reserve(pipeline: Pipeline, tmp_path: Path) -> None:
    stills = Stills(pipeline, tmp_path, every_s=1, reserve_bytes=1 << 60)
    stills.start()
    deadline_s = time.monotonic() + 10
    while not stills.describe()["paused"] and time.monotonic() < deadline_s:
        time.sleep(0.02)
    stills.stop()
    assert "MB free, expected" in stills.describe()["trouble"]
    assert list(tmp_path.iterdir()) == []


def test_stills_survive_a_folder_that_vanishes(pipeline: Pipeline, tmp_path: Path) -> None:
    folder = tmp_path / "stick"
    stills = Stills(pipeline, folder, every_s=1, reserve_bytes=0)
    folder.rmdir()
    stills.start()
    deadline_s = time.monotonic() + 10
    while not stills.describe()["paused"] and time.monotonic() < deadline_s:
        time.sleep(0.02)
    folder.mkdir()
    while not stills.describe()["written"] and time.monotonic() < deadline_s:
        time.sleep(0.02)
    stills.stop()
    assert stills.describe()["paused"] is False
    assert len(list(folder.glob("*.jpg"))) >= 1


def test_recording_that_cannot_go_on_says_so_and_the_pipeline_does(pipeline: Pipeline, tmp_path: Path) -> None:
    pytest.importorskip("av", reason="recording needs PyAV")
    folder = tmp_path / "stick"
    folder.mkdir()
    recording = Recording(pipeline, str(folder / "night.mp4"), fps=30)
    folder.rmdir()
    recording.start()
    recording._thread.join(10)
    assert recording.describe()["failed"]
    with pipeline.subscribe() as shots:
        assert shots.wait(10) is not None


@pytest.mark.parametrize(("bits", "pixel_bytes"), [(32, 4), (16, 2)])
def test_screen_shows_the_picture_between_black_borders(
    bits: int, pixel_bytes: int, pipeline: Pipeline, tmp_path: Path
) -> None:
    # A square framebuffer with padded rows, as the kernel describes it, in a file.
    side, stride = 64, 64 * pixel_bytes + 32
    (tmp_path / "virtual_size").write_text(f"{side},{side}\n")
    (tmp_path / "bits_per_pixel").write_text(f"{bits}\n")
    (tmp_path / "stride").write_text(f"{stride}\n")
    device = tmp_path / "fb0"
    device.write_bytes(b"\xff" * stride * side)
    screen = Screen(pipeline, device=device, facts=tmp_path)
    screen.start()
    deadline_s = time.monotonic() + 10
    while screen.describe()["frames"] < 3 and time.monotonic() < deadline_s:
        time.sleep(0.02)
    screen.stop()
    rows = np.frombuffer(device.read_bytes(), np.uint8).reshape(side, stride)
    # 64x36 of the picture, with 14 rows above and below; the padding is not ours.
    pixels = rows[:, : side * pixel_bytes].reshape(side, side, pixel_bytes)
    assert not pixels[:14, :, :3].any()
    assert pixels[20:40, :, :3].any(axis=(1, 2)).all()
    assert (rows[:, side * pixel_bytes :] == 255).all()


def test_machine_without_a_screen_is_told(pipeline: Pipeline, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no screen to draw on"):
        Screen(pipeline, device=tmp_path / "fb0", facts=tmp_path)


def test_pipeline_ends_with_its_camera(enhancer: Enhancer) -> None:
    class Empty:
        name, size, fps = "empty", SIZE, 30.0

        def read(self) -> None:
            return None

        def close(self) -> None:
            pass

        def __enter__(self) -> "Empty":
            return self

        def __exit__(self, *_: object) -> None:
            pass

    with LatestFrame(Empty) as camera:
        pipeline = Pipeline(camera, Enhancement(enhancer, Look()), Statistics())
        pipeline.start()
        with pipeline.subscribe() as shots:
            assert shots.wait(10) is None
        assert pipeline.is_finished
