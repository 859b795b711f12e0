"""Other programs run in a process of their own: what they print, or in one line why they failed.

Imports the standard library alone: `edge-dce doctor` tries here what may crash a process.
"""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

# Long enough for the slowest board at its busiest; only what hangs takes longer.
TIMEOUT_S = 300.0
# Where edge_dce is importable from. Not the user's folder, whose files may be called as modules are.
_HOME = Path(__file__).resolve().parent.parent.parent


@dataclasses.dataclass(frozen=True)
class ChildResult:
    """How a program ended.

    Attributes:
        output: what it printed on stdout.
        failure: why it failed, in one line; None where it did not.
        has_started: False where the system could not start it.
    """

    output: str
    failure: str | None
    has_started: bool = True


def run_python(arguments: Sequence[str], *, given: bytes = b"", timeout_s: float | None = TIMEOUT_S) -> ChildResult:
    """Run this Python with arguments such as ("-c", SOURCE, FILE) or ("-m", MODULE). Never raises.

    It finds packages where this process does. It works in another folder, so files are named by absolute paths.
    """
    command = [sys.executable, *arguments]
    return run(command, given=given, folder=_HOME, environment=_share_packages(), timeout_s=timeout_s)


def start_python(arguments: Sequence[str], *, stderr: IO[str]) -> subprocess.Popen[bytes]:
    """As `run_python`, for a program that runs until it is told to stop.

    Raises:
        OSError: it cannot be started.
    """
    return subprocess.Popen([sys.executable, *arguments], cwd=_HOME, env=_share_packages(), stderr=stderr)


def run(
    command: Sequence[str],
    *,
    given: bytes = b"",
    folder: Path | None = None,
    environment: dict[str, str] | None = None,
    timeout_s: float | None = TIMEOUT_S,
    is_shown: bool = False,
) -> ChildResult:
    """Run a program to its end. Never raises.

    Args:
        given: what it reads on stdin.
        folder: to work in; None is this process's.
        environment: its variables; None are this process's.
        timeout_s: it is killed after so long; None waits forever.
        is_shown: what it prints goes to the terminal instead of `output`.
    """
    stream = None if is_shown else subprocess.PIPE
    try:
        child = subprocess.run(
            command,
            input=given,
            stdout=stream,
            stderr=stream,
            cwd=folder,
            env=environment,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        return ChildResult("", f"no result after {error.timeout:g} s")
    except OSError as error:
        return ChildResult("", error.strerror or str(error), has_started=False)
    return ChildResult(_decode(child.stdout), _find_failure(child))


def _decode(printed: bytes | None) -> str:
    return (printed or b"").decode(errors="replace").replace("\r\n", "\n")


def _find_failure(child: subprocess.CompletedProcess[bytes]) -> str | None:
    if child.returncode == 0:
        return None
    if child.returncode < 0:
        return f"stopped by {_name_signal(-child.returncode)}"
    lines = [line.strip() for line in _decode(child.stderr or child.stdout).splitlines() if line.strip()]
    return lines[-1] if lines else f"exit status {child.returncode}"


def _name_signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        # Real-time signals have no names.
        return f"signal {number}"


def _share_packages() -> dict[str, str]:
    """This process's environment, with its module search path for the child."""
    path = [str(Path(folder).absolute()) for folder in sys.path]
    return os.environ | {"PYTHONPATH": os.pathsep.join(dict.fromkeys([*path, str(_HOME)]))}
