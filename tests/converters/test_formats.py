"""A new precision and a new contract are one entry each."""

import ast
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from converters import formats
from converters.cli import main
from converters.errors import ConversionError
from converters.formats import CONTRACTS, PRECISIONS, Bounds, Precision, Product, find_precision, find_product
from converters.publication import Order, publish
from converters.source import load_network
from edge_dce.enhancer import load
from edge_dce.errors import ModelError
from edge_dce.models.card import ModelFile, read_model_file
from edge_dce.models.contracts import Contract
from edge_dce.models.network import Interpreter, Network
from edge_dce.pixels.curve import apply_exact
from tests.generate_models import SIDE_PX

ROOT = Path(__file__).resolve().parents[2]
SIZE = (SIDE_PX, SIDE_PX)


def make_order(folder: Path, *precisions: str, **options: object) -> Order:
    return Order(precisions, (SIZE,), folder / "evaluation", calibration=folder / "dark", **options)  # type: ignore[arg-type]


class MeanModel:
    """A file of the toy contract: three numbers, with which the whole picture is enhanced."""

    def __init__(self, model: ModelFile, interpreter: Interpreter) -> None:
        self._network = Network(model.path, interpreter)

    def prepare(self, image: np.ndarray) -> np.ndarray:
        return image[:SIDE_PX, :SIDE_PX]

    def enhance(self, image: np.ndarray) -> np.ndarray:
        mean = self._network.invoke(self._network.quantize(image))
        return apply_exact(image, mean[np.newaxis, np.newaxis])

    def estimate(self, image: np.ndarray) -> None:
        return None


def _average(image: object, output: object, root: int) -> object:
    return keras.layers.Dense(3, use_bias=False, kernel_initializer=_initialize_mean, name="mean")(
        keras.layers.GlobalAveragePooling2D()(output)
    )


def _initialize_mean(shape: tuple[int, int], dtype: object = None) -> np.ndarray:
    return np.tile(np.eye(3, dtype=np.float32), (shape[0] // 3, 1)) * 3 / shape[0]


MEAN = Product(
    Contract(
        "mean",
        "three numbers",
        output="(1, 3)",
        fits=lambda image, output: output == (1, 3),
        range=(-1.0, 1.0),
        color=None,
        is_enhancing=False,
    ),
    build={"curves": _average},
    open=MeanModel,
)


@pytest.mark.parametrize(
    ("precision", "dtype"),
    [
        (Precision("half", Bounds(30, 20), weight_bits=16), "FLOAT16"),
        (Precision("int4", Bounds(20, 10), weight_bits=4, activation_bits=8), "INT4"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_registered_precision_is_made_and_judged_by_its_own_bounds(
    precision: Precision, dtype: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PRECISIONS, precision.name, precision)
    command = [str(folder / "tiny.keras"), "--size", "16x16", "--evaluation", str(folder / "evaluation")]
    command += ["--calibration", str(folder / "dark"), "--precision", precision.name, "-o", str(tmp_path)]
    assert main(command) == 0
    card = read_model_file(tmp_path / f"tiny-16x16-{precision.name}.tflite").card
    assert card is not None
    assert card.precision == precision.name
    assert dtype in card.census.dtype
    assert (card.calibration is not None) == precision.is_calibrated


def test_registered_contract_is_made_and_run_as_it_says(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CONTRACTS, "mean", MEAN)
    source = load_network(folder / "tiny.keras")
    # The reference applies the whole map: of these pictures of noise, whose maps are flat, the mean is near it.
    order = make_order(folder, "float32", "int8", contracts=("mean",), bounds=Bounds(25, 20))
    items = list(publish(source, order, tmp_path))
    assert [item.path.name for item in items] == ["tiny-mean-16x16-float32.tflite", "tiny-mean-16x16-int8.tflite"]
    for item in items:
        assert not item.reasons
        card = read_model_file(item.path).card
        assert card is not None
        assert (card.contract, card.output.shape, card.output.range) == ("mean", (1, 3), (-1.0, 1.0))
    # The device package reads such a card and says that it is not for it.
    with pytest.raises(ModelError, match="found 'mean'; upgrade edge-dce"):
        load(items[0].path)


def test_what_is_not_registered_is_refused() -> None:
    with pytest.raises(ConversionError, match="expected a precision of float32 float16 dynamic int8, found 'int4'"):
        find_precision("int4")
    with pytest.raises(ConversionError, match="expected a contract of curves tone image, found 'mean'"):
        find_product("mean")


def test_words_of_the_command_need_no_tensorflow() -> None:
    code = "import converters.cli, sys; print(sorted({'keras', 'tensorflow'} & set(sys.modules)))"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert child.stdout == "[]\n"


def test_precisions_and_contracts_are_named_in_one_place() -> None:
    # Integers are made from a float32 file; "image" is also what Keras's input is called.
    names = {*PRECISIONS, *CONTRACTS, "mixed"} - {"float32", "image"}
    for path in sorted((ROOT / "converters").glob("*.py")):
        if path == Path(formats.__file__):
            continue
        words = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
        assert not words & names, path
