"""A tanh that is as good as a line, made one; for any other, a range of inputs that wastes no levels.

int8 kernels prescribe tanh a step of 1/128. Maps from -0.15 to 0 would have 20 levels; the convolution that they come
from may give them all 256. So where the inputs of a tanh stay so close to zero that a line is nearer to it
than the step, the line goes into the weights of the convolution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from .inspection import pack, read_kind, remove_tensors, trace_layers

FloatArray = npt.NDArray[np.float64]

_Operator = schema.BuiltinOperator
# Half a step of the 8-bit tanh: its own rounding.
MOST_DEVIATION = 1 / 256
_SAMPLES = 1001
# Beyond it the 8-bit tanh has its last level.
_SATURATED = float(np.arctanh(127.5 / 128))


def flatten_tanh(model: bytes, ranges: Mapping[str, tuple[float, float]], *, float_layers: Sequence[str] = ()) -> bytes:
    """A float32 model with a line in place of each tanh that comes from a convolution and is as good as one.

    Args:
        ranges: of every activation by name.
        float_layers: layers that keep their tanh, or the convolution before it.
    """
    graph = schema.ModelT.InitFromPackedBuf(model, 0)
    main = graph.subgraphs[0]
    for tanh in [node for node in main.operators if read_kind(graph, node) == _Operator.TANH]:
        convolution = _find_own_convolution(graph, tanh)
        layers = trace_layers(main)
        if convolution is None or {layers[tanh.outputs[0]], layers[tanh.inputs[0]]} & set(float_layers):
            continue
        slope, offset, deviation = fit_line(*ranges[main.tensors[tanh.inputs[0]].name.decode()])
        if deviation > MOST_DEVIATION:
            continue
        _, weights, bias = (main.tensors[index] for index in convolution.inputs)
        _replace(graph, weights, slope * _read(graph, weights))
        _replace(graph, bias, slope * _read(graph, bias) + offset)
        convolution.outputs = tanh.outputs
        main.operators.remove(tanh)
        remove_tensors(graph, {tanh.inputs[0]})
    return pack(graph)


def bound_inputs(model: bytes, ranges: Mapping[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    """The ranges, with that of each tanh's own input no wider than what its 8-bit output tells apart.

    A tanh from -3.7 to 5.2 would spend a quarter of its input's 256 levels on values that all come out as 1.
    """
    graph = schema.ModelT.InitFromPackedBuf(model, 0)
    main = graph.subgraphs[0]
    readers = [index for node in main.operators for index in node.inputs]
    own = {
        main.tensors[node.inputs[0]].name.decode()
        for node in main.operators
        if read_kind(graph, node) == _Operator.TANH and readers.count(node.inputs[0]) == 1
    }
    return {
        name: (max(low, -_SATURATED), min(high, _SATURATED)) if name in own else (low, high)
        for name, (low, high) in ranges.items()
    }


def fit_line(low: float, high: float) -> tuple[float, float, float]:
    """Slope and offset of the line of least squares for tanh from `low` to `high`, and its distance from it at most."""
    x = np.linspace(low, high, _SAMPLES)
    y = np.tanh(x)
    if low == high:
        return 1.0, float(y[0]) - low, 0.0
    slope, offset = np.polyfit(x, y, 1)
    return float(slope), float(offset), float(np.abs(slope * x + offset - y).max())


def _find_own_convolution(graph: Any, tanh: Any) -> Any:
    """The convolution before a tanh, None if there is none or if something else depends on it, its weights or bias."""
    main = graph.subgraphs[0]
    source = next((node for node in main.operators if tanh.inputs[0] in node.outputs), None)
    if source is None or read_kind(graph, source) not in (_Operator.CONV_2D, _Operator.DEPTHWISE_CONV_2D):
        return None
    used = [index for node in main.operators for index in node.inputs] + list(main.outputs)
    own = (source.outputs[0], *source.inputs[1:])
    buffers = [tensor.buffer for tensor in main.tensors]
    is_own = all(used.count(index) == 1 for index in own) and all(
        buffers.count(main.tensors[index].buffer) == 1 for index in own[1:]
    )
    has_activation = source.builtinOptions.fusedActivationFunction != schema.ActivationFunctionType.NONE
    return source if is_own and len(own) == 3 and min(own) >= 0 and not has_activation else None


def _read(graph: Any, tensor: Any) -> FloatArray:
    return np.frombuffer(bytes(graph.buffers[tensor.buffer].data), "<f4").astype(np.float64)


def _replace(graph: Any, tensor: Any, values: FloatArray) -> None:
    graph.buffers[tensor.buffer].data = np.frombuffer(values.astype("<f4").tobytes(), np.uint8)
