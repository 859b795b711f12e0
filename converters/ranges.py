"""Which activation ranges an int8 file shall have: one estimate for all tensors, then the best for each."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

from .activation import ESTIMATORS, Activations, Ranges

# Less than this may be the luck of the pictures.
_WORTHWHILE = 0.99


@dataclasses.dataclass(frozen=True)
class RangeChoice:
    """Attributes:
    estimator: the one of `ESTIMATORS` that serves most tensors.
    ranges: of every tensor.
    exceptions: how many tensors are served better by another estimator.
    error: what `measure` says of them.
    """

    estimator: str
    ranges: Ranges
    exceptions: int
    error: float

    def __str__(self) -> str:
        others = f", {self.exceptions} of {len(self.ranges)} tensors by another estimate" if self.exceptions else ""
        return f"{self.estimator}{others}"


def choose_ranges(activations: Activations, measure: Callable[[Ranges], float]) -> RangeChoice:
    """Try all estimators for all tensors together, then for one tensor after the other.

    No estimator is best everywhere: a ReLU before a sum wants its extremes, one with a long tail does not, and an error
    in one tensor may undo that of another, which only the output can tell.

    Args:
        measure: the error of the int8 file's output, such as a mean squared error; infinite where there is no such
            file.
    """
    estimates = {estimator: activations.estimate_ranges(estimator) for estimator in ESTIMATORS}
    errors = {estimator: measure(ranges) for estimator, ranges in estimates.items()}
    best = min(errors, key=lambda estimator: errors[estimator])
    ranges, least, exceptions = dict(estimates[best]), errors[best], 0
    if least == math.inf:
        return RangeChoice(best, ranges, exceptions, least)
    for name in activations.names:
        for bounds in sorted({estimate[name] for estimate in estimates.values()} - {ranges[name]}):
            error = measure({**ranges, name: bounds})
            if error < _WORTHWHILE * least:
                ranges[name], least = bounds, error
        exceptions += ranges[name] != estimates[best][name]
    return RangeChoice(best, ranges, exceptions, least)
