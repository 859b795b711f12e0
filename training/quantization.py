"""Fake quantization: a network that learns with the rounding that int8 will bring.

Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference" (2018),
section 3: forward, activations are rounded to the levels they will have; backward, rounding is passed over (the
straight-through estimator). Weights are not: 8 bits for each channel of them were measured to cost nothing.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from .losses import Tensor

_LEVELS = 255
# Of the 8-bit tanh, whatever comes out of it (TFLite 8-bit quantization specification).
_TANH_STEP = 1 / 128
_LEAST_STEP = 1e-6


class FakeQuantization(layers.Layer):  # type: ignore[misc]  # keras has no type information
    """Rounds to the levels of int8.

    Args:
        step: between levels; None takes what the range of each batch, with zero in it, gives.
    """

    def __init__(self, step: float | None = None) -> None:
        super().__init__()
        self._step = step

    def call(self, samples: Tensor) -> Tensor:
        step: Any = self._step
        if step is None:
            extent = ops.maximum(ops.max(samples), 0) - ops.minimum(ops.min(samples), 0)
            step = ops.maximum(extent / _LEVELS, _LEAST_STEP)
        # Zero is a level of every int8 tensor, so the grid starts there.
        return samples + ops.stop_gradient(ops.round(samples / step) * step - samples)


def insert_rounding(network: keras.Model) -> keras.Model:
    """The same network, of the same weights, with every activation rounded."""

    def call(layer: layers.Layer, *arguments: Any, **options: Any) -> Any:
        samples = layer(*arguments, **options)
        if isinstance(layer, layers.InputLayer):
            return samples
        ends_in_tanh = getattr(layer, "activation", None) is keras.activations.tanh
        return FakeQuantization(_TANH_STEP if ends_in_tanh else None)(samples)

    return keras.models.clone_model(network, clone_function=lambda layer: layer, call_function=call)
