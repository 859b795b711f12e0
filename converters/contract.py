"""What a file takes and returns, as a Keras network of one size: the contracts `curves` and `image`."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from .source import ConversionError, SourceNetwork

# The layer whose operators are the curve steps: what int8 hurts most, and what a mixed file leaves in float32 first.
STEPS = "steps"
# So many pixels have 256x256; sides are multiples of 16, which every network here takes.
SIZES = {"16:9": (336, 192), "4:3": (288, 224)}


def build_network(source: SourceNetwork, contract: str, width: int, height: int) -> Any:
    """The network at one size, (1, height, width, 3) RGB in [0, 1] in.

    Args:
        contract: "curves", the mean of the network's maps, (1, h, w, 3) in [-1, 1]; or "image", the enhanced image,
            (1, height, width, 3) in [0, 1], with the curve steps in the graph.

    Raises:
        ConversionError: the network is of one size, and not of this; or it returns images and curves are asked for.
    """
    if contract == "curves" and source.returns == "image":
        raise ConversionError(f"{source.name}: returns images, its curves cannot be had; use --contract image")
    image = keras.Input((height, width, 3), batch_size=1, name="image")
    try:
        output = source.network(image)
    except ValueError as error:
        raise ConversionError(
            f"{source.name}: takes {source.network.input_shape}, not {width}x{height}; choose another --size"
        ) from error
    if source.returns == "curves":
        output = _average(output, source.maps)
        if contract == "image":
            output = CurveSteps(source.shape.iterations, source.shape.root, name=STEPS)([image, output])
    return keras.Model(image, output, name=f"{source.name}_{contract}")


def _average(curves: Any, maps: int) -> Any:
    """The mean map, which used in every iteration reproduces the separate maps at 55 dB or better on our networks.

    The fidelity in the card includes it. A 1x1 convolution with fixed weights takes the mean: one operator that every
    runtime has in int8.
    """
    if maps == 1:
        return curves
    mean = keras.layers.Conv2D(3, 1, use_bias=False, trainable=False, name="mean_curves")
    averaged = mean(curves)
    mean.set_weights([mean_kernel(maps)])
    return averaged


def mean_kernel(maps: int) -> npt.NDArray[np.float32]:
    """(1, 1, 3 · maps, 3) kernel that averages iteration-major RGB maps."""
    identity = np.eye(3, dtype=np.float32)
    return np.tile(identity, (maps, 1))[np.newaxis, np.newaxis] / np.float32(maps)


class CurveSteps(keras.layers.Layer):  # type: ignore[misc]  # keras has no type information
    """The formula of `edge_dce.pixels.curve` as operators that every GPU delegate has: no powers, no dynamic shapes."""

    def __init__(self, iterations: int, root: int, **options: Any) -> None:
        super().__init__(**options)
        self.iterations, self.root = iterations, root

    def call(self, tensors: list[Any]) -> Any:
        """`tensors`: the image (B, H, W, 3) in [0, 1] and the curves (B, h, w, 3) in [-1, 1]."""
        u, a = tensors
        if a.shape[1:3] != u.shape[1:3]:
            a = keras.ops.image.resize(a, u.shape[1:3], interpolation="bilinear")
        # Roots and powers of 2 and 4 by square roots and squares.
        halvings = self.root.bit_length() - 1
        for _ in range(halvings):
            u = keras.ops.sqrt(u)
        for _ in range(self.iterations):
            u = u + a * (u * u - u)
        for _ in range(halvings):
            u = u * u
        return u
