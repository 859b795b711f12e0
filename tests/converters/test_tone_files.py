"""Networks that return the tone of a picture: what their files hold, and how close they come."""

from pathlib import Path

import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from converters.cli import main
from converters.errors import ConversionError
from converters.file_network import build_network
from converters.formats import PRECISIONS
from converters.publication import Order, Publication, publish
from converters.source import SourceNetwork, load_network
from edge_dce.enhancer import load
from edge_dce.pixels import tone
from tests.generate_models import SIDE_PX, build_tiny_tone_network

SIZE = (SIDE_PX, SIDE_PX)


@pytest.fixture(scope="module")
def source(folder: Path) -> SourceNetwork:
    build_tiny_tone_network().save(folder / "tone.keras")
    return load_network(folder / "tone.keras")


@pytest.fixture(scope="module")
def publications(source: SourceNetwork, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Publication]:
    order = Order(tuple(PRECISIONS), (SIZE,), folder / "evaluation", calibration=folder / "dark")
    return list(publish(source, order, tmp_path_factory.mktemp("tone")))


def test_file_of_every_precision_passes_the_gate_of_the_enhanced_picture(publications: list[Publication]) -> None:
    assert [item.path.name for item in publications] == [f"tone-16x16-{precision}.tflite" for precision in PRECISIONS]
    for item in publications:
        assert not item.reasons
        assert len(item.attempts) == 1
        assert (item.card.contract, item.card.output.shape) == ("tone", (1, tone.COUNT))
        assert item.card.fidelity is not None
        assert item.card.fidelity.against == "Keras float32, exact formula"


def test_int8_is_integer_throughout_and_takes_the_bytes_of_a_picture(publications: list[Publication]) -> None:
    card = publications[-1].card
    assert card.census.dtype.keys() <= {"INT8", "UINT8", "INT32"}
    assert (card.input.dtype, card.input.zero_point) == ("uint8", 0)
    assert card.input.scale * 255 == pytest.approx(1.0, rel=1e-6)
    # The step that kernels prescribe for tanh: an increment is right within 4/256, which is 1.6 %.
    assert (card.output.dtype, card.output.scale) == ("int8", 1 / 128)


def test_dense_weights_of_dynamic_have_one_scale_that_older_runtimes_take(publications: list[Publication]) -> None:
    dynamic = next(item for item in publications if item.card.precision == "dynamic")
    main = schema.ModelT.InitFromPackedBuf(dynamic.judgement.draft.model, 0).subgraphs[0]
    scales = [tensor.quantization.scale for tensor in main.tensors if tensor.type == schema.TensorType.INT8]
    assert [len(each) for each in scales] == [1]


def test_files_are_run_by_the_device_package(publications: list[Publication], source: SourceNetwork) -> None:
    image = np.random.default_rng(1).integers(0, 60, (*SIZE, 3)).astype(np.uint8)
    numbers = np.asarray(source.network(image[np.newaxis] / np.float32(255)))[0]
    for item in publications:
        enhancer = load(item.path, threads=1)
        # Half a step of tanh, and as much again for the layers before it.
        np.testing.assert_allclose(enhancer.estimate(image), numbers, atol=2 / 128)
        assert enhancer.enhance(image).mean() > 1.5 * image.mean()


@pytest.mark.parametrize("keepdims", [False, True])
def test_global_maximum_becomes_a_window_of_the_same_result(keepdims: bool) -> None:
    image = keras.Input((None, None, 3))
    maximum = keras.layers.GlobalMaxPooling2D(keepdims=keepdims)(keras.layers.Conv2D(5, 3)(image))
    numbers = keras.layers.Dense(tone.COUNT)(keras.layers.Flatten()(maximum))
    network = keras.Model(image, numbers)
    source = SourceNetwork("maximum", network, "tone", 0, 1, None, "")  # type: ignore[arg-type]
    built = build_network(source, "tone", *SIZE)
    assert not any(isinstance(layer, keras.layers.GlobalMaxPooling2D) for layer in built.layers)
    picture = np.random.default_rng(2).random((1, *SIZE, 3), np.float32)
    np.testing.assert_allclose(np.asarray(built(picture)), np.asarray(network(picture)), atol=1e-6)


def test_other_contracts_cannot_be_made_of_a_tone(source: SourceNetwork) -> None:
    with pytest.raises(ConversionError, match="returns tone, which cannot make 'curves'; use --contract tone"):
        build_network(source, "curves", *SIZE)


def test_all_contracts_are_those_that_the_network_can_make(folder: Path, tmp_path: Path) -> None:
    build_tiny_tone_network().save(tmp_path / "mine.keras")
    command = [str(tmp_path / "mine.keras"), "--size", "16x16", "--evaluation", str(folder / "evaluation")]
    assert main([*command, "--precision", "float16", "--contract", "all", "-o", str(tmp_path)]) == 0
    assert [path.name for path in tmp_path.glob("*.tflite")] == ["mine-16x16-float16.tflite"]
