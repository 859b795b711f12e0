"""Quantization-aware fine-tuning: the network learns to live with int8, its own float self as teacher."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from .source import ConversionError

Uint8Array = npt.NDArray[np.uint8]

_BATCH = 4
_LEARNING_RATE = 1e-4
_SEED = 2001


def fine_tune(network: Any, images: Uint8Array, *, epochs: int) -> Any:
    """A copy of a functional Keras network, trained for a few epochs to return in int8 what it returned in float.

    No ground truth is needed: the float network's own output on the calibration pictures is what it should come to.

    Args:
        images: (N, height, width, 3) uint8.

    Raises:
        ConversionError: the network is not built of plain layers.
    """
    if not isinstance(network, keras.Model) or any(type(layer).__name__ == "TFSMLayer" for layer in network.layers):
        raise ConversionError("quantization-aware training needs a Keras network of plain layers, found a SavedModel")
    keras.utils.set_random_seed(_SEED)
    tensors = images.astype(np.float32) / np.float32(255)
    targets = np.concatenate([np.asarray(network(batch)) for batch in _split(tensors)])
    student, quantizers = _insert_quantizers(network)
    for batch in _split(tensors):
        student(batch)
    for quantizer in quantizers:
        quantizer.observes = False
    _train(student, tensors, targets, epochs)
    tuned = keras.models.clone_model(network)
    tuned.set_weights(student.get_weights())
    return tuned


class FakeQuantize(keras.layers.Layer):  # type: ignore[misc]  # keras has no type information
    """Rounds activations to 256 levels over the range it has observed; gradients pass as if it did not."""

    def __init__(self, **options: Any) -> None:
        super().__init__(trainable=False, **options)
        self.observes = True
        self.low, self.high = 0.0, 0.0

    def call(self, tensor: Any) -> Any:
        if self.observes:
            if not isinstance(tensor, keras.KerasTensor) and tf.executing_eagerly():
                self.low = min(self.low, float(keras.ops.min(tensor)))
                self.high = max(self.high, float(keras.ops.max(tensor)))
            return tensor
        return _round(tensor, self.low, max(self.high, self.low + 1e-6), levels=255)


def _insert_quantizers(network: Any) -> tuple[Any, list[FakeQuantize]]:
    """The same graph with a `FakeQuantize` behind every layer."""
    quantizers: list[FakeQuantize] = []

    def call(layer: Any, *arguments: Any, **options: Any) -> Any:
        quantizers.append(FakeQuantize())
        return quantizers[-1](layer(*arguments, **options))

    student = keras.models.clone_model(network, call_function=call)
    student.set_weights(network.get_weights())
    return student, quantizers


def _train(student: Any, tensors: npt.NDArray[np.float32], targets: npt.NDArray[np.float32], epochs: int) -> None:
    steps = epochs * -(-len(tensors) // _BATCH)
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(_LEARNING_RATE, steps))
    variables = student.trainable_variables
    optimizer.build(variables)
    frozen = [variable.value for variable in student.non_trainable_variables]

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def step(batch: Any, target: Any) -> None:
        with tf.GradientTape() as tape:
            weights = [_round_weights(variable) for variable in variables]
            output, _ = student.stateless_call(weights, frozen, batch)
            loss = keras.ops.mean(keras.ops.square(output - target))
        optimizer.apply(tape.gradient(loss, [variable.value for variable in variables]), variables)

    random = np.random.default_rng(_SEED)
    for _ in range(epochs):
        for chosen in _split(random.permutation(len(tensors))):
            step(tf.constant(tensors[chosen]), tf.constant(targets[chosen]))


def _round_weights(variable: Any) -> Any:
    """Kernels as int8 will hold them, by output channel; biases stay, which have 32 bits."""
    weight = variable.value
    if len(weight.shape) != 4:
        return keras.ops.convert_to_tensor(weight)
    # The last axis of a depthwise kernel is its multiplier: there each input channel is one output channel.
    axes = (0, 1, 3) if weight.shape[-1] == 1 and "depthwise" in variable.path else (0, 1, 2)
    top = keras.ops.maximum(keras.ops.max(keras.ops.abs(weight), axis=axes, keepdims=True), 1e-9)
    return _round(weight, -top, top, levels=254)


def _round(tensor: Any, low: Any, high: Any, *, levels: int) -> Any:
    step = (high - low) / levels
    rounded = keras.ops.round((keras.ops.clip(tensor, low, high) - low) / step) * step + low
    return tensor + keras.ops.stop_gradient(rounded - tensor)


def _split(array: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
    return np.array_split(array, range(_BATCH, len(array), _BATCH))
