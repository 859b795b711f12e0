"""Runs commands in one process, as told on descriptor 3, and answers on 4: what would take a second each to start.

Nothing is caught here: what a command does not catch ends this process with a traceback, as it would end the command.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path

from edge_dce import cli

_STATUS = Path("/proc/self/status")


def _reset_peak() -> None:
    # Not everywhere allowed.
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _read_peak_bytes() -> int:
    lines = _STATUS.read_text().splitlines() if _STATUS.exists() else []
    found = [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")]
    return found[0] if found else 0


def main() -> None:
    with os.fdopen(3) as orders, os.fdopen(4, "w") as answers:
        for line in orders:
            order = json.loads(line)
            os.chdir(order["folder"])
            _reset_peak()
            try:
                status = cli.main(order["argv"])
            except SystemExit as end:
                status = end.code
            sys.stdout.flush()
            sys.stderr.flush()
            os.chdir("/")
            print(json.dumps({"status": status, "peak_bytes": _read_peak_bytes()}), file=answers, flush=True)


if __name__ == "__main__":
    main()
