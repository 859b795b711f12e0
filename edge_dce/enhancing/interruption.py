"""Ctrl-C at a safe moment.

Python raises KeyboardInterrupt wherever the main thread happens to be: inside the locks of a thread pool, which then
fail in other ways, or between the steps of a C++ binding, which then crashes. Work on several threads asks instead.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType


class Interruption:
    """While the block runs, the first Ctrl-C is kept until `check`; the second one acts at once, as usual.

    On other threads than the main one, which alone receives signals, nothing changes.
    """

    def __init__(self) -> None:
        self._is_asked = False
        self._is_installed = False

    def __enter__(self) -> Interruption:
        is_main = threading.current_thread() is threading.main_thread()
        # An ignored SIGINT, as that of a background job, stays ignored, and another program's own handler in place.
        if is_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._keep)
            self._is_installed = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._is_installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def check(self) -> None:
        """Raise KeyboardInterrupt if Ctrl-C was pressed since the block began."""
        if self._is_asked:
            raise KeyboardInterrupt

    def _keep(self, number: int, frame: FrameType | None) -> None:
        self._is_asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
