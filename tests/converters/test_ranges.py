"""The choice of activation ranges: by the error of the output, for all tensors and then for each."""

import math

import numpy as np
import pytest

from converters.activation import Activations, Ranges
from converters.ranges import choose_ranges

# One value of a hundred thousand is ten times as large as the others: all estimators but the extremes leave it out.
_TAIL = np.concatenate([np.linspace(0, 1, 99_999), [10.0]])


@pytest.fixture
def activations() -> Activations:
    samples = np.stack([_TAIL, _TAIL, _TAIL]).astype(np.float32)
    return Activations(
        ("image", "first", "second"),
        samples.min(axis=1)[np.newaxis],
        samples.max(axis=1)[np.newaxis],
        samples,
        "image",
    )


def test_each_tensor_gets_the_estimate_that_serves_the_output(activations: Activations) -> None:
    def measure(ranges: Ranges) -> float:
        """`first` needs its extreme, `second` is better off without."""
        return (10 - ranges["first"][1]) + ranges["second"][1]

    choice = choose_ranges(activations, measure)
    assert choice.ranges["first"] == (0, 10)
    # The 99.9th percentile of values up to 1, evenly spaced.
    assert choice.ranges["second"] == pytest.approx((0, 0.999), abs=1e-4)
    assert choice.exceptions == 1
    assert choice.error == pytest.approx(0.999, abs=1e-4)
    assert "1 of 3 tensors by another estimate" in str(choice)


def test_equally_good_estimates_are_no_exceptions(activations: Activations) -> None:
    choice = choose_ranges(activations, lambda ranges: 1.0)
    assert (choice.estimator, choice.exceptions, str(choice)) == ("min-max", 0, "min-max")


def test_input_stays_pinned(activations: Activations) -> None:
    choice = choose_ranges(activations, lambda ranges: -sum(high for _, high in ranges.values()))
    assert choice.ranges["image"] == (0.0, 1.0)


def test_nothing_is_tried_where_no_estimate_gives_a_file(activations: Activations) -> None:
    tried = []

    def measure(ranges: Ranges) -> float:
        tried.append(ranges)
        return math.inf

    assert choose_ranges(activations, measure).error == math.inf
    assert len(tried) == 4
