"""What clips are, beyond frames in a row: tracks, fields, depths, transparency, names."""

from pathlib import Path

import numpy as np
import pytest

from edge_dce.errors import VideoError
from tests.edge_dce.enhancing import clips

# Not above: `clips` skips this module where there is no PyAV.
from edge_dce.files.video_reader import VideoReader  # isort: skip

av = clips.av


def read_all(path: Path) -> tuple[list[np.ndarray], VideoReader]:
    frames = []
    with VideoReader(path) as reader:
        while (portion := reader.read()) is not None:
            if portion.frame is not None:
                # As the stages do: what was used is overwritten.
                frames.append(portion.frame.copy())
                reader.give_back(portion.frame)
    return frames, reader


def write_two_videos(path: Path, *, flags: tuple[int, int], sizes: tuple[int, int]) -> None:
    with av.open(str(path), "w") as container:
        videos = [container.add_stream("libx264", rate=25) for _ in sizes]
        for video, size, flag in zip(videos, sizes, flags, strict=True):
            video.width = video.height = size
            video.disposition = flag
        for _ in range(3):
            for video, size in zip(videos, sizes, strict=True):
                container.mux(video.encode(av.VideoFrame.from_ndarray(np.full((size, size, 3), size, np.uint8))))
        for video in videos:
            container.mux(video.encode())


@pytest.mark.parametrize(
    ("flags", "sizes", "expected"), [((0, 1), (96, 64), 64), ((1, 0), (64, 96), 64), ((1, 1), (64, 96), 96)]
)
def test_default_track_is_taken_then_the_largest(
    tmp_path: Path, flags: tuple[int, int], sizes: tuple[int, int], expected: int
) -> None:
    write_two_videos(tmp_path / "two.mkv", flags=flags, sizes=sizes)
    frames, reader = read_all(tmp_path / "two.mkv")
    assert frames[0].shape == (expected, expected, 3)
    assert reader.left_out == ["1 video track"]


@pytest.mark.parametrize("kinds", [("yuv420p", "yuv420p10le"), ("yuv420p10le", "yuv420p")])
def test_depth_that_changes_shows_every_frame_once_and_in_order(tmp_path: Path, kinds: tuple[str, str]) -> None:
    def paint(number: int, width: int, height: int) -> np.ndarray:
        return np.full((height, width, 3), 40 + 10 * number, np.uint8)

    parts = [
        clips.write_clip(tmp_path / f"{kind}.ts", pts=tuple(range(0, 5120, 512)), sound=None, pix_fmt=kind, paint=paint)
        for kind in kinds
    ]
    (tmp_path / "ab.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    frames, _ = read_all(tmp_path / "ab.ts")
    assert {frame.dtype for frame in frames} == {frames[0].dtype}
    levels = [frame.mean() * (255 / np.iinfo(frame.dtype).max) for frame in frames]
    # The encoder is off by less than a level on flat pictures, rounding of 4:2:0 by one more.
    assert levels == pytest.approx([40 + 10 * number for number in range(10)] * 2, abs=2)


def test_size_that_changes_shows_every_frame_once_at_the_first_size(tmp_path: Path) -> None:
    parts = [
        clips.write_clip(tmp_path / f"{size}.ts", pts=tuple(range(0, 2560, 512)), sound=None, size=(size, 64))
        for size in (96, 160)
    ]
    (tmp_path / "both.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    frames, _ = read_all(tmp_path / "both.ts")
    assert [frame.shape for frame in frames] == [(64, 96, 3)] * 10


def paint_fields(number: int, width: int, height: int) -> np.ndarray:
    """Two moments in one frame: a bar that has moved on by twelve pixels in every other row."""
    image = np.full((height, width, 3), 30, np.uint8)
    for field in (0, 1):
        left = 8 + 24 * number + 12 * field
        image[field::2, left : left + 12] = 220
    return image


def count_combs(frame: np.ndarray) -> int:
    """Pixels that differ from the rows above and below, which are alike."""
    rows = frame[..., 1].astype(int)
    return int(((abs(rows[1:-1] - rows[:-2]) > 60) & (abs(rows[:-2] - rows[2:]) < 20)).sum())


def test_interlaced_frames_become_whole_and_that_is_said(tmp_path: Path) -> None:
    pts = tuple(range(0, 512 * 8, 512))
    options = {"x264-params": "tff=1"}
    source = clips.write_clip(
        tmp_path / "tv.mp4", size=(256, 64), pts=pts, sound=None, codec_options=options, paint=paint_fields
    )
    stored = clips.read_frames(source)
    frames, reader = read_all(source)
    assert len(frames) == 8
    assert [change.partition(":")[0] for change in reader.changes] == ["deinterlaced"]
    # Each of 62 rows has two bars of twelve pixels; a filter of whole frames leaves hardly any of it.
    assert min(map(count_combs, stored)) > 1000
    assert max(map(count_combs, frames)) < 100


def test_whole_frames_of_fields_are_shown_as_long_as_these(tmp_path: Path) -> None:
    options = {"x264-params": "tff=1"}
    source = clips.write_clip(tmp_path / "tv.mp4", pts=tuple(range(0, 2560, 512)), sound=None, codec_options=options)
    with VideoReader(source) as reader:
        found = [(portion.pts, portion.duration) for portion in iter(reader.read, None) if portion.frame is not None]
    assert found == [(pts, 512) for pts in range(0, 2560, 512)]


def test_frames_that_are_whole_are_left_alone(tmp_path: Path) -> None:
    _, reader = read_all(clips.write_clip(tmp_path / "film.mp4", sound=None))
    assert reader.changes == []


def write_alpha(path: Path, alpha: int) -> None:
    with av.open(str(path), "w") as container:
        video = container.add_stream("ffv1", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "bgra"
        for _ in range(3):
            pixels = np.full((48, 64, 4), (10, 20, 30, alpha), np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(pixels, format="rgba").reformat(format="bgra")))
        container.mux(video.encode())


def test_transparency_is_refused_not_dropped(tmp_path: Path) -> None:
    write_alpha(tmp_path / "clear.mkv", 128)
    with pytest.raises(VideoError, match=r"clear\.mkv: has transparent parts"):
        read_all(tmp_path / "clear.mkv")


def test_transparency_that_a_webm_keeps_apart_is_refused_too(tmp_path: Path) -> None:
    # FFmpeg's own decoder does not show it; a tag of the track tells.
    clips.write_clip(tmp_path / "clear.webm", codec="libvpx-vp9", pix_fmt="yuva420p", sound=None, pts=(0, 512))
    with pytest.raises(VideoError, match=r"clear\.webm: has transparent parts"):
        read_all(tmp_path / "clear.webm")


def test_alpha_that_is_opaque_everywhere_is_no_obstacle(tmp_path: Path) -> None:
    write_alpha(tmp_path / "opaque.mkv", 255)
    frames, _ = read_all(tmp_path / "opaque.mkv")
    assert len(frames) == 3
    assert tuple(frames[0][0, 0]) == (10, 20, 30)


def test_playlist_does_not_open_its_neighbor(tmp_path: Path) -> None:
    clips.write_clip(tmp_path / "secret.mp4", sound=None)
    (tmp_path / "list.mp4").write_text("ffconcat version 1.0\nfile secret.mp4\n")
    with pytest.raises(VideoError, match="no kind of video that is read"):
        read_all(tmp_path / "list.mp4")


@pytest.mark.parametrize("name", ["raw.h264", "raw.mp4"])
def test_raw_stream_is_refused_with_what_helps(tmp_path: Path, name: str) -> None:
    clips.write_clip(tmp_path / name, sound=None, format_name="h264")
    with pytest.raises(VideoError, match=rf"raw h264 stream, .*ffmpeg -framerate 30 -i {name} -c copy raw-timed\.mp4"):
        read_all(tmp_path / name)


def test_text_that_is_not_utf_8_is_read_as_windows_writes_it(tmp_path: Path) -> None:
    clips.write_clip(
        tmp_path / "old.avi",
        sound=None,
        codec="mpeg4",
        metadata={"title": "Nächte"},
        metadata_encoding="latin-1",
        pts=(0, 512),
    )
    _, reader = read_all(tmp_path / "old.avi")
    assert reader.metadata["title"] == "Nächte"


def test_damaged_frame_is_left_out_and_told(tmp_path: Path) -> None:
    whole = clips.write_clip(
        tmp_path / "whole.webm", codec="libvpx", sound=None, pts=tuple(range(0, 5120, 512)), codec_options={"g": "1"}
    )
    with av.open(str(whole)) as container:
        payload = [bytes(packet) for packet in container.demux(video=0) if packet.size][4]
    # Three bytes of every key frame's header are always the same (RFC 6386, 9.1).
    data = whole.read_bytes().replace(payload[:10], payload[:3] + b"\xff" * 3 + payload[6:10], 1)
    (tmp_path / "damaged.webm").write_bytes(data)
    frames, reader = read_all(tmp_path / "damaged.webm")
    assert len(frames) == 9
    assert reader.changes == ["1 damaged frame left out"]
