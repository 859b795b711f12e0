"""What /stats.json tells: counted on any thread, summed up when somebody asks."""

from __future__ import annotations

import collections
import threading
import time
from typing import Any

import numpy as np

SCHEMA = 1
# Ten seconds at 30 frames per second.
_KEPT = 300
_RATE_S = 10.0


class Durations:
    """The newest durations of one kind, and their rate. Not locked."""

    def __init__(self) -> None:
        self.count = 0
        self._kept_ms: collections.deque[float] = collections.deque(maxlen=_KEPT)
        self._times_s: collections.deque[float] = collections.deque(maxlen=_KEPT)

    def add(self, duration_ms: float) -> None:
        self.count += 1
        self._kept_ms.append(duration_ms)
        self._times_s.append(time.monotonic())

    def summarize(self) -> dict[str, float | None]:
        """Percentiles of the kept durations in milliseconds, None if there are none."""
        if not self._kept_ms:
            return {"p50": None, "p95": None}
        p50, p95 = np.percentile(self._kept_ms, (50, 95))
        return {"p50": round(float(p50), 2), "p95": round(float(p95), 2)}

    def measure_fps(self) -> float:
        """Per second, of the last ten seconds."""
        now_s = time.monotonic()
        recent_s = [time_s for time_s in self._times_s if time_s > now_s - _RATE_S]
        if len(recent_s) < 2 or now_s - recent_s[-1] > _RATE_S / 4:
            return 0.0
        return round((len(recent_s) - 1) / max(recent_s[-1] - recent_s[0], 1e-6), 2)


class LiveStats:
    """Counters of one run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._start_s = time.monotonic()
        self._shots, self._encoded, self._delivered = Durations(), Durations(), Durations()
        self._enhanced = 0
        self.viewers = 0
        self.requests = 0
        self.refused = 0

    def count_shot(self, took_ms: float, *, is_enhanced: bool) -> None:
        with self._lock:
            self._shots.add(took_ms)
            self._enhanced += is_enhanced

    def count_encoded(self, took_ms: float) -> None:
        with self._lock:
            self._encoded.add(took_ms)

    def count_delivered(self, latency_ms: float) -> None:
        with self._lock:
            self._delivered.add(latency_ms)

    def summarize(self) -> dict[str, Any]:
        """The parts of /stats.json that are counted here."""
        with self._lock:
            return {
                "schema": SCHEMA,
                "uptime_s": round(time.monotonic() - self._start_s, 1),
                "enhancement": {
                    "fps": self._shots.measure_fps(),
                    "frames": self._shots.count,
                    "enhanced": self._enhanced,
                    "took_ms": self._shots.summarize(),
                },
                "stream": {
                    "fps": self._encoded.measure_fps(),
                    "frames": self._encoded.count,
                    "encode_ms": self._encoded.summarize(),
                    "latency_ms": self._delivered.summarize(),
                    "viewers": self.viewers,
                    "requests": self.requests,
                    "refused": self.refused,
                },
            }
