"""The built page on a static server, and a browser with a camera that shows one picture."""

from __future__ import annotations

import contextlib
import functools
import http.server
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.files.pictures import Picture, decode_picture, encode_picture
from tests.apps.pi.browser import Browser

Uint8Array = npt.NDArray[np.uint8]

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ROOT / "build" / "npm" / "node_modules"
# WebGL without a GPU.
DRAWS = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader")
HAS_CAMERA = ("--use-fake-device-for-media-stream",)
ALLOWS_CAMERA = ("--use-fake-ui-for-media-stream",)
NOTICE = "return document.getElementById('notice').textContent"
IS_ENHANCED = "return document.getElementById('facts').textContent.includes('network')"
_PATIENCE_S = 30.0


class Server:
    """Serves a folder, but for the files of `missing`.

    Some servers say of all files in .gz that browsers may unpack them: so does one that `has_unpacked`.

    Attributes:
        url: ends in a slash.
        asked: method and path of each request.
    """

    def __init__(self, folder: Path, *, missing: tuple[str, ...] = (), has_unpacked: bool = False) -> None:
        self.asked: list[tuple[str, str]] = []
        server = self

        class Handler(http.server.SimpleHTTPRequestHandler):
            def send_head(self) -> Any:
                server.asked.append((self.command, self.path))
                if self.path in missing:
                    self.send_error(404)
                    return None
                return super().send_head()

            def end_headers(self) -> None:
                if has_unpacked and self.path.endswith(".gz"):
                    self.send_header("Content-Encoding", "gzip")
                super().end_headers()

            def log_message(self, *_: object) -> None: ...

        self._server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(Handler, directory=str(folder))
        )
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self.url = f"http://localhost:{self.port}/"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def stop(self) -> None:
        """Nobody answers from now on; may be called twice."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextlib.contextmanager
def serve(folder: Path, *, missing: tuple[str, ...] = (), has_unpacked: bool = False) -> Iterator[Server]:
    server = Server(folder, missing=missing, has_unpacked=has_unpacked)
    try:
        yield server
    finally:
        server.stop()


def make_image(width: int, height: int) -> Uint8Array:
    """A dark room with a lamp and a sharp edge, noisy, in colors."""
    rng = np.random.default_rng(width)
    across, down = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    image = np.stack([12 + 40 * across, 10 + 30 * down, 8 + 36 * across * down], axis=-1)
    image[height // 4 : height // 2, width // 3 : width // 2] += (60, 20, 5)
    image += rng.normal(0, 3, image.shape)
    cv2.circle(image, (width * 3 // 4, height // 3), height // 9, (250.0, 235.0, 190.0), -1)
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def write_photo(path: Path, image: Uint8Array) -> None:
    path.write_bytes(encode_picture(Picture(image), path.suffix))


def write_video(path: Path, image: Uint8Array) -> None:
    """Two equal frames of YUV4MPEG2, which Chromium's camera repeats."""
    height, width = image.shape[:2]
    planes = cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420).tobytes()
    head = f"YUV4MPEG2 W{width} H{height} F10:1 Ip A1:1 C420jpeg\n".encode()
    path.write_bytes(head + 2 * (b"FRAME\n" + planes))


def set_strength(browser: Browser, strength: float) -> None:
    browser.evaluate(f"""
        const slider = document.getElementById("strength");
        slider.value = {strength};
        slider.dispatchEvent(new Event("input"));
    """)


def save(browser: Browser, folder: Path) -> tuple[str, Uint8Array]:
    """What the button gives to the user: the name and the picture."""
    for path in folder.iterdir():
        path.unlink()
    browser.keep_downloads(folder)
    browser.evaluate("document.getElementById('save').click()")
    deadline_s = time.monotonic() + _PATIENCE_S
    while not (found := [path for path in folder.iterdir() if path.suffix in (".png", ".jpg")]):
        assert time.monotonic() < deadline_s, "nothing was saved"
        time.sleep(0.05)
    return found[0].name, np.asarray(decode_picture(found[0].read_bytes()).image, np.uint8)
