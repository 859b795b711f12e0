"""A converted file, loaded as its users will run it."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from edge_dce.benchmark.image_network import ImageNetwork
from edge_dce.enhancer import Enhancer
from edge_dce.models.card import ModelFile
from edge_dce.models.contracts import COLORS
from edge_dce.models.network import Interpreter
from edge_dce.models.runtime import default_threads
from edge_dce.pixels.look import BARE
from edge_dce.pixels.shrinking import shrink

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]


class ConvertedModel(Protocol):
    """What the files of all contracts have in common."""

    def prepare(self, image: Uint8Array) -> Uint8Array:
        """What the file enhances of an (H, W, 3) uint8 image: all of it, or all of it at the file's own size."""

    def enhance(self, image: Uint8Array) -> Uint8Array:
        """The enhanced image of the same shape."""

    def estimate(self, image: Uint8Array) -> FloatArray | None:
        """The curve map or the tone, None where the file keeps it to itself."""


class EnhancingModel:
    """A file of which the device package makes pictures, as it does so."""

    def __init__(self, model: ModelFile, interpreter: Interpreter) -> None:
        self._enhancer = Enhancer(model, interpreter, threads=default_threads())

    def prepare(self, image: Uint8Array) -> Uint8Array:
        return image

    def enhance(self, image: Uint8Array) -> Uint8Array:
        return self._enhancer.enhance(image, BARE, channel_order=_name_order(image))

    def estimate(self, image: Uint8Array) -> FloatArray | None:
        return self._enhancer.estimate(image, channel_order=_name_order(image))


def _name_order(image: Uint8Array) -> str:
    return COLORS[image.shape[2]]


class ImageModel:
    """A file of the contract "image", as somebody else's app runs it: at its own size, nothing around it."""

    def __init__(self, model: ModelFile, interpreter: Interpreter) -> None:
        self._network = ImageNetwork(model, interpreter, threads=default_threads())

    def prepare(self, image: Uint8Array) -> Uint8Array:
        return shrink(image, self._network.width, self._network.height)

    def enhance(self, image: Uint8Array) -> Uint8Array:
        return self._network.enhance(image)

    def estimate(self, image: Uint8Array) -> FloatArray | None:
        return None
