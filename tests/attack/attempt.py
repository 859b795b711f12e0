"""A case is tried, and what came of it is judged."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType

import cv2

from tests.attack.case import Case

ROOT = Path(__file__).resolve().parents[2]
# A trial of a model may take ten seconds, and the machine may be busy.
LIMIT_S = 90.0
# Codes that move the cursor or change colors and titles, and those that show text in another order than it has.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Victim:
    """A process that runs commands; started again after it has died."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._said = tempfile.TemporaryFile()  # noqa: SIM115
        self._orders = self._answers = -1

    def __enter__(self) -> Victim:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._end()
        self._said.close()

    def run(self, case: Case, folder: Path) -> tuple[int | None, int, str]:
        """Exit status, peak memory and what was said; the status is None where the process did not survive."""
        if self._process is None:
            self._start()
        self._said.seek(0)
        self._said.truncate()
        os.write(self._orders, json.dumps({"folder": str(folder), "argv": case.argv}).encode() + b"\n")
        ready, _, _ = select.select([self._answers], [], [], LIMIT_S)
        line = os.read(self._answers, 4096) if ready else b""
        if not line:
            end = f"hangs for more than {LIMIT_S:g} s" if not ready else self._describe_end()
            said = self._read_said()
            self._end()
            return None, 0, f"{end}\n{said}"
        answer = json.loads(line)
        return answer["status"], answer["peak_bytes"], self._read_said()

    def _start(self) -> None:
        orders, self._orders = os.pipe()
        self._answers, answers = os.pipe()
        # Where the child wants them, out of the way of each other.
        command = f"exec {sys.executable} -m tests.attack.victim 3<&{orders} 4>&{answers}"
        self._process = subprocess.Popen(
            ["bash", "-c", command],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=self._said,
            pass_fds=(orders, answers),
            env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONFAULTHANDLER": "1"},
        )
        os.close(orders)
        os.close(answers)

    def _describe_end(self) -> str:
        assert self._process is not None
        status = self._process.wait(LIMIT_S)
        return f"ended by signal {-status}" if status < 0 else f"ended with {status}"

    def _read_said(self) -> str:
        self._said.seek(0)
        return self._said.read().decode("utf-8", "backslashreplace")

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            os.close(self._orders)
            os.close(self._answers)
            self._process = None


def find_fault(case: Case, victim: Victim) -> str | None:
    """What is wrong with what the command did, or None."""
    with tempfile.TemporaryDirectory(prefix="attack-") as name:
        folder = Path(name)
        for file, data in case.files.items():
            (folder / file).write_bytes(data)
        status, peak_bytes, said = victim.run(case, folder)
        if status is None:
            return said
        if "Traceback" in said:
            return f"traceback with status {status}\n{said}"
        if _CONTROLS.search(said):
            return f"controls the terminal\n{said!r}"
        if peak_bytes > case.limit_bytes:
            return f"took {peak_bytes >> 20} MB, expected at most {case.limit_bytes >> 20} MB (status {status})\n{said}"
        if status == 1 and "error: " not in said:
            return f"fails without a word\n{said}"
        fault = _judge_files(case, folder, status)
        return f"{fault} (status {status})\n{said}" if fault else None


def _judge_files(case: Case, folder: Path, status: int) -> str | None:
    left = {path.name for path in folder.iterdir()} - set(case.files)
    if case.output is None or status:
        return f"leaves {', '.join(sorted(left))}" if left else None
    if status not in (0, 1, 2):
        return "unknown exit status"
    if left != {case.output}:
        return f"says that it is done and leaves {', '.join(sorted(left)) or 'nothing'}"
    if case.is_secret:
        return "shows another file than the one named"
    return None if _is_whole(folder / case.output) else "leaves a file that cannot be read"


def _is_whole(path: Path) -> bool:
    if path.suffix in (".mp4", ".mkv", ".mov", ".webm", ".avi"):
        return _has_frames_and_duration(path)
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED) is not None


def _has_frames_and_duration(path: Path) -> bool:
    import av

    with contextlib.suppress(av.FFmpegError), av.open(str(path)) as container:
        frames = len(list(container.decode(video=0)))
        # Rounded to a millisecond, and no file of more than a thousand frames a second is written.
        return 0 < frames <= 1000 * (container.duration or 0) / av.time_base + 1
    return False
