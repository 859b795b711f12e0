"""Ctrl-C, and the system's requests to end, at a safe moment.

Python raises KeyboardInterrupt wherever the main thread happens to be: inside the locks of a thread pool, which then
fail in other ways, or between the steps of a C++ binding, which then crashes. Work on several threads asks instead.
SIGTERM and SIGHUP, which a shutdown and a closed terminal send, would end the program without any of its clean-up.
"""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any

from edge_dce.terminal.console import PROGRAM, say

# Signal -> its handler in programs that have none of their own; Windows has no SIGHUP.
_ORDINARY: dict[int, Any] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
    **({signal.SIGHUP: signal.SIG_DFL} if hasattr(signal, "SIGHUP") else {}),
}
# As a shell says of a program that a signal ended.
_ENDED_BY = 128
_NAP_S = 0.2


class Interruption:
    """While the block runs, the first such signal is kept until `check`; the second one acts at once, as usual.

    On other threads than the main one, which alone receives signals, nothing changes.
    """

    def __init__(self) -> None:
        self._asked: int | None = None
        self._installed: list[int] = []

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            for number, ordinary in _ORDINARY.items():
                # One that is ignored, as by nohup or in a background job, stays ignored, and another program's own
                # handler in place.
                if signal.getsignal(number) is ordinary:
                    signal.signal(number, self._keep)
                    self._installed.append(number)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._restore()

    def check(self) -> None:
        """Raise KeyboardInterrupt if Ctrl-C was pressed since the block began, SystemExit if an end was asked for."""
        if self._asked == signal.SIGINT:
            raise KeyboardInterrupt
        if self._asked is not None:
            say(f"{PROGRAM}: ended by {signal.Signals(self._asked).name}")
            raise SystemExit(_ENDED_BY + self._asked)

    @property
    def is_asked(self) -> bool:
        """Whether such a signal came since the block began: for work that only a signal ends."""
        return self._asked is not None

    def wait(self, seconds: float) -> None:
        """Sleep, but not on when a signal came."""
        end_s = time.monotonic() + seconds
        while not self.is_asked and (left_s := end_s - time.monotonic()) > 0:
            # Python sleeps on after a handler.
            time.sleep(min(left_s, _NAP_S))

    def _keep(self, number: int, frame: FrameType | None) -> None:
        self._asked = number
        self._restore()

    def _restore(self) -> None:
        for number in self._installed:
            signal.signal(number, _ORDINARY[number])
        self._installed.clear()
