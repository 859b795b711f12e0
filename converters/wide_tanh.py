"""Curve maps of 256 levels from a tanh, although int8 kernels prescribe it a step of 1/128.

Maps that use a sixth of [-1, 1] would have 40 levels. In 16 bits the step is 1/32768, and a QUANTIZE behind the tanh
gives the map a range of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from converters.inspection import trace_layers

_Operator = schema.BuiltinOperator
_Type = schema.TensorType
# Their output may have any scale; that of a resizing or a concatenation is tied to other tensors'.
_FREE = frozenset({_Operator.CONV_2D, _Operator.DEPTHWISE_CONV_2D})
_TANH_STEP = 1 / 32768


def returns_tanh(model: bytes, float_layers: Sequence[str]) -> bool:
    """Whether a float32 model returns a tanh of a convolution, and not from one of `float_layers`."""
    graph = schema.ModelT.InitFromPackedBuf(model, 0)
    main = graph.subgraphs[0]
    tanh = _find_source(main, main.outputs[0])
    if tanh is None or _read_kind(graph, tanh) != _Operator.TANH:
        return False
    convolution = _find_source(main, tanh.inputs[0])
    is_free = convolution is not None and _read_kind(graph, convolution) in _FREE
    return is_free and trace_layers(main)[main.outputs[0]] not in float_layers


def refine_output(model: Any, low: float, high: float) -> None:
    """Let the 256 levels of the output cover `low` to `high`, where the quantizer has them cover [-1, 1].

    Args:
        model: a quantized `ModelT` of one that `returns_tanh`, whose tanh is in 16 bits between two QUANTIZE.
    """
    main = model.subgraphs[0]
    narrow = _find_source(main, main.outputs[0])
    tanh = _find_source(main, narrow.inputs[0])
    widen = _find_source(main, tanh.inputs[0])
    # Finer than the tanh itself there is nothing to be had.
    step = max((high - low) / 255, _TANH_STEP)
    _set_scale(main.tensors[main.outputs[0]], step, round(-128 - low / step))
    _cast(model, widen)


def _cast(model: Any, widen: Any) -> None:
    """Replace the QUANTIZE from int8 to int16, which tflite-runtime 2.14 has not, by a CAST.

    A CAST keeps the numbers, so both sides need one scale, and zero point 0, which is prescribed in 16 bits.
    """
    main = model.subgraphs[0]
    source, target = main.tensors[widen.inputs[0]], main.tensors[widen.outputs[0]]
    # In 16 bits the quantizer's range is symmetric: the largest magnitude.
    step = target.quantization.scale[0] * 32767 / 127
    _set_scale(source, step, 0)
    _set_scale(target, step, 0)
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = _Operator.CAST
    code.version = 1
    model.operatorCodes.append(code)
    widen.opcodeIndex = len(model.operatorCodes) - 1
    widen.builtinOptionsType = schema.BuiltinOptions.CastOptions
    widen.builtinOptions = schema.CastOptionsT()
    widen.builtinOptions.inDataType, widen.builtinOptions.outDataType = _Type.INT8, _Type.INT16


def _set_scale(tensor: Any, scale: float, zero_point: int) -> None:
    tensor.quantization.scale, tensor.quantization.zeroPoint = [scale], [zero_point]


def _find_source(main: Any, tensor: int) -> Any:
    """The operator that computes a tensor, None for what none computes."""
    return next((node for node in main.operators if tensor in node.outputs), None)


def _read_kind(graph: Any, node: Any) -> int:
    return int(graph.operatorCodes[node.opcodeIndex].builtinCode)
