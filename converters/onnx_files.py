"""The networks of TFLite files as ONNX, weights and scales as they are, with the card in the file's metadata.

A program of its own too, `python -m converters.onnx_files FILE.tflite... FOLDER`: tf2onnx loads TensorFlow, whose
threads and memory have no place in a process that measures.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge_dce.errors import CardError, EdgeDceError
from edge_dce.models.card import ModelCard, read_model_file
from edge_dce.models.contracts import CURVES, IMAGE, TONE
from edge_dce.terminal.child import run_python

from .errors import ConversionError

# The metadata's key for the card.
CARD_KEY = "edge-dce-card"
# What programs call the tensors by.
INPUT_NAME = "image"
OUTPUT_NAMES = {CURVES.name: CURVES.name, TONE.name: TONE.name, IMAGE.name: "enhanced"}
# The newest that tf2onnx writes for all operators that the networks use.
_OPSET = 18
_PACKAGES = ("onnx", "onnxruntime", "tf2onnx")


@dataclasses.dataclass(frozen=True)
class Export:
    """One network, weights and scales as they are: as ONNX, and as TFLite for readers of the old field of operators."""

    onnx: Path
    tflite: Path


def check_packages() -> None:
    """Whether ONNX files can be made and checked here.

    Raises:
        ConversionError: a package is missing.
    """
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise ConversionError(f"ONNX files need {', '.join(missing)}; run: pip install 'edge-dce[onnx]'")


def export(models: Sequence[Path], folder: Path) -> list[Export]:
    """Write the network of each model into `folder`, without a card.

    Raises:
        EdgeDceError: tf2onnx refused one.
    """
    paths = [str(path.resolve()) for path in (*models, folder)]
    result = run_python(["-m", __name__, *paths], timeout_s=None)
    if result.failure:
        raise EdgeDceError(f"tf2onnx cannot export {', '.join(model.stem for model in models)} ({result.failure})")
    return [Export(folder / f"{model.stem}.onnx", folder / f"{model.stem}.tflite") for model in models]


def add_card(content: bytes, card: ModelCard) -> bytes:
    """The ONNX file `content` with a card, and with names of its tensors that do not change from file to file.

    The card's `sha256` and `census` stay those of the TFLite model that the file was made of: a file cannot hold its
    own hash.
    """
    import onnx

    model = onnx.load_model_from_string(content)
    _rename(model.graph, model.graph.input[0].name, INPUT_NAME)
    _rename(model.graph, model.graph.output[0].name, OUTPUT_NAMES[card.contract])
    onnx.helper.set_model_props(model, {CARD_KEY: card.to_json()})
    model.doc_string = f"edge-dce {card.contract}: {card.name}"
    serialized: bytes = model.SerializeToString(deterministic=True)
    return serialized


def read_card(path: Path) -> ModelCard:
    """The card of an ONNX file.

    Raises:
        CardError: it has none, or one that cannot be read.
    """
    import onnx

    properties = {entry.key: entry.value for entry in onnx.load(str(path)).metadata_props}
    if CARD_KEY not in properties:
        raise CardError(f"{path}: expected a card in the metadata under {CARD_KEY}, found none; convert it again")
    return ModelCard.from_json(properties[CARD_KEY], origin=path)


def _rename(graph: Any, old: str, new: str) -> None:
    """Give a tensor of an ONNX graph another name wherever it stands."""
    for value in (*graph.input, *graph.output):
        if value.name == old:
            value.name = new
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [new if name == old else name for name in names]


def _export(models: Sequence[str], folder: Path) -> None:
    from tf2onnx import convert

    from .inspection import name_operators_twice

    for model in map(Path, models):
        widened = folder / f"{model.stem}.tflite"
        widened.write_bytes(name_operators_twice(read_model_file(model).content))
        convert.from_tflite(str(widened), opset=_OPSET, output_path=str(folder / f"{model.stem}.onnx"))


if __name__ == "__main__":
    _export(sys.argv[1:-1], Path(sys.argv[-1]))
