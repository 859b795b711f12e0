"""Clips that claim impossible rates and units of time: what is written plays as long as it should, or nothing is."""

import shutil
import struct
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

import edge_dce
from edge_dce.enhancer import Enhancer
from edge_dce.enhancing.video import enhance_video
from edge_dce.errors import VideoError
from edge_dce.files.containers import CONTAINERS
from tests.edge_dce.enhancing import clips

av = clips.av
ROOT = Path(__file__).resolve().parents[3]
_FRAMES = 8
# Lengths are told to a millisecond, rounded up or down, and an AVI's frames move by half a frame of 25 a second.
_ROUNDING_S = 0.021


@pytest.fixture(scope="module")
def enhancer() -> Enhancer:
    return edge_dce.load(ROOT / "tests" / "models" / "tiny-16x16-int8.tflite", threads=1)


def write_times(path: Path, base: Fraction, times: list[int], *, codec: str = "libx264") -> Path:
    """A small clip whose frames come at these times, in units of `base`."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options={"bf": "0"} if codec == "libx264" else {})
        stream.width, stream.height, stream.pix_fmt = 32, 24, "yuv420p"
        stream.time_base = stream.codec_context.time_base = base
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(clips.make_frame(number, 32, 24), format="rgb24").reformat(
                format="yuv420p"
            )
            frame.pts, frame.time_base = time, base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def claim_unit(path: Path, units_per_s: int, *, frame_units: int | None = None) -> Path:
    """Change what a second and a frame are in an MP4, and let all of it be shown."""
    data = bytearray(path.read_bytes())
    # Of a media header of version 0, behind its name, version and two times (ISO/IEC 14496-12, 8.4.2).
    struct.pack_into(">I", data, data.index(b"mdhd") + 16, units_per_s)
    if frame_units is not None:
        # Of the only entry of the table of durations (8.6.1.2).
        struct.pack_into(">I", data, data.index(b"stts") + 16, frame_units)
    data[data.index(b"edts") : data.index(b"edts") + 4] = b"free"
    path.write_bytes(data)
    return path


def write_absurd(folder: Path, kind: str) -> Path:
    mp4, mkv, ts = folder / "in.mp4", folder / "in.mkv", folder / "in.ts"
    steady, unit = [512 * number for number in range(_FRAMES)], Fraction(1, 12_800)
    if kind == "a frame of nothing":
        return claim_unit(write_times(mp4, unit, [0]), 32_778, frame_units=1)
    if kind == "a microsecond each":
        return write_times(mp4, Fraction(1, 1_000_000), list(range(_FRAMES)))
    if kind == "MPEG-TS of 32,778 a second":
        return write_times(ts, Fraction(1, 32_778), list(range(_FRAMES)))
    if kind == "finest units":
        return claim_unit(write_times(mp4, unit, steady), 2**31 - 1, frame_units=(2**31 - 1) // 25)
    if kind == "75,000 a second":
        return claim_unit(write_times(mp4, unit, steady), 512 * 75_000)
    if kind == "a second is a unit":
        return claim_unit(write_times(mp4, unit, steady), 1, frame_units=1)
    if kind == "prime units":
        return write_times(mp4, Fraction(1, 65_537), [2621 * number for number in range(_FRAMES)])
    if kind == "bursts":
        return write_times(mkv, Fraction(1, 1000), [0, 1, 2, 3, 4, 5, 6, 2000])
    if kind == "days apart":
        return write_times(mkv, Fraction(1), [100_000 * number for number in range(_FRAMES)])
    assert kind == "one frame"
    return write_times(folder / "in.webm", Fraction(1, 1000), [0], codec="libvpx")


KINDS = (
    *("a frame of nothing", "a microsecond each", "MPEG-TS of 32,778 a second", "finest units", "75,000 a second"),
    *("a second is a unit", "prime units", "bursts", "days apart", "one frame"),
)
REFUSED_EVERYWHERE = {"a frame of nothing", "a microsecond each", "MPEG-TS of 32,778 a second", "75,000 a second"}
# Matroska has room for any pause; an AVI has one rate.
REFUSED = {
    **dict.fromkeys((".m4v", ".mov", ".mp4"), REFUSED_EVERYWHERE | {"days apart"}),
    ".avi": REFUSED_EVERYWHERE | {"days apart", "bursts"},
}


def probe(path: Path) -> tuple[int, float]:
    """Frames, and length in seconds, as ffprobe counts them."""
    entries = "stream=nb_read_frames:format=duration"
    command = ["ffprobe", "-v", "error", "-count_frames", "-select_streams", "v:0", "-show_entries", entries]
    found = subprocess.run(
        [*command, "-of", "default=nw=1:nk=1", str(path)], capture_output=True, text=True, check=True
    ).stdout.split()
    return int(found[0]), float(found[1])


def measure(path: Path) -> tuple[int, float]:
    """Frames, and length in seconds, as the packets of an undamaged part of a file have them."""
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.pts is not None]
    spans = [(packet.pts * packet.time_base, (packet.pts + packet.duration) * packet.time_base) for packet in packets]
    return len(spans), float(max(end for _, end in spans) - min(start for start, _ in spans))


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="needs FFmpeg's ffprobe")
@pytest.mark.parametrize("suffix", sorted(CONTAINERS))
@pytest.mark.parametrize("kind", KINDS)
def test_result_is_as_long_as_its_source_or_refused(tmp_path: Path, enhancer: Enhancer, kind: str, suffix: str) -> None:
    source, target = write_absurd(tmp_path, kind), tmp_path / f"out{suffix}"
    if kind in REFUSED.get(suffix, REFUSED_EVERYWHERE):
        with pytest.raises(VideoError, match=r"^.*$"):
            enhance_video(source, target, enhancer)
        assert not target.exists()
        return
    enhance_video(source, target, enhancer)
    frames, length_s = probe(target)
    expected, expected_s = measure(source)
    assert frames == expected
    assert length_s > 0
    assert length_s == pytest.approx(expected_s, abs=_ROUNDING_S)


def test_frames_that_no_camera_takes_are_refused_with_what_was_found(tmp_path: Path, enhancer: Enhancer) -> None:
    source = write_absurd(tmp_path, "75,000 a second")
    with pytest.raises(VideoError, match=r"8 frames in 0\.00011 s, expected at most 1000 a second"):
        enhance_video(source, tmp_path / "out.mov", enhancer)


@pytest.mark.parametrize("kind", ["finest units", "prime units", "one frame"])
@pytest.mark.parametrize("suffix", sorted(CONTAINERS))
def test_odd_units_alone_are_no_reason_to_refuse(tmp_path: Path, enhancer: Enhancer, kind: str, suffix: str) -> None:
    enhance_video(write_absurd(tmp_path, kind), tmp_path / f"out{suffix}", enhancer)


def test_pause_of_a_day_is_kept_where_there_is_room_for_it(tmp_path: Path, enhancer: Enhancer) -> None:
    source = write_absurd(tmp_path, "days apart")
    enhance_video(source, tmp_path / "out.mkv", enhancer)
    assert clips.read_pts(tmp_path / "out.mkv") == clips.read_pts(source)
    with pytest.raises(VideoError, match=r"further apart than a \.mp4 can tell; write \.mkv"):
        enhance_video(source, tmp_path / "out.mp4", enhancer)


def test_frames_faster_than_the_one_rate_of_a_file_are_not_shown_late(tmp_path: Path, enhancer: Enhancer) -> None:
    source = write_absurd(tmp_path, "bursts")
    with pytest.raises(VideoError, match=r"shown late.*write \.mkv"):
        enhance_video(source, tmp_path / "out.avi", enhancer)
