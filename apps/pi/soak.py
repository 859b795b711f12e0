"""Run the script for a long time with viewers and see whether its memory stays: `python -m apps.pi.soak --minutes 30`.

Twenty viewers: sixteen of the MJPEG stream, one that asks frame by frame, one that stalls, one whose every request has
15 kB of cookies, and one that asks as fast as it can. The last three rest for a quarter of every minute: what the
others get then is the control, because they all share one machine, perhaps with other programs. Once in ten seconds
come a snapshot, another strength, metrics and a client that sends nonsense; every five minutes SIGHUP loads the model
anew.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import http.client
import itertools
import json
import re
import selectors
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TextIO

from edge_dce.errors import EdgeDceError
from edge_dce.files.output import write_file
from edge_dce.machine import describe_machine
from edge_dce.terminal.arguments import parse_size
from edge_dce.terminal.child import start_python
from edge_dce.terminal.console import answer

_WATCHERS = 16
_VIEWERS = _WATCHERS + 4
# Quotes and backslashes once took the server seconds to read; no answer needs them.
_COOKIE = 'other="' + "\\" * 15_000
_DELIMITER = b"\r\n--frame"
_FLOOD_S = 5.0
# Of a round of harm and rest, and how much of it is harm.
_ROUND_S, _HARM_SHARE = 60.0, 0.75
_SAMPLE_S = 10.0
_RELOAD_S = 300.0
# Buffers, caches and the allocator fill in the beginning.
_SETTLE_SHARE = 0.1
_DRIFT_SHARE = 0.2


class SoakError(EdgeDceError):
    """The script stopped, or answered wrongly."""


@dataclasses.dataclass(frozen=True)
class Sample:
    """One look at /stats.json."""

    time_s: float
    rss_bytes: int
    fps: float
    latency_p95_ms: float
    frames: int


@dataclasses.dataclass(frozen=True)
class Soak:
    """A whole run.

    Attributes:
        requests: answered, the flood's among them.
        viewers: how many there were, the bad ones too.
        slowest_fps: frames a second that reached the slowest of those that only watch, a figure for each time of harm.
        control_fps: the same of each time of rest.
    """

    minutes: float
    size: tuple[int, int]
    fps: float
    samples: tuple[Sample, ...]
    requests: int
    viewers: int | None = None
    slowest_fps: tuple[float, ...] = ()
    control_fps: tuple[float, ...] = ()

    @property
    def drift_mb(self) -> float:
        """Median memory of the last fifth less that of the first, after settling."""
        settled = self.samples[round(len(self.samples) * _SETTLE_SHARE) :]
        part = max(1, round(len(settled) * _DRIFT_SHARE))
        first, last = settled[:part], settled[-part:]
        return (
            statistics.median(sample.rss_bytes for sample in last)
            - statistics.median(sample.rss_bytes for sample in first)
        ) / 1e6


class _Clients:
    """Everybody who looks at the camera, each on a thread."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._stopping, self._resting = threading.Event(), threading.Event()
        self.frames = [0] * _WATCHERS
        self._good = self._start(self._stopping, (self._watch, self._poll, self._meddle))
        self._bad: list[threading.Thread] = []

    def begin_harm(self) -> None:
        self._resting = threading.Event()
        self._bad = self._start(self._resting, (self._stall, self._ask_with_cookies, self._flood))

    def end_harm(self) -> None:
        self._resting.set()
        _join(self._bad)

    def stop(self) -> None:
        self._stopping.set()
        self.end_harm()
        _join(self._good)

    def get(self, path: str, method: str = "GET") -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        with contextlib.closing(connection):
            connection.request(method, path)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise SoakError(f"{path}: {answer.status} {body[:200]!r}")
            return body

    def _start(self, stopping: threading.Event, works: Iterable[Callable[[], None]]) -> list[threading.Thread]:
        threads = [threading.Thread(target=self._repeat, args=(work, stopping), daemon=True) for work in works]
        for thread in threads:
            thread.start()
        return threads

    def _repeat(self, work: Callable[[], None], stopping: threading.Event) -> None:
        while not stopping.is_set():
            # Being cut off is what the stalled one is there for, and the others come again.
            with contextlib.suppress(OSError, http.client.HTTPException):
                work()

    def _connect(self, path: str) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self._port), timeout=20)
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        return connection

    def _watch(self) -> None:
        """On one thread however many they are: what they cost is taken from the script on the same machine."""
        with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
            for number in range(_WATCHERS):
                selector.register(stack.enter_context(self._connect("/stream.mjpg")), selectors.EVENT_READ, number)
            while not self._stopping.is_set():
                for key, _ in selector.select(1.0):
                    received = key.fileobj.recv(1 << 18)  # type: ignore[union-attr]
                    if not received:
                        raise ConnectionResetError
                    self.frames[key.data] += received.count(_DELIMITER)

    def _stall(self) -> None:
        with self._connect("/stream.mjpg") as connection:
            self._resting.wait(60)
            connection.recv(1)

    def _poll(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        with contextlib.closing(connection):
            sequence = "-1"
            while not self._stopping.is_set():
                connection.request("GET", f"/frame.jpg?view=pair&after={sequence}")
                answer = connection.getresponse()
                answer.read()
                sequence = answer.headers.get("X-Sequence", "-1")

    def _ask_with_cookies(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        with contextlib.closing(connection):
            while not self._resting.is_set():
                connection.request("GET", "/frame.jpg", headers={"Cookie": _COOKIE})
                connection.getresponse().read()

    def _flood(self) -> None:
        """As fast as it can: for a while on one connection, then on a new one each time."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        with contextlib.closing(connection):
            end_s = time.monotonic() + _FLOOD_S
            while time.monotonic() < end_s and not self._resting.is_set():
                connection.request("GET", "/stats.json")
                connection.getresponse().read()
        end_s = time.monotonic() + _FLOOD_S
        while time.monotonic() < end_s and not self._resting.is_set():
            self.get("/metrics")

    def _meddle(self) -> None:
        for strength in itertools.cycle((0.5, 1.0, 1.5)):
            if self._stopping.wait(_SAMPLE_S):
                return
            self.get("/snapshot.jpg")
            self.get(f"/settings?strength={strength}", "POST")
            self.get("/metrics")
            with socket.create_connection(("127.0.0.1", self._port), timeout=20) as connection:
                connection.sendall(b"\x00nonsense\r\n\r\n")
                connection.recv(100)


def _join(threads: Iterable[threading.Thread]) -> None:
    for thread in threads:
        thread.join(15)


class _Rounds:
    """Harm and rest in turn, and how many frames a second the slowest of those that only watch got in each."""

    def __init__(self, clients: _Clients, duration_s: float) -> None:
        self._clients = clients
        # A short run has one of each too.
        round_s = min(_ROUND_S, duration_s)
        self._spans_s = {True: _HARM_SHARE * round_s, False: (1 - _HARM_SHARE) * round_s}
        self.fps: dict[bool, list[float]] = {True: [], False: []}
        self._begin(is_harm=True)

    def go_on(self) -> None:
        """To be called often."""
        if time.monotonic() - self._start_s >= self._spans_s[self._is_harm]:
            self.end()
            self._begin(is_harm=not self._is_harm)

    def end(self) -> None:
        """Note what was reached so far, unless hardly any time has passed."""
        took_s = time.monotonic() - self._start_s
        reached = min(now - before for now, before in zip(self._clients.frames, self._frames, strict=True))
        if took_s >= self._spans_s[self._is_harm] / 2:
            self.fps[self._is_harm].append(round(reached / took_s, 1))
        if self._is_harm:
            self._clients.end_harm()

    def _begin(self, *, is_harm: bool) -> None:
        self._is_harm = is_harm
        if is_harm:
            self._clients.begin_harm()
        self._start_s, self._frames = time.monotonic(), list(self._clients.frames)


def soak(*, minutes: float, size: tuple[int, int], fps: float) -> Soak:
    """Raises SoakError."""
    flags = ["--source", "synthetic", "--size", f"{size[0]}x{size[1]}", "--fps", str(fps), "--http", "127.0.0.1:0"]
    with tempfile.TemporaryFile("w+") as log:
        process = start_python(["-m", __package__, *flags], stderr=log)
        try:
            clients = _Clients(_find_port(process, log))
            rounds = _Rounds(clients, minutes * 60)
            try:
                samples, requests = _sample(process, clients, rounds, minutes * 60)
                rounds.end()
            finally:
                clients.stop()
            process.send_signal(signal.SIGTERM)
            status = process.wait(30)
        finally:
            process.kill()
            process.wait()
        log.seek(0)
        text = log.read()
        if status or "Traceback" in text:
            raise SoakError(f"the script ended with {status}:\n{text[-2000:]}")
    return Soak(
        minutes, size, fps, tuple(samples), requests, _VIEWERS, tuple(rounds.fps[True]), tuple(rounds.fps[False])
    )


def _find_port(process: subprocess.Popen[bytes], log: TextIO) -> int:
    for _ in range(300):
        log.seek(0)
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", log.read())
        if found:
            return int(found.group(1))
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise SoakError("the script did not start")


def _sample(
    process: subprocess.Popen[bytes], clients: _Clients, rounds: _Rounds, duration_s: float
) -> tuple[list[Sample], int]:
    start_s = time.monotonic()
    samples: list[Sample] = []
    requests, reload_s = 0, _RELOAD_S
    while (now_s := time.monotonic() - start_s) < duration_s:
        time.sleep(min(_SAMPLE_S, duration_s / 20))
        rounds.go_on()
        if process.poll() is not None:
            raise SoakError(f"the script ended with {process.returncode} after {now_s:.0f} s")
        if now_s >= reload_s:
            reload_s += _RELOAD_S
            process.send_signal(signal.SIGHUP)
        stats: dict[str, Any] = json.loads(clients.get("/stats.json"))
        stream = stats["stream"]
        requests = stream["requests"]
        samples.append(
            Sample(
                round(now_s, 1),
                stats["system"]["rss_bytes"],
                stream["fps"],
                stream["latency_ms"]["p95"] or 0.0,
                stream["frames"],
            )
        )
    return samples, requests


def read_soak(path: Path) -> Soak:
    """What --json wrote."""
    record = json.loads(path.read_text())
    samples = tuple(Sample(**sample) for sample in record["samples"])
    reached = (tuple(record.get(name, ())) for name in ("slowest_fps", "control_fps"))
    size, viewers = tuple(record["size"]), record.get("viewers")
    return Soak(record["minutes"], size, record["fps"], samples, record["requests"], viewers, *reached)


def format_soak(run: Soak) -> str:
    """What docs/soak.md shows."""
    rss_mb = [sample.rss_bytes / 1e6 for sample in run.samples]
    # The first samples average over the time before anybody looked.
    fps = [sample.fps for sample in run.samples[1:]]
    latency_ms = [sample.latency_p95_ms for sample in run.samples[1:]]
    reached = [
        f"{name:9s}  {statistics.median(found):7.1f} fps (median) to the slowest {when}, {min(found):.1f} at least"
        for name, when, found in (
            ("harmed", "viewer while three do harm", run.slowest_fps),
            ("control", "viewer while they rest", run.control_fps),
        )
        if found
    ]
    watched = [] if run.viewers is None else [f"viewers    {run.viewers:7d}", *reached]
    return "\n".join(
        [
            f"{run.minutes:g} minutes at {run.size[0]}x{run.size[1]}, {run.fps:g} fps asked for",
            f"memory     {rss_mb[0]:7.1f} MB at first, {max(rss_mb):.1f} at most, {rss_mb[-1]:.1f} at the end; "
            f"drift {run.drift_mb:+.1f} MB",
            f"rate       {statistics.median(fps):7.1f} fps (median), {min(fps):.1f} at least",
            f"latency    {statistics.median(latency_ms):7.1f} ms p95 camera to stream (median), "
            f"{max(latency_ms):.1f} at most",
            f"frames     {run.samples[-1].frames:7d}",
            f"requests   {run.requests:7d}",
            *watched,
        ]
    )


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog=f"python -m {__package__}.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument(
        "--size", type=parse_size, default=(1280, 720), metavar="WxH", help="size of the frames (default: 1280x720)"
    )
    parser.add_argument("--fps", type=float, default=30.0)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the raw result; replaces an existing file")
    parser.add_argument("--show", type=Path, metavar="FILE", help="run nothing; print the result in this --json file")
    arguments = parser.parse_args(argv)
    return answer(lambda: _run(arguments), prog="soak")


def _run(arguments: argparse.Namespace) -> None:
    if arguments.show:
        print(format_soak(read_soak(arguments.show)))
        return
    run = soak(minutes=arguments.minutes, size=arguments.size, fps=arguments.fps)
    print(format_soak(run))
    if arguments.json:
        record = {"schema": 1, "machine": describe_machine()} | dataclasses.asdict(run)
        write_file(arguments.json, (json.dumps(record) + "\n").encode(), overwrite=True)


if __name__ == "__main__":
    sys.exit(main())
