"""How much of what was written is kept: the oldest files go when there is too much, or when they are too old."""

from __future__ import annotations

import dataclasses
import logging
import time
from pathlib import Path

from .naming import DatedName

_log = logging.getLogger(__name__)

_INTERVAL_S = 60.0
# Of the time, for folders so full that listing them takes long.
_MOST_SHARE = 0.02


@dataclasses.dataclass(frozen=True)
class Keep:
    """A limit: one of both.

    Attributes:
        size_bytes: of all files together.
        age_s: since a file was last written to.
    """

    size_bytes: int | None = None
    age_s: float | None = None


class Retention:
    """Deletes files of one pattern, and no others."""

    def __init__(self, keep: Keep, name: DatedName) -> None:
        self._keep, self._name = keep, name
        self._due_s = 0.0
        self.deleted = 0

    def prune(self, writing: Path | None = None) -> None:
        """Delete what is too much, once a minute however often this is called.

        Args:
            writing: a file that is still being written; it counts, and stays.
        """
        start_s = time.monotonic()
        if start_s < self._due_s:
            return
        for path in self._list_surplus(writing):
            try:
                path.unlink()
            except FileNotFoundError:
                continue
            except OSError as error:
                _log.warning("%s: cannot be deleted (%s)", path, error.strerror)
                continue
            self.deleted += 1
        now_s = time.monotonic()
        self._due_s = now_s + max(_INTERVAL_S, (now_s - start_s) / _MOST_SHARE)

    def _list_surplus(self, writing: Path | None) -> list[Path]:
        found = []
        for path in self._name.list_paths():
            try:
                facts = path.stat()
            except OSError:
                continue
            found.append((facts.st_mtime, facts.st_size, path))
        found.sort()
        surplus_bytes = sum(size for _, size, _ in found) - (self._keep.size_bytes or 0)
        oldest_s = time.time() - (self._keep.age_s or 0.0)
        surplus = []
        for time_s, size, path in found:
            is_over = self._keep.size_bytes is not None and surplus_bytes > 0
            is_old = self._keep.age_s is not None and time_s < oldest_s
            if path != writing and (is_over or is_old):
                surplus.append(path)
                surplus_bytes -= size
        return surplus
