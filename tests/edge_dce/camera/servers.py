"""Servers of video on this machine: RTSP by GStreamer, HTTP by the standard library."""

from __future__ import annotations

import contextlib
import functools
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest

_PYTHON = Path("/usr/bin/python3")
_DAEMON = Path(__file__).with_name("rtsp_daemon.py")
_PACKAGES = (
    "python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly"
)
PASSWORD = "a%2Fb%20c"


@functools.cache
def _find_rtsp_fault() -> str | None:
    probe = (
        "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import Gst, GstRtspServer; "
        "Gst.init(None); assert all(map(Gst.ElementFactory.find, ('x264enc', 'rtph264pay', 'h264parse')))"
    )
    is_there = _PYTHON.exists() and subprocess.run([_PYTHON, "-c", probe], capture_output=True).returncode == 0
    return None if is_there else f"needs an RTSP server: apt-get install {_PACKAGES}"


@contextlib.contextmanager
def serve_rtsp(recording: Path | None = None, *, port: int = 0) -> Iterator[int]:
    """The port of a server; see rtsp_daemon.py. Skips the test where there is none."""
    fault = _find_rtsp_fault()
    if fault is not None:
        pytest.skip(fault)
    command = [_PYTHON, _DAEMON, str(port), *([recording] if recording else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as daemon:
        assert daemon.stdout is not None
        try:
            yield int(daemon.stdout.readline())
        finally:
            daemon.kill()


class _Handler(SimpleHTTPRequestHandler):
    """Files of a folder, and /live.mjpg."""

    server: WebServer

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != "/live.mjpg":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        with contextlib.suppress(OSError):
            while not self.server.is_cut:
                self.server.sent += 1
                _, jpeg = cv2.imencode(".jpg", np.full((48, 64, 3), self.server.sent % 200, np.uint8))
                self.wfile.write(b"--frame\r\nContent-Type: image/jpeg\r\n\r\n" + jpeg.tobytes() + b"\r\n")
                time.sleep(0.02)

    def log_message(self, *_: object) -> None:
        """Tests are silent."""


class WebServer(ThreadingHTTPServer):
    """
    Attributes:
        sent: frames of /live.mjpg; frame n has the level n, up to 200.
        is_cut: whether /live.mjpg ends.
    """

    daemon_threads = True

    def __init__(self, folder: Path, port: int = 0) -> None:
        def handle(*arguments: object) -> BaseHTTPRequestHandler:
            return _Handler(*arguments, directory=str(folder))  # type: ignore[arg-type]

        super().__init__(("127.0.0.1", port), handle)  # type: ignore[arg-type]
        self.sent, self.is_cut = 0, False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextlib.contextmanager
def serve_http(folder: Path, port: int = 0) -> Iterator[WebServer]:
    with WebServer(folder, port) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield server
        finally:
            server.is_cut = True
            server.shutdown()
