"""Things that may crash a process, tried in another one."""

from __future__ import annotations

import dataclasses
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

# Long enough for the slowest board at its busiest; only what hangs takes longer.
_TIMEOUT_S = 300
# Where edge_dce is importable from: the child has to examine the same copy.
_HOME = Path(__file__).resolve().parent.parent.parent


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a child printed on stdout, or in one line why it failed."""

    output: str
    failure: str | None


def run_python(arguments: Sequence[str]) -> Outcome:
    """Run this Python with arguments such as ("-c", SOURCE) or ("-m", MODULE)."""
    return run([sys.executable, *arguments])


def run(command: Sequence[str]) -> Outcome:
    """Run a command for at most five minutes. Never raises."""
    try:
        child = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            cwd=_HOME,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Outcome("", f"no answer after {_TIMEOUT_S} s")
    except OSError as error:
        return Outcome("", error.strerror or str(error))
    if child.returncode < 0:
        return Outcome(child.stdout, f"died of {signal.Signals(-child.returncode).name}")
    if child.returncode > 0:
        lines = [line.strip() for line in (child.stderr or child.stdout).splitlines() if line.strip()]
        return Outcome(child.stdout, lines[-1] if lines else f"exit status {child.returncode}")
    return Outcome(child.stdout, None)
