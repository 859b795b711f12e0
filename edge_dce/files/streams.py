"""Pictures and videos that come through a pipe: kept in a file meanwhile, because they are read more than once."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from edge_dce.errors import ImageError, describe_unreadable
from edge_dce.files.signatures import HEAD_BYTES, find_suffix, tell_other_content

STDIN = Path("-")
_MOST_BYTES = 4 << 30
_PIECE_BYTES = 1 << 20
# A program that is to write into a named pipe may start a little later than this one.
_WAIT_S = 0.5


def is_stream(path: Path) -> bool:
    """Whether a source can be read only once: stdin, or a pipe."""
    if path == STDIN:
        return True
    try:
        return path.is_fifo()
    except OSError:
        # What cannot be looked at is told of where it is read.
        return False


def refuse_devices(path: Path) -> None:
    """Raise ImageError for what has no end or comes only once: devices, sockets, pipes."""
    mode = path.stat().st_mode
    if stat.S_ISFIFO(mode):
        raise ImageError(f"{path}: a pipe, which must be the only input; name other files in another run")
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise ImageError(f"{path}: a device, not a picture; name a file, a folder or a pipe")


@contextlib.contextmanager
def kept_in_file(path: Path) -> Iterator[Path]:
    """A file with all that a stream says, its suffix that of the content; it is gone after the block.

    Raises:
        ImageError: nobody writes into the pipe, what comes is no picture or video, or it has no end.
    """
    with _open(path) as (first, stream), tempfile.TemporaryDirectory(prefix="edge-dce-") as folder:
        head = first + stream.read(HEAD_BYTES)
        if not head:
            raise ImageError(f"{path}: nothing came out of this pipe; write a picture into it")
        suffix = find_suffix(head)
        if suffix is None:
            raise ImageError(f"{path}: {tell_other_content(head)}")
        kept = Path(folder, f"stream{suffix}")
        with kept.open("wb") as file:
            file.write(head)
            while piece := stream.read(_PIECE_BYTES):
                file.write(piece)
                if file.tell() > _MOST_BYTES:
                    raise ImageError(f"{path}: more than {_MOST_BYTES >> 30} GB came out of this pipe; name a file")
        yield kept


@contextlib.contextmanager
def _open(path: Path) -> Iterator[tuple[bytes, BinaryIO]]:
    """The first bytes, if any, and where the others come from."""
    if path == STDIN:
        if sys.stdin is None:
            raise ImageError("-: stdin is closed; pipe a picture into it")
        if sys.stdin.isatty():
            raise ImageError("-: stdin is a terminal; pipe a picture into it")
        yield b"", sys.stdin.buffer
        return
    # Opened the usual way, a pipe into which nobody writes would block for good.
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        raise ImageError(f"{path}: {describe_unreadable(error)}") from error
    with os.fdopen(handle, "rb") as stream:
        first = _wait_for_writer(path, stream.fileno())
        os.set_blocking(stream.fileno(), True)
        yield first, stream


def _wait_for_writer(path: Path, descriptor: int) -> bytes:
    """What is in a pipe by the time that a program has it open for writing, perhaps nothing yet."""
    deadline = time.monotonic() + _WAIT_S
    while True:
        try:
            first = os.read(descriptor, HEAD_BYTES)
        except BlockingIOError:
            return b""
        if first:
            return first
        if time.monotonic() > deadline:
            raise ImageError(f"{path}: nobody writes into this pipe; start the program that does so first")
        time.sleep(0.01)
