"""Who is making which file: how runs on one folder share the work.

A claim is a lock on one byte of a file beside the results. The system lets go of it when a run ends, however it ends,
so that nobody waits for the dead. Where a file system or an object store has no locks every claim is granted, and runs
may do the same work twice; which of them gets the name is for `edge_dce.files.output`, or the store, to settle.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import zlib
from pathlib import Path, PurePath

try:
    import fcntl
except ImportError:  # On Windows.
    _HAS_LOCKS = False
else:
    _HAS_LOCKS = True

LOCK_NAME = ".edge-dce-lock"
# Of folders whose files are all given back, no more than these stay open.
_MOST_OPEN = 32


class Claims:
    """The files that this run has claimed. For several threads; to be closed, or used in `with`."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._folders: dict[PurePath, _Folder] = {}

    def __enter__(self) -> Claims:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def take(self, path: PurePath) -> bool:
        """Claim a file that is to be written; False where another run has done so."""
        if not (_HAS_LOCKS and isinstance(path, Path)):
            return True
        with self._mutex:
            folder = self._open(path.parent)
            return folder is None or folder.take(path.name)

    def give_back(self, path: PurePath) -> None:
        """The file is written, or will not be."""
        with self._mutex:
            folder = self._folders.get(path.parent)
            if folder is not None:
                folder.give_back(path.name)

    def close(self) -> None:
        """Give back everything."""
        with self._mutex:
            for folder in self._folders.values():
                folder.close()
            self._folders.clear()

    def _open(self, path: Path) -> _Folder | None:
        folder = self._folders.get(path)
        if folder is not None and folder.is_gone():
            # Another run has swept it away; who comes next would look for a new one.
            folder.close()
            folder = None
        if folder is None:
            try:
                folder = _Folder(path)
            except OSError:
                return None
            self._folders[path] = folder
            if len(self._folders) > _MOST_OPEN:
                for idle in [name for name, other in self._folders.items() if not other.names and name != path]:
                    self._folders.pop(idle).close()
        return folder


class _Folder:
    """The claims in one folder."""

    def __init__(self, path: Path) -> None:
        self.names: set[str] = set()
        self._path = path / LOCK_NAME
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)

    def is_gone(self) -> bool:
        return os.fstat(self._descriptor).st_nlink == 0

    def take(self, name: str) -> bool:
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _place(name))
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EAGAIN):
                return False
        self.names.add(name)
        return True

    def give_back(self, name: str) -> None:
        if name in self.names:
            self.names.remove(name)
            with contextlib.suppress(OSError):
                fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, _place(name))

    def close(self) -> None:
        with contextlib.suppress(OSError):
            # The whole file: granted only where no other run holds a part.
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not self.is_gone():
                self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


def _place(name: str) -> int:
    """The byte that stands for a name. Two of one byte cannot be claimed by two runs at a time, which does no harm."""
    return zlib.crc32(os.fsencode(name)) >> 1
