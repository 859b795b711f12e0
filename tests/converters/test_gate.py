"""The bundled networks pass the gate in every precision and contract, and a bad set-up does not."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from converters import proof
from converters.activation import record_activations
from converters.calibration import choose_calibration_set
from converters.conversion import convert, quantize
from converters.draft import Draft, Subject
from converters.errors import ConversionError
from converters.file_network import build_network
from converters.formats import PRECISIONS
from converters.gate import judge
from converters.proof import prove
from converters.publication import Order, publish
from converters.source import load_network
from converters.verification import Reference, read_held_out
from edge_dce.files.folders import find_pictures
from edge_dce.models.card import ModelFile, read_model_file
from tests.training.dark_scenes import write_dark_scenes

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "training" / "results"
NETWORKS = {"zero-dce": "edge", "zero-dce-pp": "edge-pp"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gate")
    write_dark_scenes(folder / "calibration", 24, seed=1)
    write_dark_scenes(folder / "evaluation", 4, seed=2)
    return folder


@pytest.mark.parametrize("name", NETWORKS)
def test_all_files_of_a_network_pass(name: str, folder: Path, tmp_path: Path) -> None:
    source = load_network(RESULTS / NETWORKS[name] / f"{name}.keras")
    order = Order(
        tuple(PRECISIONS),
        ((64, 64),),
        folder / "evaluation",
        contracts=("curves", "image"),
        calibration=folder / "calibration",
    )
    items = list(publish(source, order, tmp_path))
    assert [item.reasons for item in items] == [()] * 8
    *floats, image = [item.card.precision for item in items]
    assert floats == [*PRECISIONS, *list(PRECISIONS)[:3]]
    # On some pictures the steps survive int8.
    assert image in ("int8", "mixed")


def test_file_whose_input_stops_short_of_white_is_rejected(folder: Path) -> None:
    source = load_network(RESULTS / "edge-pp" / "zero-dce-pp.keras")
    dark = choose_calibration_set(folder / "calibration", width=64, height=64, count=24, seed=1)
    float32 = convert(build_network(source, "curves", 64, 64), precision="float32")
    seen = record_activations(float32, dark.tensors())
    # As the pictures alone would have it: lamps are few.
    ranges = {**seen.estimate_ranges("min-max"), seen.input_name: (0.0, 0.1)}
    draft = Draft(Subject(source, "curves", 64, 64), "int8", quantize(float32, ranges), "")
    pictures = read_held_out(find_pictures(folder / "evaluation"))
    judgement = judge(draft, Reference(source, 64, 64), pictures, PRECISIONS["int8"].bounds)
    assert "highlights would clip" in judgement.reasons[0]


def test_network_whose_activations_vanish_is_refused(folder: Path, tmp_path: Path) -> None:
    source = load_network(RESULTS / "edge" / "zero-dce.keras")
    dead = keras.models.clone_model(source.network)
    kernel, bias, *others = source.network.get_weights()
    # Nothing passes the first ReLU, and the runtime refuses the scale of nothing.
    dead.set_weights([kernel, bias - 5, *others])
    order = Order(("int8",), ((64, 64),), folder / "evaluation", calibration=folder / "calibration")
    with pytest.raises(ConversionError, match="no runtime accepts the scales that these calibration pictures give"):
        list(publish(dataclasses.replace(source, network=dead), order, tmp_path))
    assert not list(tmp_path.glob("*.tflite"))


@pytest.fixture
def bundled() -> ModelFile:
    return read_model_file(ROOT / "edge_dce" / "models" / "zero-dce-scene-256x256-int8.tflite")


def test_same_runtime_in_another_process_proves_a_file(bundled: ModelFile) -> None:
    images = [np.full((256, 256, 3), level, np.uint8) for level in (3, 40)]
    found = prove(bundled, Path(sys.executable), images)
    assert found.reason is None
    assert found.runtime.startswith("ai-edge-litert ")


def test_other_environment_is_proven_without_our_search_path(
    bundled: ModelFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numpy.py").write_text("raise RuntimeError('the wrong numpy')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert prove(bundled, Path(sys.executable), [np.full((256, 256, 3), 9, np.uint8)]).reason is None


def test_other_results_are_no_proof(bundled: ModelFile, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = proof._CHILD.replace("np.stack(results)", "np.stack(results) // 2")
    monkeypatch.setattr(proof, "_CHILD", wrong)
    found = prove(bundled, Path(sys.executable), [np.full((256, 256, 3), 9, np.uint8)])
    assert found.reason is not None
    assert "expected results within 1 on average" in found.reason


def test_python_without_a_runtime_proves_nothing(bundled: ModelFile, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path], check=True)
    found = prove(bundled, tmp_path / "bin" / "python", [np.zeros((256, 256, 3), np.uint8)])
    assert found.reason is not None
    assert "No module named" in found.reason


def test_missing_python_proves_nothing(bundled: ModelFile, tmp_path: Path) -> None:
    found = prove(bundled, tmp_path / "python", [np.zeros((256, 256, 3), np.uint8)])
    assert found.reason is not None
    assert "cannot be run" in found.reason
