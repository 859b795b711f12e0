"""The recording of a camera, whichever app it is for."""

import contextlib
from pathlib import Path

import numpy as np
import pytest

from edge_dce.errors import OutputError
from tests.edge_dce.enhancing import clips

av = clips.av
# What every build of PyAV has.
ENCODERS = {"mpeg4": {}}
RED = np.full((48, 64, 3), (200, 20, 20), np.uint8)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "night:1.mp4"


def open_video(path: Path, encoders: dict[str, dict[str, str]] = ENCODERS, *, is_fragmented: bool = False):  # type: ignore[no-untyped-def]
    # Not above: `clips` skips this module where there is no PyAV, and has to come first.
    from edge_dce.files.live_video import LiveVideo

    return LiveVideo(path, encoders, fps=30, is_fragmented=is_fragmented)


def read_frames(path: Path) -> list[tuple[float, np.ndarray]]:
    with av.open(f"file:{path}") as container:
        return [(float(frame.time or 0), frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


def test_frames_keep_their_times_and_colors_in_either_order(path: Path) -> None:
    times_s = [5.0, 5.04, 5.5, 6.25]
    with open_video(path) as video:
        for number, time_s in enumerate(times_s):
            order = "BGR" if number % 2 else "RGB"
            video.write(RED[..., ::-1] if order == "BGR" else RED, time_s, order)
    assert (video.codec, video.frames) == ("mpeg4", 4)
    frames = read_frames(path)
    # A tick is 1/60000 s.
    assert [time_s for time_s, _ in frames] == pytest.approx([time_s - 5 for time_s in times_s], abs=1e-4)
    for _, image in frames:
        # The encoder's loss, on an even picture.
        assert np.abs(image.astype(int) - RED).max() < 10


def test_times_that_stand_still_or_go_back_do_not_end_the_recording(path: Path) -> None:
    with open_video(path) as video:
        for time_s in (1.0, 1.0, 0.5, 2.0):
            video.write(RED, time_s, "RGB")
    assert len(read_frames(path)) == 4


def test_frames_of_odd_and_of_other_sizes_are_fitted_into_the_first(path: Path) -> None:
    with open_video(path) as video:
        video.write(np.zeros((49, 65, 3), np.uint8), 0.0, "RGB")
        video.write(np.full((100, 50, 3), 200, np.uint8), 0.1, "RGB")
    (_, first), (_, second) = read_frames(path)
    assert first.shape == second.shape == (48, 64, 3)
    # Upright in a lying frame: bright between black borders.
    assert second[24, 32].min() > 180
    assert second[24, 2].max() < 40


def test_fragmented_recording_can_be_read_while_it_is_written(path: Path, tmp_path: Path) -> None:
    with open_video(path, is_fragmented=True) as video:
        # Twenty seconds of a camera in the dark, slower than it was asked to be. Every other one has a key frame, which
        # ends a fragment: the last two seconds may be missing.
        for number in range(100):
            video.write(RED, number / 5, "RGB")
        copy = tmp_path / "copy.mp4"
        copy.write_bytes(path.read_bytes())
    times_s = [time_s for time_s, _ in read_frames(copy)]
    assert len(times_s) >= 90
    assert times_s == pytest.approx([number / 5 for number in range(len(times_s))], abs=1e-4)


def test_pause_of_a_day_does_not_end_the_recording(path: Path) -> None:
    with open_video(path) as video:
        for time_s in (0.0, 0.1, 86_400.0, 86_400.1):
            video.write(RED, time_s, "RGB")
    # Shortened to an hour.
    assert [time_s for time_s, _ in read_frames(path)] == pytest.approx([0, 0.1, 3600.1, 3600.2], abs=1e-3)


def test_first_encoder_that_can_be_opened_is_taken(path: Path) -> None:
    with open_video(path, {"no_such_encoder": {}, **ENCODERS}) as video:
        video.write(RED, 0.0, "RGB")
    assert video.codec == "mpeg4"


def test_no_encoder_is_one_line(path: Path) -> None:
    with (
        pytest.raises(OutputError, match=r"no encoder takes 64x48 \(no_such_encoder: "),
        open_video(path, {"no_such_encoder": {}}) as video,
    ):
        video.write(RED, 0.0, "RGB")


def test_folder_that_is_missing_is_one_line(tmp_path: Path) -> None:
    video = open_video(tmp_path / "nowhere" / "night.mp4")
    with pytest.raises(OutputError, match=r"nowhere/night\.mp4: cannot be recorded \(No such file"):
        video.write(RED, 0.0, "RGB")


def test_recording_without_a_frame_closes_quietly(path: Path) -> None:
    with open_video(path) as video:
        pass
    assert (video.frames, video.is_complete) == (0, True)


def test_error_of_the_camera_leaves_a_complete_recording(path: Path) -> None:
    with contextlib.suppress(ConnectionError), open_video(path) as video:
        video.write(RED, 0.0, "RGB")
        raise ConnectionError("the camera is gone")
    assert video.is_complete
    assert len(read_frames(path)) == 1
