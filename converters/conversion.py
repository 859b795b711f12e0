"""Keras to TFLite bytes, in one precision."""

from __future__ import annotations

import contextlib
import io
import math
from typing import Any

import tensorflow as tf

from converters.calibration import CalibrationSet
from converters.inspection import describe_input, take_census
from converters.source import ConversionError

PRECISIONS = ("float32", "float16", "int8")
_FLOAT_TYPES = frozenset({"FLOAT16", "FLOAT32", "FLOAT64"})


def convert(network: Any, *, precision: str, calibration: CalibrationSet | None = None) -> bytes:
    """Convert a Keras model of fixed input shape.

    Args:
        network: what `build_curves_network` returns.
        precision: "float32"; "float16" (weights only, computed in float32 on a CPU); or "int8" (every weight and
            activation, uint8 input of scale 1/255 and zero point 0, int8 output, weights scaled per channel).
        calibration: needed for int8, refused for the others.

    Raises:
        ConversionError: unknown precision, calibration missing or without use, or the result is not of that precision.
    """
    if precision not in PRECISIONS:
        raise ConversionError(f"expected a precision of {' '.join(PRECISIONS)}, found '{precision}'")
    if (precision == "int8") != (calibration is not None):
        raise ConversionError("int8 needs calibration pictures, the other precisions take none")
    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    if precision == "float16":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    if calibration is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = calibration.tensors
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tf.uint8
        converter.inference_output_type = tf.int8
    # Keras prints a table of the model on the way, which nobody asked for.
    with contextlib.redirect_stdout(io.StringIO()):
        model: bytes = converter.convert()
    if precision == "int8":
        check_full_integer(model)
    return model


def check_full_integer(model: bytes) -> None:
    """Refuse a file that would be called int8 and is not, or that clips highlights."""
    floats = _FLOAT_TYPES & take_census(model).dtype.keys()
    if floats:
        raise ConversionError(f"int8 was asked for, but tensors of type {' '.join(sorted(floats))} remain; not written")
    image = describe_input(model)
    if image.zero_point != 0 or not math.isclose(image.scale, 1 / 255, rel_tol=1e-5):
        raise ConversionError(
            f"expected input scale 1/255 and zero point 0, found {image.scale:.6f} and {image.zero_point}: "
            "highlights would clip"
        )
