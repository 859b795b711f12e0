"""Other people's model files that return the enhanced image itself, which `Enhancer` does not take."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.errors import ModelError
from edge_dce.models.card import ModelFile
from edge_dce.models.runtime import Interpreter
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

    contract = "image"

    def __init__(self, model: ModelFile, interpreter: Interpreter, *, threads: int) -> None:
        self.model = model
        self.threads = threads
        self._interpreter = interpreter
        self._input = interpreter.get_input_details()[0]
        self._output = _find_image(model, interpreter)
        self.height, self.width = _size_of(model, self._input)
        self._shrinker = Shrinker(self.width, self.height)

    def enhance(self, image: Uint8Array) -> Uint8Array:
        """(H, W, 3) uint8 RGB in and out, any size."""
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
        batch = image[np.newaxis] if _is_channels_last(self._input) else image.transpose(2, 0, 1)[np.newaxis]
        return _store(batch, self._input["dtype"], self._input["quantization"])

    def invoke(self, tensor: npt.NDArray[Any]) -> Uint8Array:
        """Run the network on what `quantize_input` returned; (h, w, 3) uint8.

        Raises:
            ModelError: the runtime failed.
        """
        try:
            self._interpreter.set_tensor(self._input["index"], tensor)
            self._interpreter.invoke()
            stored = self._interpreter.tensor(self._output["index"])()[0]
            image = _restore(stored, self._output["quantization"])
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"{self.model.path}: the runtime failed ({' '.join(str(error).split())})") from error
        return image if _is_channels_last(self._output) else np.ascontiguousarray(image.transpose(1, 2, 0))


def _store(image: Uint8Array, dtype: type, quantization: tuple[float, int]) -> npt.NDArray[Any]:
    scale, zero_point = quantization
    if np.issubdtype(dtype, np.floating):
        return (image / np.float32(255)).astype(dtype)
    if scale == 0:
        # Unscaled: bytes as they are, or moved down to the range of a signed byte.
        return image if dtype == np.uint8 else (image.astype(np.int16) - 128).astype(dtype)
    limits = np.iinfo(dtype)
    stored: npt.NDArray[Any] = np.clip(np.rint(image / 255 / scale) + zero_point, limits.min, limits.max).astype(dtype)
    return stored


def _restore(stored: npt.NDArray[Any], quantization: tuple[float, int]) -> Uint8Array:
    scale, zero_point = quantization
    if np.issubdtype(stored.dtype, np.integer) and scale == 0:
        return stored.copy() if stored.dtype == np.uint8 else (stored.astype(np.int16) + 128).astype(np.uint8)
    real = stored.astype(np.float32)
    if np.issubdtype(stored.dtype, np.integer):
        real = (real - zero_point) * np.float32(scale)
    image: Uint8Array = np.clip(np.rint(np.nan_to_num(real) * 255), 0, 255).astype(np.uint8)
    return image


def _find_image(model: ModelFile, interpreter: Interpreter) -> dict[str, Any]:
    """The first output that is an image: networks of this kind often return their maps too."""
    for details in interpreter.get_output_details():
        shape = [int(side) for side in details["shape"]]
        if len(shape) == 4 and shape[0] == 1 and 3 in (shape[1], shape[3]):
            return details
    shapes = [tuple(int(side) for side in details["shape"]) for details in interpreter.get_output_details()]
    raise ModelError(f"{model.path}: expected an output (1, H, W, 3) or (1, 3, H, W), found {shapes}; no image network")


def _size_of(model: ModelFile, details: dict[str, Any]) -> tuple[int, int]:
    shape = tuple(int(side) for side in details["shape"])
    if len(shape) != 4 or shape[0] != 1 or 3 not in (shape[1], shape[3]):
        raise ModelError(
            f"{model.path}: expected an input (1, H, W, 3) or (1, 3, H, W), found {shape}; this network takes no image"
        )
    height, width = shape[1:3] if _is_channels_last(details) else shape[2:4]
    if -1 in [int(side) for side in details.get("shape_signature", shape)][1:]:
        raise ModelError(f"{model.path}: expected a fixed input size, found a dynamic one; convert it with a size")
    return height, width


def _is_channels_last(details: dict[str, Any]) -> bool:
    return int(details["shape"][3]) == 3
