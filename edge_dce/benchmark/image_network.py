"""Other people's model files that return the enhanced image itself, which `Enhancer` does not take."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.errors import ModelError
from edge_dce.models.card import ModelFile
from edge_dce.models.contracts import IMAGE
from edge_dce.models.network import Interpreter, Network
from edge_dce.pixels.look import PLAIN, Look
from edge_dce.pixels.shrinking import Shrinker

Uint8Array = npt.NDArray[np.uint8]


class ImageNetwork:
    """A network RGB image -> RGB image of one fixed size, loaded. Offers what the benchmark uses of an `Enhancer`.

    Channels may be last (1, H, W, 3) or first (1, 3, H, W). Floating-point tensors hold [0, 1]; integers what their
    scale says, and plain bytes where it says nothing.

    Attributes:
        model, threads: as given.
        width, height: the size in pixels that the network works at. `enhance` brings images to it and stretches what
            comes back.
        contract: "image".
    """

    contract = IMAGE.name

    def __init__(self, model: ModelFile, interpreter: Interpreter, *, threads: int) -> None:
        self.model = model
        self.threads = threads
        output = _find_image(model, interpreter)
        self._network = Network(model.path, interpreter, output=output, assumes_levels=True)
        self.height, self.width = _size_of(model, self._network.input.shape)
        self._shrinker = Shrinker(self.width, self.height)

    def enhance(self, image: Uint8Array, look: Look = PLAIN) -> Uint8Array:
        """(H, W, 3) uint8 RGB in and out, any size; a look changes nothing of what such a network returns."""
        small = self.invoke(self.quantize_input(self._shrinker.shrink(image)))
        height, width = image.shape[:2]
        if small.shape[:2] == (height, width):
            return small
        stretched: Uint8Array = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR).astype(
            np.uint8, copy=False
        )
        return stretched

    def quantize_input(self, image: Uint8Array) -> npt.NDArray[Any]:
        """A (height, width, 3) uint8 image as the tensor that the network takes."""
        return self._network.quantize(
            image if _is_channels_last(self._network.input.shape) else image.transpose(2, 0, 1)
        )

    def invoke(self, tensor: npt.NDArray[Any]) -> Uint8Array:
        """Run the network on what `quantize_input` returned; (h, w, 3) uint8.

        Raises:
            ModelError: the runtime failed, or the network returned values that are not numbers.
        """
        image = self._network.invoke_image(tensor)
        if _is_channels_last(self._network.output.shape):
            return image
        return np.ascontiguousarray(image.transpose(1, 2, 0))


def _find_image(model: ModelFile, interpreter: Interpreter) -> int:
    """The first output that is an image: networks of this kind often return their maps too."""
    shapes = [tuple(int(side) for side in details["shape"]) for details in interpreter.get_output_details()]
    for output, shape in enumerate(shapes):
        if len(shape) == 4 and shape[0] == 1 and 3 in (shape[1], shape[3]):
            return output
    raise ModelError(
        f"{model.path}: expected an output (1, H, W, 3) or (1, 3, H, W), found {shapes}; this network returns no image"
    )


def _size_of(model: ModelFile, shape: tuple[int, ...]) -> tuple[int, int]:
    if len(shape) != 4 or shape[0] != 1 or 3 not in (shape[1], shape[3]):
        raise ModelError(
            f"{model.path}: expected an input (1, H, W, 3) or (1, 3, H, W), found {shape}; this network takes no image"
        )
    height, width = shape[1:3] if _is_channels_last(shape) else shape[2:4]
    return height, width


def _is_channels_last(shape: tuple[int, ...]) -> bool:
    return shape[3] == 3
