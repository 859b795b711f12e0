"""JPEGs of the newest shot, encoded once however many watch, and not at all while nobody does."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
import time

import numpy as np

from ..jpeg import encode_jpeg
from ..pipeline import Pipeline, Shot
from ..stats import LiveStats

# What can be watched. A pair has the frame before on top of the one after: one picture, so both are of one moment.
VIEWS = ("after", "before", "pair", "still")
_STILL_QUALITY = 95
# A page asks for its next frame this soon, or nobody watches any more.
_DEMAND_S = 2.0
_STOP_TIMEOUT_S = 2.0


@dataclasses.dataclass(frozen=True)
class Jpeg:
    """One encoded view of one shot."""

    data: bytes
    sequence: int
    time_s: float


class Broadcast:
    """Encodes on a thread of its own; `wait` is for coroutines of the loop it was started in."""

    def __init__(self, pipeline: Pipeline, stats: LiveStats, *, quality: int) -> None:
        self._pipeline = pipeline
        self._stats = stats
        self._qualities = dict.fromkeys(VIEWS, quality) | {"still": _STILL_QUALITY}
        self._wanted_until_s = dict.fromkeys(VIEWS, 0.0)
        self._demand = threading.Event()
        self._is_stopping = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._newest: dict[str, Jpeg] = {}
        self._delivered = {view: asyncio.Event() for view in VIEWS}
        self._thread = threading.Thread(target=self._run, name="encoder", daemon=True)

    def start(self) -> None:
        """Start encoding for coroutines of the running loop."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def stop(self) -> None:
        self._is_stopping = True
        self._demand.set()
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join, _STOP_TIMEOUT_S)

    @property
    def is_finished(self) -> bool:
        """No JPEG will come any more."""
        return not self._thread.is_alive()

    def has_newer(self, view: str, after: int) -> bool:
        """Whether `wait` would return at once."""
        newest = self._newest.get(view)
        return newest is not None and newest.sequence > after

    async def wait(self, view: str, *, after: int = -1, timeout_s: float) -> Jpeg | None:
        """The newest JPEG of a sequence above `after`; None if none came in time."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            self._wanted_until_s[view] = time.monotonic() + _DEMAND_S
            self._demand.set()
            if self.has_newer(view, after):
                return self._newest[view]
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                return None
            try:
                await asyncio.wait_for(self._delivered[view].wait(), min(left_s, _DEMAND_S / 2))
            except asyncio.TimeoutError:
                continue

    def _run(self) -> None:
        assert self._loop is not None
        while not self._is_stopping and not self._pipeline.is_finished:
            # Now and then, to notice that the pipeline has ended.
            if self._demand.wait(1.0):
                self._demand.clear()
                with self._pipeline.subscribe() as shots:
                    for shot in shots.follow(self._is_wanted):
                        if views := self._list_wanted():
                            self._loop.call_soon_threadsafe(self._deliver, self._encode(shot, views))
                # Whoever comes next must not get a picture of long ago.
                self._loop.call_soon_threadsafe(self._newest.clear)

    def _is_wanted(self) -> bool:
        return bool(self._list_wanted()) and not self._is_stopping and not self._pipeline.is_finished

    def _list_wanted(self) -> list[str]:
        now_s = time.monotonic()
        return [view for view, until_s in self._wanted_until_s.items() if until_s > now_s]

    def _encode(self, shot: Shot, views: list[str]) -> dict[str, Jpeg]:
        start_s = time.monotonic()
        pictures = {"after": shot.after, "still": shot.after, "before": shot.before}
        if "pair" in views:
            pictures["pair"] = np.concatenate([shot.before, shot.after])
        encoded = {
            view: Jpeg(
                encode_jpeg(pictures[view], shot.channel_order, self._qualities[view]), shot.sequence, shot.time_s
            )
            for view in views
        }
        self._stats.count_encoded((time.monotonic() - start_s) * 1e3)
        return encoded

    def _deliver(self, encoded: dict[str, Jpeg]) -> None:
        for view, jpeg in encoded.items():
            self._newest[view] = jpeg
            self._delivered[view].set()
            self._delivered[view] = asyncio.Event()
            self._stats.count_delivered((time.monotonic() - jpeg.time_s) * 1e3)
