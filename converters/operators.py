"""What int8 costs: the outputs of a quantized file, and every tensor inside, beside those in float32."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from edge_dce.errors import ModelError
from edge_dce.models.network import Network, read_tensor
from edge_dce.models.runtime import default_threads, hold_back_notices

from .activation import open_transparent
from .inspection import name_constants, read_kind, trace_layers

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

# Signals that int8 reproduces to the last bit would be infinitely good.
_MOST_DB = 100.0


@dataclasses.dataclass(frozen=True)
class OperatorError:
    """Of one operator's output, over all pictures.

    Attributes:
        operator: kind, such as "CONV_2D".
        layer: the Keras layer it comes from.
        sqnr_db: power of the float signal over power of the difference: all the error that has gathered so far.
        added: power of the error over power of the signal, less that of its worst input: what this operator adds.
        max_abs: largest difference, in the tensor's own unit.
        span: width of the range that the float tensor takes.
    """

    operator: str
    layer: str
    sqnr_db: float
    added: float
    max_abs: float
    span: float


def compare_operators(float_model: bytes, model: bytes, images: Sequence[Uint8Array]) -> list[OperatorError]:
    """The operators of `model` that a float32 model has too, in the order in which they run.

    Args:
        float_model: the float32 file that `model` was quantized from.
        images: (height, width, 3) uint8 at the files' size; a few are enough.
    """
    expected, found = open_transparent(float_model), open_transparent(model)
    names = {details["name"]: details for details in expected.get_tensor_details()}
    pairs = [
        (names[details["name"]], details)
        for details in found.get_tensor_details()
        if details["name"] in names and names[details["name"]]["dtype"] == np.float32
    ]
    sums = {details["name"]: np.zeros(2) for _, details in pairs}
    worst: dict[str, float] = dict.fromkeys(sums, 0.0)
    span: dict[str, float] = dict.fromkeys(sums, 0.0)
    networks = Network("float32 model", expected), Network("integer model", found)
    for image in images:
        for network in networks:
            network.feed(network.quantize(image))
            network.run()
        for original, details in pairs:
            reference, values = _read(expected, original), _read(found, details)
            if reference is None or values is None or reference.shape != values.shape:
                continue
            difference = values - reference
            sums[details["name"]] += float(np.square(reference).sum()), float(np.square(difference).sum())
            worst[details["name"]] = max(worst[details["name"]], float(np.abs(difference).max()))
            span[details["name"]] = max(span[details["name"]], float(np.ptp(reference)))
    return _tabulate(model, {name: _to_db(*power) for name, power in sums.items() if power[0] > 0}, worst, span)


def run(model: bytes, images: Sequence[Uint8Array]) -> list[FloatArray]:
    """What a file returns for (height, width, 3) uint8 images of its size, as real values.

    Raises:
        ModelError: the runtime refuses the file, or fails on it.
    """
    try:
        with hold_back_notices():
            interpreter = Interpreter(model_content=model, num_threads=default_threads())
            interpreter.allocate_tensors()
    except RuntimeError as error:
        raise ModelError(f"the runtime refuses the model ({error})") from error
    network = Network("model", interpreter)
    return [network.invoke(network.quantize(image)).copy() for image in images]


def rank_layers(errors: Sequence[OperatorError]) -> list[str]:
    """Layers, those first whose operators add most error."""
    added: dict[str, float] = {}
    for error in errors:
        added[error.layer] = added.get(error.layer, 0.0) + error.added
    return sorted(added, key=lambda layer: (-added[layer], layer))


def _tabulate(
    model: bytes, sqnr_db: dict[str, float], worst: dict[str, float], span: dict[str, float]
) -> list[OperatorError]:
    graph = schema.ModelT.InitFromPackedBuf(model, 0)
    main = graph.subgraphs[0]
    kinds = name_constants(schema.BuiltinOperator)
    label = trace_layers(main)
    # A QUANTIZE in between is no tensor of the float model: what it passes on is as good as what it got.
    seen = {index: sqnr_db.get(main.tensors[index].name.decode(), _MOST_DB) for index in main.inputs}
    errors = []
    for node in main.operators:
        kind = kinds[read_kind(graph, node)]
        inputs = min((seen[index] for index in node.inputs if index in seen), default=_MOST_DB)
        for index in node.outputs:
            name = main.tensors[index].name.decode()
            seen[index] = sqnr_db.get(name, inputs)
            if name in sqnr_db and kind not in ("QUANTIZE", "DEQUANTIZE"):
                added = max(0.0, 10 ** (-seen[index] / 10) - 10 ** (-inputs / 10))
                errors.append(OperatorError(kind, label[index], round(seen[index], 2), added, worst[name], span[name]))
    return errors


def _read(interpreter: Any, details: dict[str, Any]) -> FloatArray | None:
    """Real values, None for constants by channel and tensors that hold nothing."""
    if len(details["quantization_parameters"]["scales"]) > 1:
        return None
    try:
        return read_tensor(interpreter, details)
    except ValueError:
        return None


def _to_db(signal: float, noise: float) -> float:
    return _MOST_DB if noise == 0 else min(_MOST_DB, float(10 * np.log10(signal / noise)))
