"""Two reports of the same models: faster, slower, or no change."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from edge_dce.benchmark.latency import Ratio, divide
from edge_dce.benchmark.report import Measurement, Report
from edge_dce.errors import ReportError

# What must be the same for a difference to be the model's.
_MACHINE = ("cpu", "cores", "governor", "python", "numpy", "opencv")


@dataclasses.dataclass(frozen=True)
class Change:
    """One latency against what it was.

    Attributes:
        ratio: new time over old.
        least, most: ratios from `least` to `most` are no change.
    """

    ratio: Ratio
    least: float
    most: float

    @property
    def is_slower(self) -> bool:
        """Slower than no change, with the whole interval."""
        return self.ratio.low > self.most

    @property
    def is_faster(self) -> bool:
        """Faster than no change, with the whole interval."""
        return self.ratio.high < self.least

    def __str__(self) -> str:
        value, low, high = self.ratio.value, self.ratio.low, self.ratio.high
        if self.least <= value <= self.most and not (self.is_slower or self.is_faster):
            return f"no change ({low:.2f}–{high:.2f})"
        perhaps = "" if self.is_slower or self.is_faster else "perhaps "
        if value > 1:
            return f"{perhaps}{value:.2f}x slower ({low:.2f}–{high:.2f})"
        return f"{perhaps}{1 / value:.2f}x faster ({1 / high:.2f}–{1 / low:.2f})"


@dataclasses.dataclass(frozen=True)
class Row:
    """One model with one number of threads: the network alone and photo to photo."""

    result: Measurement
    invoke: Change
    end_to_end: Change

    @property
    def is_slower(self) -> bool:
        return self.invoke.is_slower or self.end_to_end.is_slower


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What two reports have in common, and what to know before believing it."""

    rows: tuple[Row, ...]
    warnings: tuple[str, ...]

    @property
    def slower(self) -> tuple[Row, ...]:
        """The rows that got slower beyond the tolerance."""
        return tuple(row for row in self.rows if row.is_slower)


def compare(new: Report, base: Report, *, tolerance: float) -> Comparison:
    """Hold `new` against `base`, measured before on the same machine.

    What changed no more than the machine did, in the same direction, is no change. For the pixels of a frame the
    machine is the rows that run no model, if all went in the same direction; for its network it is the yardstick on as
    many threads, or those rows again where the two reports have no yardstick in common.

    Args:
        tolerance: the share by which a time may differ before it counts, such as 0.1.

    Raises:
        ReportError: no model was measured in both with the same runtime, threads and size.
    """
    before = {_key(result): result for result in base.results}
    drift = _Drift(_compare_baselines(new, base), _compare_yardsticks(new, base))
    rows, warnings = [], [*_doubt_machines(new, base), *drift.list_doubts(tolerance)]
    for result in new.results:
        old = before.get(_key(result))
        if old is None:
            warnings.append(f"not in the base report: {_describe(result)}")
            continue
        if old.model_sha256 != result.model_sha256:
            warnings.append(f"{result.model}: the base report is of another file of this name")
        invoke = _allow(divide(result.invoke, old.invoke), drift.of_network(old), tolerance)
        rows.append(
            Row(result, invoke, _allow(divide(result.end_to_end, old.end_to_end), drift.of_frame(old), tolerance))
        )
    if not rows:
        asked = ", ".join(_describe(result) for result in new.results)
        raise ReportError(f"expected a base report with {asked}, found none of it; measure the base the same way")
    return Comparison(tuple(rows), tuple(warnings))


@dataclasses.dataclass(frozen=True)
class _Drift:
    """What the machine did meanwhile, as ratios of new times to old.

    Attributes:
        pixels: of the rows that run no model.
        networks: of the yardsticks, by threads.
    """

    pixels: Mapping[str, Ratio]
    networks: Mapping[int, Ratio]

    def of_network(self, old: Measurement) -> float:
        return self.networks[old.threads].value if old.threads in self.networks else self._of_pixels()

    def of_frame(self, old: Measurement) -> float:
        share = min(1.0, old.invoke.percentile(50) / old.end_to_end.percentile(50))
        return share * self.of_network(old) + (1 - share) * self._of_pixels()

    def _of_pixels(self) -> float:
        """The least change that all rows have in common; 1 where they have none."""
        ratios = [ratio.value for ratio in self.pixels.values()] or [1.0]
        return max(1.0, min(ratios)) * min(1.0, max(ratios))

    def list_doubts(self, tolerance: float) -> list[str]:
        named = {f"{key}, which runs no model,": ratio for key, ratio in self.pixels.items()}
        named |= {f"the yardstick on {threads} threads": ratio for threads, ratio in self.networks.items()}
        changes = {what: _allow(ratio, 1.0, tolerance) for what, ratio in named.items()}
        return [
            f"the machine itself: {what} is {change}; measure both again"
            for what, change in changes.items()
            if change.is_slower or change.is_faster
        ]


def _key(result: Measurement) -> tuple[str, str, int, tuple[int, int]]:
    return result.model, result.runtime, result.threads, result.size


def _describe(result: Measurement) -> str:
    width, height = result.size
    return f"{result.model} ({result.runtime}, threads {result.threads}, {width}x{height})"


def _allow(ratio: Ratio, drift: float, tolerance: float) -> Change:
    """A change of which the machine's may explain all between 1 and `drift`."""
    return Change(ratio, min(1.0, drift) / (1 + tolerance), max(1.0, drift) * (1 + tolerance))


def _doubt_machines(new: Report, base: Report) -> list[str]:
    return [
        f"another machine: {name} is '{new.machine.get(name)}', in the base report '{base.machine.get(name)}'"
        for name in _MACHINE
        if new.machine.get(name) != base.machine.get(name)
    ]


def _compare_baselines(new: Report, base: Report) -> dict[str, Ratio]:
    """What happened to each row that runs no model."""
    old = {baseline.key: baseline.end_to_end for baseline in base.baselines}
    both = ((baseline.key, baseline.end_to_end, old.get(baseline.key)) for baseline in new.baselines)
    return {key: divide(mine, theirs) for key, mine, theirs in both if mine and theirs}


def _compare_yardsticks(new: Report, base: Report) -> dict[int, Ratio]:
    """What happened to the yardstick, by threads; nothing where the runtime or the yardstick itself is another."""
    return {
        mine.threads: divide(mine.latency, theirs.latency)
        for mine in new.yardsticks
        for theirs in base.yardsticks
        if mine.is_like(theirs)
    }
