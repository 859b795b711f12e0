"""LPIPS: how far apart two pictures are in what AlexNet sees in them, weighted as people judged.

Zhang et al., "The unreasonable effectiveness of deep features as a perceptual metric", CVPR 2018, version 0.1 of their
code with AlexNet. Keras computes it from the two published files, read as every checkpoint of PyTorch is here: the
libraries that have it need PyTorch, torchvision, and the larger one of the same files.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from edge_dce.errors import ImageError

from ..torch_checkpoint import read_checkpoint
from .weights import WeightsError, find_weights

if TYPE_CHECKING:
    import keras

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

# BSD 3-clause, 233 MB; and BSD 2-clause, 6 kB.
ALEXNET_URL = "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth"
JUDGES_URL = "https://github.com/richzhang/PerceptualSimilarity/raw/master/lpips/weights/v0.1/alex.pth"
# What the pooling in front of the last three convolutions needs.
SHORTEST_PX = 31
# Of torchvision's AlexNet: number of the layer, filters, size and stride of its kernel, zeros around, and whether a
# maximum over 3x3 places with a stride of two comes before it.
CONVOLUTIONS = (
    (0, 64, 11, 4, 2, False),
    (3, 192, 5, 1, 2, True),
    (6, 384, 3, 1, 1, True),
    (8, 256, 3, 1, 1, False),
    (10, 256, 3, 1, 1, False),
)
# Of samples in [-1, 1], as the authors normalize.
_SHIFT = np.array([-0.030, -0.088, -0.188], np.float32)
_SCALE = np.array([0.458, 0.448, 0.450], np.float32)
# The authors', so that places where nothing answers have a direction.
_EPSILON = 1e-10
_LOADING = threading.Lock()


def measure_perceptual_distance(image: Uint8Array, truth: Uint8Array) -> float:
    """LPIPS of two (H, W, 3) uint8 RGB images of one size; 0 for equal ones, less is better.

    Σ over five layers of the mean over places of w · (f̂(image) − f̂(truth))², where f̂ are a layer's features divided by
    their length at that place, and w the published weights of its channels.

    Raises:
        ImageError: a side is shorter than 31 pixels.
        WeightsError, CheckpointError: a file is not there, or is another one.
    """
    if min(image.shape[:2]) < SHORTEST_PX:
        raise ImageError(f"expected at least {SHORTEST_PX}x{SHORTEST_PX} pixels for LPIPS, found {image.shape[:2]}")
    files = find_weights("lpips", ALEXNET_URL), find_weights("lpips", JUDGES_URL)
    # Pictures are measured on several threads, and a quarter of a gigabyte is read once.
    with _LOADING:
        extract, judges = _load(*files)
    batch = np.stack([image, truth]).astype(np.float32) / np.float32(127.5) - 1
    total = 0.0
    for features, judge in zip(extract((batch - _SHIFT) / _SCALE), judges, strict=True):
        lengths = np.sqrt(np.square(features).sum(axis=3, keepdims=True)) + _EPSILON
        one, other = features / lengths
        total += float((np.square(one - other) @ judge).mean(dtype=np.float64))
    return total


@functools.cache
def _load(alexnet: Path, judges: Path) -> tuple[Callable[[FloatArray], list[FloatArray]], list[FloatArray]]:
    """What returns the features of a batch at five depths, and the weights of their channels."""
    network = _build_alexnet(alexnet)
    tensors = read_checkpoint(judges)
    weights = [
        _take(tensors, f"lin{number}.model.1.weight", (1, filters, 1, 1), judges, JUDGES_URL).ravel()
        for number, (_, filters, *_) in enumerate(CONVOLUTIONS)
    ]

    def extract(batch: FloatArray) -> list[FloatArray]:
        return [np.asarray(each, np.float32) for each in network(batch, training=False)]

    return extract, weights


def _build_alexnet(path: Path) -> keras.Model:
    import keras
    from keras import layers

    tensors = read_checkpoint(path)
    image = keras.Input((None, None, 3))
    tensor: Any = image
    depths, weights = [], []
    channels = 3
    for number, filters, size, stride, padding, is_pooled in CONVOLUTIONS:
        if is_pooled:
            tensor = layers.MaxPooling2D(3, 2)(tensor)
        convolution = layers.Conv2D(filters, size, strides=stride, activation="relu")
        tensor = convolution(layers.ZeroPadding2D(padding)(tensor))
        kernel = _take(tensors, f"features.{number}.weight", (filters, channels, size, size), path, ALEXNET_URL)
        bias = _take(tensors, f"features.{number}.bias", (filters,), path, ALEXNET_URL)
        weights.append((convolution, [kernel.transpose(2, 3, 1, 0), bias]))
        depths.append(tensor)
        channels = filters
    for convolution, arrays in weights:
        convolution.set_weights(arrays)
    return keras.Model(image, depths)


def _take(tensors: Mapping[str, FloatArray], name: str, shape: tuple[int, ...], path: Path, url: str) -> FloatArray:
    found = tensors.get(name)
    if found is None or found.shape != shape:
        is_there = "none" if found is None else f"shape {found.shape}"
        raise WeightsError(f"{path}: expected a tensor {name} of shape {shape}, found {is_there}; place {url} there")
    return found
