"""The Raspberry Pi script as its users meet it: a process, its port, its files, its signals."""

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_dce.models.catalog import DEFAULT_MODEL
from tests.apps.pi.running_camera import ROOT, SIZE, RunningCamera, camera, run_camera

__all__ = ["camera"]

TOKEN = "correct-horse-battery"
MODELS = ROOT / "edge_dce" / "models"


def decode(jpeg: bytes) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image


def read_stream(camera: RunningCamera, view: str = "after") -> Iterator[bytes]:
    """The JPEGs of /stream.mjpg, as a simple reader takes them: by boundary and length."""
    with socket.create_connection(("127.0.0.1", camera.port), timeout=20) as connection:
        connection.sendall(f"GET /stream.mjpg?view={view} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        stream = connection.makefile("rb")
        assert stream.readline().startswith(b"HTTP/1.1 200")
        while stream.readline().strip():
            pass
        while True:
            line = stream.readline()
            if line.strip() != b"--frame":
                assert not line.strip(), line
                continue
            assert stream.readline() == b"Content-Type: image/jpeg\r\n"
            length = int(stream.readline().removeprefix(b"Content-Length: "))
            assert stream.readline() == b"\r\n"
            yield stream.read(length)


def test_stream_is_brighter_than_the_camera(camera: RunningCamera) -> None:
    before, after = (decode(next(read_stream(camera, view))) for view in ("before", "after"))
    assert before.shape == after.shape == (SIZE[1], SIZE[0], 3)
    assert after.mean() > 3 * before.mean()


def test_pair_is_before_above_after(camera: RunningCamera) -> None:
    pair = decode(next(read_stream(camera, "pair")))
    assert pair.shape == (2 * SIZE[1], SIZE[0], 3)
    assert pair[SIZE[1] :].mean() > 3 * pair[: SIZE[1]].mean()


def test_opencv_reads_the_stream_as_it_reads_any_network_camera(camera: RunningCamera) -> None:
    capture = cv2.VideoCapture(camera.url + "stream.mjpg", cv2.CAP_FFMPEG)
    frames = [capture.read() for _ in range(5)]
    capture.release()
    assert all(is_there and frame.shape == (SIZE[1], SIZE[0], 3) for is_there, frame in frames)


def test_snapshot_is_a_picture_of_now(camera: RunningCamera) -> None:
    status, body, headers = camera.get("snapshot.jpg")
    assert (status, headers["Content-Type"]) == (200, "image/jpeg")
    assert re.fullmatch(r'inline; filename="night-\d{8}-\d{6}\.jpg"', headers["Content-Disposition"])
    assert decode(body).shape == (SIZE[1], SIZE[0], 3)


def test_page_asks_for_one_frame_after_the_other(camera: RunningCamera) -> None:
    sequence = -1
    for _ in range(5):
        status, body, headers = camera.get(f"frame.jpg?view=pair&after={sequence}")
        assert (status, decode(body).shape) == (200, (2 * SIZE[1], SIZE[0], 3))
        assert int(headers["X-Sequence"]) > sequence
        assert float(headers["X-Age-Ms"]) < 5000
        sequence = int(headers["X-Sequence"])


@pytest.mark.parametrize(
    ("path", "kind"),
    [("", "text/html"), ("page.css", "text/css"), ("page.js", "text/javascript"), ("icon.svg", "image/svg+xml")],
)
def test_page_is_there(path: str, kind: str, camera: RunningCamera) -> None:
    status, body, headers = camera.get(path)
    assert status == 200
    assert headers["Content-Type"].startswith(kind)
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert body


def test_stats_have_the_documented_schema(camera: RunningCamera) -> None:
    camera.get("snapshot.jpg")
    stats = camera.stats()

    def list_names(value: dict, prefix: str = "") -> Iterator[str]:
        for name, inner in value.items():
            yield from list_names(inner, f"{prefix}{name}.") if isinstance(inner, dict) else [prefix + name]

    documented = re.findall(r"^\| `([a-z0-9_.]+)` \|", (ROOT / "docs" / "pi.md").read_text(), re.MULTILINE)
    # null where nothing of the kind goes on.
    parts = {
        "stills",
        "recording",
        "screen",
        "raw_output",
        "transport_stream",
        "virtual_camera",
        "push",
        "enhancement.auto",
    }
    expected = {name for name in documented if not any(name.startswith(f"{part}.") for part in parts)}
    assert set(list_names(stats)) == expected | parts
    assert stats["schema"] == 1
    assert 0 < stats["stream"]["latency_ms"]["p50"] <= stats["stream"]["latency_ms"]["p95"]


def test_metrics_are_in_prometheus_text_format(camera: RunningCamera) -> None:
    camera.get("snapshot.jpg")
    status, body, headers = camera.get("metrics")
    assert (status, headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    lines = body.decode().splitlines()
    sample = re.compile(r'(edge_dce_[a-z_]+)(\{quantile="0\.\d+"\})? (-?[0-9.e+-]+)')
    typed = {line.split()[2] for line in lines if line.startswith("# TYPE ")}
    samples = [sample.fullmatch(line) for line in lines if not line.startswith("#")]
    assert all(samples)
    assert {found.group(1) for found in samples} == typed
    assert "edge_dce_camera_live 1" in lines
    assert any(line.startswith('edge_dce_stream_latency_seconds{quantile="0.95"} 0.') for line in lines)


def test_health(camera: RunningCamera) -> None:
    assert camera.get("healthz")[:2] == (200, b"ok\n")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("nothing", 404),
        ("../../etc/passwd", 404),
        ("%2e%2e/%2e%2e/etc/passwd", 404),
        ("..%2f..%2fetc%2fpasswd", 404),
        ("page.css/../../options.py", 404),
        ("web/index.html", 404),
        ("/etc/passwd", 404),
        ("page.css%00.html", 404),
        ("stream.mjpg?view=nothing", 400),
        ("frame.jpg?after=x", 400),
        ("frame.jpg?after=--1", 400),
    ],
)
def test_address_that_is_not_there(path: str, status: int, camera: RunningCamera) -> None:
    with socket.create_connection(("127.0.0.1", camera.port), timeout=20) as connection:
        # By hand: every client tidies such addresses up before it sends them.
        connection.sendall(f"GET /{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        found = connection.makefile("rb").read()
    assert found.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"root:" not in found


def test_raspberry_pi_camera_comes_first_and_keeps_its_colors(tmp_path: Path) -> None:
    fake = (
        "from tests.edge_dce.camera import fake_picamera2\n_picamera2, _libcamera, *_ = fake_picamera2.make_modules()\n"
    )
    (tmp_path / "picamera2.py").write_text(f"{fake}Picamera2 = _picamera2.Picamera2\n")
    (tmp_path / "libcamera.py").write_text(f"{fake}ColorSpace = _libcamera.ColorSpace\n")
    env = os.environ | {"PYTHONPATH": str(tmp_path)}
    with run_camera("--source", "auto", "--strength", "0.5", env=env) as camera:
        blue, green, red = decode(camera.get("snapshot.jpg")[1]).reshape(-1, 3).mean(axis=0)
        # The fake's scene is orange: 200, 100, 50.
        assert red > green + 20 > blue + 40
        stats = camera.stats()
        assert stats["camera"]["source"] == "picamera2:0"
        # The fake's exposure is 10 ms before its delivery, and latency counts from there.
        assert stats["stream"]["latency_ms"]["p50"] > 10


def test_strength_changes_the_stream() -> None:
    with run_camera() as camera:
        assert camera.get("settings?strength=0", method="POST")[0] == 200
        unchanged = decode(camera.get("snapshot.jpg")[1])
        status, body, _ = camera.get("settings?strength=1.2", method="POST")
        assert (status, json.loads(body)) == (200, {"denoise": "auto", "max_brightness": 1.0, "strength": 1.2})
        brightened = decode(camera.get("snapshot.jpg")[1])
        assert brightened.mean() > 3 * unchanged.mean()
        assert camera.stats()["enhancement"]["strength"] == 1.2


def test_denoise_of_the_stream_is_measured_or_a_number() -> None:
    with run_camera("--denoise", "0") as camera:
        assert camera.stats()["enhancement"]["denoise"] == 0
        for value, expected in (("auto", "auto"), ("0.5", 0.5)):
            status, body, _ = camera.get(f"settings?denoise={value}", method="POST")
            assert (status, json.loads(body)["denoise"]) == (200, expected)
            assert camera.stats()["enhancement"]["denoise"] == expected
        assert camera.get("snapshot.jpg")[0] == 200


@pytest.mark.parametrize(
    "query",
    [
        "",
        "strength=9",
        "strength=x",
        "strength=nan",
        "strength=auto",
        "denoise=2",
        "denoise=automatic",
        "color=1",
        "strength=1&color=1",
    ],
)
def test_impossible_settings_are_refused(query: str, camera: RunningCamera) -> None:
    status, body, _ = camera.get(f"settings?{query}", method="POST")
    assert status == 400
    assert b"expected" in body or b"could not convert" in body
    assert camera.stats()["enhancement"]["strength"] == 1.0


def test_get_changes_nothing(camera: RunningCamera) -> None:
    assert camera.get("settings?strength=0.1")[0] == 404
    assert camera.get("stats.json", method="POST")[0] == 405


def test_other_sites_can_neither_change_settings_nor_pose_as_this_machine(camera: RunningCamera) -> None:
    post = {"headers": {"Origin": "https://example.org"}, "method": "POST"}
    assert camera.get("settings?strength=0.1", **post)[0] == 403
    assert camera.get("settings?strength=0.1", {"Sec-Fetch-Site": "cross-site"}, "POST")[0] == 403
    # A name that its owner lets point to 127.0.0.1.
    assert camera.get("snapshot.jpg", {"Host": "example.org"})[0] == 403
    assert camera.get("settings?strength=1", {"Origin": f"http://127.0.0.1:{camera.port}"}, "POST")[0] == 200


def test_token_opens_and_nothing_else_does() -> None:
    with run_camera("--token", TOKEN) as camera:
        for headers in ({}, {"Authorization": f"Bearer {TOKEN}x"}, {"Cookie": f"edge-dce-token={TOKEN[:-1]}"}):
            for path in (
                "",
                "stream.mjpg",
                "snapshot.jpg",
                "frame.jpg",
                "stats.json",
                "metrics",
                f"?token={TOKEN[1:]}",
            ):
                status, body, _ = camera.get(path, headers)
                assert status == 401
                assert b"Token of this camera" in body
        assert camera.get("settings?strength=0", method="POST")[0] == 401
        assert camera.get("stats.json", {"Authorization": f"Bearer {TOKEN}"})[0] == 200
        assert camera.get("stats.json", {"Cookie": f"other=1; edge-dce-token={TOKEN}"})[0] == 200
        assert camera.get(f"stats.json?token={TOKEN}")[0] == 200
        # With a token any name will do: camera.local, say.
        assert camera.get(f"stats.json?token={TOKEN}", {"Host": "camera.local"})[0] == 200
        assert camera.get("healthz")[0] == 200
        assert TOKEN not in camera.read_log()


def test_address_with_the_token_becomes_a_cookie_and_the_plain_page() -> None:
    with run_camera("--token", TOKEN) as camera:
        with socket.create_connection(("127.0.0.1", camera.port), timeout=20) as connection:
            connection.sendall(f"GET /?token={TOKEN} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            found = connection.makefile("rb").read().decode()
        assert found.startswith("HTTP/1.1 303 ")
        # Relative, for proxies that put the page below a path of theirs.
        assert "\r\nLocation: ./\r\n" in found
        cookie = rf"\r\nSet-Cookie: edge-dce-token-[0-9a-f]{{8}}={TOKEN}; .*HttpOnly; SameSite=Strict\r\n"
        assert re.search(cookie, found)


def test_twenty_viewers_one_of_them_stalled() -> None:
    with run_camera("--fps", "15") as camera, contextlib.ExitStack() as stack:
        stalled = stack.enter_context(socket.create_connection(("127.0.0.1", camera.port)))
        # Takes next to nothing: what is sent to it soon has nowhere to go.
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stalled.sendall(b"GET /stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n")
        counts = [0] * 19
        is_over = threading.Event()

        def watch(number: int) -> None:
            for jpeg in read_stream(camera):
                assert jpeg[:2] == b"\xff\xd8"
                counts[number] += 1
                if is_over.is_set():
                    return

        viewers = [threading.Thread(target=watch, args=(number,)) for number in range(len(counts))]
        for viewer in viewers:
            viewer.start()
        camera.wait_for(lambda: min(counts) > 10)
        before, frames_before, start_s = list(counts), camera.stats()["stream"]["frames"], time.monotonic()
        time.sleep(3)
        got = [after - earlier for earlier, after in zip(before, counts, strict=True)]
        stats, took_s = camera.stats(), time.monotonic() - start_s
        is_over.set()
        for viewer in viewers:
            viewer.join(20)
        encoded = stats["stream"]["frames"] - frames_before
        assert stats["stream"]["viewers"] == 20
        # One encoder for all: not one JPEG per viewer.
        assert encoded <= 15 * took_s + 2
        # Every viewer got what was encoded, but for a frame or two at either end of the measurement.
        assert min(got) >= encoded - 4 - 15 * (took_s - 3)
        assert encoded > 5


def test_nothing_is_enhanced_or_encoded_while_nobody_looks() -> None:
    with run_camera("--fps", "60") as camera:
        camera.get("snapshot.jpg")
        # Interest in a view lasts two seconds.
        time.sleep(2.5)
        before = camera.stats()
        time.sleep(1)
        after = camera.stats()
        assert after["camera"]["frames"] > before["camera"]["frames"]
        assert after["enhancement"]["frames"] == before["enhancement"]["frames"]
        assert after["stream"]["frames"] == before["stream"]["frames"]
        # And the first look after the rest is at now.
        status, _, headers = camera.get("frame.jpg")
        assert status == 200
        assert int(headers["X-Sequence"]) >= after["camera"]["frames"] - 1


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_signal_stops_it_with_viewers_connected(number: int, status: int) -> None:
    with run_camera() as camera:
        stream = read_stream(camera)
        next(stream)
        start_s = time.monotonic()
        assert camera.stop(number) == status
        assert time.monotonic() - start_s < 10
        with pytest.raises((ValueError, ConnectionError, AssertionError)):
            list(stream)
        assert "Traceback" not in camera.read_log()


def test_killed_and_started_again_on_the_same_port(tmp_path: Path) -> None:
    with run_camera("--stills", str(tmp_path), "--every", "1s") as camera:
        next(read_stream(camera))
        camera.wait_for(lambda: list(tmp_path.glob("[!.]*.jpg")))
        port = camera.port
        assert camera.stop(signal.SIGKILL) == -signal.SIGKILL
    # What it was writing when it was killed has a hidden name.
    for path in tmp_path.glob("[!.]*.jpg"):
        assert decode(path.read_bytes()).shape == (SIZE[1], SIZE[0], 3)
    with run_camera("--http", f"127.0.0.1:{port}") as camera:
        assert camera.get("healthz")[0] == 200


def test_taken_port_is_told() -> None:
    with run_camera() as camera:
        result = subprocess.run(
            [sys.executable, "-m", "apps.pi", "--source", "synthetic", "--http", f"127.0.0.1:{camera.port}"],
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=60,
        )
    assert result.returncode == 1
    error = result.stderr.splitlines()[-1]
    assert error.startswith(f"edge-dce-pi: error: cannot listen on 127.0.0.1:{camera.port} (")
    assert "choose another --http" in error


@pytest.mark.parametrize(
    ("flags", "status", "message"),
    [
        (["--source", "nothing-here"], 1, "no such source; expected auto, picamera2"),
        (["--model", "nothing-here"], 1, "nothing-here"),
        (["--http", "0.0.0.0:0"], 2, "could watch this camera; add --token"),
        (["--strength", "9"], 2, "argument --strength: expected a number from 0 to 1.5"),
        (["--source", "synthetic", "--http", "off", "--record", "nowhere/night.mp4"], 1, "there is no folder"),
        (
            ["--source", "synthetic", "--http", "off", "--record", "night.avi"],
            1,
            "expected a name ending in .mp4",
        ),
    ],
)
def test_what_cannot_work_is_told_in_one_line(flags: list[str], status: int, message: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "apps.pi", *flags], capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert result.returncode == status
    error = result.stderr.splitlines()[-1]
    assert error.startswith("edge-dce-pi: error: ")
    assert message in error


def test_hup_swaps_the_model_and_keeps_the_viewers(tmp_path: Path) -> None:
    config = tmp_path / "pi.toml"
    # Of another contract than the next: not even the shapes of their estimates agree.
    config.write_text(f'model = "{DEFAULT_MODEL}"\nstrength = 1.0\n')
    with run_camera("--config", str(config)) as camera:
        stream = read_stream(camera)
        next(stream)
        config.write_text('model = "zero-dce-pp-128x128-int8"\nstrength = 0.5\n')
        camera.process.send_signal(signal.SIGHUP)
        camera.wait_for_log("settings reloaded; the model is zero-dce-pp-128x128-int8")
        assert decode(next(stream)).shape == (SIZE[1], SIZE[0], 3)
        enhancement = camera.stats()["enhancement"]
        assert (enhancement["model"], enhancement["strength"]) == ("zero-dce-pp-128x128-int8", 0.5)
        assert "take a restart" not in camera.read_log()


def test_hup_with_a_broken_model_or_file_leaves_all_as_it_is(tmp_path: Path) -> None:
    config, model = tmp_path / "pi.toml", tmp_path / "mine.tflite"
    shutil.copy(MODELS / f"{DEFAULT_MODEL}.tflite", model)
    text = f'model = "{model}"\n'
    config.write_text(text)
    with run_camera("--config", str(config)) as camera:
        stream = read_stream(camera)
        next(stream)
        model.write_bytes(model.read_bytes()[:5000])
        camera.process.send_signal(signal.SIGHUP)
        camera.wait_for_log("settings not reloaded: ")
        config.write_text(text + "colour = 1\n")
        camera.process.send_signal(signal.SIGHUP)
        camera.wait_for_log("unknown key 'colour'")
        next(stream)
        shutil.copy(MODELS / "zero-dce-pp-128x128-int8.tflite", model)
        config.write_text(text + "fps = 5\n")
        camera.process.send_signal(signal.SIGHUP)
        camera.wait_for_log("settings reloaded; the model is mine")
        assert "only the model and the look are reloaded; restart to change the other settings" in camera.read_log()
        next(stream)
        assert camera.stats()["camera"]["fps"] == 30


def test_lost_camera_comes_back_and_the_viewer_with_it(tmp_path: Path) -> None:
    video, away = tmp_path / "clip.avi", tmp_path / "away.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), 30, SIZE)
    for _ in range(10):
        writer.write(np.full((SIZE[1], SIZE[0], 3), 20, np.uint8))
    writer.release()
    with run_camera("--source", str(video)) as camera:
        stream = read_stream(camera)
        next(stream)
        video.rename(away)
        camera.wait_for_log("cannot be read any more")
        camera.wait_for(lambda: camera.get("healthz")[0] == 503)
        assert b"trying again in" in camera.get("healthz")[1]
        assert camera.get("snapshot.jpg")[0] == 503
        assert camera.stats()["camera"]["live"] is False
        away.rename(video)
        camera.wait_for(lambda: camera.get("healthz")[0] == 200)
        assert decode(next(stream)).shape == (SIZE[1], SIZE[0], 3)
        assert camera.stats()["camera"]["reconnections"] == 1


def test_stills_are_whole_and_on_time(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "here"
    # One that came late on a busy machine does not share its second, which is its name, with the next.
    with run_camera("--stills", str(folder), "--every", "2s", "--http", "127.0.0.1:0") as camera:
        camera.wait_for(lambda: camera.stats()["stills"]["written"] >= 3)
        assert camera.stop() == 0
    names = sorted(path.name for path in folder.iterdir())
    assert all(re.fullmatch(r"\d{8}-\d{6}\.jpg", name) for name in names)
    assert len(names) >= 3
    for name in names:
        assert decode((folder / name).read_bytes()).mean() > 30


@contextlib.contextmanager
def mount_disk(disk: Path, size_mb: int) -> Iterator[None]:
    """A disk of that size, of which 64 MB are kept free for the system."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a disk that is full")
    disk.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "tmpfs", str(disk)], capture_output=True)
    if made.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_full_disk_pauses_stills_and_nothing_else(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with mount_disk(disk, 65), run_camera("--stills", str(disk), "--every", "1s") as camera:
        camera.wait_for(lambda: camera.stats()["stills"]["written"] >= 1)
        (disk / "filler").write_bytes(bytes(4 << 20))
        camera.wait_for_log("stills paused: ")
        stills = camera.stats()["stills"]
        assert stills["paused"]
        assert "expected 64 MB free or more, found " in stills["trouble"]
        next(read_stream(camera))
        assert camera.get("healthz")[0] == 200
        (disk / "filler").unlink()
        camera.wait_for_log("stills resumed")
        camera.wait_for(lambda: not camera.stats()["stills"]["paused"])


def test_recording_can_be_played_even_after_a_kill(tmp_path: Path) -> None:
    pytest.importorskip("av", reason="recording needs PyAV")
    path = tmp_path / "night.mp4"
    with run_camera("--record", str(path)) as camera:
        # Keyframes, which end a fragment, are two seconds apart.
        camera.wait_for(lambda: camera.stats()["recording"]["frames"] >= 150)
        assert camera.stats()["recording"]["codec"]
        camera.stop(signal.SIGKILL)
    capture = cv2.VideoCapture(str(path))
    frames = list(iter(lambda: capture.read()[0], False))
    capture.release()
    assert len(frames) >= 50


def test_recording_keeps_real_time_and_is_brighter(tmp_path: Path) -> None:
    av = pytest.importorskip("av", reason="recording needs PyAV")
    with run_camera("--record", str(tmp_path / "night-%Y.mp4"), "--fps", "20") as camera:
        camera.wait_for(lambda: camera.stats()["recording"]["frames"] >= 40)
        uptime_s = camera.stats()["uptime_s"]
        assert camera.stop() == 0
    (path,) = tmp_path.iterdir()
    assert path.name == time.strftime("night-%Y.mp4")
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    assert len(frames) >= 40
    times = [frame.time for frame in frames]
    assert times == sorted(times)
    # As many seconds as passed, on a machine that may be too slow for every frame.
    assert 1.8 <= times[-1] <= uptime_s + 5
    assert frames[-1].to_ndarray(format="rgb24").mean() > 30


def test_existing_recording_is_kept_and_the_next_has_another_name(tmp_path: Path) -> None:
    pytest.importorskip("av", reason="recording needs PyAV")
    path = tmp_path / "night.mp4"
    path.write_bytes(b"mine")
    # As a service that is started again and again, under one name.
    for number in (2, 3):
        with run_camera("--record", str(path)) as camera:
            camera.wait_for(lambda: camera.stats()["recording"]["frames"] >= 10)
            assert camera.stats()["recording"]["path"] == str(tmp_path / f"night-{number}.mp4")
            assert camera.stop() == 0
    assert path.read_bytes() == b"mine"
    for number in (2, 3):
        capture = cv2.VideoCapture(str(tmp_path / f"night-{number}.mp4"))
        assert capture.read()[0]
        capture.release()


def test_full_disk_pauses_the_recording_which_goes_on_when_there_is_room(tmp_path: Path) -> None:
    pytest.importorskip("av", reason="recording needs PyAV")
    disk = tmp_path / "disk"
    with mount_disk(disk, 80):
        with run_camera("--record", str(disk / "night.mp4")) as camera:
            camera.wait_for(lambda: camera.stats()["recording"]["frames"] >= 10)
            (disk / "filler").write_bytes(bytes(20 << 20))
            camera.wait_for_log("recording paused: ")
            recording = camera.stats()["recording"]
            assert recording["failed"]
            assert "expected 64 MB free or more, found " in recording["trouble"]
            assert camera.get("healthz")[0] == 200
            (disk / "filler").unlink()
            camera.wait_for_log("recording resumed")
            camera.wait_for(lambda: camera.stats()["recording"]["frames"] >= recording["frames"] + 10)
            assert camera.stop() == 0
        names = sorted(path.name for path in disk.iterdir())
        assert names == ["night-2.mp4", "night.mp4"]
        for name in names:
            capture = cv2.VideoCapture(str(disk / name))
            assert capture.read()[0]
            capture.release()


def run_with_fault(tmp_path: Path, patch: str, *flags: str) -> contextlib.AbstractContextManager[RunningCamera]:
    """A script that some lines are run in before it starts, to put a fault into one of its threads."""
    (tmp_path / "sitecustomize.py").write_text(patch)
    return run_camera(*flags, env=os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"})


def test_output_whose_thread_dies_is_started_again(tmp_path: Path) -> None:
    patch = """
from apps.pi.outputs.stills import Stills
write, calls = Stills._write, []
def fail_once(self, shot):
    calls.append(shot)
    if len(calls) == 1:
        raise ZeroDivisionError("a fault of the program's own")
    return write(self, shot)
Stills._write = fail_once
"""
    folder = tmp_path / "stills"
    with run_with_fault(tmp_path, patch, "--stills", str(folder), "--every", "1s") as camera:
        camera.wait_for_log("stills has died; starting it again")
        camera.wait_for(lambda: camera.stats()["stills"]["written"] >= 1)
        assert camera.get("healthz")[0] == 200


def test_output_that_dies_again_and_again_ends_the_service(tmp_path: Path) -> None:
    patch = """
from apps.pi.outputs.stills import Stills
def fail(self, shot):
    raise ZeroDivisionError("a fault of the program's own")
Stills._write = fail
"""
    with run_with_fault(tmp_path, patch, "--stills", str(tmp_path / "stills"), "--every", "1s") as camera:
        camera.wait_for(lambda: b"stills has died" in camera.get("healthz")[1])
        assert camera.process.wait(30) == 1
        assert "stopping: stills has died 4 times" in camera.read_log()


@pytest.mark.parametrize(
    ("place", "work"),
    [
        ("from edge_dce.camera.latest import LatestFrame as Place; name = '_publish'", "reads the camera"),
        ("from apps.pi.web.broadcast import Broadcast as Place; name = '_encode'", "encodes"),
        ("from apps.pi.pipeline import Pipeline as Place; name = '_make_shot'", "enhances"),
    ],
)
def test_thread_that_all_need_ends_the_service_when_it_dies(place: str, work: str, tmp_path: Path) -> None:
    # At the thirtieth frame, when everything runs.
    patch = f"""
{place}
work, calls = getattr(Place, name), []
def fail(*arguments):
    calls.append(arguments)
    if len(calls) >= 30:
        raise ZeroDivisionError("a fault of the program's own")
    return work(*arguments)
setattr(Place, name, fail)
"""
    with run_with_fault(tmp_path, patch) as camera:
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError, AssertionError):
            for _ in read_stream(camera):
                pass
        assert camera.process.wait(30) == 1
        assert f"stopping: the thread that {work} has died" in camera.read_log()


def test_raw_frames_on_stdout_until_the_reader_has_enough() -> None:
    with run_camera("--raw") as camera:
        assert camera.process.stdout is not None
        frame = camera.process.stdout.read(SIZE[0] * SIZE[1] * 3)
        image = np.frombuffer(frame, np.uint8).reshape(SIZE[1], SIZE[0], 3)
        assert image.mean() > 30
        # The street lamps' light is yellow: more red than blue, which comes first.
        assert image[..., 2].mean() > image[..., 0].mean()
        assert "-pixel_format bgr24 -video_size 320x180" in camera.read_log()
        camera.process.stdout.close()
        assert camera.process.wait(20) == 0
        assert "Traceback" not in camera.read_log()


def test_file_played_once_ends_the_script(tmp_path: Path) -> None:
    video = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), 30, SIZE)
    for _ in range(30):
        writer.write(np.full((SIZE[1], SIZE[0], 3), 20, np.uint8))
    writer.release()
    flags = ["--source", str(video), "--once", "--http", "off", "--stills", str(tmp_path), "--every", "1s"]
    result = subprocess.run(
        [sys.executable, "-m", "apps.pi", *flags], capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert (result.returncode, result.stderr.count("Traceback")) == (0, 0)
    assert list(tmp_path.glob("*.jpg"))


def test_bright_frames_pass_unchanged_with_auto(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "day.png"), np.full((SIZE[1], SIZE[0], 3), 160, np.uint8))
    with run_camera("--source", str(tmp_path), "--auto") as camera:
        # JPEG keeps an even gray to within a level.
        assert abs(decode(camera.get("snapshot.jpg")[1]).mean() - 160) < 2
        enhancement = camera.stats()["enhancement"]
        assert enhancement["auto"] == {"is_dark": False, "brightness": pytest.approx(160 / 255, abs=0.01)}
        assert enhancement["enhanced"] == 0
        assert "edge_dce_scene_dark 0" in camera.get("metrics")[1].decode()
