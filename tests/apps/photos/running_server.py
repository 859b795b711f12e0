"""`python -m apps.photos` as a process of its own, spoken to over its real port."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt

from edge_dce.files.pictures import Picture, encode_picture

ROOT = Path(__file__).resolve().parents[3]
_PATIENCE_S = 60.0
SIZE = (160, 120)


class RunningServer:
    """A started program; `url` ends in a slash."""

    def __init__(self, *flags: str) -> None:
        # A file, not a pipe: nobody has to empty it.
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115
        command = [sys.executable, "-m", "apps.photos", "--http", "127.0.0.1:0", *flags]
        self.process = subprocess.Popen(command, cwd=ROOT, stderr=self._log)
        self.url = ""
        self.port = 0

    def wait_until_started(self) -> None:
        deadline_s = time.monotonic() + _PATIENCE_S
        while not (found := re.search(r"http://\S+/", self.read_log())):
            assert self.process.poll() is None, self.read_log()
            assert time.monotonic() < deadline_s, self.read_log()
            time.sleep(0.02)
        self.url = found.group()
        port = urlsplit(self.url).port
        assert port is not None
        self.port = port

    def read_log(self) -> str:
        self._log.seek(0)
        return self._log.read()

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and headers, whose names are in lower case."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE_S)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}

    def enhance(
        self, data: bytes, query: str = "", headers: dict[str, str] | None = None
    ) -> tuple[int, bytes, dict[str, str]]:
        return self.ask("POST", f"/enhance{query}", data, headers)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self._log.close()


def read_error(body: bytes) -> str:
    """The message of a refusal, which is one line of JSON."""
    assert body.count(b"\n") == 1
    found = json.loads(body)
    assert list(found) == ["error"]
    message: str = found["error"]
    assert "\n" not in message
    return message


def make_image() -> npt.NDArray[np.uint8]:
    """A dark scene with a lamp."""
    width, height = SIZE
    image = np.zeros((height, width, 3), np.uint8)
    image[...] = np.linspace(8, 40, width)[:, np.newaxis]
    image[20:40, 30:50] = (250, 240, 200)
    return image


def make_picture(suffix: str) -> bytes:
    return encode_picture(Picture(make_image()), suffix)


@contextlib.contextmanager
def run_server(*flags: str) -> Iterator[RunningServer]:
    server = RunningServer(*flags)
    try:
        server.wait_until_started()
        yield server
    finally:
        server.kill()
