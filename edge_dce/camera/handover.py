"""The newest of a row of items, for any number of readers: a slow one misses some and holds nobody up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar

# How soon `Reader.follow` notices that it is not wanted any more.
_LOOK_S = 0.2


class Numbered(Protocol):
    """What has a number that grows."""

    @property
    def sequence(self) -> int: ...


Item = TypeVar("Item", bound=Numbered)


class Newest(Generic[Item]):
    """The place where one thread puts items and others wait for them."""

    def __init__(
        self, *, hold: Callable[[Item], None] = lambda item: None, release: Callable[[Item], None] = lambda item: None
    ) -> None:
        """For items whose memory is used again:

        Args:
            hold: called with an item before a reader gets it, while it is certain that it has not been released.
            release: called when a reader is done with an item, and when a newer one takes its place here.
        """
        self._hold, self._release = hold, release
        self._changed = threading.Condition()
        self._item: Item | None = None
        self._has_ended = False

    @property
    def has_ended(self) -> bool:
        """No item will come any more."""
        return self._has_ended

    def put(self, item: Item) -> None:
        """Give this item to whoever waits. Its hold passes from the caller to this place."""
        with self._changed:
            old, self._item = self._item, item
            self._changed.notify_all()
        if old is not None:
            self._release(old)

    def end(self) -> None:
        """Tell all who wait that nothing will come."""
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()

    def wait(self, after: int = -1, timeout_s: float = 1.0) -> Item | None:
        """The newest item of a `sequence` above `after`, for the caller to release.

        None if none came within the time, or none will.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._find_newer(after) is not None or self._has_ended, timeout_s)
            item = self._find_newer(after)
            if item is not None:
                self._hold(item)
            return item

    def reader(self, after: int = -1) -> Reader[Item]:
        """A way through the items of a `sequence` above `after`."""
        return Reader(self, after, self._release)

    def reader_from_now(self) -> Reader[Item]:
        """A way through the items that are yet to come."""
        item = self._item
        return self.reader(-1 if item is None else item.sequence)

    def _find_newer(self, after: int) -> Item | None:
        return self._item if self._item is not None and self._item.sequence > after else None


class Reader(Generic[Item]):
    """One reader's way through the items: each at most once, always the newest. For one thread."""

    def __init__(self, newest: Newest[Item], after: int, release: Callable[[Item], None]) -> None:
        self._newest = newest
        self._after = after
        self._release = release

    def wait(self, timeout_s: float = 1.0) -> Item | None:
        """The newest item that this reader has not had, for the caller to release.

        None if none came within the time, or none will.
        """
        item = self._newest.wait(self._after, timeout_s)
        if item is not None:
            self._after = item.sequence
        return item

    def follow(self, is_wanted: Callable[[], bool] = lambda: True) -> Iterator[Item]:
        """Every item that comes in time, until it is not wanted or none will come; each is released after its turn."""
        while is_wanted():
            item = self.wait(_LOOK_S)
            if item is not None:
                try:
                    yield item
                finally:
                    self._release(item)
            elif self._newest.has_ended:
                return
