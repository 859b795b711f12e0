"""From a dark RGB image to a bright one, with any model file of the `curves` contract."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_dce.errors import CardError, ImageError, ModelError
from edge_dce.models.card import ModelCard, ModelFile, read_model_file
from edge_dce.models.catalog import DEFAULT_MODEL, find_model
from edge_dce.models.contracts import CONTRACTS, CURVES, ENHANCING
from edge_dce.models.network import Interpreter, Network
from edge_dce.models.runtime import MAX_THREADS, default_threads, open_interpreter
from edge_dce.models.xnnpack import uses_xnnpack
from edge_dce.pixels.buffers import Buffers
from edge_dce.pixels.curve import ITERATIONS
from edge_dce.pixels.curve_table import LookUp
from edge_dce.pixels.denoising import measure_gain, remove_noise, shrink_for_gain
from edge_dce.pixels.look import PLAIN, Look
from edge_dce.pixels.shrinking import Shrinker
from edge_dce.pixels.strips import StripWorkers

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

# Where red, green and blue are in each order of channels.
_COLORS = {"RGB": (0, 1, 2), "BGR": (2, 1, 0), "RGBA": (0, 1, 2), "BGRA": (2, 1, 0)}
_DTYPES = (np.uint8, np.uint16, np.float16, np.float32)


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


def check_image(image: npt.NDArray[Any], channel_order: str = "RGB") -> None:
    """Raise ImageError unless `image` is an array that `Enhancer` takes, with pixels in it."""
    if not isinstance(image, np.ndarray):
        raise ImageError(f"expected a numpy array, found {type(image).__name__}")
    if channel_order not in _COLORS:
        raise ImageError(f"expected a channel_order of {' '.join(_COLORS)}, found {channel_order!r}")
    channels = len(channel_order)
    if image.dtype not in _DTYPES or image.ndim != 3 or image.shape[2] != channels or image.size == 0:
        raise ImageError(
            f"expected a (height, width, {channels}) {channel_order} array, uint8, uint16 or floating point in [0, 1], "
            f"found {image.shape} {image.dtype}; edge_dce.read_picture makes one from any picture file"
        )
    if image.dtype.kind == "f" and not (image.min() >= 0 and image.max() <= 1):
        raise ImageError(f"expected samples from 0 to 1 in a {image.dtype} image, found {image.min()} to {image.max()}")


class Enhancer:
    """One model, loaded. Not for use by several threads at once: the interpreter holds one frame at a time.

    Images are (H, W, 3) arrays of any size and strides: uint8, or uint16 or floating point in [0, 1], which keep their
    depth. `channel_order` says what the channels are: "RGB", "BGR", "RGBA" or "BGRA"; alpha stays as it is, and no
    order costs a copy of the frame.

    Attributes:
        model: the file this enhancer was made from.
        width, height: size in pixels at which curves are estimated.
        contract: "curves".
        root: of the curves, see `edge_dce.pixels.curve`.
        threads: as asked for.
    """

    def __init__(
        self, model: ModelFile, interpreter: Interpreter, *, threads: int, contract: str | None = None
    ) -> None:
        self.model = model
        self.threads = threads
        self._interpreter = interpreter
        self._network = Network(model.path, interpreter)
        self.contract = _settle_contract(model, self._network, contract)
        self.height, self.width = self._network.input.shape[1:3]
        self._shrinker = Shrinker(self.width, self.height)
        self._workers = StripWorkers(threads)
        self.root = model.card.root if model.card else 1
        self._look_up = LookUp(self._workers, root=self.root)
        self._buffers = Buffers()

    @property
    def card(self) -> ModelCard | None:
        """The model's card, or None for a file that carries none."""
        return self.model.card

    @property
    def xnnpack(self) -> bool | None:
        """Whether the runtime hands the network, or part of it, to XNNPACK; None if it does not tell."""
        return uses_xnnpack(self._interpreter)

    def enhance(self, image: npt.NDArray[Any], look: Look = PLAIN, *, channel_order: str = "RGB") -> npt.NDArray[Any]:
        """Enhance one image.

        Returns:
            A new array like the image.

        Raises:
            ImageError: not an image of that order, see `Enhancer`.
            ModelError: the runtime failed, or the network returned values that are not numbers.
        """
        check_image(image, channel_order)
        return self._apply(image, self._estimate(image, channel_order), look, None, channel_order)

    def enhance_into(
        self, image: npt.NDArray[Any], out: npt.NDArray[Any], look: Look = PLAIN, *, channel_order: str = "RGB"
    ) -> None:
        """Enhance one frame of many: as `enhance`, into an array like the image (or into the image itself).

        Nothing is allocated for a frame of a size and type seen before, unless `look` asks for denoise.

        Raises:
            ImageError: as `enhance`, and if `out` is not like the image.
        """
        check_image(image, channel_order)
        self._apply(image, self._estimate(image, channel_order), look, out, channel_order)

    def estimate_curves(self, image: npt.NDArray[Any], *, channel_order: str = "RGB") -> FloatArray:
        """The network's (h, w, 3) float32 map of `a` in [-1, 1], channels in the order RGB; h, w at most height, width.

        Raises as `enhance`.
        """
        check_image(image, channel_order)
        return self._estimate(image, channel_order).copy()

    def apply_curves(
        self,
        image: npt.NDArray[Any],
        curves: FloatArray,
        look: Look = PLAIN,
        *,
        out: npt.NDArray[Any] | None = None,
        channel_order: str = "RGB",
    ) -> npt.NDArray[Any]:
        """Apply a map such as `estimate_curves` returns to an image, perhaps to another one than it was estimated on.

        Returns:
            `out`, or a new array like the image.

        Raises:
            ImageError: as `enhance_into`, and if the map is not (h, w, 3).
        """
        check_image(image, channel_order)
        if curves.ndim != 3 or curves.shape[2] != 3 or curves.size == 0:
            raise ImageError(f"expected a (height, width, 3) map of curves, found {curves.shape}")
        return self._apply(image, curves, look, out, channel_order)

    def quantize_input(self, image: Uint8Array) -> npt.NDArray[Any]:
        """A (height, width, 3) uint8 image as the (1, height, width, 3) tensor that the network takes."""
        return self._network.quantize(image)

    def invoke(self, tensor: npt.NDArray[Any]) -> FloatArray:
        """Run the network on what `quantize_input` returned.

        Returns:
            The map as `estimate_curves` returns it, overwritten by the next call.
        """
        curves = self._network.invoke(tensor)
        if curves.shape[-1] == 3:
            return curves
        # Using the mean of the eight maps eight times comes within 55 dB of using each once, on our networks.
        maps = curves.reshape(*curves.shape[:2], -1, 3)
        mean: FloatArray = self._buffers.reserve("mean", (*curves.shape[:2], 3), np.float32)
        np.mean(maps, axis=2, out=mean)
        return mean

    def _estimate(self, image: npt.NDArray[Any], channel_order: str) -> FloatArray:
        small = self._shrinker.shrink(image)
        if channel_order != "RGB":
            ordered = self._buffers.reserve("ordered", (self.height, self.width, 3), np.uint8)
            small = np.take(small, _COLORS[channel_order], axis=2, out=ordered, mode="clip")
        return self.invoke(self.quantize_input(small))

    def _apply(
        self,
        image: npt.NDArray[Any],
        curves: FloatArray,
        look: Look,
        out: npt.NDArray[Any] | None,
        channel_order: str,
    ) -> npt.NDArray[Any]:
        if channel_order.startswith("BGR"):
            curves = curves[..., ::-1]
        if not look.denoise:
            return self._look_up.apply(image, curves, look=look, out=out)
        before = shrink_for_gain(image)
        noisy = self._look_up.apply(image, curves, look=look)
        clean = np.empty(image.shape, image.dtype) if out is None else out
        gain = measure_gain(before, shrink_for_gain(noisy))
        remove_noise(noisy, gain, look.denoise, clean, channel_order=channel_order, workers=self._workers)
        return clean


def _check_shapes(model: ModelFile, network: Network) -> None:
    image, curves = network.input.shape, network.output.shape
    if (
        len(image) != 4
        or image[0] != 1
        or image[3] != 3
        or len(curves) != 4
        or curves[0] != 1
        or not all(0 < side <= limit for side, limit in zip(curves[1:3], image[1:3], strict=True))
        or curves[3] not in (3, 3 * ITERATIONS)
    ):
        raise ModelError(
            f"{model.path}: expected input (1, H, W, 3) and output (1, h, w, 3) or (1, h, w, 24) that is "
            f"no larger, found {image} and {curves}; this network does not estimate curves"
        )
    card = model.card
    if card is not None and (card.input.shape, card.output.shape) != (image, curves):
        raise CardError(
            f"{model.path}: expected the input of its card, {card.input.shape}, found {image}; get a fresh copy"
        )


def _settle_contract(model: ModelFile, network: Network, asked: str | None) -> str:
    contract = model.card.contract if model.card else asked
    if contract not in (None, *ENHANCING):
        hint = "use another model" if contract in CONTRACTS else "upgrade edge-dce"
        raise ModelError(f"{model.path}: expected a model of the contract '{CURVES.name}', found '{contract}'; {hint}")
    _check_shapes(model, network)
    if contract is None and network.output.shape[3] == 3:
        raise ModelError(
            f"{model.path}: three output channels and no card; pass --contract curves if the channels are curves"
        )
    return CURVES.name
