"""From the newest frame to the newest shot, and only while somebody wants one."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from edge_dce.camera import Frame, LatestFrame
from edge_dce.camera.handover import Newest, Reader

from .enhancement import Enhancement
from .frame_pool import FramePool, Loan
from .stats import LiveStats

Uint8Array = npt.NDArray[np.uint8]

_STOP_TIMEOUT_S = 2.0


@dataclasses.dataclass(frozen=True)
class Shot:
    """One frame before and after; not to be written to, and to be released by whoever got it, as `with` does.

    Attributes:
        sequence: the frame's, as `LatestFrame` counts.
        time_s: `time.monotonic()` of the exposure.
        before: (H, W, 3) uint8.
        after: the same, enhanced; `before` itself where nothing was to be enhanced.
        channel_order: "RGB" or "BGR".
        loan: the memory of `after`, or None if that is `before`.
    """

    sequence: int
    time_s: float
    before: Uint8Array
    after: Uint8Array
    channel_order: str
    loan: Loan | None = None

    def hold(self) -> None:
        """For one more holder."""
        if self.loan is not None:
            self.loan.hold()

    def release(self) -> None:
        """`after` may be overwritten now."""
        if self.loan is not None:
            self.loan.release()

    def __enter__(self) -> Shot:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


class Pipeline:
    """Enhances frames on a thread of its own for any number of subscribers, each of which gets the newest shot."""

    def __init__(self, camera: LatestFrame, enhancement: Enhancement, stats: LiveStats) -> None:
        self._camera = camera
        self._enhancement = enhancement
        self._stats = stats
        self._pool = FramePool()
        self._shots: Newest[Shot] = Newest(hold=Shot.hold, release=Shot.release)
        self._demand = threading.Condition()
        self._subscribers = 0
        self._busy_since_s: float | None = None
        self._thread = threading.Thread(target=self._run, name="pipeline", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._shots.end()
        self._change_demand(0)
        if self._thread.is_alive():
            self._thread.join(_STOP_TIMEOUT_S)

    @property
    def is_finished(self) -> bool:
        """No shot will come any more."""
        return self._shots.has_ended or not self._thread.is_alive()

    @property
    def busy_s(self) -> float:
        """Seconds since the frame in work was begun; 0 while waiting for one."""
        since_s = self._busy_since_s
        return 0.0 if since_s is None else time.monotonic() - since_s

    @contextlib.contextmanager
    def subscribe(self) -> Iterator[Reader[Shot]]:
        """Ask for shots, which are made only while somebody is in this context."""
        # What lies there may be from the last time somebody looked.
        shots = self._shots.reader_from_now()
        self._change_demand(1)
        try:
            yield shots
        finally:
            self._change_demand(-1)

    def _run(self) -> None:
        try:
            for frame in self._camera.reader().follow(self._wait_for_demand):
                self._busy_since_s = start_s = time.monotonic()
                shot = self._make_shot(frame)
                self._stats.count_shot((time.monotonic() - start_s) * 1e3, is_enhanced=shot.loan is not None)
                self._shots.put(shot)
                self._busy_since_s = None
        finally:
            self._shots.end()

    def _make_shot(self, frame: Frame) -> Shot:
        loan = self._pool.lend(frame.image.shape)
        if self._enhancement.enhance_into(frame, loan.image):
            return Shot(frame.sequence, frame.time_s, frame.image, loan.image, frame.channel_order, loan)
        loan.release()
        return Shot(frame.sequence, frame.time_s, frame.image, frame.image, frame.channel_order)

    def _wait_for_demand(self) -> bool:
        with self._demand:
            self._demand.wait_for(lambda: self._subscribers or self._shots.has_ended)
        return not self._shots.has_ended

    def _change_demand(self, subscribers: int) -> None:
        with self._demand:
            self._subscribers += subscribers
            self._demand.notify_all()
