"""The bundled networks pass the gate in every precision and contract, and a bad set-up does not."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from converters import proof
from converters.conversion import PRECISIONS
from converters.proof import prove
from converters.publication import REJECTED, Order, publish
from converters.source import ConversionError, load_network
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
    write_dark_scenes(folder / "black", 8, seed=3, brightest=6)
    return folder


@pytest.mark.parametrize("name", NETWORKS)
def test_all_files_of_a_network_pass(name: str, folder: Path, tmp_path: Path) -> None:
    source = load_network(RESULTS / NETWORKS[name] / f"{name}.keras")
    order = Order(
        PRECISIONS,
        ((64, 64),),
        folder / "evaluation",
        contracts=("curves", "image"),
        calibration=folder / "calibration",
    )
    items = list(publish(source, order, tmp_path))
    assert [item.reasons for item in items] == [()] * 8
    *floats, image = [item.card.precision for item in items]
    assert floats == [*PRECISIONS, *PRECISIONS[:3]]
    # On some pictures the steps survive int8.
    assert image in ("int8", "mixed")


def order_badly(folder: Path) -> Order:
    """Eight pictures, nearly black, and nothing that shows the calibration how bright a picture may be."""
    return Order(("int8",), ((64, 64),), folder / "evaluation", calibration=folder / "black", pins_input=False)


def test_bad_calibration_of_the_separable_network_is_rejected(folder: Path, tmp_path: Path) -> None:
    (item,) = publish(load_network(RESULTS / "edge-pp" / "zero-dce-pp.keras"), order_badly(folder), tmp_path)
    assert item.path.parent == tmp_path / REJECTED
    assert not list(tmp_path.glob("*.tflite"))
    assert "highlights would clip" in item.path.with_suffix(".txt").read_text()


def test_bad_calibration_of_the_papers_network_is_refused(folder: Path, tmp_path: Path) -> None:
    # Its activations are so small on such pictures that the runtime refuses the scales.
    with pytest.raises(ConversionError, match="no runtime takes what these calibration pictures lead to"):
        list(publish(load_network(RESULTS / "edge" / "zero-dce.keras"), order_badly(folder), tmp_path))
    assert not list(tmp_path.glob("*.tflite"))


@pytest.fixture
def bundled() -> ModelFile:
    return read_model_file(ROOT / "edge_dce" / "models" / "zero-dce-scene-256x256-int8.tflite")


def test_same_runtime_in_another_process_proves_a_file(bundled: ModelFile) -> None:
    images = [np.full((256, 256, 3), level, np.uint8) for level in (3, 40)]
    found = prove(bundled, Path(sys.executable), images)
    assert found.reason is None
    assert found.runtime.startswith("ai-edge-litert ")


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
