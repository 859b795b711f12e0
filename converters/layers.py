"""What stands between a network and the output of its file, as Keras layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from edge_dce.pixels.curve import take_steps

# The layer whose operators are the curve steps: what int8 hurts most, and what a mixed file leaves in float32 first.
STEPS = "steps"


def call_network(network: Any, image: Any) -> Any:
    """The network's output for an image tensor of fixed size, as it is after training, of operators for integers.

    The quantizer leaves some operators in float32 where others that do the same can be integers.
    """
    if not any(_find_substitute(layer) for layer in network.layers):
        return network(image, training=False)

    def call(layer: Any, tensor: Any, **options: Any) -> Any:
        if "training" in options:
            options["training"] = False
        substitute = _find_substitute(layer)
        return layer(tensor, **options) if substitute is None else substitute(layer, tensor)

    copy = keras.models.clone_model(network, image, clone_function=lambda layer: layer, call_function=call)
    return copy.output


def _find_substitute(layer: Any) -> Callable[[Any, Any], Any] | None:
    channels_last = getattr(layer, "data_format", None) == "channels_last"
    if isinstance(layer, keras.layers.GlobalMaxPooling2D) and channels_last:
        return _pool_over_window
    if isinstance(layer, keras.layers.UpSampling2D) and channels_last and layer.interpolation == "nearest":
        return _resize_to_nearest
    return None


def _pool_over_window(layer: Any, tensor: Any) -> Any:
    pooled = keras.layers.MaxPooling2D(tensor.shape[1:3], name=layer.name)(tensor)
    return pooled if layer.keepdims else keras.layers.Reshape((tensor.shape[3],))(pooled)


def _resize_to_nearest(layer: Any, tensor: Any) -> Any:
    """Keras repeats rows and columns by tiles of five dimensions."""
    height, width = (side * factor for side, factor in zip(tensor.shape[1:3], layer.size, strict=True))
    return keras.layers.Resizing(height, width, interpolation="nearest", name=layer.name)(tensor, training=False)


def average_maps(curves: Any, channels: int = 3) -> Any:
    """The mean map, which used in every iteration reproduces the separate maps at 55 dB or better on our networks.

    The fidelity in the card includes it. A 1x1 convolution with fixed weights takes the mean: one operator that every
    runtime has in int8.
    """
    maps = curves.shape[-1] // channels
    if maps == 1:
        return curves
    mean = keras.layers.Conv2D(channels, 1, use_bias=False, trainable=False, name="mean_curves")
    mean.build(curves.shape)
    mean.set_weights([_mean_kernel(maps, channels)])
    return mean(curves)


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


def _mean_kernel(maps: int, channels: int) -> npt.NDArray[np.float32]:
    """(1, 1, channels · maps, channels) kernel that averages iteration-major maps."""
    identity = np.eye(channels, dtype=np.float32)
    return np.tile(identity, (maps, 1))[np.newaxis, np.newaxis] / np.float32(maps)
