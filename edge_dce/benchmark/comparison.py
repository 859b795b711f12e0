"""Two reports of the same models: faster, slower, or no change."""

from __future__ import annotations

import dataclasses

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

    What changed no more than the rows that run no model did, all of them in the same direction, is no change: that was
    the machine. Nothing else is corrected by them.

    Args:
        tolerance: the share by which a time may differ before it counts, such as 0.1.

    Raises:
        ReportError: no model was measured in both with the same runtime, threads and size.
    """
    before = {_key(result): result for result in base.results}
    drifts = _find_drifts(new, base, tolerance)
    ratios = [drift.ratio.value for drift in drifts.values()] or [1.0]
    least, most = min(1.0, max(ratios)) / (1 + tolerance), max(1.0, min(ratios)) * (1 + tolerance)
    rows, warnings = [], _doubt_machines(new, base, drifts)
    for result in new.results:
        old = before.get(_key(result))
        if old is None:
            warnings.append(f"not in the base report: {_describe(result)}")
            continue
        if old.model_sha256 != result.model_sha256:
            warnings.append(f"{result.model}: the base report is of another file of this name")
        changes = [
            Change(divide(mine, theirs), least, most)
            for mine, theirs in ((result.invoke, old.invoke), (result.end_to_end, old.end_to_end))
        ]
        rows.append(Row(result, *changes))
    if not rows:
        asked = ", ".join(_describe(result) for result in new.results)
        raise ReportError(f"expected a base report with {asked}, found none of it; measure the base the same way")
    return Comparison(tuple(rows), tuple(warnings))


def _key(result: Measurement) -> tuple[str, str, int, tuple[int, int]]:
    return result.model, result.runtime, result.threads, result.size


def _describe(result: Measurement) -> str:
    width, height = result.size
    return f"{result.model} ({result.runtime}, threads {result.threads}, {width}x{height})"


def _doubt_machines(new: Report, base: Report, drifts: dict[str, Change]) -> list[str]:
    warnings = [
        f"another machine: {name} is '{new.machine.get(name)}', in the base report '{base.machine.get(name)}'"
        for name in _MACHINE
        if new.machine.get(name) != base.machine.get(name)
    ]
    return warnings + [
        f"the machine itself: {key}, which runs no model, is {drift}; measure both again"
        for key, drift in drifts.items()
        if drift.is_slower or drift.is_faster
    ]


def _find_drifts(new: Report, base: Report, tolerance: float) -> dict[str, Change]:
    """What happened to each row that runs no model."""
    old = {baseline.key: baseline.end_to_end for baseline in base.baselines}
    both = ((baseline.key, baseline.end_to_end, old.get(baseline.key)) for baseline in new.baselines)
    return {
        key: Change(divide(mine, theirs), 1 / (1 + tolerance), 1 + tolerance)
        for key, mine, theirs in both
        if mine and theirs
    }
