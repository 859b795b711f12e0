"""Every bundled model returns under this runtime what it returned under the oldest one that is supported.

How far two runtimes may differ follows from the scales. Integer kernels round halves differently, so after each
operator that rounds a value may be off by one quantization step; the next operator averages hundreds of such values,
which mostly cancel, and adds a step of its own. So the output agrees within one step on average, and everywhere within
one step for each operator that rounds. Measured: 0.5 and 6 steps at most, for 20 operators that round.
"""

from pathlib import Path

import numpy as np
import pytest

from converters.proof import count_roundings
from edge_dce.card import read_model_file
from edge_dce.catalog import bundled_models
from tests.record_references import FOLDER, compute

# Float kernels sum in different orders.
FLOAT_TOLERANCE = 1e-4


@pytest.mark.parametrize("path", bundled_models(), ids=lambda path: path.stem)
def test_bundled_model_returns_what_it_did_under_the_oldest_runtime(path: Path) -> None:
    model = read_model_file(path)
    assert model.card is not None
    with np.load(FOLDER / f"{path.stem}.npz") as reference:
        assert str(reference["sha256"]) == model.card.sha256, "run tests/record_references.py in .venv-tflite"
        assert str(reference["runtime"]) == model.card.runtimes[0] == "tflite-runtime 2.14.0"
        expected = reference["output"].astype(np.float64)
    difference = np.abs(compute(model).astype(np.float64) - expected)
    if model.card.precision == "int8":
        assert difference.mean() <= 1
        assert difference.max() <= count_roundings(model.card.census)
    else:
        assert difference.max() <= FLOAT_TOLERANCE
