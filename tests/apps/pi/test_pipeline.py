"""From frame to shot: the newest one, only on demand, with model and look changed on the way."""

import itertools
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from apps.pi.darkness import Darkness
from apps.pi.enhancement import Enhancement
from apps.pi.frame_pool import FramePool
from apps.pi.outputs import recording as recording_module
from apps.pi.outputs import retention
from apps.pi.outputs.recording import Recording
from apps.pi.outputs.retention import Keep
from apps.pi.outputs.screen import Screen
from apps.pi.outputs.stills import Stills
from apps.pi.pipeline import Pipeline
from apps.pi.stats import LiveStats
from edge_dce.camera import Frame, LatestFrame, open_source
from edge_dce.camera.frames import ClosingSource
from edge_dce.enhancer import Enhancer, load
from edge_dce.errors import ModelError, OutputError
from edge_dce.pixels.look import BARE, PLAIN, Look
from edge_dce.pixels.smoothing import FRAME_BY_FRAME, Smoothing
from edge_dce.stream import Stream

SIZE = (160, 90)


@pytest.fixture(scope="module")
def enhancer() -> Enhancer:
    return load(threads=1)


@pytest.fixture
def pipeline(enhancer: Enhancer) -> Iterator[Pipeline]:
    with LatestFrame(lambda: open_source("synthetic", size=SIZE, fps=30)) as camera:
        # Cleaning averages over frames, so what it makes of one depends on how many came before.
        running = Pipeline(camera, make_enhancement(enhancer, BARE), LiveStats())
        running.start()
        yield running
        running.stop()


def make_enhancement(
    enhancer: Enhancer, look: Look = PLAIN, *, smoothing: Smoothing = FRAME_BY_FRAME, darkness: Darkness | None = None
) -> Enhancement:
    return Enhancement(Stream(enhancer, look=look, smoothing=smoothing), darkness=darkness)


def make_frame(level: int = 10, **changes: object) -> Frame:
    image = np.full((SIZE[1], SIZE[0], 3), level, np.uint8)
    # What is darkest and brightest decides the network's mood; a plain gray is no picture.
    image[:20] = level // 2
    values = {"image": image, "channel_order": "BGR", "time_s": 0.0, "sequence": 0} | changes
    return Frame(**values)  # type: ignore[arg-type]


def wait_until(is_so: Callable[[], bool], patience_s: float = 20) -> None:
    deadline_s = time.monotonic() + patience_s
    while not is_so():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def test_shot_has_the_frame_and_its_enhancement(pipeline: Pipeline) -> None:
    with pipeline.subscribe() as shots:
        shot = shots.wait(10)
    assert shot.channel_order == "RGB"
    # The pipeline's own enhancer is at work on the next frame.
    assert np.array_equal(shot.after, load(threads=1).enhance(shot.before, BARE))


def test_slow_subscriber_gets_the_newest_and_holds_nobody_up(pipeline: Pipeline) -> None:
    with pipeline.subscribe() as fast, pipeline.subscribe() as slow:
        first = slow.wait(10)
        got = [fast.wait(10).sequence for _ in range(8)]
        second = slow.wait(10)
    assert got == sorted(set(got))
    assert second.sequence >= got[-1] > first.sequence + 6


def test_shot_stays_as_it_was_while_others_are_made(pipeline: Pipeline) -> None:
    with pipeline.subscribe() as shots, shots.wait(10) as kept:
        before = kept.after.copy()
        for _ in range(12):
            with shots.wait(10):
                pass
        assert np.array_equal(kept.after, before)


def test_frame_pool_lends_an_array_again_only_when_nobody_holds_it() -> None:
    pool = FramePool()
    first = pool.lend((4, 4, 3))
    first.hold()
    first.release()
    # Once held and once released more, so its borrower still has it.
    second = pool.lend((4, 4, 3))
    assert not np.shares_memory(first.image, second.image)
    first.release()
    assert pool.lend((4, 4, 3)).image is first.image
    second.release()
    assert pool.lend((2, 2, 3)).image.shape == (2, 2, 3)


def test_loan_that_was_given_back_can_be_neither_held_nor_released() -> None:
    loan = FramePool().lend((4, 4, 3))
    loan.release()
    for use in (loan.hold, loan.release):
        with pytest.raises(AssertionError):
            use()


class StillCamera(ClosingSource):
    """Delivers the same array as often as it is read, so that all that is allocated is the pipeline's."""

    name, size, fps = "still", (1920, 1080), 100.0

    def __init__(self) -> None:
        self._image = np.full((*self.size[::-1], 3), 20, np.uint8)

    def read(self) -> Frame:
        time.sleep(1 / self.fps)
        return Frame(self._image, "BGR", time.monotonic(), 0)


class Numbering(Enhancement):
    """Writes the number of each frame into every sample, slowly enough to be seen at it."""

    def __init__(self) -> None:
        self._number = 0

    def enhance_into(self, frame: Frame, out: np.ndarray) -> bool:
        self._number += 1
        for rows in np.array_split(out, 8):
            rows[:] = self._number % 251
        return True


def test_no_reader_sees_a_frame_that_is_being_overwritten() -> None:
    damaged: list[int] = []
    looks: list[int] = []

    class SmallCamera(StillCamera):
        size, fps = (640, 360), 1000.0

    def look(pause_s: float) -> None:
        with pipeline.subscribe() as shots:
            for shot in shots.follow(lambda: time.monotonic() < end_s):
                first = int(shot.after[0, 0, 0])
                time.sleep(pause_s)
                looks.append(first)
                if not (shot.after == first).all():
                    damaged.append(shot.sequence)

    with LatestFrame(SmallCamera) as camera:
        pipeline = Pipeline(camera, Numbering(), LiveStats())
        pipeline.start()
        end_s = time.monotonic() + 1.5
        # Some hold a shot for longer than the whole pool takes to go round.
        readers = [threading.Thread(target=look, args=(pause_s,)) for pause_s in (0, 0, 0.001, 0.01, 0.1)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(20)
        pipeline.stop()
    assert damaged == []
    # They did look, and at frames of many numbers.
    assert len(set(looks)) > 20


def test_no_frame_is_allocated_once_the_pool_is_warm(enhancer: Enhancer) -> None:
    with LatestFrame(StillCamera) as camera:
        # Cleaning measures the noise on tiles, which take as much as a frame of this size and never more.
        pipeline = Pipeline(camera, make_enhancement(enhancer, BARE), LiveStats())
        pipeline.start()
        with pipeline.subscribe() as fast, pipeline.subscribe() as slow:

            def read(count: int) -> None:
                with slow.wait(10):
                    for shot in itertools.islice(fast.follow(), count):
                        assert shot.loan is not None

            read(5)
            tracemalloc.start()
            try:
                before = tracemalloc.get_traced_memory()[0]
                read(15)
                peak = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
        pipeline.stop()
    # A frame is 6.2 MB; the network's input, its map and a thumbnail of 256x256 floats are 2 MB together.
    assert peak - before < 1920 * 1080 * 3 / 2


def test_failing_model_lets_frames_pass_and_says_so(enhancer: Enhancer, monkeypatch: pytest.MonkeyPatch) -> None:
    enhancement = make_enhancement(enhancer)
    frame, out = make_frame(), np.zeros((SIZE[1], SIZE[0], 3), np.uint8)

    def fail(*arguments: object, **options: object) -> None:
        raise ModelError("the runtime failed on an image")

    with monkeypatch.context() as patch:
        patch.setattr(enhancer, "estimate", fail)
        assert not enhancement.enhance_into(frame, out)
        assert enhancement.error == "the runtime failed on an image"
        assert not out.any()
    assert enhancement.enhance_into(frame, out)
    assert enhancement.error is None


def test_strength_of_zero_and_daylight_cost_no_network(enhancer: Enhancer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enhancer, "estimate", lambda *_, **__: pytest.fail("the network ran"))
    out = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    assert not make_enhancement(enhancer, Look(strength=0)).enhance_into(make_frame(), out)
    assert not make_enhancement(enhancer, darkness=Darkness()).enhance_into(make_frame(200), out)


def test_curves_come_from_the_small_image_where_the_camera_makes_one(enhancer: Enhancer) -> None:
    frame = make_frame(10, lores=np.full((45, 80, 3), 120, np.uint8))
    out, expected = (np.zeros((SIZE[1], SIZE[0], 3), np.uint8) for _ in range(2))
    make_enhancement(enhancer).enhance_into(frame, out)
    enhancer.apply_curves(
        frame.image, enhancer.estimate_curves(frame.lores, channel_order="BGR"), out=expected, channel_order="BGR"
    )
    assert np.array_equal(out, expected)


def test_swapped_model_starts_smoothing_anew(enhancer: Enhancer) -> None:
    other = load("zero-dce-pp-128x128-int8", threads=1)
    enhancement = make_enhancement(enhancer, smoothing=Smoothing())
    frame, out = make_frame(), np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    for _ in range(3):
        enhancement.enhance_into(frame, out)
    enhancement.stream.enhancer = other
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
    assert f"expected {(1 << 60) >> 20} MB free or more, found " in stills.describe()["trouble"]
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
    wait_until(lambda: recording.describe()["failed"])
    with pipeline.subscribe() as shots:
        assert shots.wait(10) is not None
    folder.mkdir()
    wait_until(lambda: recording.describe()["frames"] > 0 and not recording.describe()["failed"])
    recording.stop()
    assert [path.name for path in folder.iterdir()] == ["night.mp4"]


def test_recording_pauses_below_the_reserve(pipeline: Pipeline, tmp_path: Path) -> None:
    pytest.importorskip("av", reason="recording needs PyAV")
    recording = Recording(pipeline, str(tmp_path / "night.mp4"), fps=30, reserve_bytes=1 << 60)
    recording.start()
    wait_until(lambda: recording.describe()["failed"])
    recording.stop()
    assert f"expected {(1 << 60) >> 20} MB free or more, found " in recording.describe()["trouble"]
    assert list(tmp_path.iterdir()) == []


def test_recording_with_a_limit_goes_on_in_new_files_and_deletes_the_oldest(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    av = pytest.importorskip("av", reason="recording needs PyAV")
    monkeypatch.setattr(recording_module, "_LOOK_S", 0.1)
    monkeypatch.setattr(recording_module, "_KEYFRAME_S", 0.1)
    monkeypatch.setattr(retention, "_INTERVAL_S", 0.1)
    (tmp_path / "mine.mp4").write_bytes(bytes(1_000_000))
    limit_bytes = 800_000
    recording = Recording(pipeline, str(tmp_path / "night.mp4"), fps=30, keep=Keep(size_bytes=limit_bytes))
    recording.start()
    wait_until(lambda: recording.describe()["deleted"] >= 2, 60)
    recording.stop()
    assert (tmp_path / "mine.mp4").stat().st_size == 1_000_000
    kept = [path for path in tmp_path.iterdir() if path.name != "mine.mp4"]
    assert len(kept) > 2
    # Beyond the limit lies what was written since the last look, a tenth of a second ago: less than another limit.
    assert sum(path.stat().st_size for path in kept) < 2 * limit_bytes
    for path in kept:
        with av.open(str(path)) as container:
            assert list(container.decode(video=0))


def test_stills_of_one_second_are_all_kept(pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # An hour that comes twice, as in autumn, has each second twice.
    monkeypatch.setattr(time, "strftime", lambda pattern: pattern.replace("%Y%m%d-%H%M%S", "20261025-023000"))
    stills = Stills(pipeline, tmp_path, every_s=0.01)
    stills.start()
    wait_until(lambda: stills.describe()["written"] >= 3)
    stills.stop()
    names = {path.name for path in tmp_path.iterdir()}
    assert {"20261025-023000.jpg", "20261025-023000-2.jpg", "20261025-023000-3.jpg"} <= names
    assert len(names) == stills.describe()["written"]


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
        pipeline = Pipeline(camera, make_enhancement(enhancer), LiveStats())
        pipeline.start()
        with pipeline.subscribe() as shots:
            assert shots.wait(10) is None
        assert pipeline.is_finished
