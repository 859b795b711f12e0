"""What /stats.json and /metrics tell: counted on any thread, summed up when somebody asks.

A new number goes in here, in the table of docs/pi.md, and as a metric in web/prometheus.py.
"""

from __future__ import annotations

import collections
import threading
import time
from typing import Any

import numpy as np

from edge_dce.camera import FrameSource, LatestFrame
from edge_dce.machine import read_condition, read_rss_bytes
from edge_dce.version import VERSION

from .enhancement import Enhancement

SCHEMA = 1
# Ten seconds at 30 frames per second.
_KEPT = 300
_RATE_S = 10.0
# Outputs that may run; null where they do not.
_OUTPUTS = ("stills", "recording", "screen", "raw_output", "transport_stream", "push", "virtual_camera")


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


def describe_run(
    stats: LiveStats,
    *,
    camera: LatestFrame,
    source: FrameSource,
    fault: str | None,
    enhancement: Enhancement,
    outputs: dict[str, dict[str, Any]],
) -> dict[str, Any]:
    """The whole of /stats.json; docs/pi.md describes it.

    Args:
        fault: why there is no picture, or None if there is.
        outputs: what each output that runs says of itself.
    """
    counted = stats.summarize()
    return {
        "version": VERSION,
        **counted,
        "camera": _describe_camera(camera, source, fault),
        "enhancement": counted["enhancement"] | _describe_enhancement(enhancement),
        **dict.fromkeys(_OUTPUTS),
        **outputs,
        "system": {"rss_bytes": read_rss_bytes(), "temperature_c": read_condition().temperature_c},
    }


def _describe_camera(camera: LatestFrame, source: FrameSource, fault: str | None) -> dict[str, Any]:
    newest = camera.newest
    return {
        "source": source.name,
        "live": fault is None,
        "status": fault or camera.status,
        "width": source.size[0],
        "height": source.size[1],
        "fps": source.fps,
        "frames": 0 if newest is None else newest.sequence + 1,
        "reconnections": camera.reconnections,
    }


def _describe_enhancement(enhancement: Enhancement) -> dict[str, Any]:
    look, darkness = enhancement.stream.look, enhancement.darkness
    return {
        "model": enhancement.stream.enhancer.model.path.stem,
        "strength": look.strength,
        "max_brightness": look.max_brightness,
        "denoise": look.denoise,
        "auto": darkness and {"is_dark": darkness.is_dark, "brightness": darkness.brightness},
        "failing": enhancement.error is not None,
        "error": enhancement.error,
    }
