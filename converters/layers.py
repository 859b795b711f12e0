"""What stands between a network and the output of its file, as Keras layers."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from edge_dce.pixels.curve import take_steps

# The layer whose operators are the curve steps: what int8 hurts most, and what a mixed file leaves in float32 first.
STEPS = "steps"


def call_network(network: Any, image: Any) -> Any:
    """The network's output for an image tensor of fixed size, with operators that can be integers.

    The quantizer leaves the operator of a global maximum in float32, but not that of a maximum over a window. A window
    over all of the map gives the same.
    """
    if not any(isinstance(layer, keras.layers.GlobalMaxPooling2D) for layer in network.layers):
        return network(image)

    def call(layer: Any, tensor: Any, **options: Any) -> Any:
        if not isinstance(layer, keras.layers.GlobalMaxPooling2D):
            return layer(tensor, **options)
        pooled = keras.layers.MaxPooling2D(tensor.shape[1:3], name=layer.name)(tensor)
        return pooled if layer.keepdims else keras.layers.Reshape((tensor.shape[3],))(pooled)

    copy = keras.models.clone_model(network, image, clone_function=lambda layer: layer, call_function=call)
    return copy.output


def average_maps(curves: Any) -> Any:
    """The mean map, which used in every iteration reproduces the separate maps at 55 dB or better on our networks.

    The fidelity in the card includes it. A 1x1 convolution with fixed weights takes the mean: one operator that every
    runtime has in int8.
    """
    maps = curves.shape[-1] // 3
    if maps == 1:
        return curves
    mean = keras.layers.Conv2D(3, 1, use_bias=False, trainable=False, name="mean_curves")
    averaged = mean(curves)
    mean.set_weights([_mean_kernel(maps)])
    return averaged


def apply_curves(image: Any, curves: Any, root: int) -> Any:
    """The enhanced image, by the mean of the maps."""
    return CurveSteps(root, name=STEPS)([image, average_maps(curves)])


class CurveSteps(keras.layers.Layer):  # type: ignore[misc]  # keras has no type information
    """The formula of `edge_dce.pixels.curve` as operators that every GPU delegate has: no powers, no dynamic shapes."""

    def __init__(self, root: int, **options: Any) -> None:
        super().__init__(**options)
        self.root = root

    def call(self, tensors: list[Any]) -> Any:
        """`tensors`: the image (B, H, W, 3) in [0, 1] and the curves (B, h, w, 3) in [-1, 1]."""
        image, curves = tensors
        if curves.shape[1:3] != image.shape[1:3]:
            curves = keras.ops.image.resize(curves, image.shape[1:3], interpolation="bilinear")
        return take_steps(image, [curves], root=self.root, sqrt=keras.ops.sqrt)


def _mean_kernel(maps: int) -> npt.NDArray[np.float32]:
    """(1, 1, 3 · maps, 3) kernel that averages iteration-major RGB maps."""
    identity = np.eye(3, dtype=np.float32)
    return np.tile(identity, (maps, 1))[np.newaxis, np.newaxis] / np.float32(maps)
