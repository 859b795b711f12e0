"""Sources of frames, each read as its user does, and the thread that keeps the newest."""

import platform
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_dce.camera import Frame, LatestFrame, devices, open_source
from edge_dce.camera.frames import ClosingSource, Pace
from edge_dce.camera.synthetic import SyntheticSource
from edge_dce.errors import CameraError
from edge_dce.files.pictures import Picture, write_picture
from edge_dce.pixels.fitting import fit_size
from tests.edge_dce.camera import fake_picamera2

SIZE = (64, 48)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Twelve frames; frame n has the level 20 n."""
    if platform.machine() == "armv7l":
        pytest.importorskip("av", reason="PyAV has no wheels for armv7l")
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 50, SIZE)
    for number in range(12):
        writer.write(np.full((SIZE[1], SIZE[0], 3), 20 * number, np.uint8))
    writer.release()
    return path


class FlakySource(ClosingSource):
    """Delivers `frames`, then fails as an unplugged camera does."""

    name, size, fps = "flaky", SIZE, 100.0

    def __init__(self, frames: int) -> None:
        self._left = frames
        self.is_closed = False

    def read(self) -> Frame:
        if not self._left:
            raise CameraError("flaky: stopped delivering frames")
        self._left -= 1
        time.sleep(0.005)
        return Frame(np.zeros((4, 4, 3), np.uint8), "RGB", time.monotonic(), 0)

    def close(self) -> None:
        self.is_closed = True


def test_picamera2_frames_are_bgr_with_a_small_one_of_the_same_color(monkeypatch: pytest.MonkeyPatch) -> None:
    cameras, _ = fake_picamera2.plug(monkeypatch)
    with open_source("picamera2", size=(1296, 972), fps=100) as source:
        first, second = source.read(), source.read()
    assert first.image.shape == (972, 1296, 3)
    assert first.channel_order == "BGR"
    assert tuple(first.image[0, 0]) == fake_picamera2.SCENE[::-1]
    # 432 is no multiple of 64: the padding of its rows is gone.
    assert first.lores.shape == (324, 432, 3)
    # YUV in bytes and back: two levels.
    assert np.abs(first.lores.astype(int) - first.image[0, 0]).max() <= 2
    assert (first.sequence, second.sequence) == (0, 1)
    assert all(request.is_released for request in cameras[0].requests)
    assert not cameras[0].is_open


def test_picamera2_frames_carry_the_time_of_the_exposure(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_picamera2.plug(monkeypatch)
    with open_source("picamera2", fps=100) as source:
        frame = source.read()
    # The fake's sensor is 10 ms ahead of the reader.
    assert time.monotonic() - frame.time_s >= 0.01


def test_picamera2_odd_size_becomes_even(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_picamera2.plug(monkeypatch)
    with open_source("picamera2", size=(641, 481)) as source:
        assert source.size == (640, 480)


def test_unplugged_ribbon_cable_is_a_camera_error_and_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    cameras, unplugged = fake_picamera2.plug(monkeypatch)
    with open_source("picamera2", fps=100) as source:
        source.read()
        unplugged.is_set = True
        with pytest.raises(CameraError, match="picamera2:0: stopped delivering frames"):
            source.read()
    assert not cameras[0].is_open


def test_missing_second_camera_is_told_in_picamera2s_words(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_picamera2.plug(monkeypatch)
    with pytest.raises(CameraError, match=r"picamera2:1: cannot be opened \(No camera number 1 found"):
        open_source("picamera2:1")


@pytest.mark.skipif(Path("/dev/video0").exists(), reason="this machine has a camera")
def test_without_any_camera_the_message_names_both_ways_and_the_way_out() -> None:
    with pytest.raises(CameraError) as caught:
        open_source("auto")
    assert "python3-picamera2" in str(caught.value)
    assert "/dev/video" in str(caught.value)
    assert "synthetic" in str(caught.value)


@pytest.mark.skipif(Path("/dev/video9").exists(), reason="this machine has many cameras")
@pytest.mark.parametrize("text", ["usb:9", "/dev/video9"])
def test_missing_usb_camera(text: str) -> None:
    with pytest.raises(CameraError, match="usb:9: there is no /dev/video9"):
        open_source(text)


class FakeCapture:
    """cv2.VideoCapture of a camera that has 640x480 only and is unplugged after two frames."""

    settings: list[tuple[int, float]]
    last: "FakeCapture"

    def __init__(self, device: int, backend: int) -> None:
        assert backend == cv2.CAP_V4L2
        self.device, self.left, self.is_released = device, 3, False
        self.settings = []
        FakeCapture.last = self

    def set(self, setting: int, value: float) -> bool:
        self.settings.append((setting, value))
        return False

    def read(self) -> tuple[bool, np.ndarray | None]:
        self.left -= 1
        # The second node of a camera carries no pictures.
        return (
            (True, np.full((480, 640, 3), (9, 0, 0), np.uint8))
            if self.left >= 0 and self.device == 2
            else (False, None)
        )

    def release(self) -> None:
        self.is_released = True


@pytest.fixture
def usb_camera(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[FakeCapture]:
    for number in (0, 2, 3, 11):
        (tmp_path / f"video{number}").touch()
    monkeypatch.setattr(devices, "_DEVICES", tmp_path)
    monkeypatch.setattr(cv2, "VideoCapture", FakeCapture)
    return FakeCapture


def test_usb_camera_delivers_what_it_has(usb_camera: type[FakeCapture]) -> None:
    with open_source("usb:2", size=(1920, 1080), fps=25) as source:
        assert source.size == (640, 480)
        frame = source.read()
    assert frame.channel_order == "BGR"
    assert tuple(frame.image[0, 0]) == (9, 0, 0)
    settings = usb_camera.last.settings
    assert {(cv2.CAP_PROP_FRAME_WIDTH, 1920), (cv2.CAP_PROP_FRAME_HEIGHT, 1080), (cv2.CAP_PROP_FPS, 25)} < {*settings}
    # The format first: a camera forgets the size when its format changes.
    assert settings[0][0] == cv2.CAP_PROP_FOURCC
    assert usb_camera.last.is_released


def test_unplugged_usb_camera_is_a_camera_error(usb_camera: type[FakeCapture]) -> None:
    with open_source("usb:2") as source:
        source.read()
        source.read()
        with pytest.raises(CameraError, match="usb:2: stopped delivering frames"):
            source.read()


@pytest.mark.parametrize("text", ["usb", "auto"])
def test_first_usb_node_that_delivers_pictures_is_taken(text: str, usb_camera: type[FakeCapture]) -> None:
    with open_source(text) as source:
        assert source.name == "usb:2"


def test_usb_camera_in_use_elsewhere(usb_camera: type[FakeCapture]) -> None:
    with pytest.raises(CameraError, match=r"usb:0: .*video0 delivers no picture; another program"):
        open_source("usb:0")
    assert usb_camera.last.is_released


@pytest.mark.parametrize("text", ["", "nothing-here.mp4", "picamera2:x", "usb:x", "synthetic:1"])
def test_unknown_source_is_told_what_there_is(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CameraError, match=r"expected .*synthetic|no pictures in this folder"):
        open_source(text)


def test_video_file_keeps_its_size_rate_and_order_of_frames(video: Path) -> None:
    with open_source(str(video), loop=False) as source:
        assert (source.size, source.fps) == (SIZE, 50)
        start = time.monotonic()
        frames = list(iter(source.read, None))
        took_s = time.monotonic() - start
    assert frames[0].channel_order == "RGB"
    levels = [int(frame.image.mean()) for frame in frames]
    assert levels == sorted(levels)
    # The first frame is due at once; on a busy machine frames are skipped, never time.
    assert took_s >= 11 / 50 - 0.02


def test_video_file_starts_again_at_its_end(video: Path) -> None:
    with open_source(str(video), fps=240) as source:
        frames = [source.read() for _ in range(30)]
    assert all(frame is not None for frame in frames)


def test_slow_reader_skips_frames_of_a_video(video: Path) -> None:
    with open_source(str(video), loop=False) as source:
        source.read()
        time.sleep(0.1)
        # The second frame, of level 20, is over.
        assert source.read().image.mean() >= 40 - 5


def test_damaged_video_is_a_camera_error(tmp_path: Path) -> None:
    path = tmp_path / "broken.mp4"
    path.write_bytes(b"no video" * 100)
    with pytest.raises(CameraError, match=r"broken\.mp4: damaged or unsupported video \(.*\); get a fresh copy"):
        open_source(str(path))


def test_video_that_vanishes_while_looping_is_a_camera_error(video: Path) -> None:
    with open_source(str(video), fps=240) as source:
        source.read()
        video.unlink()
        with pytest.raises(CameraError, match="cannot be read any more"):
            list(iter(source.read, None))


def test_folder_shows_every_picture_at_one_size(tmp_path: Path) -> None:
    write_picture(Picture(np.full((40, 60, 3), (200, 0, 0), np.uint8)), tmp_path / "a.png")
    write_picture(Picture(np.full((60, 40, 3), (0, 0, 200), np.uint8)), tmp_path / "b.png")
    with open_source(str(tmp_path), fps=200) as source:
        source._frames_per_picture = 2
        frames = [source.read() for _ in range(5)]
    assert [frame.channel_order for frame in frames] == ["RGB"] * 5
    assert [frame.image.shape for frame in frames] == [(40, 60, 3)] * 5
    assert [int(frame.image[20, 30].argmax()) for frame in frames] == [0, 0, 2, 2, 0]
    # The upright one stands between black borders.
    assert not frames[2].image[:, :10].any()


def test_folder_without_pictures_is_a_camera_error(tmp_path: Path) -> None:
    with pytest.raises(CameraError, match="no pictures in this folder"):
        open_source(str(tmp_path))


def test_fit_size_keeps_the_whole_picture_and_its_aspect() -> None:
    fitted = fit_size(np.full((10, 40, 3), 255, np.uint8), (20, 20))
    assert fitted.shape == (20, 20, 3)
    assert [bool(row.any()) for row in fitted] == [False] * 7 + [True] * 5 + [False] * 8


def test_synthetic_scene_is_dark_noisy_moving_and_the_same_in_every_run() -> None:
    def draw() -> list[np.ndarray]:
        with open_source("synthetic", size=(320, 240), fps=1000) as source:
            return [source.read().image for _ in range(80)]

    first, second = draw(), draw()
    assert all(np.array_equal(*pair) for pair in zip(first, second, strict=True))
    assert 5 < first[0].mean() < 40
    # Noise of its own in each frame: its standard deviation is 5, some of it clipped at black.
    difference = first[0].astype(int) - first[1]
    assert 3 < difference.std() < 10
    # The car's headlight is the brightest spot of the road, and it moves.
    road = [image[200:].max(axis=2) for image in first]
    brightest = [int(cv2.blur(rows, (5, 5)).max(axis=0).argmax()) for rows in road]
    assert brightest[79] - brightest[40] > 30


@pytest.mark.parametrize("size", [(16, 16), (33, 17), (1920, 1080), (90, 160)])
def test_synthetic_scene_of_any_size(size: tuple[int, int]) -> None:
    image = SyntheticSource(size=size, fps=30).draw()
    assert image.shape == (size[1], size[0], 3)


def test_pace_tells_what_was_missed() -> None:
    pace = Pace(fps=50)
    assert pace.wait() == 0
    time.sleep(0.07)
    # Due were 20, 40 and 60 ms.
    assert pace.wait() >= 2


def test_latest_frame_is_the_newest_and_gaps_tell_what_was_missed() -> None:
    with LatestFrame(lambda: open_source("synthetic", size=SIZE, fps=100)) as camera:
        first = camera.wait()
        time.sleep(0.2)
        second = camera.wait(after=first.sequence)
        assert second.sequence > first.sequence + 5
        assert camera.status == "live"


def test_latest_frame_serves_many_readers() -> None:
    found = []
    with LatestFrame(lambda: open_source("synthetic", size=SIZE, fps=100)) as camera:

        def read() -> None:
            sequence = -1
            for _ in range(5):
                sequence = camera.wait(after=sequence).sequence
            found.append(sequence)

        readers = [threading.Thread(target=read) for _ in range(8)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
    assert len(found) == 8


def test_camera_that_cannot_be_opened_is_an_error_at_once() -> None:
    with pytest.raises(CameraError, match="no such source"):
        LatestFrame(lambda: open_source("nothing-here")).start()


def test_lost_camera_comes_back_with_the_numbers_going_on() -> None:
    statuses: list[str] = []
    opened: list[FlakySource] = []
    tries = iter([FlakySource(3), CameraError("flaky: cannot be opened"), FlakySource(10**6)])

    def open_flaky() -> FlakySource:
        found = next(tries)
        if isinstance(found, CameraError):
            raise found
        opened.append(found)
        return found

    with LatestFrame(open_flaky, on_status=statuses.append, first_retry_s=0.01) as camera:
        frame, deadline = None, time.monotonic() + 10
        while (frame is None or frame.sequence < 5) and time.monotonic() < deadline:
            frame = camera.wait(after=frame.sequence if frame else -1)
        assert frame.sequence >= 5
        assert camera.reconnections == 1
    assert statuses[:4] == [
        "live",
        "flaky: stopped delivering frames; trying again in 0.01 s",
        "flaky: cannot be opened; trying again in 0.02 s",
        "live",
    ]
    assert all(source.is_closed for source in opened)


def test_back_off_ends_at_the_longest_wait() -> None:
    statuses: list[str] = []
    tries: Iterator[FlakySource] = iter([FlakySource(0)])

    def open_flaky() -> FlakySource:
        source = next(tries, None)
        if source is None:
            raise CameraError("gone")
        return source

    with LatestFrame(open_flaky, on_status=statuses.append, first_retry_s=0.01, last_retry_s=0.03):
        deadline = time.monotonic() + 10
        while len(statuses) < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert [status.rpartition(" in ")[2] for status in statuses[1:4]] == ["0.01 s", "0.02 s", "0.03 s"]


def test_unplugged_camera_does_not_hold_up_stopping() -> None:
    is_over = threading.Event()

    class StuckSource(FlakySource):
        def read(self) -> None:
            is_over.wait()

    camera = LatestFrame(lambda: StuckSource(1))
    camera.start()
    start = time.monotonic()
    assert camera.wait(timeout_s=0.05) is None
    camera.stop()
    took_s = time.monotonic() - start
    is_over.set()
    assert took_s < 5
    assert camera.is_finished


def test_end_of_a_file_ends_the_waiting(video: Path) -> None:
    with LatestFrame(lambda: open_source(str(video), fps=240, loop=False)) as camera:
        sequence = -1
        while (frame := camera.wait(after=sequence, timeout_s=5)) is not None:
            sequence = frame.sequence
        assert camera.is_finished
        assert camera.status.endswith(": ended")


def test_hdr_clip_has_the_colors_that_enhance_sees(tmp_path: Path) -> None:
    # Here, because it skips the test where there is no PyAV.
    from tests.edge_dce.enhancing import clips

    def paint(number: int, width: int, height: int) -> np.ndarray:
        return np.full((height, width, 3), (200, 30, 60), np.uint8)

    hdr = {"color_range": 1, "colorspace": 9, "color_primaries": 9, "color_trc": 16}
    path = clips.write_clip(tmp_path / "hdr.mp4", pix_fmt="yuv420p10le", tags=hdr, sound=None, paint=paint)
    with open_source(str(path), loop=False, fps=240) as source:
        frame = source.read()
    assert (frame.image.dtype, frame.channel_order) == (np.uint8, "RGB")
    # Taken for the colors of standard television, as OpenCV does, red is 10 levels off; here it is rounded.
    assert np.abs(frame.image.mean((0, 1)) - (200, 30, 60)).max() < 2


def test_playlist_is_no_video_for_a_camera_either(tmp_path: Path) -> None:
    from tests.edge_dce.enhancing import clips

    clips.write_clip(tmp_path / "secret.mp4", sound=None)
    (tmp_path / "list.mp4").write_text("ffconcat version 1.0\nfile secret.mp4\n")
    with pytest.raises(CameraError, match="no kind of video that is read"):
        open_source(str(tmp_path / "list.mp4"))
