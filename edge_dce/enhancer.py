"""From a dark RGB image to a bright one, with any model file of the `curves` contract."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_dce import curve
from edge_dce.card import ModelCard, ModelFile, read_model_file
from edge_dce.catalog import DEFAULT_MODEL, find_model
from edge_dce.errors import CardError, ImageError, ModelError
from edge_dce.preprocessing import normalize, shrink
from edge_dce.runtime import MAX_THREADS, Interpreter, default_threads, open_interpreter

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

MAX_STRENGTH = 1.5


def load(
    name_or_path: str | Path = DEFAULT_MODEL, *, threads: int | None = None, contract: str | None = None
) -> Enhancer:
    """Load a bundled model by name, or any `.tflite` file by path.

    Args:
        threads: for the network and the pixels; None chooses by the number of cores.
        contract: "curves" says that three output channels of a file without a card are curves, not an image; None
            infers it from the shapes.

    Raises:
        RuntimeMissingError: no TFLite runtime is installed.
        ModelError: the file is missing, damaged, or of a kind that cannot enhance.
    """
    threads = default_threads() if threads is None else threads
    if not 1 <= threads <= MAX_THREADS:
        raise ModelError(f"expected 1 to {MAX_THREADS} threads, found {threads}")
    model = read_model_file(find_model(name_or_path))
    return Enhancer(model, open_interpreter(model, threads=threads), threads=threads, contract=contract)


def check_image(image: Uint8Array) -> None:
    """Raise ImageError unless `image` is a (H, W, 3) uint8 array with pixels in it."""
    if not isinstance(image, np.ndarray):
        raise ImageError(f"expected a numpy array, found {type(image).__name__}")
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ImageError(
            f"expected a (height, width, 3) uint8 RGB array, found {image.shape} {image.dtype}; "
            "edge_dce.read_picture makes one from any picture file"
        )


class Enhancer:
    """One model, loaded. Not for use by several threads at once: the interpreter holds one frame at a time.

    Attributes:
        model: the file this enhancer was made from.
        width, height: size in pixels at which curves are estimated.
        contract: "curves".
        threads: as asked for.
    """

    def __init__(
        self, model: ModelFile, interpreter: Interpreter, *, threads: int, contract: str | None = None
    ) -> None:
        self.model = model
        self.threads = threads
        self._interpreter = interpreter
        self._input = interpreter.get_input_details()[0]
        self._output = interpreter.get_output_details()[0]
        _check_tensors(model, self._input, self._output)
        self.contract = _infer_contract(model, self._output, contract)
        self.height, self.width = (int(side) for side in self._input["shape"][1:3])
        shape = model.card.shape if model.card else curve.ZERO_DCE
        self._look_up = curve.LookUp(threads=threads, shape=shape)

    @property
    def card(self) -> ModelCard | None:
        """The model's card, or None for a file that carries none."""
        return self.model.card

    def enhance(self, image: Uint8Array, *, strength: float = 1.0) -> Uint8Array:
        """Enhance one image of any size.

        Args:
            image: (H, W, 3) uint8 RGB.
            strength: 0 returns the image unchanged, 1 is what the network estimated, up to 1.5 exaggerates.

        Returns:
            (H, W, 3) uint8 RGB, a new array.

        Raises:
            ImageError: not such an array, or strength out of range.
            ModelError: the runtime failed, or the network returned values that are not numbers.
        """
        check_image(image)
        check_strength(strength)
        return self._look_up.apply(image, self.estimate_curves(image), strength=strength)

    def estimate_curves(self, image: Uint8Array) -> FloatArray:
        """The network's (h, w, 3) float32 map of `a` in [-1, 1] for an image of any size; h, w at most height, width.

        Raises as `enhance`.
        """
        check_image(image)
        return self.invoke(self.quantize_input(shrink(image, self.width, self.height)))

    def quantize_input(self, image: Uint8Array) -> npt.NDArray[Any]:
        """A (height, width, 3) uint8 image as the (1, height, width, 3) tensor that the network takes."""
        dtype = self._input["dtype"]
        scale, zero_point = self._input["quantization"]
        # Scale 1/255 is what our converter makes; 0 is an unquantized byte, which only can mean the sample itself.
        if dtype == np.uint8 and zero_point == 0 and (scale == 0 or abs(scale * 255 - 1) < 1e-5):
            return image[np.newaxis]
        tensor = normalize(image)
        if np.issubdtype(dtype, np.floating):
            return tensor.astype(dtype, copy=False)
        limits = np.iinfo(dtype)
        stored: npt.NDArray[Any] = np.clip(np.rint(tensor / scale) + zero_point, limits.min, limits.max).astype(dtype)
        return stored

    def invoke(self, tensor: npt.NDArray[Any]) -> FloatArray:
        """Run the network on what `quantize_input` returned; the curve map as in `estimate_curves`."""
        try:
            self._interpreter.set_tensor(self._input["index"], tensor)
            self._interpreter.invoke()
            curves = self._interpreter.get_tensor(self._output["index"])[0]
        except (ValueError, RuntimeError) as error:
            raise ModelError(
                f"{self.model.path}: the runtime failed on an image ({' '.join(str(error).split())})"
            ) from error
        return self._dequantize(curves)

    def _dequantize(self, stored: npt.NDArray[Any]) -> FloatArray:
        curves = stored.astype(np.float32)
        if np.issubdtype(stored.dtype, np.integer):
            scale, zero_point = self._output["quantization"]
            curves = (curves - np.float32(zero_point)) * np.float32(scale)
        if not np.isfinite(curves).all():
            raise ModelError(f"{self.model.path}: the network returned values that are not numbers; use another model")
        if curves.shape[-1] != 3:
            # Using the mean of the eight maps eight times comes within 55 dB of using each once, on our networks.
            curves = curves.reshape(*curves.shape[:2], -1, 3).mean(axis=2)
        return curves


def check_strength(strength: float) -> None:
    """Raise ImageError unless 0 <= strength <= 1.5."""
    if not 0 <= strength <= MAX_STRENGTH:
        raise ImageError(f"expected a strength from 0 to {MAX_STRENGTH}, found {strength}")


def _check_tensors(model: ModelFile, image: dict[str, Any], curves: dict[str, Any]) -> None:
    image_shape, shape = (tuple(int(side) for side in details["shape"]) for details in (image, curves))
    if (
        len(image_shape) != 4
        or image_shape[0] != 1
        or image_shape[3] != 3
        or len(shape) != 4
        or shape[0] != 1
        or not all(0 < side <= limit for side, limit in zip(shape[1:3], image_shape[1:3], strict=True))
        or shape[3] not in (3, 24)
    ):
        raise ModelError(
            f"{model.path}: expected input (1, H, W, 3) and output (1, h, w, 3) or (1, h, w, 24), no larger, "
            f"found {image_shape} and {shape}; this is no curve-estimating network"
        )
    if -1 in image.get("shape_signature", ()):
        raise ModelError(f"{model.path}: expected a fixed input size, found a dynamic one; convert it with a size")
    for name, details in (("input", image), ("output", curves)):
        is_unscaled = np.issubdtype(details["dtype"], np.integer) and details["quantization"][0] == 0
        if is_unscaled and not (name == "input" and details["dtype"] == np.uint8):
            raise ModelError(f"{model.path}: expected a scale for the integer {name}, found none; convert it again")
    card = model.card
    if card is not None and (card.input.shape, card.output.shape) != (image_shape, shape):
        raise CardError(f"{model.path}: its card says {card.input.shape}, the model {image_shape}; get a fresh copy")


def _infer_contract(model: ModelFile, curves: dict[str, Any], asked: str | None) -> str:
    is_certain = int(curves["shape"][3]) != 3
    contract = model.card.contract if model.card else asked or ("curves" if is_certain else None)
    if contract is None:
        raise ModelError(
            f"{model.path}: three output channels and no card: pass --contract curves if they are curves, not an image"
        )
    if contract != "curves":
        raise ModelError(
            f"{model.path}: expected a model of the contract 'curves', found '{contract}'; use another model"
        )
    return contract
