"""Every kind of clip that is read into every kind that is written, read back by another program."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import edge_dce
from edge_dce.enhancer import Enhancer
from edge_dce.enhancing.video import enhance_video
from edge_dce.errors import VideoError
from edge_dce.files.containers import CONTAINERS
from edge_dce.pixels.look import Look
from tests.edge_dce.enhancing import clips

ROOT = Path(__file__).resolve().parents[3]
UNCHANGED = Look(strength=0)
FRAMES = 25
STEADY_PTS = tuple(512 * number for number in range(FRAMES))
FRAME_S = 1 / 25
_HDR = {"color_range": 1, "colorspace": 9, "color_primaries": 9, "color_trc": 16}
_PAL = {"color_range": 1, "colorspace": 5, "color_primaries": 5, "color_trc": 6}
_NAMES = {9: "bt2020nc", 5: "bt470bg"}


@dataclasses.dataclass(frozen=True)
class Kind:
    """A clip of a second to make.

    Attributes:
        arguments: of `clips.write_clip`.
        turn: of an MP4's display matrix.
    """

    suffix: str
    arguments: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    turn: Mapping[str, int] = dataclasses.field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        path = clips.write_clip(folder / f"in{self.suffix}", **{"pts": STEADY_PTS, **self.arguments})
        if self.turn:
            clips.turn_clip(path, **self.turn)
        return path


KINDS = {
    "mp4": Kind(".mp4"),
    "mov without sound": Kind(".mov", {"sound": None}),
    "frames at any time": Kind(".mp4", {"pts": clips.VARIABLE_PTS}),
    "ten bits, HDR": Kind(".mp4", {"pix_fmt": "yuv420p10le", "tags": _HDR}),
    "television": Kind(".mkv", {"tags": _PAL, "codec_options": {"x264-params": "tff=1"}}),
    "turned": Kind(".mp4", turn={"a": 0, "b": 1, "c": -1, "d": 0}),
    "4:4:4": Kind(".mkv", {"pix_fmt": "yuv444p"}),
    "RGB": Kind(".mkv", {"codec": "ffv1", "pix_fmt": "bgr0"}),
    "grey": Kind(".mkv", {"codec": "ffv1", "pix_fmt": "gray", "sound": None}),
    "ten hours on the clock": Kind(".ts", {"format_name": "mpegts", "options": {"output_ts_offset": "36000"}}),
    "avi": Kind(".avi", {"codec": "mpeg4", "sound": "libmp3lame", "tags": {}}),
    "webm": Kind(".webm", {"codec": "libvpx", "sound": "libopus"}),
    "mpeg": Kind(
        ".mpg",
        {"codec": "mpeg2video", "sound": "mp2", "format_name": "mpeg", "encoder_base": Fraction(1, 25)},
    ),
    "wmv": Kind(".wmv", {"codec": "wmv2", "sound": None, "format_name": "asf"}),
}


@pytest.fixture(scope="module")
def enhancer() -> Enhancer:
    return edge_dce.load(ROOT / "tests" / "models" / "tiny-16x16-int8.tflite", threads=1)


def probe(path: Path) -> dict[str, Any]:
    """What FFmpeg's own program says of a file."""
    if shutil.which("ffprobe") is None:
        pytest.skip("reads back with ffprobe (Debian: ffmpeg)")
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_format", "-show_streams"]
    command += ["-show_entries", "frame=best_effort_timestamp_time,media_type"]
    output = subprocess.run([*command, str(path)], capture_output=True, check=True).stdout
    found: dict[str, Any] = json.loads(output)
    return found


def list_times(found: dict[str, Any]) -> list[float]:
    """When each picture is shown, in seconds from the first sound or picture on."""
    times: list[float] = []
    for frame in found["frames"]:
        if frame["media_type"] == "video":
            # MPEG program streams do not tell the times of all frames.
            following = times[-1] + FRAME_S if times else 0
            times.append(float(frame.get("best_effort_timestamp_time", following)))
    return [time - max(0.0, float(found["format"]["start_time"])) for time in times]


# .m4v is .mp4 under another name.
@pytest.mark.parametrize("suffix", sorted(CONTAINERS.keys() - {".m4v"}))
@pytest.mark.parametrize("name", KINDS)
def test_clip_comes_out_as_it_went_in(tmp_path: Path, enhancer: Enhancer, name: str, suffix: str) -> None:
    kind, container = KINDS[name], CONTAINERS[suffix]
    source, target = kind.write(tmp_path), tmp_path / f"out{suffix}"
    before = probe(source)
    if (name, suffix) == ("webm", ".mov"):
        with pytest.raises(VideoError, match=r"a \.mov cannot hold opus sound; write \.mkv"):
            enhance_video(source, target, enhancer, look=UNCHANGED)
        return
    enhance_video(source, target, enhancer, look=UNCHANGED)
    after = probe(target)

    expected, found = list_times(before), list_times(after)
    assert len(found) == len(expected)
    # Matroska counts in milliseconds, on both sides. A file of one rate begins with its first frame and has a place
    # every 1/25 s, which may be taken where frames lie closer together than that.
    tolerance_s = 0.0021 if container.has_times else FRAME_S * (2 if kind.arguments.get("pts") is None else 4)
    assert found == pytest.approx(expected, abs=tolerance_s)
    # Sound ends with its last packet: of what is encoded anew one is filled and two are the encoder's delay.
    assert float(after["format"]["duration"]) == pytest.approx(float(before["format"]["duration"]), abs=0.17)

    (video,) = (stream for stream in after["streams"] if stream["codec_type"] == "video")
    size = (64, 96) if kind.turn else (96, 64)
    assert (video["width"], video["height"], video["pix_fmt"]) == (*size, "yuv420p")
    assert "side_data_list" not in video or all("rotation" not in each for each in video["side_data_list"])
    has_sound = bool(kind.arguments.get("sound", "aac"))
    assert [each["codec_type"] for each in after["streams"]].count("audio") == int(has_sound)
    # MPEG program streams hold no tags.
    if "title" in before["format"].get("tags", {}):
        assert after["format"]["tags"]["title"] == "a clip"
    tags = kind.arguments.get("tags", {})
    # MPEG-4 Part 2 holds them, FFmpeg's encoder does not write them.
    if tags and suffix != ".avi":
        assert video["color_space"] == _NAMES[tags["colorspace"]]
