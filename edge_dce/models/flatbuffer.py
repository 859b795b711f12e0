"""Whether a TFLite model from elsewhere is whole: its tables, and what they say of each other.

A runtime follows every offset and index of a model without looking, tflite-runtime 2.14 even into a segmentation fault.
Names and slots are those of `schema.fbs`, version 3, of TensorFlow Lite; the encoding is described in "FlatBuffer
Internals" of the FlatBuffers documentation. What an operator makes of its options is left to the trial run.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable
from typing import Any

import numpy as np

from edge_dce.errors import ModelError
from edge_dce.models.card import ModelFile

# Table -> its fields, name:type, in the order of their slots. A type is a number as in `struct`, a string, another
# table, a union (any table), or with "[" before it a list of these. Later slots than these are not followed.
_FIELDS = {
    "Model": "version:I operator_codes:[OperatorCode subgraphs:[SubGraph description:string buffers:[Buffer"
    " metadata_buffer:[i metadata:[Metadata signature_defs:[SignatureDef",
    "OperatorCode": "deprecated_code:b custom_code:string version:i builtin_code:i",
    "SubGraph": "tensors:[Tensor inputs:[i outputs:[i operators:[Operator name:string",
    "Tensor": "shape:[i type:b buffer:I name:string quantization:Quantization is_variable:b sparsity:union"
    " shape_signature:[i",
    "Quantization": "min:[f max:[f scale:[f zero_point:[q details_type:B details:union dimension:i",
    "Operator": "opcode_index:I inputs:[i outputs:[i options_type:B options:union custom_options:[B"
    " custom_options_format:b mutating_variable_inputs:[b intermediates:[i large_custom_options_offset:Q"
    " large_custom_options_size:Q options_2_type:B options_2:union",
    "Buffer": "data:[B offset:Q size:Q",
    "Metadata": "name:string buffer:I",
    "SignatureDef": "inputs:[TensorMap outputs:[TensorMap key:string unused:string subgraph:I",
    "TensorMap": "name:string tensor:I",
    "union": "",
}
_SCHEMA = {table: [field.split(":") for field in fields.split()] for table, fields in _FIELDS.items()}
_VERSION = 3
# Bits of one element by TensorType. Strings, resources, variants and types that came later have no fixed size.
_BITS = {0: 32, 1: 16, 2: 32, 3: 8, 4: 64, 6: 8, 7: 16, 8: 64, 9: 8, 10: 64, 11: 128, 12: 64, 15: 32, 16: 16, 17: 4}
_FLOATS = {0: "<f4", 1: "<f2"}
# BuiltinOperator: those that only move or round values; CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED, MUL.
_PASSING = frozenset({6, 22, 23, 34, 39, 53, 97, 114})
_WEIGHTING = frozenset({3, 4, 9, 18})
_FLOAT32 = 0
# An operator has no tensor there.
_NO_TENSOR = -1

_Table = dict[str, Any]


def check_flatbuffer(model: ModelFile) -> None:
    """Follow every offset and index of a model.

    Raises:
        ModelError: one leads outside of the file, to nothing, or to something of another size.
    """
    try:
        _check_model(_Decoder(model.content).decode())
    except ValueError as error:
        raise ModelError(
            f"{model.path}: expected a whole TFLite model, found a damaged one ({error}); get a fresh copy"
        ) from error


def measure_first_weights(model: ModelFile) -> float | None:
    """The largest weight by which a sound model multiplies its input; None where it is not written in float32.

    A layer that divides by 255 is nowhere else to be seen: converters multiply it into the weights of the next one.
    """
    tables = _Decoder(model.content).decode()
    graph, buffers = tables["subgraphs"][0], tables["buffers"]
    kinds = [max(code["deprecated_code"], code["builtin_code"]) for code in tables["operator_codes"]]
    pictures = set(map(int, graph["inputs"]))
    for operator in graph["operators"]:
        inputs = list(map(int, operator["inputs"]))
        kind = kinds[operator["opcode_index"]]
        if not pictures.intersection(inputs):
            continue
        if kind in _PASSING:
            pictures.update(map(int, operator["outputs"]))
        elif kind in _WEIGHTING and len(inputs) > 1:
            tensors = [graph["tensors"][index] for index in inputs[:2] if index not in pictures]
            found = [buffers[tensor["buffer"]]["data"] for tensor in tensors if tensor["type"] == _FLOAT32]
            return max((float(np.abs(data.view("<f4")).max()) for data in found if len(data)), default=None)
    return None


class _Decoder:
    """Tables as dicts, vectors of numbers as arrays; ValueError for whatever does not lie inside the file."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        # No honest file holds more, each has four bytes of its own; a forged one may point to one table many times.
        self._tables_left = len(content) // 4

    def decode(self) -> _Table:
        model = self._read_table(self._read_number("I", 0), "Model")
        for index, buffer in enumerate(model["buffers"]):
            # 0 and 1 stand for data inside the flatbuffer, more for data behind it.
            if buffer["offset"] > 1:
                if buffer["offset"] + buffer["size"] > len(self._content):
                    raise ValueError(f"buffer {index} ends past the file's {len(self._content)} bytes")
                buffer["data"] = np.frombuffer(self._content, np.uint8, buffer["size"], buffer["offset"])
        return model

    def _read_number(self, code: str, at: int) -> Any:
        size = struct.calcsize(f"<{code}")
        if not 0 <= at <= len(self._content) - size or at % size:
            raise ValueError(f"an offset to byte {at} of {len(self._content)}")
        return struct.unpack_from(f"<{code}", self._content, at)[0]

    def _read_table(self, at: int, kind: str) -> _Table:
        self._tables_left -= 1
        if self._tables_left < 0:
            raise ValueError("more tables than fit into the file")
        slots_at = at - self._read_number("i", at)
        slots_size, size = self._read_number("H", slots_at), self._read_number("H", slots_at + 2)
        if slots_size < 4 or size < 4 or max(slots_at + slots_size, at + size) > len(self._content):
            raise ValueError(f"{kind} at byte {at} has no place in {len(self._content)} bytes")
        places = [self._read_number("H", slots_at + slot) for slot in range(4, slots_size - 1, 2)]
        if any(place and not 4 <= place < size for place in places):
            raise ValueError(f"{kind} at byte {at} has a field outside of its {size} bytes")
        table = {}
        for slot, (name, form) in enumerate(_SCHEMA[kind]):
            place = places[slot] if slot < len(places) else 0
            if place and place + (struct.calcsize(form) if len(form) == 1 else 4) > size:
                raise ValueError(f"{kind} at byte {at} has its {name} outside of its {size} bytes")
            table[name] = self._read_field(at + place, form) if place else _default(form)
        return table

    def _read_field(self, at: int, form: str) -> Any:
        if len(form) == 1:
            return self._read_number(form, at)
        target = at + self._read_number("I", at)
        if form == "string":
            text = self._read_vector(target, "B")
            # C reads on up to the zero; and Python fails at what is no UTF-8, each time it asks for a name.
            if self._read_number("B", target + 4 + len(text)) != 0:
                raise ValueError(f"a text at byte {target} without end")
            text.tobytes().decode()
            return text
        if form.startswith("["):
            return self._read_vector(target, form[1:])
        return self._read_table(target, form)

    def _read_vector(self, at: int, form: str) -> Any:
        count, start = self._read_number("I", at), at + 4
        size = struct.calcsize(f"<{form}") if len(form) == 1 else 4
        if count * size > len(self._content) - start or start % size:
            raise ValueError(f"a list of {count} at byte {start} of {len(self._content)}")
        if len(form) == 1:
            return np.frombuffer(self._content, np.dtype(form).newbyteorder("<"), count, start)
        return [self._read_field(place, form) for place in range(start, start + 4 * count, 4)]


def _default(form: str) -> Any:
    if len(form) == 1:
        return 0
    return () if form.startswith("[") or form == "string" else None


def _check_model(model: _Table) -> None:
    if model["version"] != _VERSION:
        raise ValueError(f"schema version {model['version']}, not {_VERSION}")
    if not model["subgraphs"]:
        raise ValueError("no graph")
    if len(model["subgraphs"][0]["inputs"]) == 0 or len(model["subgraphs"][0]["outputs"]) == 0:
        raise ValueError("a graph without input or output")
    buffers = model["buffers"]
    _check_indices("the metadata", model["metadata_buffer"], len(buffers), "buffer")
    _check_indices("the metadata", (entry["buffer"] for entry in model["metadata"]), len(buffers), "buffer")
    for graph in model["subgraphs"]:
        for index, tensor in enumerate(graph["tensors"]):
            _check_tensor(f"tensor {index}", tensor, buffers)
        _check_graph(graph, buffers, len(model["operator_codes"]))
    for signature in model["signature_defs"]:
        _check_indices("a signature", [signature["subgraph"]], len(model["subgraphs"]), "graph")
        tensors = model["subgraphs"][signature["subgraph"]]["tensors"]
        named = (entry["tensor"] for entry in (*signature["inputs"], *signature["outputs"]))
        _check_indices("a signature", named, len(tensors), "tensor")


def _check_tensor(name: str, tensor: _Table, buffers: list[_Table]) -> None:
    _check_indices(name, [tensor["buffer"]], len(buffers), "buffer")
    shape = tuple(int(side) for side in tensor["shape"])
    if any(side < 0 for side in shape):
        raise ValueError(f"{name} is of shape {shape}")
    data = buffers[tensor["buffer"]]["data"]
    found, bits = len(data), _BITS.get(tensor["type"])
    if found and bits and tensor["sparsity"] is None:
        expected = (math.prod(shape) * bits + 7) // 8
        if found != expected:
            raise ValueError(f"{name} of shape {shape} takes {expected} bytes, its buffer has {found}")
        # XNNPACK may clamp what came of these to a number, and nothing would tell that the picture is wrong.
        if tensor["type"] in _FLOATS and np.isnan(data.view(_FLOATS[tensor["type"]])).any():
            raise ValueError(f"{name} has values that are not numbers")
    quantization = tensor["quantization"]
    if quantization is None or len(quantization["scale"]) == 0:
        return
    scales, dimension = quantization["scale"], quantization["dimension"]
    if not (np.isfinite(scales).all() and (scales >= 0).all()):
        raise ValueError(f"{name} has a scale that is no positive number")
    if len(quantization["zero_point"]) not in (0, len(scales)):
        raise ValueError(f"{name} has {len(scales)} scales and {len(quantization['zero_point'])} zero points")
    if len(scales) > 1 and not (0 <= dimension < len(shape) and shape[dimension] == len(scales)):
        raise ValueError(f"{name} of shape {shape} has {len(scales)} scales along axis {dimension}")


def _check_graph(graph: _Table, buffers: list[_Table], operator_codes: int) -> None:
    """Operators run in their order: each may read only what is there by then, and write only where nothing is."""
    tensors = graph["tensors"]
    constants = {index for index, tensor in enumerate(tensors) if len(buffers[tensor["buffer"]]["data"])}
    # An empty tensor needs no buffer.
    known = constants | {
        index for index, tensor in enumerate(tensors) if tensor["is_variable"] or 0 in tuple(tensor["shape"])
    }
    _check_indices("the graph", graph["inputs"], len(tensors), "input")
    _check_indices("the graph", graph["outputs"], len(tensors), "output")
    if constants.intersection(graph["inputs"]):
        raise ValueError("an input of the graph is a constant")
    known.update(graph["inputs"])
    written = set(constants)
    for index, operator in enumerate(graph["operators"]):
        name = f"operator {index}"
        _check_indices(name, [operator["opcode_index"]], operator_codes, "kind")
        inputs = [tensor for tensor in operator["inputs"] if tensor != _NO_TENSOR]
        _check_indices(name, inputs, len(tensors), "tensor")
        _check_indices(name, operator["outputs"], len(tensors), "tensor")
        scratch = (tensor for tensor in operator["intermediates"] if tensor != _NO_TENSOR)
        _check_indices(name, scratch, len(tensors), "tensor")
        if not known.issuperset(inputs):
            raise ValueError(f"{name} reads a tensor that nothing has written")
        if written.intersection(operator["outputs"]):
            raise ValueError(f"{name} writes a tensor that is written already")
        written.update(operator["outputs"])
        known.update(operator["outputs"])
    if not known.issuperset(graph["outputs"]):
        raise ValueError("nothing writes an output of the graph")


def _check_indices(name: str, indices: Iterable[int], count: int, kind: str) -> None:
    for index in indices:
        if not 0 <= index < count:
            raise ValueError(f"{name} refers to {kind} {index} of {count}")
