"""Files that appear whole or not at all, and never in place of another by accident.

That holds for a power cut too: what is written reaches the disk before it gets its name. What a killed program left
unfinished is removed when the next one writes into the same folder; a lock says which files are still being written.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from edge_dce.errors import OutputError

# Windows has no such locks: nothing is known to be left over there, and nothing removed.
if sys.platform != "win32":
    import fcntl

# Reading the umask means setting it for a moment, which other threads must not see: once, on import.
_UMASK = os.umask(0)
os.umask(_UMASK)
_PREFIX = ".unfinished-"
# With the eight characters of `tempfile`, and nothing that only resembles it.
_UNFINISHED = re.compile(re.escape(_PREFIX) + r"[a-z0-9_]{8}(\.\w+)?")
# A program that is to read out of a named pipe may start a little later than this one.
_WAIT_S = 0.5
# Folders that need no second look in this run.
_cleared: set[Path] = set()


def check_free(path: Path, *, overwrite: bool) -> None:
    """Raise OutputError where `path` exists and may not be replaced."""
    if not overwrite and os.path.lexists(path):
        raise _taken(path)


def check_parent(path: Path) -> None:
    """Raise OutputError where there is no folder for `path` to go to, or none that may be looked at."""
    with _explain(path):
        try:
            is_there = stat.S_ISDIR(path.parent.stat().st_mode)
        except (FileNotFoundError, NotADirectoryError):
            is_there = False
    if not is_there:
        file = next((parent for parent in path.parents if parent.is_file()), None)
        way_out = "create it first" if file is None else f"{file} is a file, so choose another"
        raise OutputError(f"{path}: there is no folder {path.parent}; {way_out}")


def make_folder(folder: Path) -> None:
    """Make a folder and its parents; fine if it is there.

    Raises:
        OutputError: the system refuses, or something else has that name.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: this folder cannot be created ({error.strerror}); choose another") from error


def write_file(path: Path, data: bytes, *, overwrite: bool = False) -> None:
    """Write `data` so that no half-written file is ever found under `path`.

    Raises as `unfinished_file`.
    """
    if overwrite and path.exists() and not path.is_file():
        # A device or a pipe is written to, not replaced by a file.
        with _explain(path), os.fdopen(_open_special(path), "wb") as file:
            file.write(data)
        return
    with unfinished_file(path, overwrite=overwrite) as unfinished:
        unfinished.write_bytes(data)


@contextlib.contextmanager
def unfinished_file(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """An empty file in the same folder and of the same suffix, named `path` once the block has ended well.

    When it ends with an exception, Ctrl-C among them, nothing of the file remains. With `overwrite` a link is followed,
    so that what it names is replaced and the link stays.

    Raises:
        OutputError: `path` exists and `overwrite` is False; or it is no file, or its folder is missing, not writable or
            full.
    """
    with _explain(path):
        final = path.resolve() if overwrite else path
        if overwrite and final.exists() and not final.is_file():
            raise OutputError(f"{path}: expected a file or nothing there, found something else; choose another place")
        _remove_left_over(final.parent)
        lock, unfinished = _make_unfinished(final)
        try:
            yield unfinished
            # mkstemp makes files private; this one gets the permissions that open() would have given it.
            unfinished.chmod(0o666 & ~_UMASK)
            _flush(unfinished)
            if overwrite:
                unfinished.replace(final)
            else:
                _rename_without_replacing(unfinished, final)
        finally:
            unfinished.unlink(missing_ok=True)
            if lock is not None:
                os.close(lock)
        # Some drives cannot, and bring the new name to the disk in their own time.
        with contextlib.suppress(OSError):
            _flush(final.parent)


def _open_special(path: Path) -> int:
    """A handle of a device or a pipe, which without a reader would hold up for good whoever opens it the usual way."""
    deadline_s = time.monotonic() + _WAIT_S
    while True:
        try:
            handle = os.open(path, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0))
        except OSError as error:
            if error.errno != errno.ENXIO or not path.is_fifo():
                raise
            if time.monotonic() > deadline_s:
                raise OutputError(
                    f"{path}: nobody reads out of this pipe; start the program that does so first"
                ) from error
            time.sleep(0.01)
            continue
        if sys.platform != "win32":
            os.set_blocking(handle, True)
        return handle


def _make_unfinished(final: Path) -> tuple[int | None, Path]:
    """The handle that locks an empty file beside `final`, if there are locks, and the file."""
    while True:
        handle, name = tempfile.mkstemp(prefix=_PREFIX, suffix=final.suffix, dir=final.parent)
        if sys.platform == "win32":
            os.close(handle)
            return None, Path(name)
        # Some network drives know no locks; what is left there stays.
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        # Another program may have taken it for left over in the moment before.
        if os.fstat(handle).st_nlink:
            return handle, Path(name)
        os.close(handle)


def _remove_left_over(folder: Path) -> None:
    """Remove what programs left unfinished that were killed, once in a run."""
    folder = folder.resolve()
    if sys.platform == "win32" or folder in _cleared:
        return
    paths = list(folder.iterdir())
    _cleared.add(folder)
    for path in paths:
        if _UNFINISHED.fullmatch(path.name) is None or path.is_symlink():
            continue
        # Gone meanwhile, another user's, or locked: still being written.
        with contextlib.suppress(OSError):
            handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
            finally:
                os.close(handle)


def _flush(path: Path) -> None:
    """Bring what a file or folder holds to the disk, so that a power cut does not take it."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        # Some drives know no such thing.
        if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


@contextlib.contextmanager
def _explain(path: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise _taken(path) from error
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}); choose another place") from error


def _taken(path: Path) -> OutputError:
    return OutputError(f"{path}: already exists; choose another name, or overwrite it (--overwrite, overwrite=True)")


def _rename_without_replacing(temporary: Path, path: Path) -> None:
    try:
        # Unlike a rename, a link fails where the name is taken, also by a writer of this very moment.
        path.hardlink_to(temporary)
    except FileExistsError:
        raise
    except OSError:
        # FAT and some network drives have no links.
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
        temporary.rename(path)
