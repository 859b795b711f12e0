"""Frames in strips of rows: what fits the cache is fast, and several threads share the work."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

from edge_dce.pixels.buffers import Buffers

# A strip of this many pixels, its indices and the table stay in the second-level cache (measured at 1080p: 32 strips
# 7 ms, 16 strips 8 ms, 120 strips 11 ms).
STRIP_PX = 64 * 1024

Result = TypeVar("Result")


class StripWorkers:
    """Threads, each with buffers of its own. Not for use by several threads at once."""

    def __init__(self, threads: int) -> None:
        # The calling thread takes a share: one more thread to wake would often wait for a core that another one has.
        self._pool = ThreadPoolExecutor(threads - 1, thread_name_prefix="edge-dce") if threads > 1 else None
        self._workspaces = [Buffers() for _ in range(threads)]
        self._begun: Future[Any] | None = None

    @property
    def threads(self) -> int:
        return len(self._workspaces)

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown()

    def begin(self, work: Callable[[], Result]) -> Future[Result]:
        """Have `work()` done beside what the calling thread does next, where there is another thread; else at once."""
        if self._pool is not None:
            begun = self._begun = self._pool.submit(work)
            return begun
        done: Future[Result] = Future()
        done.set_result(work())
        return done

    def run(self, work: Callable[[slice, Buffers], None], strips: list[slice]) -> None:
        """Call `work(rows, workspace)` for every strip, in any order, and return when all are done."""
        # Workers draw strips from one iterator (a draw is atomic), so none waits while another has work left.
        remaining = iter(strips)

        def work_on_strips(workspace: Buffers) -> None:
            for rows in remaining:
                work(rows, workspace)

        own, *others = self._workspaces
        # The work is in numpy and OpenCV calls that release the GIL, so threads run side by side.
        helpers = [self._pool.submit(work_on_strips, workspace) for workspace in others] if self._pool else []
        try:
            work_on_strips(own)
        finally:
            # One whose thread does something else would find nothing left.
            is_busy = self._begun is not None and not self._begun.done()
            waited = [helper for helper in helpers if not (is_busy and helper.cancel())]
            wait(waited)
        for helper in waited:
            helper.result()


def cut_strips(height: int, rows: int) -> list[slice]:
    """The rows of an image in strips of `rows` rows (at least one); the last may be lower."""
    rows = max(1, rows)
    return [slice(top, min(top + rows, height)) for top in range(0, height, rows)]
