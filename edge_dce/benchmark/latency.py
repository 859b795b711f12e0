"""Durations of single runs and what can be said of them, in one dialect for every table that people see.

Of a spread the 50th and the 90th percentile are shown, as "12.3 / 15.1"; of a comparison how many times as long one
takes as the other, with the 95 % interval, as "1.23x (1.20–1.27)".
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

NOISY_RATIO = 0.10
_RESAMPLES = 2000
_INTERVAL_PERCENT = (2.5, 97.5)
_QUARTILE, _MEDIAN = 25, 50


@dataclasses.dataclass(frozen=True)
class Latency:
    """Raw durations of single runs, in milliseconds, in the order they were taken: `turns` turns of about as many."""

    values_ms: tuple[float, ...]
    turns: int = 1

    def __str__(self) -> str:
        return f"{format_figure(self.p50_ms)} / {format_figure(self.p90_ms)}"

    @property
    def p50_ms(self) -> float:
        return self.percentile(50)

    @property
    def p90_ms(self) -> float:
        return self.percentile(90)

    def percentile(self, percent: float) -> float:
        return float(np.percentile(self.values_ms, percent))

    @property
    def is_noisy(self) -> bool:
        """Standard deviation of a tenth of the mean or more."""
        return bool(np.std(self.values_ms) >= NOISY_RATIO * np.mean(self.values_ms))

    def turn_percentiles(self, percent: float) -> npt.NDArray[np.float64]:
        """A percentile of each turn, in milliseconds: what drifts with the machine."""
        runs = share_runs(len(self.values_ms), self.turns)
        ends = np.cumsum(runs)
        turns = [self.values_ms[end - run : end] for end, run in zip(ends, runs, strict=True)]
        return np.array([np.percentile(turn, percent) for turn in turns])

    def to_dict(self) -> dict[str, Any]:
        values = [round(value, 4) for value in self.values_ms]
        p50, p90, p99 = (round(float(each), 4) for each in np.percentile(values, (50, 90, 99)))
        return {"p50": p50, "p90": p90, "p99": p99, "turns": self.turns, "values": values}

    @staticmethod
    def from_dict(fields: dict[str, Any]) -> Latency:
        """What `to_dict` wrote; the percentiles in it are for people and not read.

        Raises:
            KeyError, TypeError, ValueError: something else.
        """
        values = tuple(float(value) for value in fields["values"])
        turns = int(fields.get("turns", 1))
        if not values or turns < 1 or not all(np.isfinite(value) and value > 0 for value in values):
            raise ValueError("expected one or more turns of durations above 0")
        return Latency(values, min(turns, len(values)))


@dataclasses.dataclass(frozen=True)
class Ratio:
    """How many times the time of the one the other takes, with its 95 % interval: 2 is twice as slow."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{format_figure(self.value)}x ({format_figure(self.low)}–{format_figure(self.high)})"


def format_figure(value: float) -> str:
    """With three digits, which are what such figures are worth."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def share_runs(runs: int, turns: int) -> list[int]:
    """How many of `runs` fall to each of `turns` turns; they differ by one at most."""
    return [runs * (turn + 1) // turns - runs * turn // turns for turn in range(turns)]


def divide(new: Latency, base: Latency) -> Ratio:
    """How many times `base` the time of `new` is, for two measured in runs of their own.

    The ratio of the lower quartiles over turns of each turn's lower quartile: a change of the program shifts every run,
    while whatever else the machine does lengthens some, and not the same share of them in two runs. Its interval is a
    bootstrap over whole turns: runs of one turn share the state of the machine, so they are no independent evidence.
    """
    new_ms, base_ms = new.turn_percentiles(_QUARTILE), base.turn_percentiles(_QUARTILE)
    drawn = _resample(new_ms, _QUARTILE, seed=0) / _resample(base_ms, _QUARTILE, seed=1)
    return _with_interval(float(np.percentile(new_ms, _QUARTILE) / np.percentile(base_ms, _QUARTILE)), drawn)


def divide_in_turn(new: Latency, base: Latency) -> Ratio:
    """For two measured in the same turns: the median of the ratios of the turns' medians, whose drift is shared.

    Raises:
        ValueError: different numbers of turns.
    """
    if new.turns != base.turns:
        raise ValueError(f"expected the same turns, found {new.turns} and {base.turns}")
    ratios = new.turn_percentiles(_MEDIAN) / base.turn_percentiles(_MEDIAN)
    return _with_interval(float(np.median(ratios)), _resample(ratios, _MEDIAN, seed=0))


def divide_pairs(new_ms: Sequence[float], base_ms: Sequence[float]) -> Ratio:
    """For single runs taken in pairs: the median of the ratios pair by pair, whose drift is shared.

    Raises:
        ValueError: different numbers of runs.
    """
    return divide_in_turn(Latency(tuple(new_ms), len(new_ms)), Latency(tuple(base_ms), len(base_ms)))


def _resample(values: npt.NDArray[np.float64], percent: float, *, seed: int) -> npt.NDArray[np.float64]:
    drawn = np.random.default_rng(seed).integers(0, len(values), (_RESAMPLES, len(values)))
    percentiles: npt.NDArray[np.float64] = np.percentile(values[drawn], percent, axis=1)
    return percentiles


def _with_interval(value: float, drawn: npt.NDArray[np.float64]) -> Ratio:
    low, high = np.percentile(drawn, _INTERVAL_PERCENT)
    return Ratio(value, float(low), float(high))
