"""`python -m apps.pi` as a process of its own, spoken to over its real port."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[3]
SIZE = (320, 180)
_PATIENCE_S = 30.0


class RunningCamera:
    """A started script.

    Attributes:
        process: it.
        url: of its page, ending in a slash.
    """

    def __init__(self, *flags: str, env: dict[str, str] | None = None) -> None:
        # A file, not a pipe: nobody has to empty it.
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-m", "apps.pi", "--http", "127.0.0.1:0", *flags],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=env,
        )
        self.url = ""

    def wait_until_started(self) -> None:
        self.url = self.wait_for(self._find_url)

    @property
    def port(self) -> int:
        port = urlsplit(self.url).port
        assert port is not None
        return port

    def read_log(self) -> str:
        self._log.seek(0)
        return self._log.read()

    def wait_for(self, find: Callable[[], Any]) -> Any:
        """What `find` returns once that is true."""
        deadline_s = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline_s:
            found = find()
            if found:
                return found
            time.sleep(0.02)
        raise AssertionError(f"waited in vain; the script said:\n{self.read_log()}")

    def wait_for_log(self, text: str) -> None:
        self.wait_for(lambda: text in self.read_log())

    def get(self, path: str, headers: dict[str, str] | None = None, method: str = "GET") -> tuple[int, bytes, Any]:
        """Status, body and headers."""
        request = urllib.request.Request(self.url + path.lstrip("/"), headers=headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=_PATIENCE_S) as answer:
                return answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read(), error.headers

    def stats(self, token: str | None = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        found: dict[str, Any] = json.loads(self.get("stats.json", headers)[1])
        return found

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Exit status after a signal."""
        self.process.send_signal(number)
        return self.process.wait(_PATIENCE_S)

    def kill(self) -> None:
        """End it, and everything that was opened for it."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._log.close()

    def _find_url(self) -> str | None:
        if self.process.poll() is not None:
            raise AssertionError(f"ended with {self.process.returncode}:\n{self.read_log()}")
        found = re.search(r"http://\S+/", self.read_log())
        return found.group() if found else None


@contextlib.contextmanager
def run_camera(*flags: str, env: dict[str, str] | None = None) -> Iterator[RunningCamera]:
    """A script with the synthetic scene at a small size, unless the flags say otherwise."""
    size = "x".join(str(side) for side in SIZE)
    camera = RunningCamera("--source", "synthetic", "--size", size, *flags, env=env)
    try:
        camera.wait_until_started()
        yield camera
    finally:
        camera.kill()


@pytest.fixture(scope="module")
def camera() -> Iterator[RunningCamera]:
    """One script for all tests of a module that leave it as it is."""
    with run_camera() as running:
        yield running
