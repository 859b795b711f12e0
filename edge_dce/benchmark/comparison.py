"""Two reports of the same models: faster, slower, or no change."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from edge_dce.benchmark.latency import Latency, Ratio, divide
from edge_dce.benchmark.report import Measurement, Report
from edge_dce.errors import ReportError

# Runtime and version, whether XNNPACK runs it, threads: networks of one kind react alike to the state of the machine.
_Kind = tuple[str, "bool | None", int]
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

    def is_inside(self, value: float) -> bool:
        """Whether a ratio is no change."""
        return self.least <= value <= self.most

    @property
    def is_none(self) -> bool:
        """No change, and no certain one that the value hides."""
        return self.is_inside(self.ratio.value) and not (self.is_slower or self.is_faster)

    def __str__(self) -> str:
        value, low, high = self.ratio.value, self.ratio.low, self.ratio.high
        if self.is_none:
            return f"no change ({low:.2f}–{high:.2f} of the time)"
        perhaps = "" if self.is_slower or self.is_faster else "perhaps "
        if value > 1:
            return f"{perhaps}{value:.2f}x slower ({low:.2f}–{high:.2f})"
        return f"{perhaps}{1 / value:.2f}x faster ({1 / high:.2f}–{1 / low:.2f})"


@dataclasses.dataclass(frozen=True)
class Row:
    """One model with one number of threads, as in `Measurement`; `cleaned` is None where either report lacks it."""

    result: Measurement
    invoke: Change
    end_to_end: Change
    cleaned: Change | None

    @property
    def is_slower(self) -> bool:
        return any(change.is_slower for change in (self.invoke, self.end_to_end, self.cleaned) if change)


@dataclasses.dataclass(frozen=True)
class ReportComparison:
    """What two reports have in common, and what to know before believing it."""

    rows: tuple[Row, ...]
    warnings: tuple[str, ...]

    @property
    def slower(self) -> tuple[Row, ...]:
        """The rows that got slower beyond the tolerance."""
        return tuple(row for row in self.rows if row.is_slower)


def compare(new: Report, base: Report, *, tolerance: float) -> ReportComparison:
    """Hold `new` against `base`, measured before on the same machine.

    What changed no more than the machine did beyond doubt, in the same direction, is no change, and a warning. For the
    pixels of a frame the machine is the rows that run no model, if all went in the same direction; for its network it
    is the yardstick of the same runtime and threads, or those rows again where the reports have none in common.

    Args:
        tolerance: the share by which a time may differ before it counts, such as 0.1.

    Raises:
        ReportError: no model was measured in both with the same runtime, threads and size.
    """
    before = {_key(result): result for result in base.results}
    drift = _Drift(_compare_baselines(new, base), _compare_yardsticks(new, base))
    rows, warnings = [], [*_doubt_machines(new, base), *_doubt_yardsticks(new, base), *drift.list_doubts(tolerance)]
    for result in new.results:
        old = before.get(_key(result))
        if old is None:
            warnings.append(f"not in the base report: {_describe(result)}")
            continue
        rows.append(_hold(result, old, drift, tolerance))
        warnings += _doubt_row(rows[-1], old, tolerance)
    if not rows:
        asked = ", ".join(_describe(result) for result in new.results)
        raise ReportError(f"expected {asked} in the base report, found nothing of it; measure the base the same way")
    return ReportComparison(tuple(rows), tuple(warnings))


@dataclasses.dataclass(frozen=True)
class _Drift:
    """What the machine did meanwhile, as ratios of new times to old.

    Attributes:
        pixels: of the rows that run no model.
        networks: of the yardsticks, by kind of network.
    """

    pixels: Mapping[str, Ratio]
    networks: Mapping[_Kind, Ratio]

    def of_network(self, new: Measurement, old: Measurement) -> float:
        kind = _name_kind(new)
        is_measured = kind in self.networks and kind == _name_kind(old)
        return _read_certain(self.networks[kind]) if is_measured else self._of_pixels()

    def of_frame(self, new: Measurement, old: Measurement, old_frame: Latency) -> float:
        share = min(1.0, old.invoke.p50_ms / old_frame.p50_ms)
        return share * self.of_network(new, old) + (1 - share) * self._of_pixels()

    def _of_pixels(self) -> float:
        """The least change that all rows have in common; 1 where they have none."""
        ratios = [_read_certain(ratio) for ratio in self.pixels.values()] or [1.0]
        return max(1.0, min(ratios)) * min(1.0, max(ratios))

    def list_doubts(self, tolerance: float) -> list[str]:
        named = {f"{key}, which runs no model,": ratio for key, ratio in self.pixels.items()}
        named |= {f"the yardstick, threads {threads},": ratio for (*_, threads), ratio in self.networks.items()}
        changes = {what: _allow(ratio, 1.0, tolerance) for what, ratio in named.items()}
        return [
            f"the machine itself changed: {what} is {change}; measure both again"
            for what, change in changes.items()
            if change.is_slower or change.is_faster
        ]


def _key(result: Measurement) -> tuple[str, str, int, tuple[int, int]]:
    return result.model, result.runtime, result.threads, result.size


def _describe(result: Measurement) -> str:
    width, height = result.size
    return f"{result.model} ({result.runtime}, threads {result.threads}, {width}x{height})"


def check_size(base: Report, size: tuple[int, int], *, path: Path) -> None:
    """Raise ReportError where nothing in the base report was measured at (width, height)."""
    sizes = sorted({result.size for result in base.results})
    if size not in sizes:
        found = ", ".join(f"{width}x{height}" for width, height in sizes)
        raise ReportError(f"{path}: expected figures for {size[0]}x{size[1]}, found {found}; choose that with --size")


def _name_kind(result: Measurement) -> _Kind:
    return f"{result.runtime} {result.runtime_version}", result.xnnpack, result.threads


def _hold(new: Measurement, old: Measurement, drift: _Drift, tolerance: float) -> Row:
    def judge_frame(mine: Latency, theirs: Latency) -> Change:
        return _allow(divide(mine, theirs), drift.of_frame(new, old, theirs), tolerance)

    return Row(
        new,
        invoke=_allow(divide(new.invoke, old.invoke), drift.of_network(new, old), tolerance),
        end_to_end=judge_frame(new.end_to_end, old.end_to_end),
        cleaned=judge_frame(new.cleaned, old.cleaned) if new.cleaned and old.cleaned else None,
    )


def _read_certain(ratio: Ratio) -> float:
    """What of a ratio is beyond doubt: the end of its interval that is nearer to 1, or 1 where that is inside."""
    return max(1.0, ratio.low) * min(1.0, ratio.high)


def _allow(ratio: Ratio, drift: float, tolerance: float) -> Change:
    """A change of which the machine's may explain all between 1 and `drift`."""
    return Change(ratio, min(1.0, drift) / (1 + tolerance), max(1.0, drift) * (1 + tolerance))


def _doubt_machines(new: Report, base: Report) -> list[str]:
    return [
        f"another machine: {name} is '{new.machine.get(name)}', in the base report '{base.machine.get(name)}'"
        for name in _MACHINE
        if new.machine.get(name) != base.machine.get(name)
    ]


def _doubt_yardsticks(new: Report, base: Report) -> list[str]:
    if not base.yardsticks:
        return ["an earlier version wrote the base report and measured in another way; measure it again"]
    if not any(mine.is_like(theirs) for mine in new.yardsticks for theirs in base.yardsticks):
        return ["the reports share no yardstick, which hides drift of the machine; use the same runtime and threads"]
    return []


def _doubt_row(row: Row, old: Measurement, tolerance: float) -> list[str]:
    new, doubts = row.result, []
    if old.model_sha256 != new.model_sha256:
        doubts.append("the base report measured another file of this name")
    if old.xnnpack != new.xnnpack:
        doubts.append(f"XNNPACK in use: {new.xnnpack}, in the base report {old.xnnpack}")
    parts = [("network", row.invoke, new.invoke, old.invoke), ("frame", row.end_to_end, new.end_to_end, old.end_to_end)]
    if row.cleaned and new.cleaned and old.cleaned:
        parts.append(("frame with cleaning", row.cleaned, new.cleaned, old.cleaned))
    for part, change, mine, theirs in parts:
        unexcused = _allow(change.ratio, 1.0, tolerance)
        if change.is_none and not unexcused.is_none:
            doubts.append(f"{part}: {unexcused}, but the machine itself changed as much")
        medians = mine.p50_ms / theirs.p50_ms
        if unexcused.is_inside(change.ratio.value) and not unexcused.is_inside(medians):
            doubts.append(
                f"{part}: the lower quartile did not change, but the median is {medians:.2f} times the base's; "
                "other programs disturbed most runs, or the change affects only some runs"
            )
    return [f"{new.model}, threads {new.threads}: {doubt}" for doubt in doubts]


def _compare_baselines(new: Report, base: Report) -> dict[str, Ratio]:
    """What happened to each row that runs no model."""
    old = {baseline.key: baseline.end_to_end for baseline in base.baselines}
    both = ((baseline.key, baseline.end_to_end, old.get(baseline.key)) for baseline in new.baselines)
    return {key: divide(mine, theirs) for key, mine, theirs in both if mine and theirs}


def _compare_yardsticks(new: Report, base: Report) -> dict[_Kind, Ratio]:
    """What happened to the yardsticks that the reports have in common."""
    return {
        (mine.runtime, mine.xnnpack, mine.threads): divide(mine.latency, theirs.latency)
        for mine in new.yardsticks
        for theirs in base.yardsticks
        if mine.is_like(theirs)
    }
