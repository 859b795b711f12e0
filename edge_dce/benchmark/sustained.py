"""Minutes at full load: the ranking of the first minute is often not that of the thirtieth."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

from edge_dce.benchmark.latency import Latency
from edge_dce.benchmark.turns import Call, time_ms
from edge_dce.machine import Condition, read_condition

WINDOW_S = 10.0
_RUNS_IN_TURN = 3


@dataclasses.dataclass(frozen=True)
class Window:
    """Ten seconds: the latency of every model, in the order of the report's results, and the machine at their end."""

    end_s: float
    latencies: tuple[Latency, ...]
    condition: Condition

    def to_dict(self) -> dict[str, Any]:
        return {
            "end_s": round(self.end_s, 1),
            "end_to_end_ms": [latency.to_dict() for latency in self.latencies],
            "condition": self.condition.to_dict(),
        }

    @staticmethod
    def from_dict(fields: dict[str, Any]) -> Window:
        return Window(
            end_s=float(fields["end_s"]),
            latencies=tuple(Latency.from_dict(latency) for latency in fields["end_to_end_ms"]),
            condition=Condition.from_dict(fields["condition"]),
        )


def sustain(
    calls: Sequence[Call],
    seconds: float,
    *,
    window_s: float = WINDOW_S,
    on_window: Callable[[Window], object] = lambda window: None,
) -> tuple[Window, ...]:
    """Run all calls in turn, three runs each, without a pause for `seconds` seconds.

    Args:
        on_window: called at the end of each window of `window_s` seconds.
    """
    windows: list[Window] = []
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        end = min(start + (len(windows) + 1) * window_s, start + seconds)
        values: list[list[float]] = [[] for _ in calls]
        while not values[0] or time.perf_counter() < end:
            for call, taken in zip(calls, values, strict=True):
                taken += [time_ms(call) for _ in range(_RUNS_IN_TURN)]
        latencies = tuple(Latency(tuple(taken)) for taken in values)
        windows.append(Window(time.perf_counter() - start, latencies, read_condition()))
        on_window(windows[-1])
    return tuple(windows)
