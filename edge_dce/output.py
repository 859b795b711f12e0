"""Files that appear whole or not at all, and never in place of another by accident."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from edge_dce.errors import OutputError


def check_free(path: Path, *, overwrite: bool) -> None:
    """Raise OutputError where `path` exists and may not be replaced."""
    if path.exists() and not overwrite:
        raise OutputError(f"{path}: exists already; choose another name or pass --overwrite")


def make_folder(folder: Path) -> None:
    """Make a folder and its parents; fine if it is there.

    Raises:
        OutputError: the system refuses, or something else has that name.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made a folder ({error.strerror}); choose another place") from error


def write_file(path: Path, data: bytes, *, overwrite: bool = False) -> None:
    """Write `data` under a temporary name in the same folder, then rename: no half-written file under `path`.

    Raises:
        OutputError: `path` exists and `overwrite` is False; or its folder is missing, not writable or full.
    """
    check_free(path, overwrite=overwrite)
    try:
        _replace(path, data)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}); choose another place") from error


def _replace(path: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=".unfinished-", suffix=path.suffix, dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        # mkstemp makes files private; this one gets the permissions that open() would have given it.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
