"""How fast somebody may go on: so many at once, then so many a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

_MOST_KEPT = 1024


class Pace:
    """A bucket that is emptied by what is counted and filled by time."""

    def __init__(self, *, burst: int, per_s: float) -> None:
        self._burst_s, self._interval_s = burst / per_s, 1 / per_s
        # The moment at which the bucket is full again.
        self._full_s = 0.0

    def count(self, number: int = 1) -> None:
        """Take from the bucket; a negative number puts back."""
        self._full_s = max(self._full_s, time.monotonic()) + number * self._interval_s

    @property
    def wait_s(self) -> float:
        """How long until one more may be counted; 0 for now."""
        return max(0.0, self._full_s - time.monotonic() + self._interval_s - self._burst_s)

    @property
    def is_full(self) -> bool:
        return self._full_s <= time.monotonic()


Kept = TypeVar("Kept")


class ByAddress(Generic[Kept]):
    """One of a kind for each address, made when asked for, and forgotten when there are many and it is idle."""

    def __init__(self, make: Callable[[], Kept], is_idle: Callable[[Kept], bool]) -> None:
        self._make, self._is_idle = make, is_idle
        self._kept: dict[str, Kept] = {}

    def __getitem__(self, address: str) -> Kept:
        if address not in self._kept:
            if len(self._kept) >= _MOST_KEPT:
                self._kept = {name: kept for name, kept in self._kept.items() if not self._is_idle(kept)}
            self._kept[address] = self._make()
        return self._kept[address]
