"""From the newest frame to the newest shot, and only while somebody wants one."""

from __future__ import annotations

import dataclasses
import threading
import time
from types import TracebackType

import numpy as np
import numpy.typing as npt

from edge_dce.camera import LatestFrame

from .enhancement import Enhancement
from .frame_pool import FramePool
from .stats import Statistics

Uint8Array = npt.NDArray[np.uint8]

_STOP_TIMEOUT_S = 2.0


@dataclasses.dataclass(frozen=True)
class Shot:
    """One frame before and after; not to be written to.

    Attributes:
        sequence: the frame's, as `LatestFrame` counts.
        time_s: `time.monotonic()` of the exposure.
        before: (H, W, 3) uint8.
        after: the same, enhanced; `before` itself where nothing was to be enhanced.
        channel_order: "RGB" or "BGR".
    """

    sequence: int
    time_s: float
    before: Uint8Array
    after: Uint8Array
    channel_order: str


class Pipeline:
    """Enhances frames on a thread of its own for any number of subscribers, each of which gets the newest shot."""

    def __init__(self, camera: LatestFrame, enhancement: Enhancement, statistics: Statistics) -> None:
        self._camera = camera
        self._enhancement = enhancement
        self._statistics = statistics
        self._pool = FramePool()
        self._changed = threading.Condition()
        self._shot: Shot | None = None
        self._subscribers = 0
        self._is_stopping = False
        self._busy_since_s: float | None = None
        self._thread = threading.Thread(target=self._run, name="pipeline", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(_STOP_TIMEOUT_S)

    @property
    def is_finished(self) -> bool:
        """No shot will come any more."""
        return self._is_stopping or not self._thread.is_alive()

    @property
    def busy_s(self) -> float:
        """Seconds since the frame in work was begun; 0 while waiting for one."""
        since_s = self._busy_since_s
        return 0.0 if since_s is None else time.monotonic() - since_s

    def subscribe(self) -> Subscription:
        """Ask for shots; use it as a context, because frames are enhanced for as long as there is a subscriber."""
        return Subscription(self)

    def _run(self) -> None:
        sequence = -1
        try:
            while self._wait_for_demand():
                frame = self._camera.wait(after=sequence, timeout_s=0.5)
                if frame is None:
                    if self._camera.is_finished:
                        return
                    continue
                self._busy_since_s = start_s = time.monotonic()
                sequence = frame.sequence
                enhanced = self._pool.take(frame.image.shape)
                is_enhanced = self._enhancement.enhance_into(frame, enhanced)
                after = enhanced if is_enhanced else frame.image
                shot = Shot(sequence, frame.time_s, frame.image, after, frame.channel_order)
                self._statistics.count_shot((time.monotonic() - start_s) * 1e3, is_enhanced=is_enhanced)
                # No name may keep a frame from going back to the pool.
                del frame, enhanced, after
                self._publish(shot)
                del shot
                self._busy_since_s = None
        finally:
            with self._changed:
                self._is_stopping = True
                self._changed.notify_all()

    def _wait_for_demand(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._subscribers or self._is_stopping)
            return not self._is_stopping

    def _publish(self, shot: Shot) -> None:
        with self._changed:
            self._shot = shot
            self._changed.notify_all()


class Subscription:
    """One subscriber's view of a pipeline."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._sequence = -1

    def wait(self, timeout_s: float) -> Shot | None:
        """The newest shot that this subscriber has not had; None if none came in time, or none will."""
        pipeline = self._pipeline
        with pipeline._changed:
            pipeline._changed.wait_for(lambda: self._newer() is not None or pipeline._is_stopping, timeout_s)
            shot = self._newer()
        if shot is not None:
            self._sequence = shot.sequence
        return shot

    def __enter__(self) -> Subscription:
        with self._pipeline._changed:
            self._pipeline._subscribers += 1
            # What lies there may be from the last time somebody looked.
            shot = self._pipeline._shot
            self._sequence = -1 if shot is None else shot.sequence
            self._pipeline._changed.notify_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._pipeline._changed:
            self._pipeline._subscribers -= 1

    def _newer(self) -> Shot | None:
        shot = self._pipeline._shot
        return shot if shot is not None and shot.sequence > self._sequence else None
