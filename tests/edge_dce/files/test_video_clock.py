"""Clips whose clock does not begin at zero, or jumps."""

import itertools
from fractions import Fraction
from pathlib import Path

import pytest

from tests.edge_dce.enhancing import clips

# Not above: `clips` skips this module where there is no PyAV.
from edge_dce.files.video_reader import VideoReader  # isort: skip

FRAME_S = Fraction(1, 25)
STEADY_PTS = tuple(512 * number for number in range(25))
# MPEG-TS counts in 1/90000 s and AAC begins with a packet of 1024 samples before the first sound.
SOUND_PACKET_S = Fraction(1024, clips.SOUND_RATE)


def write_stream(path: Path, *, start_s: int = 0, sound: str | None = "aac", pix_fmt: str = "yuv420p") -> Path:
    """A second of MPEG-TS whose clock begins at `start_s` and a little."""
    options = {"output_ts_offset": str(start_s)}
    return clips.write_clip(path, pts=STEADY_PTS, sound=sound, format_name="mpegts", options=options, pix_fmt=pix_fmt)


def read_times(path: Path) -> tuple[list[Fraction], list[Fraction], list[str]]:
    """When frames are shown and sound packets begin, in seconds, and what was changed."""
    frames, sounds = [], []
    with VideoReader(path) as reader:
        while (portion := reader.read()) is not None:
            frames += [portion.pts * reader.video.time_base] if portion.frame is not None else []
            sounds += [packet.pts * packet.time_base for packet in portion.sound]
        return frames, sounds, reader.changes


@pytest.mark.parametrize("sound", ["aac", None])
def test_clock_of_ten_hours_becomes_one_from_zero(tmp_path: Path, sound: str | None) -> None:
    frames, sounds, changes = read_times(write_stream(tmp_path / "dvr.ts", start_s=36_000, sound=sound))
    assert min(frames + sounds) == 0
    assert [frame - frames[0] for frame in frames] == [number * FRAME_S for number in range(25)]
    # Sound begins earlier by what the encoder needs, as it was written.
    assert frames[0] == pytest.approx(float(SOUND_PACKET_S) if sound else 0, abs=1e-4)
    assert changes == []


@pytest.mark.parametrize("second_start_s", [0, 5, 100, 36_000])
@pytest.mark.parametrize("sound", ["aac", None])
def test_joined_streams_play_one_after_the_other(tmp_path: Path, sound: str | None, second_start_s: int) -> None:
    first = write_stream(tmp_path / "first.ts", start_s=20, sound=sound)
    second = write_stream(tmp_path / "second.ts", start_s=second_start_s, sound=sound)
    (tmp_path / "joined.ts").write_bytes(first.read_bytes() + second.read_bytes())
    frames, sounds, changes = read_times(tmp_path / "joined.ts")
    assert len(frames) == 50
    steps = [float(after - before) for before, after in itertools.pairwise(frames)]
    # One tick of 1/90000 s, by which times are rounded.
    assert steps == pytest.approx([float(FRAME_S)] * 49, abs=2e-5)
    assert changes == ["its clock jumps once: what follows was joined on"]
    if sound:
        gaps = [float(after - before) for before, after in itertools.pairwise(sounds)]
        # At the seam sound may pause by as much as it began apart from the pictures, and never runs back.
        assert min(gaps) >= float(SOUND_PACKET_S) - 2e-5
        assert max(gaps) <= 2 * float(SOUND_PACKET_S)


def test_pause_of_a_camera_is_no_jump(tmp_path: Path) -> None:
    pts = (0, 512, 12_800 * 30, 12_800 * 30 + 512)
    frames, _, changes = read_times(clips.write_clip(tmp_path / "pause.mkv", pts=pts, sound=None))
    assert frames == pytest.approx([0, 0.04, 30, 30.04], abs=1e-3)
    assert changes == []


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".ts"])
def test_frames_that_are_decoded_before_earlier_ones_are_no_jump(tmp_path: Path, suffix: str) -> None:
    options = {"preset": "medium", "bf": "3", "x264-params": "b-adapt=0:b-pyramid=2"}
    path = clips.write_clip(tmp_path / f"late{suffix}", pts=STEADY_PTS, sound=None, codec_options=options)
    frames, _, changes = read_times(path)
    assert frames == pytest.approx([number / 25 for number in range(25)], abs=1e-3)
    assert changes == []


def test_what_an_edit_list_cuts_off_stays_cut_off(tmp_path: Path) -> None:
    whole = clips.write_clip(tmp_path / "whole.mp4", pts=STEADY_PTS)
    trimmed = clips.trim_clip(whole, tmp_path / "trimmed.mp4", Fraction(2, 5))
    frames, sounds, _ = read_times(trimmed)
    assert frames == [number * FRAME_S for number in range(15)]
    # A decoder needs the packets right before the first one that is heard.
    assert -Fraction(1, 10) <= min(sounds) < 0
    assert max(sounds) < 1 - Fraction(2, 5)
