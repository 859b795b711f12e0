"""Networks as ONNX: the same pictures on other runtimes, the card inside, and no file that misses its bounds."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from converters import onnx_files
from converters.cli import main
from converters.errors import ConversionError
from converters.formats import Bounds
from converters.onnx_files import CARD_KEY, INPUT_NAME, OUTPUT_NAMES, read_card
from converters.publication import Order, Publication, publish
from converters.source import load_network
from edge_dce.errors import CardError
from edge_dce.models.card import read_model_file
from edge_dce.models.network import Network
from edge_dce.models.runtime import open_interpreter
from tests.generate_models import SIDE_PX, build_tiny_tone_network

SIZE = (SIDE_PX, SIDE_PX)
# The tiny networks, whose eight maps differ as those of a trained one do not, reach no more in float32 under TFLite.
BOUNDS = Bounds(45, 38)


@pytest.fixture(scope="module")
def publications(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Publication]:
    """Of every contract; of one in every kind of precision, and in one that has no ONNX file."""
    build_tiny_tone_network().save(folder / "tone.keras")
    found: list[Publication] = []
    for name, contracts, precisions in (
        ("tone", ("tone",), ("float32", "float16", "int8")),
        ("tiny", ("curves", "image"), ("float32",)),
    ):
        source = load_network(folder / f"{name}.keras")
        order = Order(
            precisions,
            (SIZE,),
            folder / "evaluation",
            contracts=contracts,
            calibration=folder / "dark",
            bounds=BOUNDS,
            onnx=True,
        )
        found += publish(source, order, tmp_path_factory.mktemp(name))
    return found


def test_float32_and_integers_come_as_onnx_too(publications: list[Publication]) -> None:
    assert {item.card.contract for item in publications} == {"tone", "curves", "image"}
    for item in publications:
        assert item.passes
        assert (item.translation is None) == (item.card.precision == "float16")
        assert item.path.with_suffix(".onnx").is_file() == (item.card.precision != "float16")


def test_card_in_the_metadata_tells_what_ran_the_file(publications: list[Publication]) -> None:
    for translation in filter(None, (item.translation for item in publications)):
        card = read_card(translation.path)
        assert card == translation.card
        assert [runtime.split()[0] for runtime in card.runtimes] == ["onnxruntime", "openvino"]
        # Of the model that it was made of.
        assert card.sha256 == read_model_file(translation.path.with_suffix(".tflite")).sha256


def test_program_without_edge_dce_finds_tensors_by_name_and_the_card_as_json(publications: list[Publication]) -> None:
    for translation in filter(None, (item.translation for item in publications)):
        session = onnxruntime.InferenceSession(str(translation.path), providers=["CPUExecutionProvider"])
        card = json.loads(session.get_modelmeta().custom_metadata_map[CARD_KEY])
        assert [each.name for each in session.get_inputs()] == [INPUT_NAME]
        assert [each.name for each in session.get_outputs()] == [OUTPUT_NAMES[card["contract"]]]
        assert session.get_inputs()[0].shape == card["input"]["shape"]
        assert session.get_outputs()[0].shape == card["output"]["shape"]


def test_onnx_runtime_returns_what_tflite_returns(publications: list[Publication]) -> None:
    image = np.random.default_rng(1).integers(0, 90, (*SIZE, 3)).astype(np.uint8)
    for item in publications:
        if item.translation is None:
            continue
        network = Network("model", open_interpreter(read_model_file(item.path), threads=1))
        tensor = network.quantize(image)
        session = onnxruntime.InferenceSession(str(item.translation.path), providers=["CPUExecutionProvider"])
        found = session.run(None, {INPUT_NAME: tensor})[0][0].astype(np.float64)
        expected = network.invoke_stored(tensor).astype(np.float64)
        # Float kernels sum in another order; an integer may be off by one step after each operator that rounds.
        most = max(1, item.card.census.roundings) if network.output.encoding.is_integer else 1e-4
        assert np.abs(found - expected).max() <= most


def test_file_that_misses_the_bounds_is_rejected(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What a runtime that computes something else would come to; TFLite's own file passes.
    monkeypatch.setattr("converters.translation.check_quality", lambda verification, bounds: ["expected more"])
    order = Order(("float32",), (SIZE,), folder / "evaluation", bounds=BOUNDS, onnx=True)
    (item,) = publish(load_network(folder / "tiny.keras"), order, tmp_path)
    assert (item.path.parent, item.reasons) == (tmp_path, ())
    assert not item.passes
    assert item.translation is not None
    assert item.translation.path == tmp_path / "rejected" / f"{item.path.stem}.onnx"
    assert all("expected more" in reason for reason in item.translation.reasons)
    assert "expected more" in (tmp_path / "rejected" / f"{item.path.stem}.onnx.txt").read_text()


def test_command_writes_both_files_and_reports_each_runtime(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [str(folder / "tiny.keras"), "--size", "16x16", "--evaluation", str(folder / "evaluation")]
    assert (
        main([*command, "--precision", "float32", "--min-psnr", "45/38", "--format", "onnx", "-o", str(tmp_path)]) == 0
    )
    printed = capsys.readouterr().out
    (entry,) = json.loads((tmp_path / "report.json").read_text())["files"]
    assert entry["onnx"]["file"] == "tiny-16x16-float32.onnx"
    assert len(entry["onnx"]["runtimes"]) == 2
    page = (tmp_path / "report.html").read_text()
    for runtime in entry["onnx"]["runtimes"]:
        assert f"on {runtime}: mean" in printed
        assert f"tiny-16x16-float32.onnx, {runtime}" in page


def test_precision_without_onnx_is_refused(folder: Path, tmp_path: Path) -> None:
    order = Order(("float16",), (SIZE,), folder / "evaluation", onnx=True)
    with pytest.raises(ConversionError, match="expected a precision of float32 int8 for ONNX, found float16"):
        list(publish(load_network(folder / "tiny.keras"), order, tmp_path))


def test_missing_package_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_files, "_PACKAGES", ("onnx", "no_such_package"))
    with pytest.raises(ConversionError, match=r"ONNX files need no_such_package; run: pip install 'edge-dce\[onnx\]'"):
        onnx_files.check_packages()


def test_foreign_onnx_file_has_no_card(publications: list[Publication], tmp_path: Path) -> None:
    (exported,) = onnx_files.export([publications[0].path], tmp_path)
    with pytest.raises(CardError, match="expected a card in the metadata under edge-dce-card"):
        read_card(exported.onnx)
