"""Networks that estimate light-enhancement curves, by name.

DCE-Net is that of Guo et al., CVPR 2020, section 3.2.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
from keras import layers

from edge_dce.curve import ZERO_DCE

_FILTERS = 32


def build_dce_net(*, initializer: str = "glorot_uniform") -> keras.Model:
    """Seven 3x3 convolutions with symmetric skip connections, no down-sampling: 79,416 parameters.

    Input (B, H, W, 3) float32 RGB in [0, 1], any H and W. Output (B, H, W, 24) float32 in [-1, 1]: eight RGB curve
    maps, one per iteration, iteration-major (channels 3k..3k+2 belong to iteration k).
    """

    def convolve(tensor: keras.KerasTensor, filters: int, activation: str, name: str) -> keras.KerasTensor:
        return layers.Conv2D(
            filters,
            3,
            padding="same",
            activation=activation,
            kernel_initializer=_make_initializer(initializer),
            name=name,
        )(tensor)

    return _build_symmetric(convolve, channels=3 * ZERO_DCE.iterations, name="zero_dce")


def build_dce_net_pp(*, initializer: str = "glorot_uniform") -> keras.Model:
    """The network of Zero-DCE++ (Li et al., TPAMI 2021): the same graph of separable convolutions, 10,561 parameters.

    Input as `build_dce_net`. Output (B, H, W, 3) float32 in [-1, 1]: one RGB curve map for all iterations.
    """

    def convolve(tensor: keras.KerasTensor, filters: int, activation: str, name: str) -> keras.KerasTensor:
        depthwise = layers.DepthwiseConv2D(
            3, padding="same", depthwise_initializer=_make_initializer(initializer), name=f"{name}_depthwise"
        )
        pointwise = layers.Conv2D(
            filters, 1, activation=activation, kernel_initializer=_make_initializer(initializer), name=name
        )
        return pointwise(depthwise(tensor))

    return _build_symmetric(convolve, channels=3, name="zero_dce_pp")


# A third network is one function and one line here.
NETWORKS: dict[str, Callable[..., keras.Model]] = {
    "zero-dce": build_dce_net,
    "zero-dce-pp": build_dce_net_pp,
}


def _build_symmetric(convolve: Callable[..., keras.KerasTensor], *, channels: int, name: str) -> keras.Model:
    """Seven convolutions, the last three of which see an earlier one again."""
    image = keras.Input((None, None, 3), name="image")
    conv1 = convolve(image, _FILTERS, "relu", "conv1")
    conv2 = convolve(conv1, _FILTERS, "relu", "conv2")
    conv3 = convolve(conv2, _FILTERS, "relu", "conv3")
    conv4 = convolve(conv3, _FILTERS, "relu", "conv4")
    conv5 = convolve(layers.Concatenate()([conv3, conv4]), _FILTERS, "relu", "conv5")
    conv6 = convolve(layers.Concatenate()([conv2, conv5]), _FILTERS, "relu", "conv6")
    curves = convolve(layers.Concatenate()([conv1, conv6]), channels, "tanh", "curves")
    return keras.Model(image, curves, name=name)


def _make_initializer(name: str) -> keras.initializers.Initializer:
    if name == "normal_0.02":
        return keras.initializers.RandomNormal(stddev=0.02)
    return keras.initializers.get(name)
