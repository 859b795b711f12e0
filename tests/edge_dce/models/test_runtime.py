import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from edge_dce.errors import EdgeDceError, ModelError, RuntimeMissingError
from edge_dce.models import runtime
from edge_dce.models.card import ModelFile, read_model_file

MODELS = Path(__file__).resolve().parents[2] / "models"
FLOAT32 = MODELS / "tiny-16x16-float32.tflite"


def test_installed_runtime_is_found_with_its_version() -> None:
    found = runtime.find_runtime()
    assert found.name in ("ai-edge-litert", "tflite-runtime")
    assert found.version[0].isdigit()


def test_no_runtime_at_all_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("ai_edge_litert", "tflite_runtime"):
        # None in sys.modules makes an import fail as if the package were not there.
        monkeypatch.setitem(sys.modules, f"{package}.interpreter", None)
    with pytest.raises(RuntimeMissingError, match=r"pip install 'edge-dce\[litert\]'") as caught:
        runtime.find_runtime()
    assert isinstance(caught.value, ImportError)
    assert isinstance(caught.value, EdgeDceError)


def test_tflite_runtime_with_numpy_2_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    monkeypatch.setitem(sys.modules, "tflite_runtime.interpreter", np)
    monkeypatch.setattr(np, "__version__", "2.4.6")
    with pytest.raises(RuntimeMissingError, match=r"needs numpy 1, found numpy 2\.4\.6"):
        runtime.find_runtime()


def test_interpreter_runs_a_model_with_card() -> None:
    interpreter = runtime.open_interpreter(read_model_file(FLOAT32), threads=1)
    details = interpreter.get_input_details()[0]
    interpreter.set_tensor(details["index"], np.zeros(details["shape"], np.float32))
    interpreter.invoke()
    output = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    # The bias of the tiny network is -0.4 in every map.
    np.testing.assert_allclose(output, np.tanh(-0.4), atol=1e-5)


def test_truncated_model_without_card_is_an_error_not_a_crash(tmp_path: Path) -> None:
    whole = (MODELS / "without-card-24-maps.tflite").read_bytes()
    for length in (20, 200, len(whole) // 2, len(whole) - 40):
        model = ModelFile(tmp_path / "truncated.tflite", whole[:length], None)
        with pytest.raises(ModelError, match="expected a whole TFLite model"):
            runtime.open_interpreter(model, threads=1)


def test_garbage_behind_the_identifier_is_an_error_not_a_crash(tmp_path: Path) -> None:
    model = ModelFile(tmp_path / "garbage.tflite", b"\x1c\0\0\0TFL3" + bytes(range(256)) * 8, None)
    with pytest.raises(ModelError, match="expected a whole TFLite model"):
        runtime.open_interpreter(model, threads=1)


@pytest.mark.parametrize(
    ("name", "cores", "threads"),
    [("ai-edge-litert", 2, 2), ("ai-edge-litert", 16, 4), ("tflite-runtime", 1, 1), ("tflite-runtime", 4, 3)],
)
def test_threads_default_to_the_cores_of_this_process(
    monkeypatch: pytest.MonkeyPatch, name: str, cores: int, threads: int
) -> None:
    monkeypatch.setattr(runtime, "find_runtime", lambda: runtime.Runtime(name, "0", "none"))
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(cores)), raising=False)
    assert runtime.default_threads() == threads


def test_opening_a_model_is_silent_and_keeps_what_others_say(capfd: pytest.CaptureFixture[str]) -> None:
    runtime.open_interpreter(read_model_file(FLOAT32), threads=1)
    assert capfd.readouterr().err == ""
    with runtime.hold_back_notices():
        os.write(2, b"INFO: about myself\nERROR: about you\n")
    assert capfd.readouterr().err == "ERROR: about you\n"


def test_loading_in_threads_keeps_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda model: runtime.open_interpreter(model, threads=1), [read_model_file(FLOAT32)] * 16))
    os.write(2, b"still here\n")
    assert capfd.readouterr().err == "still here\n"
