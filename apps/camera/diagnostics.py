"""How the app is doing, in a line."""

from __future__ import annotations

import collections
import dataclasses
import time
from collections.abc import Callable

_WINDOW_S = 2.0


class RateMeter:
    """Events per second over the last two seconds; ticked on one thread, read on any.

    Attributes:
        count: all events so far.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.count = 0
        self._clock = clock
        self._times: collections.deque[float] = collections.deque(maxlen=512)

    def tick(self) -> None:
        self.count += 1
        self._times.append(self._clock())

    def read_hz(self) -> float:
        since = self._clock() - _WINDOW_S
        recent = [moment for moment in list(self._times) if moment >= since]
        if len(recent) < 2:
            return 0.0
        return (len(recent) - 1) / (recent[-1] - recent[0]) if recent[-1] > recent[0] else 0.0


@dataclasses.dataclass(frozen=True)
class Diagnostics:
    """One reading.

    Attributes:
        view_fps: frames shown per second.
        map_fps: maps or tones estimated per second.
        latency_ms: from a frame's exposure until it was on its way to the screen.
        estimate_ms: the last estimate took.
        temperature_c: the device's hottest sensor, or None.
        interval_s: the least time between two of them, above 0 while the device is too warm.
    """

    view_fps: float
    map_fps: float
    latency_ms: float
    estimate_ms: float
    temperature_c: float | None
    interval_s: float

    def format(self) -> str:
        parts = [
            f"view {self.view_fps:.0f} fps",
            f"network {self.map_fps:.0f}/s, {self.estimate_ms:.0f} ms",
            f"delay {self.latency_ms:.0f} ms",
        ]
        if self.temperature_c is not None:
            parts.append(f"{self.temperature_c:.0f} °C")
        line = "  ·  ".join(parts)
        return f"{line}\ntoo warm: network every {self.interval_s:g} s" if self.interval_s else line
