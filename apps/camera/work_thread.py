"""A thread for what would hold up whoever draws."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable
from typing import TypeVar

_Result = TypeVar("_Result")


class WorkThread:
    """Does one thing after another, in the order asked for."""

    def __init__(self, name: str, *, leave_thread: Callable[[], None]) -> None:
        """
        Args:
            name: of the thread.
            leave_thread: called on it at the end of each piece of work.
        """
        self._executor = concurrent.futures.ThreadPoolExecutor(1, name)
        self._leave_thread = leave_thread

    def submit(self, work: Callable[[], _Result]) -> concurrent.futures.Future[_Result]:
        """The work's result, in a while."""

        def run() -> _Result:
            try:
                return work()
            finally:
                self._leave_thread()

        return self._executor.submit(run)

    def close(self) -> None:
        """Finish what was asked for."""
        self._executor.shutdown()
