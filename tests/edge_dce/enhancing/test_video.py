"""Videos from file to file, made by the tests themselves."""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import edge_dce
from edge_dce.cli import main
from edge_dce.enhancer import Enhancer
from edge_dce.enhancing.video import enhance_video
from edge_dce.errors import ModelError, OutputError, VideoError
from edge_dce.pixels.look import Look
from tests.edge_dce.enhancing import clips
from tests.edge_dce.fake_interpreter import NO_CARD, FakeInterpreter

av = clips.av
ROOT = Path(__file__).resolve().parents[3]
TINY = str(ROOT / "tests" / "models" / "tiny-16x16-int8.tflite")
UNCHANGED = Look(strength=0)


@pytest.fixture(scope="module")
def enhancer() -> Enhancer:
    return edge_dce.load(TINY, threads=1)


def read_exactly(path: Path) -> list[np.ndarray]:
    """RGB frames as the enhancer gets them; FFmpeg's own fast conversion is a level too dark, here several after it."""
    frames = []
    # Not above: `clips` skips this module where there is no PyAV, and has to come first.
    from edge_dce.files.video_reader import VideoReader

    with VideoReader(path) as reader:
        while (portion := reader.read()) is not None:
            frames += [portion.frame] if portion.frame is not None else []
    return frames


def list_files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".m4v"])
def test_frames_times_duration_and_sound_are_kept(tmp_path: Path, enhancer: Enhancer, suffix: str) -> None:
    source, target = clips.write_clip(tmp_path / "in.mp4"), tmp_path / f"out{suffix}"
    stages = enhance_video(source, target, enhancer)
    assert stages.frames == len(clips.VARIABLE_PTS)
    # Matroska counts in milliseconds, and cannot hold the packet before zero that an AAC decoder begins with.
    tolerance_s = 0.001 if suffix == ".mkv" else 0
    for found_s, expected_s in zip(clips.read_pts(target), clips.read_pts(source), strict=True):
        assert abs(found_s - expected_s) <= tolerance_s
    sound = [packet for packet in clips.read_sound(source) if suffix != ".mkv" or packet[0] >= 0]
    for (found_s, found), (expected_s, expected) in zip(clips.read_sound(target), sound, strict=True):
        assert found == expected
        assert abs(found_s - expected_s) <= tolerance_s
    with av.open(str(source)) as before, av.open(str(target)) as after:
        # An MP4 tells its own duration in milliseconds.
        assert abs(after.duration / 1e6 - before.duration / 1e6) <= 0.001 + tolerance_s
        assert after.metadata["title"] == "a clip"
    assert list_files(tmp_path) == {"in.mp4", target.name}


def test_frames_become_what_the_enhancer_makes_of_them(tmp_path: Path, enhancer: Enhancer) -> None:
    source, target = clips.write_clip(tmp_path / "in.mp4", pts=(0, 512, 1024)), tmp_path / "out.mp4"
    enhance_video(source, target, enhancer)
    for before, after in zip(read_exactly(source), read_exactly(target), strict=True):
        expected = enhancer.enhance(before).astype(int)
        # At this quality the encoder is off by a level or two, most at the edges of the mark.
        assert np.abs(after - expected).mean() < 3
        assert after.mean() > before.mean() + 10


@pytest.mark.parametrize(
    ("matrix", "shape"),
    [
        ((1, 0, 0, 1), (64, 96)),
        ((0, 1, -1, 0), (96, 64)),
        ((-1, 0, 0, -1), (64, 96)),
        ((0, -1, 1, 0), (96, 64)),
        ((-1, 0, 0, 1), (64, 96)),
        ((0, 1, 1, 0), (96, 64)),
    ],
)
def test_rotation_is_applied_so_that_the_clip_is_upright_everywhere(
    tmp_path: Path, enhancer: Enhancer, matrix: tuple[int, int, int, int], shape: tuple[int, int]
) -> None:
    source, target = clips.write_clip(tmp_path / "in.mp4", pts=(0, 512)), tmp_path / "out.mp4"
    a, b, c, d = matrix
    clips.turn_clip(source, a=a, b=b, c=c, d=d)
    enhance_video(source, target, enhancer, look=UNCHANGED)
    frame = clips.read_frames(target)[0].astype(int)
    assert frame.shape[:2] == shape
    # The red mark is in the upper left corner of the stored frame: where is it shown?
    is_right, is_low = (a + c) < 0, (b + d) < 0
    corner = frame[-8 : -2 if is_low else None] if is_low else frame[2:8]
    mark = corner[:, -8:-2] if is_right else corner[:, 2:8]
    assert (mark[..., 0] > 150).all()
    with av.open(str(target)) as container:
        assert next(container.decode(video=0)).rotation == 0


@pytest.mark.parametrize(
    "tags",
    [
        {"color_range": 1, "colorspace": 1, "color_primaries": 1, "color_trc": 1},
        {"color_range": 1, "colorspace": 6, "color_primaries": 6, "color_trc": 6},
        {"color_range": 1, "colorspace": 9, "color_primaries": 9, "color_trc": 18},
        {"color_range": 2, "colorspace": 1, "color_primaries": 1, "color_trc": 13},
        {},
    ],
)
def test_color_tags_are_kept_and_colors_with_them(tmp_path: Path, enhancer: Enhancer, tags: dict[str, int]) -> None:
    source, target = clips.write_clip(tmp_path / "in.mp4", pts=(0, 512), tags=tags), tmp_path / "out.mp4"
    enhance_video(source, target, enhancer, look=UNCHANGED)
    planes = []
    for path in (source, target):
        with av.open(str(path)) as container:
            frame = next(container.decode(video=0))
            context = container.streams.video[0].codec_context
            assert {name: getattr(context, name) for name in tags} == tags
            planes.append(frame.to_ndarray().astype(int))
    # Conversion there and back is right to rounding; what is left is the encoder's loss at this quality.
    assert np.abs(planes[0] - planes[1]).mean() < 1
    assert abs((planes[0] - planes[1])[:64].mean()) < 0.25


@pytest.mark.parametrize("size", [(97, 63), (1, 1), (98, 64)])
def test_odd_sides_grow_by_one(tmp_path: Path, enhancer: Enhancer, size: tuple[int, int]) -> None:
    source = clips.write_clip(tmp_path / "in.mkv", size=size, codec="ffv1", pix_fmt="yuv444p", sound=None, pts=(0, 512))
    enhance_video(source, tmp_path / "out.mp4", enhancer, look=UNCHANGED)
    width, height = size
    frame = clips.read_frames(tmp_path / "out.mp4")[0]
    assert frame.shape == (height + height % 2, width + width % 2, 3)


def test_ten_bits_are_seen_as_ten(tmp_path: Path, enhancer: Enhancer) -> None:
    source = clips.write_clip(tmp_path / "in.mkv", codec="ffv1", pix_fmt="yuv420p10le", sound=None, pts=(0, 512))
    assert read_exactly(source)[0].dtype == np.uint16
    enhance_video(source, tmp_path / "out.mp4", enhancer)
    assert clips.read_frames(tmp_path / "out.mp4")[0].mean() > clips.read_frames(source)[0].mean() + 10


def test_clip_of_one_frame_and_no_sound(tmp_path: Path, enhancer: Enhancer) -> None:
    source = clips.write_clip(tmp_path / "in.mp4", pts=(0,), sound=None)
    assert enhance_video(source, tmp_path / "out.mp4", enhancer).frames == 1
    assert len(clips.read_frames(tmp_path / "out.mp4")) == 1


def test_progress_and_stages_are_told(tmp_path: Path, enhancer: Enhancer) -> None:
    told: list[tuple[int, int | None]] = []
    source = clips.write_clip(tmp_path / "in.mp4")
    stages = enhance_video(
        source, tmp_path / "out.mp4", enhancer, on_frame=lambda done, expected: told.append((done, expected))
    )
    assert told == [(number, 10) for number in range(1, 11)]
    assert 0 < max(stages.decode_s, stages.enhance_s, stages.encode_s) <= stages.total_s


def make_bad_clip(kind: str, folder: Path) -> Path:
    path = folder / "bad.mp4"
    if kind == "cut off before its index":
        clips.write_clip(path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif kind == "cut off after its index":
        clips.write_clip(folder / "whole.mp4")
        with (
            av.open(str(folder / "whole.mp4")) as whole,
            av.open(str(path), "w", options={"movflags": "faststart"}) as moved,
        ):
            stream = moved.add_stream_from_template(whole.streams.video[0], opaque=True)
            for packet in whole.demux(video=0):
                if packet.dts is not None:
                    packet.stream = stream
                    moved.mux(packet)
        (folder / "whole.mp4").unlink()
        path.write_bytes(path.read_bytes()[:-300])
    elif kind == "cut off Matroska":
        path = clips.write_clip(folder / "bad.mkv", pts=tuple(range(0, 12800 * 8, 512)))
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif kind == "text":
        path.write_text("not a video")
    elif kind == "empty":
        path.touch()
    elif kind == "sound only":
        clips.write_sound_only(path)
    elif kind == "playlist":
        path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nother.ts\n#EXT-X-ENDLIST\n")
    return path


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("cut off before its index", "damaged or unsupported"),
        ("cut off after its index", "cut off at"),
        ("cut off Matroska", "cut off at"),
        ("text", "damaged or unsupported"),
        ("empty", "damaged or unsupported"),
        ("sound only", "without a video stream"),
        ("playlist", "damaged or unsupported"),
    ],
)
def test_bad_clip_gives_one_line_and_leaves_nothing(
    kind: str, message: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = make_bad_clip(kind, tmp_path)
    before = list_files(tmp_path)
    assert main(["enhance", str(path), "-m", TINY, "-o", str(tmp_path / "out.mp4")]) == 1
    captured = capfd.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    assert message in captured.err
    assert path.name in captured.err
    assert list_files(tmp_path) == before


def test_missing_clip_is_an_error(tmp_path: Path, enhancer: Enhancer) -> None:
    with pytest.raises(VideoError, match="No such file"):
        enhance_video(tmp_path / "missing.mp4", tmp_path / "out.mp4", enhancer)


def test_sound_that_a_container_cannot_hold_is_refused_not_dropped(tmp_path: Path, enhancer: Enhancer) -> None:
    source = clips.write_clip(tmp_path / "in.mkv", sound="wavpack")
    with pytest.raises(VideoError, match=r"a \.mp4 cannot hold wavpack sound; write \.mkv"):
        enhance_video(source, tmp_path / "out.mp4", enhancer)
    enhance_video(source, tmp_path / "out.mkv", enhancer)
    assert clips.read_sound(tmp_path / "out.mkv") == clips.read_sound(source)


def test_existing_target_is_kept_unless_told_otherwise(tmp_path: Path, enhancer: Enhancer) -> None:
    source, target = clips.write_clip(tmp_path / "in.mp4", pts=(0, 512)), tmp_path / "out.mp4"
    target.write_text("precious")
    with pytest.raises(OutputError, match="already exists"):
        enhance_video(source, target, enhancer)
    assert target.read_text() == "precious"
    enhance_video(source, target, enhancer, overwrite=True)
    assert len(clips.read_frames(target)) == 2


def test_failing_network_stops_all_threads_and_leaves_nothing(tmp_path: Path) -> None:
    fake = FakeInterpreter(np.zeros((1, 4, 6, 3), np.float32), error=RuntimeError("out of memory"))
    failing = Enhancer(NO_CARD, fake, threads=1, contract="curves")
    source = clips.write_clip(tmp_path / "in.mp4")
    before = threading.active_count()
    with pytest.raises(ModelError, match="out of memory"):
        enhance_video(source, tmp_path / "out.mp4", failing)
    assert threading.active_count() == before
    assert list_files(tmp_path) == {"in.mp4"}


def test_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    source = clips.write_clip(tmp_path / "in.mp4", size=(640, 480), pts=tuple(range(0, 512 * 60, 512)))
    code = (
        "import resource, sys; from edge_dce.cli import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
        f"sys.exit(main(['enhance', {str(source)!r}, '-m', {TINY!r}]))"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT, check=False)
    assert child.returncode == 1
    assert len(child.stderr.splitlines()) == 1, child.stderr.decode()
    assert b"cannot be written (File too large)" in child.stderr
    assert list_files(tmp_path) == {"in.mp4"}


def test_build_of_pyav_without_the_encoder_is_one_line(
    tmp_path: Path, enhancer: Enhancer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edge_dce.files import video_writer

    monkeypatch.setattr(video_writer, "FILE_ENCODERS", {"no_such_encoder": {}})
    source = clips.write_clip(tmp_path / "in.mp4")
    with pytest.raises(OutputError, match=r"out\.mp4: no encoder takes \d+x\d+ \(no_such_encoder: "):
        enhance_video(source, tmp_path / "out.mp4", enhancer)
    assert list_files(tmp_path) == {"in.mp4"}


@pytest.mark.parametrize(
    ("number", "status", "line"),
    [
        (signal.SIGINT, 130, b"edge-dce: interrupted"),
        (signal.SIGTERM, 143, b"edge-dce: ended by SIGTERM"),
        (signal.SIGHUP, 129, b"edge-dce: ended by SIGHUP"),
    ],
)
def test_signal_to_end_leaves_nothing(tmp_path: Path, number: int, status: int, line: bytes) -> None:
    # Some seconds of work, of which the interrupt comes early.
    source = clips.write_clip(tmp_path / "in.mp4", size=(960, 720), pts=tuple(range(0, 512 * 250, 512)), sound=None)
    command = [sys.executable, "-m", "edge_dce", "enhance", str(source)]
    # A child inherits what is ignored, as SIGHUP is under nohup.
    before = signal.signal(number, signal.SIG_DFL) if number != signal.SIGINT else None
    try:
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=ROOT)
    finally:
        if before is not None:
            signal.signal(number, before)
    while child.poll() is None and not any(path.stat().st_size for path in tmp_path.glob(".unfinished-*")):
        time.sleep(0.005)
    child.send_signal(number)
    _, errors = child.communicate(timeout=60)
    assert child.returncode == status, errors.decode()
    assert errors.splitlines()[-1] == line
    assert b"Traceback" not in errors
    assert list_files(tmp_path) == {"in.mp4"}


def test_without_pyav_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    source = clips.write_clip(tmp_path / "in.mp4", pts=(0,))
    for name in [name for name in sys.modules if name.startswith(("av.", "edge_dce.files.video_"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "av", None)
    assert main(["enhance", str(source), "-m", TINY]) == 1
    assert "pip install 'edge-dce[video]'" in capfd.readouterr().err


def test_command_names_the_result_and_tells_the_speed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source = clips.write_clip(tmp_path / "in.mp4")
    assert main(["enhance", str(source), "-m", TINY]) == 0
    captured = capfd.readouterr()
    assert captured.out == f"{tmp_path / 'in-enhanced.mp4'}\n"
    assert "10 frames enhanced in" in captured.err
    assert "per second" in captured.err


def test_pictures_and_videos_go_together_and_resume(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    picture = edge_dce.Picture(np.full((20, 30, 3), 20, np.uint8))
    edge_dce.write_picture(picture, tmp_path / "in.png")
    names = [str(tmp_path / "in.png"), str(clips.write_clip(tmp_path / "in.mp4"))]
    names.append(str(clips.write_clip(tmp_path / "old.avi", format_name="avi", pts=(0, 512), sound=None)))
    command = ["enhance", *names, "-m", TINY, "-o", str(tmp_path / "out")]
    assert main(command) == 0
    assert list_files(tmp_path / "out") == {"in.png", "in.mp4", "old.avi.mkv"}
    capfd.readouterr()
    assert main(command) == 0
    assert capfd.readouterr().err.splitlines() == ["0 enhanced, 3 already there, 0 failed"]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("-", "-o - takes one picture"),
        ("out.flv", "one of .avi .m4v .mkv .mov .mp4 .webm"),
        ("out.png", ".mp4"),
    ],
)
def test_target_that_is_no_video_is_refused(
    target: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    clips.write_clip(Path("in.mp4"), pts=(0,))
    assert main(["enhance", "in.mp4", "-m", TINY, "-o", target]) == 1
    assert message in capfd.readouterr().err
    assert list_files(tmp_path) == {"in.mp4"}


def test_folders_give_their_pictures_only(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    edge_dce.write_picture(edge_dce.Picture(np.full((20, 30, 3), 20, np.uint8)), tmp_path / "in" / "one.png")
    clips.write_clip(tmp_path / "in" / "clip.mp4", pts=(0,))
    assert main(["enhance", str(tmp_path / "in"), "-m", TINY]) == 0
    assert list_files(tmp_path / "in-enhanced") == {"one.png"}
