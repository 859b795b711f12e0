"""The newest frame only: read on a thread of its own, never queued, and with a camera that comes back."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable

from edge_dce.camera.frames import Frame, FrameSource
from edge_dce.camera.handover import Newest, Reader
from edge_dce.errors import CameraError

_LIVE = "live"
# A read may be stuck in a driver for as long as it likes; whoever stops does not wait for that.
_STOP_TIMEOUT_S = 2.0


class LatestFrame:
    """Reads a source and keeps its newest frame, for any number of threads to wait for.

    Frames are numbered anew, on through every reconnection, so a gap in `sequence` is what a slow reader missed.
    """

    def __init__(
        self,
        open_camera: Callable[[], FrameSource],
        *,
        on_status: Callable[[str], None] | None = None,
        first_retry_s: float = 0.5,
        last_retry_s: float = 10.0,
    ) -> None:
        """Nothing is opened before `start`.

        Args:
            open_camera: opens the source, and opens it again after it was lost; `open_source` with its arguments.
            on_status: told about every change of `status`, on the reading thread.
            first_retry_s: seconds until the first try to open a lost camera; each further wait is twice as long.
            last_retry_s: the longest wait.
        """
        self._open_camera = open_camera
        self._on_status = on_status
        self._first_retry_s, self._last_retry_s = first_retry_s, last_retry_s
        self._stopping = threading.Event()
        self._newest: Newest[Frame] = Newest()
        self._frames_read = 0
        self._status = "not started"
        self._reconnections = 0
        self._thread: threading.Thread | None = None

    @property
    def status(self) -> str:
        """ "live", or in a line what is wrong."""
        return self._status

    @property
    def is_live(self) -> bool:
        """Whether the camera delivers, as far as is known: a driver may also fall silent without a word."""
        return self._status == _LIVE

    @property
    def is_finished(self) -> bool:
        """No frame will come any more: the file ended, or this was stopped."""
        return self._newest.has_ended

    @property
    def reconnections(self) -> int:
        """How often a lost camera came back."""
        return self._reconnections

    @property
    def newest(self) -> Frame | None:
        """What was read last, however old it is; None before the first frame."""
        return self._newest.wait(timeout_s=0)

    def start(self) -> None:
        """Open the source in the calling thread, then read it on another.

        Raises:
            CameraError: it cannot be opened.
        """
        source = self._open_camera()
        self._set_status(_LIVE)
        self._thread = threading.Thread(target=self._run, args=(source,), name="camera", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop reading and close the source; returns soon even if the camera's driver does not."""
        self._stopping.set()
        self._newest.end()
        if self._thread is not None:
            self._thread.join(_STOP_TIMEOUT_S)

    def wait(self, after: int = -1, timeout_s: float = 1.0) -> Frame | None:
        """The newest frame of a `sequence` above `after`; None if none came within the time, or none will."""
        return self._newest.wait(after, timeout_s)

    def reader(self, after: int = -1) -> Reader[Frame]:
        """A way through the frames of a `sequence` above `after`, each at most once."""
        return self._newest.reader(after)

    def __enter__(self) -> LatestFrame:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self, opened: FrameSource) -> None:
        source: FrameSource | None = opened
        try:
            while source is not None:
                error = self._read(source)
                source = self._reopen(error) if error else None
        finally:
            self._newest.end()

    def _read(self, source: FrameSource) -> CameraError | None:
        """Read until told to stop, the end, or the error that is returned."""
        with source:
            while not self._stopping.is_set():
                try:
                    frame = source.read()
                except CameraError as error:
                    return error
                if frame is None:
                    self._set_status(f"{source.name}: ended")
                    return None
                self._publish(frame)
        return None

    def _publish(self, frame: Frame) -> None:
        self._set_status(_LIVE)
        self._newest.put(dataclasses.replace(frame, sequence=self._frames_read))
        self._frames_read += 1

    def _reopen(self, error: CameraError) -> FrameSource | None:
        """Try until it works; None if told to stop."""
        retry_s = self._first_retry_s
        while not self._stopping.is_set():
            self._set_status(f"{error}; trying again in {retry_s:g} s")
            if self._stopping.wait(retry_s):
                return None
            retry_s = min(2 * retry_s, self._last_retry_s)
            try:
                source = self._open_camera()
            except CameraError as again:
                error = again
            else:
                self._reconnections += 1
                return source
        return None

    def _set_status(self, status: str) -> None:
        if status != self._status:
            self._status = status
            if self._on_status is not None:
                self._on_status(status)
