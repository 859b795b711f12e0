"""Biases as every kernel expects them: one number for each output channel.

TensorFlow's converter moves a sum after a transposed convolution into its bias as it stands: of shape (1, 1, 1, C),
which the quantizer takes apart along the wrong axis, or as a single number, behind which kernels read on in memory.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from .inspection import pack, read_kind, remove_tensors

FloatArray = npt.NDArray[np.float32]

_Operator = schema.BuiltinOperator
# Where each kind of operator takes its bias.
_INPUTS = {
    _Operator.CONV_2D: 2,
    _Operator.DEPTHWISE_CONV_2D: 2,
    _Operator.FULLY_CONNECTED: 2,
    _Operator.TRANSPOSE_CONV: 3,
}
_DTYPES = {schema.TensorType.FLOAT32: "<f4", schema.TensorType.FLOAT16: "<f2"}


def settle_biases(model: bytes) -> bytes:
    """A float model in which every bias has the shape (channels,); itself if that is so already."""
    graph = schema.ModelT.InitFromPackedBuf(model, 0)
    main = graph.subgraphs[0]
    replaced = set()
    for node in main.operators:
        place = _INPUTS.get(read_kind(graph, node))
        # -1 stands for no bias.
        if place is None or place >= len(node.inputs) or node.inputs[place] < 0:
            continue
        index, channels = int(node.inputs[place]), int(main.tensors[node.outputs[0]].shape[-1])
        if list(main.tensors[index].shape) != [channels]:
            values = np.broadcast_to(_read_constant(graph, index).ravel(), channels)
            node.inputs = [*node.inputs[:place], _add_bias(graph, index, values), *node.inputs[place + 1 :]]
            replaced.add(index)
    if not replaced:
        return model
    _forget(graph, replaced)
    return pack(graph)


def _read_constant(graph: Any, index: int) -> FloatArray:
    """A constant in float32, also where the file widens it from float16 as it runs."""
    main = graph.subgraphs[0]
    for node in main.operators:
        if index in node.outputs:
            return _read_constant(graph, int(node.inputs[0]))
    tensor = main.tensors[index]
    return np.frombuffer(bytes(graph.buffers[tensor.buffer].data), _DTYPES[tensor.type]).astype(np.float32)


def _add_bias(graph: Any, like: int, values: FloatArray) -> int:
    """A new constant named after the tensor `like`; its index."""
    main = graph.subgraphs[0]
    buffer, tensor = schema.BufferT(), copy.copy(main.tensors[like])
    buffer.data = np.frombuffer(values.astype("<f4").tobytes(), np.uint8)
    graph.buffers.append(buffer)
    tensor.name += f"/channels{len(main.tensors)}".encode()
    tensor.shape, tensor.type, tensor.buffer = [len(values)], schema.TensorType.FLOAT32, len(graph.buffers) - 1
    main.tensors.append(tensor)
    return len(main.tensors) - 1


def _forget(graph: Any, replaced: set[int]) -> None:
    """Remove those of the tensors that nothing uses any more, with the operators that made them."""
    main = graph.subgraphs[0]
    unused = replaced - {index for node in main.operators for index in node.inputs}
    main.operators = [node for node in main.operators if not unused.issuperset(node.outputs)]
    remove_tensors(graph, unused)
