"""Perceptual distance: how far apart two pictures are in the features of a network trained on photographs."""

from __future__ import annotations

import hashlib
import shutil
import urllib.request
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from keras import ops

from edge_dce.files.output import make_folder

from .losses import Tensor
from .recipe import RecipeError

# Keras Applications, VGG16 without its classifier; Keras itself looks for it in the same place.
_FILE = "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
_URL = f"https://storage.googleapis.com/tensorflow/keras-applications/vgg16/{_FILE}"
# MD5, as Keras Applications states it of this file.
_HASH = "6d6bbae143d832006294945121d1f1fc"
_TIMEOUT_S = 60
# Of random weights: those of one run are those of every other.
_SEED = 2001
# Johnson et al., "Perceptual losses for real-time style transfer", ECCV 2016, compare features of this depth.
_LAYER = "block3_conv3"
# Means that VGG was trained with, in its own order BGR, of values up to 255.
_MEAN_BGR = np.array([103.939, 116.779, 123.68], np.float32)


def find_weights() -> Path:
    """Where the weights of VGG16 are looked for."""
    return Path(keras.config.keras_home()) / "models" / _FILE


def load_perceptual_distance(weights: str = "published") -> Callable[[Tensor, Tensor], Tensor]:
    """A function of two (B, H, W, 3) float32 RGB batches in [0, 1], H and W at least 32: the mean squared difference.

    Features are divided by their own root mean square, so that one picture being darker does not count as another
    content.

    Args:
        weights: "published" ones of VGG16, or "random" ones, always the same: the structure alone tells much of what
            pictures have in common (Liu et al., "Generic perceptual loss for modeling structured output dependencies",
            CVPR 2021).

    Raises:
        RecipeError: the published weights are neither on this machine nor to be had, or are not VGG16's.
    """
    vgg = keras.applications.VGG16(include_top=False, weights=None)
    features = keras.Model(vgg.input, vgg.get_layer(_LAYER).output)
    # Without one, and without biases, features are in proportion to exposure.
    offset = np.zeros(3, np.float32) if weights == "random" else _MEAN_BGR
    if weights == "random":
        _draw_weights(features)
    else:
        _load_published(vgg)
    features.trainable = False

    def extract(images: Tensor) -> Tensor:
        found = features(images[..., ::-1] * 255.0 - offset)
        return found / ops.sqrt(ops.mean(ops.square(found), axis=(1, 2, 3), keepdims=True) + 1e-6)

    return lambda one, other: ops.mean(ops.square(extract(one) - extract(other)))


def _load_published(vgg: keras.Model) -> None:
    path = find_weights()
    if not path.exists():
        _download(path)
    _check_hash(path)
    try:
        vgg.load_weights(path)
    except (OSError, ValueError, KeyError) as error:
        raise RecipeError(
            f"{path}: expected the weights of VGG16 without top, found something else; get a fresh copy"
        ) from error


def _draw_weights(network: keras.Model) -> None:
    """He et al., ICCV 2015: as far as that goes, no layer makes its input larger or smaller."""
    random = np.random.default_rng(_SEED)
    for layer in network.layers:
        if layer.weights:
            shape = tuple(layer.kernel.shape)
            deviation = np.sqrt(2 / np.prod(shape[:-1]))
            kernel = random.standard_normal(shape, np.float32) * np.float32(deviation)
            layer.set_weights([kernel, np.zeros(shape[-1], np.float32)])


def _check_hash(path: Path) -> None:
    found = hashlib.md5(path.read_bytes()).hexdigest()
    if found != _HASH:
        raise RecipeError(
            f"{path}: expected the weights of VGG16 without top (MD5 {_HASH}), found another file ({found}); "
            f"get a fresh copy of {_URL}"
        )


def _download(path: Path) -> None:
    make_folder(path.parent)
    unfinished = path.with_name(f".unfinished-{path.name}")
    try:
        with urllib.request.urlopen(_URL, timeout=_TIMEOUT_S) as answer, unfinished.open("wb") as stream:
            shutil.copyfileobj(answer, stream)
        _check_hash(unfinished)
        unfinished.replace(path)
    except OSError as error:
        raise RecipeError(
            f"the perceptual loss needs VGG16's weights, which could not be downloaded ({error}); "
            f"place {_URL} at {path}, or set loss_weights.perceptual=0"
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)
