"""Cameras and videos by address, from real servers on this machine."""

import subprocess
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from edge_dce.camera import LatestFrame, open_source
from edge_dce.errors import CameraError
from tests.edge_dce.camera.servers import PASSWORD, WebServer, serve_http, serve_rtsp
from tests.edge_dce.enhancing import clips

av = clips.av
# Ten frames in a second, frame n of the level 20 n.
TEN_PTS = tuple(range(0, 12800, 1280))


def paint_level(number: int, width: int, height: int) -> np.ndarray:
    return np.full((height, width, 3), 20 * number, np.uint8)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[WebServer]:
    with serve_http(tmp_path) as server:
        yield server


def test_rtsp_camera_delivers_with_its_password_and_in_its_colors() -> None:
    with serve_rtsp() as port, open_source(f"rtsp://eve:{PASSWORD}@127.0.0.1:{port}/camera") as source:
        frames = [source.read() for _ in range(8)]
        assert (source.name, source.size, source.fps) == (f"rtsp://127.0.0.1:{port}", (320, 180), 15)
    assert frames[-1].sequence >= 7
    # Levels of a camera's colors in 4:2:0 and H.264: two for each rounding.
    assert np.abs(frames[-1].image[90, 160].astype(int) - (0x40, 0x10, 0x20)).max() <= 4


def test_wrong_password_is_told_without_it() -> None:
    with serve_rtsp() as port, pytest.raises(CameraError) as caught:
        open_source(f"rtsp://eve:secret@127.0.0.1:{port}/camera")
    assert "401 Unauthorized" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_mjpeg_is_the_newest_frame_however_slow_the_reader(web: WebServer) -> None:
    with open_source(f"{web.url}/live.mjpg?token=secret") as source:
        time.sleep(0.5)
        source.read()
        frame = source.read()
        # Two frames are on their way: in the network, and in the decoder. A busy machine may hold up one more.
        assert abs(frame.image.mean() - web.sent % 200) <= 4
        assert source.name == web.url


def test_recording_without_a_frame_that_can_be_decoded_is_told(web: WebServer, tmp_path: Path) -> None:
    with av.open(str(tmp_path / "empty.avi"), "w") as container:
        stream = container.add_stream("mjpeg", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for number in range(10):
            packet = av.Packet(b"no picture")
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, number, number, Fraction(1, 10)
            container.mux(packet)
    with pytest.raises(CameraError, match="without a single frame"):
        open_source(f"{web.url}/empty.avi", loop=True)


def test_frames_a_second_can_be_limited(web: WebServer) -> None:
    with open_source(f"{web.url}/live.mjpg", fps=10) as source:
        first, *_, last = [source.read() for _ in range(5)]
    # Of fifty a second: four steps of a tenth, of which the last may be early by one frame.
    assert last.time_s - first.time_s > 0.3


def test_stream_that_ends_is_lost_and_comes_back(web: WebServer) -> None:
    said: list[str] = []
    address = f"{web.url}/live.mjpg?password=secret"
    with LatestFrame(lambda: open_source(address), on_status=said.append, first_retry_s=0.05) as camera:
        assert camera.wait(timeout_s=10) is not None
        web.is_cut = True
        while camera.is_live:
            time.sleep(0.01)
        web.is_cut = False
        newest = camera.newest
        assert newest is not None
        assert camera.wait(newest.sequence, timeout_s=20) is not None
        assert camera.reconnections == 1
    assert said[1].startswith(f"{web.url}: stopped delivering frames (")
    assert said[1].endswith("; trying again in 0.05 s")
    assert not any("secret" in line or "\n" in line for line in said)


def test_recording_plays_at_its_own_rate_and_ends(web: WebServer, tmp_path: Path) -> None:
    clips.write_clip(tmp_path / "clip.mp4", pts=TEN_PTS, sound=None, paint=paint_level)
    with open_source(f"{web.url}/clip.mp4", loop=False) as source:
        frames = []
        while (frame := source.read()) is not None:
            frames.append(frame)
    # A busy machine may miss some; the first and the last are there.
    levels = [round(frame.image.mean() / 20) for frame in frames]
    assert (levels[0], levels[-1]) == (0, 9)
    assert frames[-1].time_s - frames[0].time_s == pytest.approx(0.9, abs=0.3)


def test_recording_begins_anew_at_its_end(web: WebServer, tmp_path: Path) -> None:
    clips.write_clip(tmp_path / "clip.mp4", pts=(0, 640, 1280), sound=None, paint=paint_level)
    with open_source(f"{web.url}/clip.mp4") as source:
        assert all(source.read() is not None for _ in range(9))


def write_playlist(folder: Path) -> None:
    """Two segments, as a web server has them."""
    clips.write_clip(
        folder / "live.m3u8", pts=TEN_PTS, sound=None, paint=paint_level, format_name="hls",
        options={"hls_time": "0.5", "hls_list_size": "0"}, codec_options={"g": "5"},
    )  # fmt: skip


def test_playlist_of_segments_plays(web: WebServer, tmp_path: Path) -> None:
    write_playlist(tmp_path)
    assert len(list(tmp_path.glob("*.ts"))) == 2
    with open_source(f"{web.url}/live.m3u8", loop=False) as source:
        levels = []
        while (frame := source.read()) is not None:
            levels.append(round(frame.image.mean() / 20))
    assert (levels[0], levels[-1]) == (0, 9)


@pytest.mark.parametrize("prefix", ["file://", "", "subfile,,start,0,end,0,,:"])
def test_no_server_leads_to_a_file_of_this_machine(prefix: str, web: WebServer, tmp_path: Path) -> None:
    served = tmp_path / "private"
    served.mkdir()
    write_playlist(served)
    segment = next(served.glob("*.ts"))
    (tmp_path / "evil.m3u8").write_text(
        f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:0.5,\n{prefix}{segment}\n#EXT-X-ENDLIST\n"
    )
    # Without a prefix the segment's path is one of the server's, where nothing is.
    with pytest.raises(CameraError):
        open_source(f"{web.url}/evil.m3u8")


def test_list_of_files_is_no_video(web: WebServer, tmp_path: Path) -> None:
    clips.write_clip(tmp_path / "clip.mp4", pts=TEN_PTS, sound=None)
    (tmp_path / "list.txt").write_text(f"ffconcat version 1.0\nfile {tmp_path / 'clip.mp4'}\n")
    with pytest.raises(CameraError, match="no kind of video that is read"):
        open_source(f"{web.url}/list.txt")


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/secret",
        "concat:/secret|x",
        "rtps://eve:secret@camera/x",
        "rtsp://eve:secret/@camera/x",
        "http:///secret",
        "eve:secret@camera/x",
    ],
)
def test_what_is_no_address_to_be_opened_is_told_without_its_secrets(address: str) -> None:
    with pytest.raises(CameraError) as caught:
        open_source(address)
    assert "expected" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_nobody_there_is_told_in_a_line_without_the_password_and_without_a_trace_of_it() -> None:
    program = "import sys; from edge_dce.camera import open_source; open_source(sys.argv[1])"
    address = "rtsp://eve:secret@127.0.0.1:1/secret?secret"
    done = subprocess.run([sys.executable, "-c", program, address], capture_output=True, text=True)
    # With the whole traceback, as under --debug, and all that FFmpeg itself has to say.
    assert done.stderr.splitlines()[-1].endswith(
        "rtsp://127.0.0.1:1: cannot be opened (Connection refused); check the address and the network"
    )
    assert "secret" not in done.stderr + done.stdout
