"""Two reports of the same models: faster, slower, or no change."""

from __future__ import annotations

import dataclasses

from edge_dce.benchmark.latency import Latency, Ratio, divide
from edge_dce.benchmark.report import Measurement, Report
from edge_dce.errors import ReportError

# What must be the same for a difference to be the model's.
_MACHINE = ("cpu", "cores", "governor", "python", "numpy", "opencv")


@dataclasses.dataclass(frozen=True)
class Change:
    """One latency against what it was: `ratio` is new time over old."""

    ratio: Ratio
    tolerance: float

    @property
    def is_slower(self) -> bool:
        """Slower beyond the tolerance, with the whole interval."""
        return self.ratio.low > 1 + self.tolerance

    @property
    def is_faster(self) -> bool:
        """Faster beyond the tolerance, with the whole interval."""
        return self.ratio.high < 1 / (1 + self.tolerance)

    def __str__(self) -> str:
        value, low, high = self.ratio.value, self.ratio.low, self.ratio.high
        if 1 / (1 + self.tolerance) <= value <= 1 + self.tolerance and not (self.is_slower or self.is_faster):
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

    Args:
        tolerance: the share by which a time may differ before it counts, such as 0.1.

    Raises:
        ReportError: no model was measured in both with the same runtime, threads and size.
    """
    before = {_key(result): result for result in base.results}
    rows, warnings = [], _doubt_machines(new, base, tolerance)
    for result in new.results:
        old = before.get(_key(result))
        if old is None:
            warnings.append(f"not in the base report: {_describe(result)}")
            continue
        if old.model_sha256 != result.model_sha256:
            warnings.append(f"{result.model}: the base report is of another file of this name")
        changes = [
            Change(divide(mine, theirs), tolerance)
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


def _doubt_machines(new: Report, base: Report, tolerance: float) -> list[str]:
    warnings = [
        f"another machine: {name} is '{new.machine.get(name)}', in the base report '{base.machine.get(name)}'"
        for name in _MACHINE
        if new.machine.get(name) != base.machine.get(name)
    ]
    old = {baseline.key: baseline.end_to_end for baseline in base.baselines}
    for baseline in new.baselines:
        drift = _drift(baseline.end_to_end, old.get(baseline.key), tolerance)
        if drift is not None:
            warnings.append(f"the machine itself: {baseline.key}, which runs no model, is {drift}; measure both again")
    return warnings


def _drift(new: Latency | None, base: Latency | None, tolerance: float) -> Change | None:
    if new is None or base is None:
        return None
    change = Change(divide(new, base), tolerance)
    return change if change.is_slower or change.is_faster else None
