"""What a command says, and where: results on stdout, talk and progress on stderr, without tearing a progress bar."""

from __future__ import annotations

import os
import sys

from tqdm import tqdm

from edge_dce.errors import EdgeDceError


def say(line: str) -> None:
    """A line on stderr."""
    tqdm.write(line, file=sys.stderr)


def print_result(line: str) -> None:
    """A line on stdout, at once; a reader that has gone away, such as `head`, is no reason to stop the work."""
    try:
        tqdm.write(line, file=sys.stdout)
        sys.stdout.flush()
    except BrokenPipeError:
        discard_stdout()


def complain(error: Exception) -> None:
    """Say what went wrong, on one line."""
    if isinstance(error, MemoryError):
        message = "not enough memory for this; try a smaller picture or --size"
    elif isinstance(error, OSError) and not isinstance(error, EdgeDceError):
        message = f"{error.filename or 'output'}: {error.strerror or error}"
        if error.filename is None:
            discard_stdout()
    else:
        message = str(error)
    say(f"edge-dce: error: {message}")


def discard_stdout() -> None:
    """Whoever read our output has enough, or the disk is full: nothing more may fail on it, not even Python's exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
