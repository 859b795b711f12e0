"""The speed of trainings: measured in processes of their own, shown beside each other."""

import dataclasses

import pytest

from benchmarks.training_speed import (
    EngineSpeed,
    TrainingSpeed,
    format_training_speed,
    measure_training_speed,
    render_training_speed,
)
from edge_dce.errors import EdgeDceError

# 120 and 110 ms a step beside 60 and 55: twice as long, both times.
FAST = EngineSpeed(step_ms=(60.0, 55.0), program_s=(10.0,), kernel_s=(1.0,), peak_mb=(900.0,))
SLOW = EngineSpeed(step_ms=(120.0, 110.0), program_s=(10.0,), kernel_s=(9.0,), peak_mb=(700.0,))
SPEED = TrainingSpeed("edge-scene", 24, {"TensorFlow": FAST, "jax": SLOW})


def test_epochs_after_the_first_are_timed() -> None:
    speed = measure_training_speed("edge-scene", steps=1, turns=1, variants=("TensorFlow",))
    (measured,) = speed.engines.values()
    assert len(measured.step_ms) == 2
    assert min(measured.step_ms) > 0
    assert len(measured.program_s) == len(measured.kernel_s) == len(measured.peak_mb) == 1


def test_without_an_engine_it_says_where_there_are_some() -> None:
    with pytest.raises(EdgeDceError, match=r"found neither; run it in \.venv-workshop"):
        measure_training_speed("edge-scene", variants=())


def test_engines_are_compared_with_the_first() -> None:
    row = format_training_speed(SPEED).splitlines()[-1]
    assert row.startswith("jax")
    assert "2.00x (2.00–2.00)" in row


def test_record_gives_the_same_figures() -> None:
    record = {"training_speed": dataclasses.asdict(SPEED)}
    assert "| jax | 115 / 119 | 2.00x (2.00–2.00) | 10 / 9 | 700 |" in render_training_speed(record)
