"""Networks that estimate how a picture is to be enhanced, by name.

Each takes (B, H, W, channels) float32 in [0, 1]. Some return curve maps in [-1, 1], iteration-major: output channels
k·channels .. (k+1)·channels − 1 are map k, which has one value of `a` per input channel. Others return the tone of the
whole picture, (B, N) in [-1, 1], see training.tone.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from edge_dce.pixels.curve import ITERATIONS
from edge_dce.pixels.tone import COUNT

_FILTERS = 32
_DEPTH, _DEEP_DEPTH = 4, 6
# By how much squeeze-and-excitation narrows the channels on the way.
_REDUCTION = 8
_SCENE_FILTERS = (16, 24, 32, 48)
# Slopes at black of the three copies of the picture that the scene network starts from.
_SCENE_EXPOSURES = (1.5, 5.0, 20.0)
# The darkest pictures of LOL ask for 0.26. A black sky with a lit tower in it asks for more, and would get noise. In
# int8 the narrow range counts too: a sigmoid has 256 levels, whatever is made of it.
_SCENE_STEEPEST = 0.3
_TONE_EXPOSURES = (1.5, 5.0, 20.0)
_TONE_FILTERS = (16, 24, 32, 48, 72)
_TONE_BINS = 32
_TONE_FEATURES = 128


@dataclasses.dataclass(frozen=True)
class Architecture:
    """A network that a recipe can name.

    Attributes:
        build: makes it with fresh weights: `build(channels=3, initializer="glorot_uniform") -> keras.Model`.
        about: one line for people who choose.
        multiple_px: what the sides of its input must be multiples of.
        returns: "curves" or "tone".
    """

    build: Callable[..., keras.Model]
    about: str
    multiple_px: int = 1
    returns: str = "curves"


def build_dce_net(*, channels: int = 3, initializer: str = "glorot_uniform") -> keras.Model:
    """Seven 3x3 convolutions with symmetric skip connections, no down-sampling: 79,416 parameters.

    DCE-Net of Guo et al., CVPR 2020, section 3.2: eight maps, as large as the image, any H and W.
    """

    def convolve(tensor: keras.KerasTensor, filters: int, name: str, activation: str = "relu") -> keras.KerasTensor:
        return _convolve(tensor, filters, name, initializer=initializer, activation=activation)

    return _build_symmetric(convolve, channels, maps=ITERATIONS, name="zero_dce")


def build_dce_net_pp(*, channels: int = 3, initializer: str = "glorot_uniform") -> keras.Model:
    """The network of Zero-DCE++ (Li et al., TPAMI 2021): the same graph of separable convolutions, 10,561 parameters.

    One map for all iterations, as large as the image, any H and W.
    """

    def convolve(tensor: keras.KerasTensor, filters: int, name: str, activation: str = "relu") -> keras.KerasTensor:
        depthwise = layers.DepthwiseConv2D(
            3, padding="same", depthwise_initializer=_make_initializer(initializer), name=f"{name}_depthwise"
        )
        return _convolve(depthwise(tensor), filters, name, size=1, initializer=initializer, activation=activation)

    return _build_symmetric(convolve, channels, maps=1, name="zero_dce_pp")


def build_deep_dce_net(*, channels: int = 3, initializer: str = "glorot_uniform") -> keras.Model:
    """DCE-Net of eleven convolutions in place of seven, six before the skip connections: 134,840 parameters.

    Eight maps, as large as the image, any H and W; each place knows 23 pixels around it in place of 15.
    """

    def convolve(tensor: keras.KerasTensor, filters: int, name: str, activation: str = "relu") -> keras.KerasTensor:
        return _convolve(tensor, filters, name, initializer=initializer, activation=activation)

    return _build_symmetric(convolve, channels, maps=ITERATIONS, name="zero_dce_deep", depth=_DEEP_DEPTH)


def build_attentive_dce_net(*, channels: int = 3, initializer: str = "glorot_uniform") -> keras.Model:
    """DCE-Net with attention to channels behind each hidden convolution: 81,168 parameters.

    Squeeze-and-excitation (Hu et al., CVPR 2018, section 3): the mean of each channel over the whole picture decides
    how much of it goes on. Eight maps, as large as the image, any H and W.
    """

    def convolve(tensor: keras.KerasTensor, filters: int, name: str, activation: str = "relu") -> keras.KerasTensor:
        features = _convolve(tensor, filters, name, initializer=initializer, activation=activation)
        return features if name == "curves" else _excite(features, name, initializer)

    return _build_symmetric(convolve, channels, maps=ITERATIONS, name="zero_dce_attention")


def build_scene_net(*, channels: int = 3, initializer: str = "glorot_uniform") -> keras.Model:
    """A small U-Net that sees the whole picture before it decides: 77,321 parameters.

    It starts from three copies of the picture, tanh(1.5 x), tanh(5 x) and tanh(20 x): in at least one of them the
    picture fills the range, however dark it is. Without them the features of a dark picture are a few of the 256
    levels of int8 that a bright one needs, and pictures came within 39 dB of the float network's.

    Strided convolutions shrink the picture to a sixteenth; the mean of all that is there is added to every place, so
    that each place knows how bright the whole is, which DCE-Net with its view of 15 pixels cannot. One map of a quarter
    of the image's size, in [-0.3, 0]: it brightens or leaves alone, all channels alike, so that it gives no picture a
    cast. H and W must be multiples of 16.
    """
    return _build_scene(functools.partial(_convolve, initializer=initializer), channels, "zero_dce_scene")


def build_deep_scene_net(*, channels: int = 3, initializer: str = "glorot_uniform") -> keras.Model:
    """The scene network with two convolutions in place of each of its seven: 138,585 parameters."""

    def convolve(
        tensor: keras.KerasTensor, filters: int, name: str, *, size: int = 3, **settings: Any
    ) -> keras.KerasTensor:
        features = _convolve(tensor, filters, name, initializer=initializer, size=size, **settings)
        if size == 1 or name == "gain":
            return features
        return _convolve(features, filters, f"{name}_again", initializer=initializer)

    return _build_scene(convolve, channels, "zero_dce_scene_deep")


def build_attentive_scene_net(*, channels: int = 3, initializer: str = "glorot_uniform") -> keras.Model:
    """The scene network with attention to channels behind each of its seven convolutions: 79,251 parameters.

    See `build_attentive_dce_net`.
    """

    def convolve(
        tensor: keras.KerasTensor, filters: int, name: str, *, size: int = 3, **settings: Any
    ) -> keras.KerasTensor:
        features = _convolve(tensor, filters, name, initializer=initializer, size=size, **settings)
        return features if size == 1 or name == "gain" else _excite(features, name, initializer)

    return _build_scene(convolve, channels, "zero_dce_scene_attention")


def build_tone_net(*, channels: int = 3, initializer: str = "glorot_uniform") -> keras.Model:
    """The tone of the whole picture as `training.tone` decodes it: 93,047 parameters.

    It starts from copies of the picture as the scene network does. What all pixels are, wherever they lie, comes from
    one 1x1 convolution and its mean, a soft histogram; what there is and where comes from strided convolutions, their
    mean and their maximum. Two dense layers make the numbers. H and W are multiples of 32.

    Activations end at 6: a few pictures would stretch the 256 levels that int8 has for all.
    """

    def convolve(tensor: keras.KerasTensor, filters: int, name: str) -> keras.KerasTensor:
        return _convolve(tensor, filters, name, initializer=initializer, stride=2, activation="relu6")

    image = keras.Input((None, None, channels), name="image")
    exposures = [layers.Activation("tanh")(layers.Rescaling(slope)(image)) for slope in _TONE_EXPOSURES]
    copies = layers.Concatenate(name="exposures")(exposures)
    levels = _convolve(copies, _TONE_BINS, "levels", size=1, initializer=initializer, activation="relu6")
    tensor = copies
    for depth, filters in enumerate(_TONE_FILTERS, start=1):
        tensor = convolve(tensor, filters, f"down{depth}")
    pooled = [
        layers.GlobalAveragePooling2D(name="histogram")(levels),
        layers.GlobalAveragePooling2D(name="mean")(tensor),
        layers.GlobalMaxPooling2D(name="maximum")(tensor),
    ]
    features = layers.Dense(_TONE_FEATURES, activation="relu6", name="features")(layers.Concatenate()(pooled))
    # Zeros are the identity: an untrained network changes nothing.
    numbers = layers.Dense(COUNT, activation="tanh", kernel_initializer="zeros", name="numbers")(features)
    return keras.Model(image, numbers, name="tone")


# Another network is one function and one entry here.
NETWORKS: dict[str, Architecture] = {
    "zero-dce": Architecture(build_dce_net, "network of the paper; eight maps"),
    "zero-dce-pp": Architecture(build_dce_net_pp, "Zero-DCE++: an eighth of the weights, one map"),
    "zero-dce-deep": Architecture(build_deep_dce_net, "the paper's network, four convolutions deeper"),
    "zero-dce-attention": Architecture(build_attentive_dce_net, "the paper's network with attention to channels"),
    "zero-dce-scene": Architecture(build_scene_net, "sees the whole picture, returns a small map", multiple_px=16),
    "zero-dce-scene-deep": Architecture(
        build_deep_scene_net, "the scene network, two convolutions in place of each", multiple_px=16
    ),
    "zero-dce-scene-attention": Architecture(
        build_attentive_scene_net, "the scene network with attention to channels", multiple_px=16
    ),
    "tone": Architecture(build_tone_net, "sees the whole picture, returns its tone", multiple_px=32, returns="tone"),
}


def _build_symmetric(
    convolve: Callable[..., keras.KerasTensor], channels: int, *, maps: int, name: str, depth: int = _DEPTH
) -> keras.Model:
    """`depth` convolutions and as many less one, each of which sees an earlier one again; the last returns the maps."""
    image = keras.Input((None, None, channels), name="image")
    earlier = [convolve(image, _FILTERS, "conv1")]
    for number in range(2, depth + 1):
        earlier.append(convolve(earlier[-1], _FILTERS, f"conv{number}"))
    tensor = earlier.pop()
    for number in range(depth + 1, 2 * depth - 1):
        tensor = convolve(layers.Concatenate()([earlier.pop(), tensor]), _FILTERS, f"conv{number}")
    joined = layers.Concatenate()([earlier.pop(), tensor])
    return keras.Model(image, convolve(joined, channels * maps, "curves", activation="tanh"), name=name)


def _build_scene(convolve: Callable[..., keras.KerasTensor], channels: int, name: str) -> keras.Model:
    """See `build_scene_net`."""
    image = keras.Input((None, None, channels), name="image")
    *_, deepest = _SCENE_FILTERS
    exposures = [layers.Activation("tanh")(layers.Rescaling(slope)(image)) for slope in _SCENE_EXPOSURES]
    levels = [layers.Concatenate(name="exposures")(exposures)]
    for depth, filters in enumerate(_SCENE_FILTERS, start=1):
        levels.append(convolve(levels[-1], filters, f"down{depth}", stride=2))
    _, _, quarter, eighth, sixteenth = levels
    whole = layers.GlobalAveragePooling2D(keepdims=True, name="whole")(sixteenth)
    whole = convolve(whole, deepest, "whole_features", size=1)
    whole = convolve(whole, deepest, "whole_bias", size=1, activation=None)
    place = layers.Add()([convolve(sixteenth, deepest, "place", size=1, activation=None), whole])
    tensor = convolve(layers.ReLU()(place), 32, "bottom")
    for skip, filters, stage in ((eighth, 32, "up3"), (quarter, 24, "up2")):
        tensor = layers.UpSampling2D(2, interpolation="bilinear")(tensor)
        tensor = convolve(layers.Concatenate()([tensor, skip]), filters, stage)
    gain = convolve(tensor, 1, "gain", activation="sigmoid")
    curve = layers.Rescaling(-_SCENE_STEEPEST, name="curve")(gain)
    curves = layers.Concatenate(name="curves")([curve] * channels) if channels > 1 else curve
    return keras.Model(image, curves, name=name)


def _excite(features: keras.KerasTensor, name: str, initializer: str) -> keras.KerasTensor:
    """Squeeze-and-excitation: each channel times a weight in [0, 1] that comes of the means of all."""
    means = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_means")(features)
    filters = features.shape[-1]
    narrow = _convolve(means, filters // _REDUCTION, f"{name}_squeeze", initializer=initializer, size=1)
    weights = _convolve(narrow, filters, f"{name}_excite", initializer=initializer, size=1, activation="sigmoid")
    return layers.Multiply(name=f"{name}_weighed")([features, weights])


def _convolve(
    tensor: keras.KerasTensor,
    filters: int,
    name: str,
    *,
    initializer: str,
    size: int = 3,
    stride: int = 1,
    activation: str | None = "relu",
) -> keras.KerasTensor:
    return layers.Conv2D(
        filters,
        size,
        strides=stride,
        padding="same",
        activation=activation,
        kernel_initializer=_make_initializer(initializer),
        name=name,
    )(tensor)


def is_initializer(name: str) -> bool:
    """Whether recipes can name this initializer."""
    try:
        _make_initializer(name)
    except ValueError:
        return False
    return True


def _make_initializer(name: str) -> keras.initializers.Initializer:
    if name == "normal_0.02":
        return keras.initializers.RandomNormal(stddev=0.02)
    return keras.initializers.get(name)
