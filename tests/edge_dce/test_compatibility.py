"""Every bundled model returns under this runtime what it returned under the oldest one that is supported.

Both hand int8 to XNNPACK (docs/decisions/0011), whose kernels keep sums exact and round once, when a sum is brought to
the scale of the output. Releases and CPUs may round a half up or down there: so the output may be off by one step of
its own scale. Measured on x86-64, tflite-runtime 2.14 against ai-edge-litert 2.3: not at all.
"""

from pathlib import Path

import numpy as np
import pytest

from edge_dce.models.card import read_model_file
from edge_dce.models.catalog import bundled_models
from edge_dce.models.runtime import open_interpreter
from edge_dce.models.xnnpack import uses_xnnpack
from tests.record_references import FOLDER, compute

# Float kernels sum in different orders.
FLOAT_TOLERANCE = 1e-4


@pytest.mark.parametrize("path", bundled_models(), ids=lambda path: path.stem)
def test_bundled_model_returns_what_it_did_under_the_oldest_runtime(path: Path) -> None:
    model = read_model_file(path)
    assert model.card is not None
    with np.load(FOLDER / f"{path.stem}.npz") as reference:
        assert str(reference["sha256"]) == model.card.sha256, "run python -m tests.record_references in .venv-tflite"
        assert str(reference["runtime"]) == model.card.runtimes[0] == "tflite-runtime 2.14.0"
        expected = reference["output"].astype(np.float64)
    difference = np.abs(compute(model).astype(np.float64) - expected)
    if model.card.precision == "int8" and uses_xnnpack(open_interpreter(model, threads=1)):
        assert difference.max() <= 1
    elif model.card.precision == "int8":
        # Kernels other than XNNPACK's round halves the other way, and each operator may pass on a step more.
        assert difference.max() <= model.card.census.roundings
        assert difference.mean() <= 1
    else:
        assert difference.max() <= FLOAT_TOLERANCE
