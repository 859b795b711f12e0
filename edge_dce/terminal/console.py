"""What a command says, and where: results on stdout, talk and progress on stderr, without tearing a progress bar.

Imports the standard library alone, so that `edge-dce doctor` answers where tqdm is missing.
"""

from __future__ import annotations

import errno
import functools
import io
import os
import sys
import unicodedata
import warnings
from collections.abc import Callable
from pathlib import PurePath
from typing import Any, TextIO

from edge_dce.errors import EdgeDceError, ModelWarning

PROGRAM = "edge-dce"
_INTERRUPTED = 130
# As a shell says of a program that a closed pipe ended: 128 + SIGPIPE.
CUT_SHORT = 141
# Of an error that names no file: what is piped or redirected cannot be written.
_UNWRITTEN = (errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC)


def answer(run: Callable[[], int | None], *, prog: str = PROGRAM, debug: bool = False, unread_status: int = 0) -> int:
    """Run a program's command, and say on stderr how it ended if not well.

    Args:
        run: returns the exit status; None is 0.
        prog: the program's name, which begins what is said.
        debug: raise an error instead of naming it.
        unread_status: the exit status where whoever read stdout has enough: 0 where stdout is what the program is for,
            `CUT_SHORT` where its work is something else, and not done.

    Returns:
        The exit status: that of `run`, 1 for an EdgeDceError, OSError or MemoryError, 130 for Ctrl-C, `unread_status`.
    """
    prepare_streams()
    warnings.showwarning = functools.partial(_tell_warning, warnings.showwarning, prog)
    try:
        status = run() or 0
        if sys.stdout is not None:
            # A reader that went away shows when the buffer is written, which must be inside this block.
            sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        say(f"{prog}: interrupted")
        return _INTERRUPTED
    except BrokenPipeError:
        discard_stdout()
        return unread_status
    except (EdgeDceError, OSError, MemoryError) as error:
        if debug:
            raise
        complain(error, prog=prog)
        return 1


def prepare_streams() -> None:
    """Make sure that nothing printed can fail on what it says, and that no file is opened as a standard stream.

    A letter that stdout's encoding lacks is written as an escape. A program may be started with stdin, stdout or stderr
    closed; the next file that it opens, perhaps somebody's picture, would get that number and all that is printed.
    """
    for descriptor in range(3):
        if not _is_open(descriptor):
            os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def make_printable(text: str) -> str:
    """Text from a file's name or content, in one line that does nothing to a terminal: the rest is escaped.

    Escaped are control characters, those that turn or hide letters, and bytes that are no text.
    """
    return "".join(letter if _is_harmless(letter) else _escape(letter) for letter in text)


def make_lines_printable(text: str) -> str:
    """As `make_printable`, for a text of ours of several lines that names files."""
    return "\n".join(make_printable(line) for line in text.split("\n"))


def is_terminal(stream: TextIO | None) -> bool:
    """Whether people see a stream as it is written; False for one that is closed."""
    return stream is not None and stream.isatty()


def say(line: str) -> None:
    """A line on stderr, made printable."""
    if sys.stderr is not None:
        _write(make_printable(line), sys.stderr)


def print_line(line: str) -> None:
    """A line on stdout, at once; a reader that has gone away, such as `head`, is no reason to stop the work."""
    if sys.stdout is None:
        return
    try:
        _write(line, sys.stdout)
        sys.stdout.flush()
    except BrokenPipeError:
        discard_stdout()


def print_path(path: PurePath) -> None:
    """As `print_line`, the name of a file: for people made printable, for programs the bytes that the system knows."""
    if is_terminal(sys.stdout) or not isinstance(sys.stdout, io.TextIOWrapper):
        print_line(make_printable(str(path)))
        return
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(os.fsencode(path) + b"\n")
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        discard_stdout()


def complain(error: Exception, *, prog: str = PROGRAM) -> None:
    """Say what went wrong, on one line."""
    if isinstance(error, MemoryError):
        message = "not enough memory for this; try a smaller picture or --size"
    elif isinstance(error, OSError) and not isinstance(error, EdgeDceError):
        message = error.strerror or str(error)
        if error.filename is not None:
            message = f"{error.filename}: {message}"
        elif error.errno in _UNWRITTEN:
            message = f"output: {message}"
            discard_stdout()
    else:
        message = str(error)
    say(f"{prog}: error: {message}")


def discard_stdout() -> None:
    """Whoever read our output has enough, or the disk is full: nothing more may fail on it, not even Python's exit."""
    if sys.stdout is None:
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _tell_warning(
    usual: Callable[..., None], prog: str, message: Warning | str, category: type[Warning], *place: Any, **more: Any
) -> None:
    if issubclass(category, ModelWarning):
        say(f"{prog}: warning: {message}")
    else:
        usual(message, category, *place, **more)


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _is_harmless(letter: str) -> bool:
    # The joiner holds pictographs together.
    return letter.isprintable() or letter == "\u200d" or unicodedata.category(letter) == "Zs"


def _escape(letter: str) -> str:
    # Python reads a byte that is no text as one of these.
    if "\udc80" <= letter <= "\udcff":
        return f"\\x{ord(letter) - 0xDC00:02x}"
    return letter.encode("unicode_escape", "surrogatepass").decode("ascii")


def _write(line: str, stream: TextIO) -> None:
    # Where nothing has imported tqdm, there is no bar to tear.
    tqdm = sys.modules.get("tqdm")
    if tqdm is None:
        print(line, file=stream)
    else:
        tqdm.tqdm.write(line, file=stream)
