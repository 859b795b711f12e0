"""Time several things in turn, so that whatever the machine does meanwhile hits all alike."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence

import numpy as np

from edge_dce.benchmark.latency import Latency, share_runs

Call = Callable[[], object]

TURNS = 10
# Without a number of runs: as many as fit in this time, within these bounds.
_BUDGET_MS = 1500
_LEAST_RUNS, _MOST_RUNS = 20, 400
# Warm is what no longer gets faster by more than this from one window of runs to the next.
_WINDOW_RUNS = 3
_STEADY_RATIO = 0.95
_MOST_WARMUP_S = 3.0
# What the task before has left behind (caches, threads on other cores) is gone after so long.
_SETTLE_S = 0.05


@dataclasses.dataclass(frozen=True)
class WarmUp:
    """Uncounted runs before the counted ones; `is_steady` unless the last still were faster than those before."""

    runs: int
    typical_ms: float
    is_steady: bool


@dataclasses.dataclass(frozen=True)
class Task:
    """Something to be timed.

    Attributes:
        call: one run.
        runs: how many runs count.
        read_inner_ms: how much of its last run `call` spent inside what it wraps.
    """

    call: Call
    runs: int
    read_inner_ms: Callable[[], float] | None = None


@dataclasses.dataclass(frozen=True)
class Timing:
    """What one task took; `overhead_ms` is the median of what its runs took beyond the inner part."""

    latency: Latency
    overhead_ms: float | None


def warm_up(call: Call, *, least: int) -> WarmUp:
    """Run `call` at least `least` times, and then until it no longer gets faster (or for three seconds)."""
    values: list[float] = []
    start = time.perf_counter()
    while len(values) < least or (not _is_steady(values) and time.perf_counter() - start < _MOST_WARMUP_S):
        values.append(time_ms(call))
    typical = float(np.median(values[-_WINDOW_RUNS:])) if values else time_ms(call)
    return WarmUp(len(values), typical, not values or _is_steady(values))


def choose_runs(typical_ms: float) -> int:
    """How many runs of this length make a figure worth having."""
    return int(np.clip(_BUDGET_MS / max(typical_ms, 1e-3), _LEAST_RUNS, _MOST_RUNS))


def take_turns(tasks: Sequence[Task], *, on_turn: Callable[[], object] = lambda: None) -> list[Timing]:
    """Time all tasks in ten turns (fewer if there are fewer runs).

    A turn of a task is some uncounted runs, since it finds the caches and the cores as the task before left them, and
    then its share of the runs; every other turn goes through the tasks backwards.

    Args:
        on_turn: called after every turn.
    """
    turns = max(1, min([TURNS, *(task.runs for task in tasks)]))
    values: list[list[float]] = [[] for _ in tasks]
    overheads: list[list[float]] = [[] for _ in tasks]
    for turn in range(turns):
        order = range(len(tasks)) if turn % 2 == 0 else reversed(range(len(tasks)))
        for number in order:
            task = tasks[number]
            _settle(task.call)
            for _ in range(share_runs(task.runs, turns)[turn]):
                values[number].append(time_ms(task.call))
                if task.read_inner_ms is not None:
                    overheads[number].append(values[number][-1] - task.read_inner_ms())
        on_turn()
    return [
        Timing(Latency(tuple(taken), turns), float(np.median(extra)) if extra else None)
        for taken, extra in zip(values, overheads, strict=True)
    ]


def time_ms(call: Call) -> float:
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1e3


def _settle(call: Call) -> None:
    end = time.perf_counter() + _SETTLE_S
    call()
    while time.perf_counter() < end:
        call()


def _is_steady(values: list[float]) -> bool:
    if len(values) < 2 * _WINDOW_RUNS:
        return False
    before, last = values[-2 * _WINDOW_RUNS : -_WINDOW_RUNS], values[-_WINDOW_RUNS:]
    return bool(np.median(last) >= _STEADY_RATIO * np.median(before))
