"""Cameras of the network as sources of the script, and streams out of it to other programs."""

import dataclasses
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from apps.pi.enhancement import Enhancement
from apps.pi.outputs.push import Push
from apps.pi.pipeline import Pipeline
from apps.pi.stats import LiveStats
from edge_dce.camera import FrameSource, LatestFrame, open_source
from edge_dce.enhancer import load
from edge_dce.files.address import Address
from edge_dce.stream import Stream
from tests.apps.pi.running_camera import ROOT, SIZE, RunningCamera, run_camera
from tests.edge_dce.camera.servers import PASSWORD, serve_http, serve_rtsp
from tests.edge_dce.enhancing import clips

av = clips.av
ENCODERS = {"h264_v4l2m2m", "libx264"}


def test_lost_camera_of_the_network_is_told_without_its_password_and_comes_back(tmp_path: Path) -> None:
    with serve_http(tmp_path) as web:
        port = web.server_port
        address = f"http://eve:secret@127.0.0.1:{port}/live.mjpg?token=secret"
        with run_camera("--source", address, "--size", "64x48") as camera:
            assert camera.get("healthz")[:2] == (200, b"ok\n")
            assert camera.stats()["camera"]["source"] == web.url
            web.is_cut = True
            web.server_close()
            web.shutdown()
            camera.wait_for(lambda: camera.get("healthz")[0] == 503)
            camera.wait_for(lambda: "Connection refused" in read_health(camera))
            line = read_health(camera)
            assert line.startswith(f"{web.url}: cannot be opened (Connection refused)")
            assert "trying again in" in line
            assert line.count("\n") == 1
            assert camera.stats()["camera"]["status"] == line.strip()
            with serve_http(tmp_path, port):
                camera.wait_for(lambda: camera.get("healthz")[0] == 200)
                assert camera.stats()["camera"]["reconnections"] >= 1
                assert camera.get("snapshot.jpg")[0] == 200
            assert "secret" not in camera.read_log()


def read_health(camera: RunningCamera) -> str:
    return camera.get("healthz")[1].decode()


@dataclasses.dataclass(frozen=True)
class Probed:
    """What ffprobe says of a video."""

    codec: str
    size: tuple[int, int]
    times_s: list[float]


def probe(path: Path) -> Probed:
    if shutil.which("ffprobe") is None:
        pytest.skip("needs ffprobe: apt-get install ffmpeg")
    entries = "stream=codec_name,width,height:frame=pts_time"
    command = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", entries, "-of", "json", str(path)]
    found = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    (stream,) = found["streams"]
    times_s = [float(frame["pts_time"]) for frame in found["frames"]]
    return Probed(stream["codec_name"], (stream["width"], stream["height"]), times_s)


def test_transport_stream_on_stdout_is_h264_with_the_times_of_its_frames(tmp_path: Path) -> None:
    path = tmp_path / "night.ts"
    with run_camera("--mpegts", "--fps", "15") as camera:
        assert camera.process.stdout is not None
        with path.open("wb") as file:
            while camera.stats()["transport_stream"]["frames"] < 45:
                file.write(camera.process.stdout.read(4096))
        assert camera.stats()["transport_stream"]["codec"] in ENCODERS
        camera.wait_for_log("transport stream: H.264 by ")
    found = probe(path)
    assert (found.codec, found.size) == ("h264", SIZE)
    steps_s = np.diff(found.times_s)
    assert len(steps_s) > 20
    assert steps_s.min() > 0
    # Fifteen a second; a busy machine misses some, and none comes early.
    assert np.median(steps_s) == pytest.approx(1 / 15, rel=0.3)


def test_slow_reader_of_the_transport_stream_misses_frames_and_gets_no_old_ones() -> None:
    # Noise, so that a frame has many bytes: the pipe holds few of them, and so does what finds out what comes.
    options = {"fflags": "nobuffer", "analyzeduration": "100000", "probesize": "50000"}
    with run_camera("--mpegts", "--denoise", "0", "--size", "640x360") as camera:
        assert camera.process.stdout is not None
        with av.open(camera.process.stdout, format="mpegts", options=options) as container:
            behind = []
            for number, _ in enumerate(container.decode(video=0)):
                time.sleep(0.1)
                behind.append(camera.stats()["transport_stream"]["frames"] - number)
                if number == 40:
                    break
    # Three come for each that is read. The writer waits while the pipe is full, so the reader falls no further behind.
    assert max(behind[20:]) <= max(behind[:20]) + 5


def test_reader_of_the_transport_stream_that_has_enough_ends_the_script() -> None:
    with run_camera("--mpegts") as camera:
        assert camera.process.stdout is not None
        camera.process.stdout.read(1000)
        camera.process.stdout.close()
        assert camera.process.wait(30) == 0
        assert "error" not in camera.read_log()


def test_stream_is_pushed_to_a_server_which_may_go_and_come_back(tmp_path: Path) -> None:
    with serve_rtsp(tmp_path / "first.mkv") as port:
        address = f"rtsp://eve:{PASSWORD}@127.0.0.1:{port}/push"
        camera = RunningCamera("--source", "synthetic", "--size", f"{SIZE[0]}x{SIZE[1]}", "--rtsp", address)
        camera.wait_until_started()
        camera.wait_for(lambda: camera.stats()["push"]["frames"] > 90)
        assert camera.stats()["push"]["server"] == f"rtsp://127.0.0.1:{port}"
    try:
        camera.wait_for(lambda: camera.stats()["push"]["failed"])
        trouble = camera.stats()["push"]["trouble"]
        assert trouble.startswith(f"rtsp://127.0.0.1:{port}: ")
        # The camera goes on for all others.
        assert camera.get("healthz")[0] == 200
        assert camera.get("snapshot.jpg")[0] == 200
        sent = camera.stats()["push"]["frames"]
        with serve_rtsp(tmp_path / "second.mkv", port=port):
            camera.wait_for(lambda: camera.stats()["push"]["frames"] > sent + 90)
            assert not camera.stats()["push"]["failed"]
            assert camera.stop() == 0
        log = camera.read_log()
    finally:
        camera.kill()
    assert f"push: H.264 by {'libx264' if 'libx264' in log else 'h264_v4l2m2m'} to rtsp://127.0.0.1:{port}" in log
    assert not any(secret in log for secret in (PASSWORD, "eve", "a/b c"))
    for name in ("first.mkv", "second.mkv"):
        found = probe(tmp_path / name)
        assert (found.codec, found.size) == ("h264", SIZE)
        assert np.diff(found.times_s).min() >= 0
        assert len(found.times_s) > 20


def wait_for_trouble(address: Address, **settings: float) -> dict[str, Any]:
    """What an output to this address says of itself as soon as it has trouble."""
    with LatestFrame(open_synthetic) as source:
        pipeline = Pipeline(source, Enhancement(Stream(load(threads=1))), LiveStats())
        push = Push(pipeline, address, fps=30, **settings)
        pipeline.start()
        push.start()
        deadline_s = time.monotonic() + 20
        while push.trouble is None and time.monotonic() < deadline_s:
            time.sleep(0.05)
        told = push.describe()
        push.stop()
        pipeline.stop()
    return told


def test_server_that_answers_nothing_is_left() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        told = wait_for_trouble(Address(f"rtsp://127.0.0.1:{port}/secret"), most_busy_s=0.3)
    assert told["trouble"].startswith(f"rtsp://127.0.0.1:{port}: takes nothing; trying again in ")
    assert told["failed"]


def test_encoder_that_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_dce.files.live_video.STREAM_ENCODERS", {"no_such_encoder": {}})
    told = wait_for_trouble(Address("rtsp://127.0.0.1:9/secret"))
    assert "encoder" in told["trouble"]
    assert told["failed"]


def open_synthetic() -> FrameSource:
    return open_source("synthetic", size=SIZE, fps=30)


VIRTUAL_CAMERA = """
import enum, pathlib
class PixelFormat(enum.Enum):
    BGR = "24BG"
class Camera:
    def __init__(self, width, height, fps, *, fmt, device=None):
        if device == "/dev/video99":
            raise RuntimeError("'v4l2loopback' backend: /dev/video99 is no device")
        self.device = device or "/dev/video10"
        self._shape = height, width, 3
        assert fmt is PixelFormat.BGR
    def send(self, frame):
        assert frame.shape == self._shape and frame.dtype == "uint8" and frame.flags.c_contiguous
        (pathlib.Path(__file__).parent / "frame.raw").write_bytes(frame.tobytes())
    def close(self):
        (pathlib.Path(__file__).parent / "closed").touch()
"""


def test_virtual_camera_gets_the_enhanced_frames_blue_first(tmp_path: Path) -> None:
    (tmp_path / "pyvirtualcam.py").write_text(VIRTUAL_CAMERA)
    env = os.environ | {"PYTHONPATH": str(tmp_path)}
    cv2.imwrite(str(tmp_path / "blue.png"), np.full((SIZE[1] + 1, SIZE[0], 3), (60, 20, 10), np.uint8))
    size = f"{SIZE[0]}x{SIZE[1] + 1}"
    flags = ("--source", str(tmp_path / "blue.png"), "--size", size, "--virtual-camera", "auto", "--strength", "0.5")
    with run_camera(*flags, env=env) as camera:
        camera.wait_for(lambda: camera.stats()["virtual_camera"]["frames"] > 2)
        assert camera.stats()["virtual_camera"]["device"] == "/dev/video10"
        assert camera.stop() == 0
    frame = np.frombuffer((tmp_path / "frame.raw").read_bytes(), np.uint8).reshape(SIZE[1], SIZE[0], 3)
    blue, green, red = frame.reshape(-1, 3).mean(axis=0)
    assert blue > green + 20 > red + 20
    assert (tmp_path / "closed").exists()


def test_virtual_camera_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "pyvirtualcam.py").write_text(VIRTUAL_CAMERA)
    env = os.environ | {"PYTHONPATH": str(tmp_path)}
    assert run_and_read_error("/dev/video99", env) == (
        "edge-dce-pi: error: /dev/video99: no virtual camera ('v4l2loopback' backend: /dev/video99 is no device); "
        "`edge-dce doctor` says how to get one"
    )


@pytest.mark.skipif(find_spec("pyvirtualcam") is not None, reason="pyvirtualcam is installed")
def test_virtual_camera_names_its_extra() -> None:
    assert "pip install 'edge-dce[virtual-camera]'" in run_and_read_error("auto", dict(os.environ))


def run_and_read_error(device: str, env: dict[str, str]) -> str:
    command = [sys.executable, "-m", "apps.pi", "--source", "synthetic", "--http", "off", "--virtual-camera", device]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 1
    return done.stderr.splitlines()[-1]
