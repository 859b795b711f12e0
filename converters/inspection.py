"""What a TFLite flatbuffer really holds, read from its bytes rather than believed from its name."""

from __future__ import annotations

import collections
import re
from collections.abc import Collection, Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edge_dce.models.card import Census, TensorSpec
from edge_dce.models.contracts import COLORS

from .formats import find_product


def take_census(model: bytes) -> Census:
    """Operators by kind and tensors by type."""
    graph = schema.ModelT.InitFromPackedBuf(model, 0)
    operators = name_constants(schema.BuiltinOperator)
    types = name_constants(schema.TensorType)
    main = graph.subgraphs[0]
    op = collections.Counter(operators[read_kind(graph, node)] for node in main.operators)
    dtype = collections.Counter(types[tensor.type] for tensor in main.tensors)
    return Census(op=dict(sorted(op.items())), dtype=dict(sorted(dtype.items())))


def read_kind(graph: Any, node: Any) -> int:
    """The operator, one of `schema.BuiltinOperator`, that a node of a `ModelT` is."""
    return int(graph.operatorCodes[node.opcodeIndex].builtinCode)


def pack(graph: Any) -> bytes:
    """A `ModelT` as the bytes of a file."""
    builder = flatbuffers.Builder()
    builder.Finish(graph.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def remove_tensors(graph: Any, removed: Collection[int]) -> None:
    """Take tensors that nothing uses out of a `ModelT`, where everything else knows tensors by their places."""
    main = graph.subgraphs[0]
    kept = [index for index in range(len(main.tensors)) if index not in removed]
    main.tensors = [main.tensors[index] for index in kept]
    # -1 stands for an input that is left out.
    places = {-1: -1} | {index: place for place, index in enumerate(kept)}

    def shift(indices: Sequence[int]) -> list[int]:
        return [places[index] for index in indices]

    main.inputs, main.outputs = shift(main.inputs), shift(main.outputs)
    for node in main.operators:
        node.inputs, node.outputs = shift(node.inputs), shift(node.outputs)
    for signature in graph.signatureDefs or ():
        for entry in (*signature.inputs, *signature.outputs):
            (entry.tensorIndex,) = shift([entry.tensorIndex])


def name_operators_twice(content: bytes) -> bytes:
    """The same model with its operators named in the old, narrow field too.

    Quantizers of today fill the wide field alone, and a TFLite runtime takes the larger of both. Other readers
    (OpenVINO, tf2onnx) find 0 in the narrow one, which is an addition.
    """
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    for code in model.operatorCodes:
        code.builtinCode = max(code.builtinCode, code.deprecatedBuiltinCode)
        code.deprecatedBuiltinCode = min(code.builtinCode, schema.BuiltinOperator.PLACEHOLDER_FOR_GREATER_OP_CODES)
    return pack(model)


def list_computed(model: bytes) -> list[int]:
    """The indices of the tensors that operators compute: activations, unlike weights."""
    main = schema.ModelT.InitFromPackedBuf(model, 0).subgraphs[0]
    return [int(index) for node in main.operators for index in node.outputs]


def list_float_layers(model: bytes) -> list[str]:
    """The layers that compute in float32 in a quantized file, in the order in which they run."""
    graph = schema.ModelT.InitFromPackedBuf(model, 0)
    main = graph.subgraphs[0]
    label = trace_layers(main)
    computing = [node for node in main.operators if read_kind(graph, node) != schema.BuiltinOperator.DEQUANTIZE]
    outputs = (int(index) for node in computing for index in node.outputs)
    return list(
        dict.fromkeys(label[index] for index in outputs if main.tensors[index].type == schema.TensorType.FLOAT32)
    )


def describe_input(model: bytes) -> TensorSpec:
    """The image tensor: RGB or other channels in [0, 1] as real values."""
    main = schema.ModelT.InitFromPackedBuf(model, 0).subgraphs[0]
    image = main.tensors[main.inputs[0]]
    return _describe(image, (0.0, 1.0), color=COLORS[int(image.shape[-1])])


def describe_output(model: bytes, contract: str) -> TensorSpec:
    """What a contract returns: real values in its range, of "image" RGB."""
    main = schema.ModelT.InitFromPackedBuf(model, 0).subgraphs[0]
    meant = find_product(contract).contract
    return _describe(main.tensors[main.outputs[0]], meant.range, color=meant.color)


def name_layer(tensor: str) -> str:
    """The Keras layer that a tensor is named after: "net_1/conv1_1/Relu;net_1/conv1_1/BiasAdd" is of "conv1"."""
    steps = tensor.partition(";")[0].split("/")
    return re.sub(r"_\d+$", "", steps[-2] if len(steps) > 1 else steps[0])


def trace_layers(main: Any) -> dict[int, str]:
    """The Keras layer of every tensor of a `SubGraphT`, by index.

    The converter names the output after no layer: it takes that of its weights, or else of its input.
    """
    layers = {index: name_layer(tensor.name.decode()) for index, tensor in enumerate(main.tensors)}
    for node in main.operators:
        for index in node.outputs:
            if main.tensors[index].name.startswith(b"StatefulPartitionedCall"):
                layers[index] = layers[node.inputs[min(1, len(node.inputs) - 1)]]
    return layers


def _describe(tensor: Any, value_range: tuple[float, float], *, color: str | None) -> TensorSpec:
    quantization = tensor.quantization
    is_quantized = quantization is not None and quantization.scale is not None
    return TensorSpec(
        shape=tuple(int(side) for side in tensor.shape),
        dtype=name_constants(schema.TensorType)[tensor.type].lower(),
        scale=float(np.float32(quantization.scale[0])) if is_quantized else 0.0,
        zero_point=int(quantization.zeroPoint[0]) if is_quantized else 0,
        range=value_range,
        color=color,
    )


def name_constants(enumeration: type) -> dict[int, str]:
    """The names of an enumeration of the schema by their codes."""
    return {code: name for name, code in vars(enumeration).items() if not name.startswith("_")}
