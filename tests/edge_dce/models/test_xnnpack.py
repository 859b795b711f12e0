import platform
import sys
from pathlib import Path

import numpy as np
import pytest

from edge_dce.enhancer import load
from edge_dce.models.card import read_model_file
from edge_dce.models.runtime import Runtime, find_runtime, open_interpreter
from edge_dce.models.xnnpack import make_delegates, uses_xnnpack
from tests.edge_dce.fake_interpreter import FakeInterpreter

MODELS = Path(__file__).resolve().parents[2] / "models"
on_64_bit_linux = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64") or sys.maxsize < 2**32,
    reason="elsewhere the runtimes decide",
)


@on_64_bit_linux
@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_xnnpack_runs_every_precision_under_both_runtimes(precision: str) -> None:
    assert load(MODELS / f"tiny-16x16-{precision}.tflite").xnnpack is True


def test_runtime_that_does_not_tell_is_not_guessed_at() -> None:
    assert uses_xnnpack(FakeInterpreter(np.zeros((1, 4, 6, 3), np.float32))) is None


@pytest.mark.parametrize(
    "other", [Runtime("ai-edge-litert", "2.14.0", ""), Runtime("tflite-runtime", "2.13.0", "")], ids=lambda it: it.name
)
def test_no_delegate_is_made_for_another_runtime_or_version(other: Runtime) -> None:
    assert make_delegates(other.name, other.version, threads=1) == []


def test_interpreters_come_and_go_with_their_delegates() -> None:
    model = read_model_file(MODELS / "tiny-16x16-int8.tflite")
    for threads in (1, 2) * 10:
        open_interpreter(model, threads=threads).invoke()


@on_64_bit_linux
@pytest.mark.skipif(find_runtime().name != "tflite-runtime", reason="the delegate is for tflite-runtime")
def test_delegate_stays_within_one_step_of_the_runtimes_own_kernels() -> None:
    # Both round each accumulator once, one up and the other to even: at most one step of the output, one in 127.
    from tflite_runtime.interpreter import Interpreter

    model = read_model_file(MODELS / "tiny-16x16-int8.tflite")
    plain = Interpreter(model_content=model.content)
    plain.allocate_tensors()
    image = np.random.default_rng(3).integers(0, 256, (1, 16, 16, 3)).astype(np.uint8)
    curves = []
    for interpreter in (plain, open_interpreter(model, threads=1)):
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
        interpreter.invoke()
        curves.append(interpreter.tensor(interpreter.get_output_details()[0]["index"])().astype(int))
    assert np.abs(curves[0] - curves[1]).max() <= 1
