"""Chromium as a person's browser, through the WebDriver protocol of chromedriver (W3C), without further packages."""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

MISSING = (
    None
    if shutil.which("chromedriver") and shutil.which("chromium")
    else "needs a browser: apt-get install chromium chromium-driver"
)
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
)
_PATIENCE_S = 30.0


class Browser:
    """One window."""

    def __init__(self, base: str, capabilities: dict[str, Any]) -> None:
        self._base = base
        session = self._call("POST", "/session", {"capabilities": {"alwaysMatch": capabilities}})
        self._session = f"/session/{session['sessionId']}"

    def open(self, url: str) -> None:
        self._call("POST", f"{self._session}/url", {"url": url})

    def evaluate(self, script: str) -> Any:
        """What the script returns."""
        return self._call("POST", f"{self._session}/execute/sync", {"script": script, "args": []})

    def wait_for(self, script: str, is_so: Callable[[Any], bool] = bool) -> Any:
        """What the script returns once that is so."""
        deadline_s = time.monotonic() + _PATIENCE_S
        while not is_so(found := self.evaluate(script)):
            assert time.monotonic() < deadline_s, f"waited in vain for {script}, found {found!r}"
            time.sleep(0.05)
        return found

    def type(self, selector: str, text: str) -> None:
        element = self._call("POST", f"{self._session}/element", {"using": "css selector", "value": selector})
        (name,) = element.values()
        self._call("POST", f"{self._session}/element/{name}/value", {"text": text})

    def drag(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        """With a mouse, in pixels of the window."""
        moves = [
            {"type": "pointerMove", "duration": 0, "x": start[0], "y": start[1]},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerMove", "duration": 50, "x": end[0], "y": end[1]},
            {"type": "pointerUp", "button": 0},
        ]
        pointer = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": moves}
        self._call("POST", f"{self._session}/actions", {"actions": [pointer]})

    def keep_downloads(self, folder: Path) -> None:
        """From now on, without asking."""
        parameters = {"behavior": "allow", "downloadPath": str(folder)}
        command = {"cmd": "Browser.setDownloadBehavior", "params": parameters}
        self._call("POST", f"{self._session}/goog/cdp/execute", command)

    def save_screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._call("GET", f"{self._session}/screenshot")))

    def close(self) -> None:
        self._call("DELETE", self._session)

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._base + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=90) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from error


@contextlib.contextmanager
def open_browser(width: int, height: int, *, is_phone: bool = False, flags: Sequence[str] = ()) -> Iterator[Browser]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        driver = subprocess.Popen(
            ["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            _wait_until_listening(port)
            options: dict[str, Any] = {
                "args": [*_FLAGS, *flags, f"--user-data-dir={profile}", f"--window-size={width},{height}"]
            }
            if is_phone:
                metrics = {"width": width, "height": height, "pixelRatio": 2.0, "touch": True}
                options["mobileEmulation"] = {"deviceMetrics": metrics}
            browser = Browser(f"http://127.0.0.1:{port}", {"goog:chromeOptions": options})
            try:
                yield browser
            finally:
                browser.close()
        finally:
            driver.terminate()
            driver.wait(10)


def _wait_until_listening(port: int) -> None:
    deadline_s = time.monotonic() + _PATIENCE_S
    with socket.socket() as probe:
        while probe.connect_ex(("127.0.0.1", port)):
            assert time.monotonic() < deadline_s, "chromedriver does not answer"
            time.sleep(0.05)
