"""DCE-Net: the network that estimates light-enhancement curves (Guo et al., CVPR 2020, section 3.2)."""

from __future__ import annotations

import keras
from keras import layers

ITERATIONS = 8
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

    image = keras.Input((None, None, 3), name="image")
    conv1 = convolve(image, _FILTERS, "relu", "conv1")
    conv2 = convolve(conv1, _FILTERS, "relu", "conv2")
    conv3 = convolve(conv2, _FILTERS, "relu", "conv3")
    conv4 = convolve(conv3, _FILTERS, "relu", "conv4")
    conv5 = convolve(layers.Concatenate()([conv3, conv4]), _FILTERS, "relu", "conv5")
    conv6 = convolve(layers.Concatenate()([conv2, conv5]), _FILTERS, "relu", "conv6")
    curves = convolve(layers.Concatenate()([conv1, conv6]), 3 * ITERATIONS, "tanh", "curves")
    return keras.Model(image, curves, name="zero_dce")


def _make_initializer(name: str) -> keras.initializers.Initializer:
    if name == "normal_0.02":
        return keras.initializers.RandomNormal(stddev=0.02)
    return keras.initializers.get(name)
