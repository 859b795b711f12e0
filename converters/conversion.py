"""Keras to TFLite bytes, in one precision."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from ai_edge_quantizer import qtyping, quantizer, recipe_manager
from tensorflow.lite.python.convert_phase import ConverterError

from .activation import Ranges
from .biases import settle_biases
from .errors import ConversionError
from .flat_tanh import bound_inputs, flatten_tanh
from .formats import PRECISIONS, Precision, find_precision
from .inspection import name_operators_twice, trace_layers
from .updates import drop_updates

# What TensorFlow's converter makes; another width would become one of these without a word.
_WEIGHT_BITS = (32, 16, 8)
_Operation = qtyping.TFLOperationName


def convert(network: Any, *, precision: str) -> bytes:
    """Convert a Keras model of fixed input shape.

    Args:
        network: what `build_network` returns.
        precision: one of `PRECISIONS` without calibration; for the others see `quantize`.

    Raises:
        ConversionError: another precision, or a network that TFLite cannot run.
    """
    bits = _find_float(precision).weight_bits
    if bits not in _WEIGHT_BITS:
        known = " ".join(map(str, _WEIGHT_BITS))
        raise ConversionError(f"expected weights of {known} bits without calibration, found {bits}")
    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    if bits < 32:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        # Dense layers with a scale for each channel and float activations are refused by tflite-runtime 2.14.
        converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    if bits == 16:
        converter.target_spec.supported_types = [tf.float16]
    # Keras prints a table of the model on the way, which nobody asked for.
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            model: bytes = converter.convert()
    except ConverterError as error:
        raise ConversionError(f"{network.name}: {_explain(error)}") from error
    return settle_biases(drop_updates(model))


def quantize(
    model: bytes,
    ranges: Ranges,
    *,
    weight_bits: int = 8,
    activation_bits: int = 8,
    float_layers: Sequence[str] = (),
    has_image_output: bool = False,
) -> bytes:
    """A float32 model in integers: weights by channel, activations over `ranges`, uint8 in.

    Args:
        model: what `convert` returned.
        ranges: of every activation. The quantizer sets those that kernels prescribe itself (tanh: 1/128), except where
            `flatten_tanh` makes a tanh a line.
        weight_bits, activation_bits: of the integers.
        float_layers: layers that stay in float32, by name. Without any the file is integer throughout.
        has_image_output: the output is an image: uint8 at scale 1/255. Others leave as int8, or as float32 where the
            last layer stays in float.
    """
    model = flatten_tanh(model, ranges, float_layers=float_layers)
    ranges = bound_inputs(model, ranges)
    recipes = recipe_manager.RecipeManager()
    recipes.add_static_config(
        ".*",
        _Operation.ALL_SUPPORTED,
        activation_num_bits=activation_bits,
        weight_num_bits=weight_bits,
    )
    for pattern in _match_layers(model, float_layers):
        recipes.add_quantization_config(
            pattern, _Operation.ALL_SUPPORTED, algorithm_key=quantizer.AlgorithmName.NO_QUANTIZE
        )
    unsigned = qtyping.OpQuantizationConfig(
        activation_tensor_config=qtyping.TensorQuantizationConfig(
            8, symmetric=False, dtype=qtyping.TensorDataType.UINT
        ),
        weight_tensor_config=qtyping.TensorQuantizationConfig(8, symmetric=True),
        compute_precision=qtyping.ComputePrecision.INTEGER,
    )
    # A pattern of its own: rules of one pattern count as of when it first came, and these must come last.
    recipes.add_quantization_config(".*$", _Operation.INPUT, op_config=unsigned)
    if has_image_output:
        recipes.add_quantization_config(".*$", _Operation.OUTPUT, op_config=unsigned)
    statistics = {
        name: {"min": np.full((1, 1, 1, 1), low, np.float32), "max": np.full((1, 1, 1, 1), high, np.float32)}
        for name, (low, high) in ranges.items()
    }
    if has_image_output:
        statistics[_find_output_name(model)] = {
            "min": np.zeros((1, 1, 1, 1), np.float32),
            "max": np.ones((1, 1, 1, 1), np.float32),
        }
    # Ranges near nothing overflow a bias: what comes of it is for the gate to see.
    with warnings.catch_warnings(), np.errstate(invalid="ignore", over="ignore"):
        # It opens an interpreter that warns of its memory.
        warnings.simplefilter("ignore", UserWarning)
        result = quantizer.Quantizer(model, recipes.get_quantization_recipe()).quantize(
            statistics, enable_progress_bar=False, enable_progress_report=False
        )
    if result.quantized_model is None:
        raise ConversionError("the quantizer returned no model")
    return name_operators_twice(bytes(result.quantized_model))


def _explain(error: ConverterError) -> str:
    operators = sorted({each.operator.name.removeprefix("tf.") for each in error.errors if each.operator.name})
    if not operators:
        return f"TensorFlow's converter refuses the network ({' '.join(str(error).split())[:200]})"
    return (
        f"expected operators that TFLite has, found {' '.join(operators)}; use other layers (to resize: "
        "bilinear or nearest, without antialias)"
    )


def _find_float(name: str) -> Precision:
    precision = find_precision(name)
    if precision.is_calibrated:
        floats = " ".join(each.name for each in PRECISIONS.values() if not each.is_calibrated)
        raise ConversionError(f"expected a precision of {floats}, found '{name}', which takes calibration pictures")
    return precision


def _match_layers(model: bytes, layers: Sequence[str]) -> list[str]:
    """Patterns for the names of the tensors that come out of layers."""
    # Tensors are named after the Keras layers on the way to them; Keras numbers a layer's name when it is used again.
    patterns = [rf"(^|/){re.escape(layer)}(_\d+)?/" for layer in layers]
    main = schema.ModelT.InitFromPackedBuf(model, 0).subgraphs[0]
    if trace_layers(main)[main.outputs[0]] in layers:
        patterns.append(f"^{re.escape(_find_output_name(model))}")
    return patterns


def _find_output_name(model: bytes) -> str:
    main = schema.ModelT.InitFromPackedBuf(model, 0).subgraphs[0]
    name: bytes = main.tensors[main.outputs[0]].name
    return name.decode()
