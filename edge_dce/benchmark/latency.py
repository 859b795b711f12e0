"""Durations of single runs and what can be said of them."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

NOISY_RATIO = 0.10
_RESAMPLES = 2000
_INTERVAL_PERCENT = (2.5, 97.5)


@dataclasses.dataclass(frozen=True)
class Latency:
    """Raw durations of single runs, in milliseconds, in the order they were taken: `turns` turns of about as many."""

    values_ms: tuple[float, ...]
    turns: int = 1

    def percentile(self, percent: float) -> float:
        return float(np.percentile(self.values_ms, percent))

    @property
    def is_noisy(self) -> bool:
        """Standard deviation of a tenth of the mean or more."""
        return bool(np.std(self.values_ms) >= NOISY_RATIO * np.mean(self.values_ms))

    @property
    def turn_medians_ms(self) -> npt.NDArray[np.float64]:
        """The median of each turn: what drifts with the machine."""
        runs = share_runs(len(self.values_ms), self.turns)
        ends = np.cumsum(runs)
        return np.array([np.median(self.values_ms[end - run : end]) for end, run in zip(ends, runs, strict=True)])

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
        if not values or not all(np.isfinite(value) and value > 0 for value in values):
            raise ValueError("durations above 0 expected")
        return Latency(values, min(int(fields.get("turns", 1)), len(values)))


@dataclasses.dataclass(frozen=True)
class Ratio:
    """How many times the time of the one the other takes, with its 95 % interval: 2 is twice as slow."""

    value: float
    low: float
    high: float


def share_runs(runs: int, turns: int) -> list[int]:
    """How many of `runs` fall to each of `turns` turns; they differ by one at most."""
    return [runs * (turn + 1) // turns - runs * turn // turns for turn in range(turns)]


def divide(new: Latency, base: Latency) -> Ratio:
    """How many times `base` the time of `new` is, for two measured in runs of their own.

    The ratio of the medians over turns of each turn's median. Its interval is a bootstrap over whole turns: runs of one
    turn share the state of the machine, so they are no independent evidence.
    """
    new_ms, base_ms = new.turn_medians_ms, base.turn_medians_ms
    drawn = _resample_medians(new_ms, seed=0) / _resample_medians(base_ms, seed=1)
    return _with_interval(float(np.median(new_ms) / np.median(base_ms)), drawn)


def divide_in_turn(new: Latency, base: Latency) -> Ratio:
    """As `divide`, for two measured in the same turns: the median of the turns' ratios, whose drift is shared.

    Raises:
        ValueError: different numbers of turns.
    """
    if new.turns != base.turns:
        raise ValueError(f"expected the same turns, found {new.turns} and {base.turns}")
    ratios = new.turn_medians_ms / base.turn_medians_ms
    return _with_interval(float(np.median(ratios)), _resample_medians(ratios, seed=0))


def _resample_medians(values: npt.NDArray[np.float64], *, seed: int) -> npt.NDArray[np.float64]:
    drawn = np.random.default_rng(seed).integers(0, len(values), (_RESAMPLES, len(values)))
    medians: npt.NDArray[np.float64] = np.median(values[drawn], axis=1)
    return medians


def _with_interval(value: float, drawn: npt.NDArray[np.float64]) -> Ratio:
    low, high = np.percentile(drawn, _INTERVAL_PERCENT)
    return Ratio(value, float(low), float(high))
