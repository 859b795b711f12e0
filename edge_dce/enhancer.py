"""From a dark RGB image to a bright one, with any model file of a contract that enhances."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from edge_dce.errors import CardError, ImageError, ModelError
from edge_dce.models.accelerator import ACCELERATORS
from edge_dce.models.card import ModelCard, ModelFile, read_model_file
from edge_dce.models.catalog import DEFAULT_MODEL, find_model
from edge_dce.models.contracts import COLORS, CONTRACTS, CURVES, ENHANCING, TONE
from edge_dce.models.network import Interpreter, Network, are_finite
from edge_dce.models.runtime import MAX_THREADS, default_threads, open_interpreter
from edge_dce.models.xnnpack import uses_xnnpack
from edge_dce.pixels.buffers import Buffers
from edge_dce.pixels.cleaner import Cleaner, PictureCleaner
from edge_dce.pixels.curve_table import LookUp
from edge_dce.pixels.look import PLAIN, Look
from edge_dce.pixels.noise import NoiseProfile
from edge_dce.pixels.rendering import Rendering, check_out
from edge_dce.pixels.shrinking import Shrinker, select_channels
from edge_dce.pixels.strips import StripWorkers
from edge_dce.pixels.tone_table import ToneTable

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]
Source = TypeVar("Source")

# Where red, green and blue are in each order of channels.
_COLORS = {"RGB": (0, 1, 2), "BGR": (2, 1, 0), "RGBA": (0, 1, 2), "BGRA": (2, 1, 0), "RGBN": (0, 1, 2)}
# Of each contract that enhances: from the threads for pixels, the root of the curves and the channels of the network.
_RENDERINGS: dict[str, Callable[[StripWorkers, int, int], Rendering]] = {
    CURVES.name: lambda workers, root, channels: LookUp(workers, root=root, channels=channels),
    TONE.name: lambda workers, root, channels: ToneTable(workers),
}
# Images that have a fourth channel to be enhanced: near infrared.
_RGBN = COLORS[4]
_DTYPES = (np.uint8, np.uint16, np.float16, np.float32)


def load(
    name_or_path: str | Path = DEFAULT_MODEL,
    *,
    threads: int | None = None,
    contract: str | None = None,
    accelerator: str | None = None,
) -> Enhancer:
    """Load a bundled model by name, or any `.tflite` file by path.

    Args:
        threads: for the network and the pixels; None chooses by the number of cores.
        contract: "curves" says that three output channels of a file without a card are curves, not an image; None
            infers it from the shapes.
        accelerator: "cpu", "gpu" or "npu" compiles the network for it with LiteRT; the pixels stay on the CPU. None
            interprets it.

    Raises:
        RuntimeMissingError: no TFLite runtime is installed.
        ModelError: the file is missing, damaged, or of a kind that cannot enhance; no such accelerator.
    """
    threads = default_threads() if threads is None else threads
    if not 1 <= threads <= MAX_THREADS:
        raise ModelError(f"expected 1 to {MAX_THREADS} threads, found {threads}")
    model = read_model_file(find_model(name_or_path))
    if accelerator not in (None, *ACCELERATORS):
        raise ModelError(f"expected an accelerator of {' '.join(ACCELERATORS)}, or None, found {accelerator!r}")
    interpreter = open_interpreter(model, threads=threads, accelerator=accelerator)
    return Enhancer(model, interpreter, threads=threads, contract=contract)


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


def _check_estimate(estimate: npt.NDArray[Any]) -> None:
    if not isinstance(estimate, np.ndarray) or estimate.dtype.kind != "f":
        raise ImageError(f"expected an estimate as `Enhancer.estimate` returns it, found {type(estimate).__name__}")
    if not are_finite(estimate):
        raise ImageError("expected an estimate of numbers, found some that are none")


class Enhancer:
    """One model, loaded. For several threads, of which one at a time estimates and one at a time applies.

    While one enhances with cleaning, no other estimates or applies.

    Images are (H, W, 3) arrays of any size and strides: uint8, or uint16 or floating point in [0, 1], which keep their
    depth. `channel_order` says what the channels are: "RGB", "BGR", "RGBA" or "BGRA"; alpha stays as it is, and no
    order costs a copy of the frame.

    Models for grey pictures (thermal ones) see the mean of the colors and treat all alike. Models for RGB and near
    infrared take (H, W, 4) images of the order "RGBN" alone.

    Attributes:
        model: the file this enhancer was made from.
        width, height: size in pixels at which the network sees an image.
        channels: that the network sees: 1 (grey), 3 (RGB) or 4 (RGB and near infrared).
        contract: what the network estimates: "curves", or the "tone" of the whole image.
        root: of curves, see `edge_dce.pixels.curve`.
        threads: as asked for.
        workers: the threads that share the work on pixels.
    """

    def __init__(
        self, model: ModelFile, interpreter: Interpreter, *, threads: int, contract: str | None = None
    ) -> None:
        self.model = model
        self.threads = threads
        self._interpreter = interpreter
        self._network = Network(model.path, interpreter)
        self.contract = _settle_contract(model, self._network, contract)
        self.height, self.width, self.channels = self._network.input.shape[1:]
        self._shrinker = Shrinker(self.width, self.height)
        self.workers = StripWorkers(threads)
        self.root = model.card.root if model.card else 1
        self._rendering = _RENDERINGS[self.contract](self.workers, self.root, self.channels)
        self._cleaner = PictureCleaner(self.workers)
        self._buffers = Buffers()
        # The interpreter holds one frame at a time, and so does each buffer. Whoever wants both takes this one first.
        self._estimating = threading.Lock()
        self._applying = threading.Lock()
        self._is_closed = False

    def __call__(self, source: Source, look: Look = PLAIN, *, channel_order: str = "RGB") -> Source:
        """Enhance whatever holds a picture and give back the same kind, as `edge_dce.enhance` does.

        Raises as `edge_dce.enhance`.
        """
        import edge_dce

        return edge_dce.enhance(source, look, model=self, channel_order=channel_order)

    def __enter__(self) -> Enhancer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the threads; not needed for an enhancer that is dropped. It cannot be used any more."""
        with self._estimating, self._applying:
            self._is_closed = True
            self.workers.close()

    def _check_open(self) -> None:
        if self._is_closed:
            raise ModelError(f"{self.model.path}: this enhancer is closed; load the model again")

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
        self._check(image, channel_order)
        return self._enhance(image, None, look, channel_order)

    def enhance_into(
        self, image: npt.NDArray[Any], out: npt.NDArray[Any], look: Look = PLAIN, *, channel_order: str = "RGB"
    ) -> None:
        """Enhance one frame of many: as `enhance`, into an array like the image (or into the image itself).

        Of a frame of a size and type seen before, nothing is allocated without denoise; with it, small maps are.

        Raises:
            ImageError: as `enhance`, and if `out` is not like the image, cannot be written or overlaps it in part.
        """
        self._check(image, channel_order)
        check_out(image, out)
        self._enhance(image, out, look, channel_order)

    @property
    def neutral(self) -> FloatArray:
        """The estimate that changes nothing; not to be written to."""
        return self._rendering.neutral

    def open_rendering(self, *, threads: int = 1) -> Rendering:
        """Another rendering of this model's estimates, for somebody who is on another thread."""
        return _RENDERINGS[self.contract](StripWorkers(threads), self.root, self.channels)

    def estimate(self, image: npt.NDArray[Any], *, channel_order: str = "RGB") -> FloatArray:
        """What the network tells of an image, float32, colors in the order RGB.

        Of the contract "curves" it is a (h, w, 3) map of `a` in [-1, 1], with h, w at most height, width; of "tone" the
        numbers of `edge_dce.pixels.tone`. Models of four channels tell a (h, w, 4) map.

        Raises as `enhance`.
        """
        self._check(image, channel_order)
        with self._estimating:
            return self._estimate(image, channel_order).copy()

    def apply(
        self,
        image: npt.NDArray[Any],
        estimate: FloatArray,
        look: Look = PLAIN,
        *,
        out: npt.NDArray[Any] | None = None,
        channel_order: str = "RGB",
        cleaner: Cleaner | None = None,
        finish: Callable[[slice], object] | None = None,
    ) -> npt.NDArray[Any]:
        """Apply what `estimate` returned to an image, perhaps to another one than it was estimated on.

        Args:
            cleaner: of the stream that the image is the next frame of.
            finish: called with the rows of each strip of `out` that cleaning has written, by the thread that wrote it,
                see `edge_dce.pixels.cleaning.clean`; not called where nothing is cleaned, nor for RGBN.

        Returns:
            `out`, or a new array like the image.

        Raises:
            ImageError: as `enhance_into`, and if the estimate has another shape than this model's, or holds what is no
                number.
        """
        self._check(image, channel_order)
        if out is not None:
            check_out(image, out)
        _check_estimate(estimate)
        self._rendering.check(estimate)
        return self._apply(image, estimate, look, out, channel_order, cleaner, finish)

    def estimate_curves(self, image: npt.NDArray[Any], *, channel_order: str = "RGB") -> FloatArray:
        """As `estimate`, for models of the contract "curves"."""
        return self.estimate(image, channel_order=channel_order)

    def apply_curves(
        self,
        image: npt.NDArray[Any],
        curves: FloatArray,
        look: Look = PLAIN,
        *,
        out: npt.NDArray[Any] | None = None,
        channel_order: str = "RGB",
    ) -> npt.NDArray[Any]:
        """As `apply`, for models of the contract "curves"."""
        return self.apply(image, curves, look, out=out, channel_order=channel_order)

    def quantize_input(self, image: Uint8Array) -> npt.NDArray[Any]:
        """A (height, width, 3) uint8 image, of RGBN (height, width, 4), as the tensor that the network takes."""
        with self._estimating:
            return self._network.quantize(select_channels(image, self.channels))

    def invoke(self, tensor: npt.NDArray[Any]) -> FloatArray:
        """Run the network on what `quantize_input` returned.

        Returns:
            As `estimate`, overwritten by the next call.
        """
        with self._estimating:
            return self._invoke(tensor)

    def _invoke(self, tensor: npt.NDArray[Any]) -> FloatArray:
        return self._rendering.read(self._network.invoke(tensor))

    def _check(self, image: npt.NDArray[Any], channel_order: str) -> None:
        check_image(image, channel_order)
        if (self.channels == 4) != (channel_order == _RGBN):
            expected = "RGB and near infrared (RGBN)" if self.channels == 4 else "RGB, BGR, RGBA or BGRA"
            raise ImageError(f"{self.model.path}: expected images of {expected}, found {channel_order}")

    def _estimate(self, image: npt.NDArray[Any], channel_order: str) -> FloatArray:
        self._check_open()
        small = self._shrinker.shrink(image)
        if self.channels == 3 and channel_order != "RGB":
            ordered = self._buffers.reserve("ordered", (self.height, self.width, 3), np.uint8)
            small = np.take(small, _COLORS[channel_order], axis=2, out=ordered, mode="clip")
        return self._invoke(self._network.quantize(select_channels(small, self.channels)))

    def _enhance(
        self, image: npt.NDArray[Any], out: npt.NDArray[Any] | None, look: Look, channel_order: str
    ) -> npt.NDArray[Any]:
        if not _is_cleaned(look, channel_order):
            with self._estimating:
                return self._apply(image, self._estimate(image, channel_order), look, out, channel_order)
        with self._estimating, self._applying:
            self._check_open()
            # Measured beside the network.
            noise = self._cleaner.measure(image, look, channel_order=channel_order)
            try:
                estimate = self._estimate(image, channel_order)
                return self._render(image, estimate, look, out, channel_order, noise=noise)
            finally:
                # The image is the caller's again, also where one of the two has failed.
                wait([noise])

    def _apply(
        self,
        image: npt.NDArray[Any],
        estimate: FloatArray,
        look: Look,
        out: npt.NDArray[Any] | None,
        channel_order: str,
        cleaner: Cleaner | None = None,
        finish: Callable[[slice], object] | None = None,
    ) -> npt.NDArray[Any]:
        with self._applying:
            self._check_open()
            return self._render(image, estimate, look, out, channel_order, cleaner=cleaner, finish=finish)

    def _render(
        self,
        image: npt.NDArray[Any],
        estimate: FloatArray,
        look: Look,
        out: npt.NDArray[Any] | None,
        channel_order: str,
        *,
        cleaner: Cleaner | None = None,
        noise: Future[NoiseProfile] | None = None,
        finish: Callable[[slice], object] | None = None,
    ) -> npt.NDArray[Any]:
        if channel_order == _RGBN:
            return self._render_planes(image, estimate, look, out)

        def render(
            image: npt.NDArray[Any], channel_order: str, out: npt.NDArray[Any] | None = None
        ) -> npt.NDArray[Any]:
            return self._rendering.apply(image, estimate, look=look, out=out, channel_order=channel_order)

        if not _is_cleaned(look, channel_order):
            return render(image, channel_order, out)
        return (cleaner or self._cleaner).run(
            image, render, look, out, channel_order=channel_order, noise=noise, finish=finish
        )

    def _render_planes(
        self, image: npt.NDArray[Any], estimate: FloatArray, look: Look, out: npt.NDArray[Any] | None
    ) -> npt.NDArray[Any]:
        """Colors as a picture, and near infrared as a grey one."""
        enhanced = np.empty(image.shape, image.dtype) if out is None else out
        for plane in (slice(0, 3), slice(3, 4)):
            repeats = 3 // (plane.stop - plane.start)
            part, maps = (np.repeat(array[..., plane], repeats, axis=2) for array in (image, estimate))
            found = self._render(part, maps, look, None, "RGB")
            enhanced[..., plane] = found[..., : plane.stop - plane.start]
        return enhanced


def _is_cleaned(look: Look, channel_order: str) -> bool:
    # The planes of RGBN are cleaned each by itself.
    return look.denoise != 0 and channel_order != _RGBN


def _settle_contract(model: ModelFile, network: Network, asked: str | None) -> str:
    contract = model.card.contract if model.card else asked
    if contract not in (None, *ENHANCING):
        hint = "use another model" if contract in CONTRACTS else "upgrade edge-dce"
        known = " or ".join(f"'{name}'" for name in ENHANCING)
        raise ModelError(f"{model.path}: expected a model of the contract {known}, found '{contract}'; {hint}")
    image, output = network.input.shape, network.output.shape
    takes_picture = len(image) == 4 and image[0] == 1 and image[3] in COLORS
    fitting = [name for name, known in CONTRACTS.items() if takes_picture and known.fits(image, output)]
    possible = [name for name in ENHANCING if name in fitting and contract in (None, name)]
    if not possible:
        outputs = " or ".join(CONTRACTS[name].output for name in ENHANCING if contract in (None, name))
        raise ModelError(
            f"{model.path}: expected input (1, H, W, 3) and output {outputs}, found {image} and {output}; "
            "this network cannot enhance"
        )
    card = model.card
    if card is not None and (card.input.shape, card.output.shape) != (image, output):
        raise CardError(
            f"{model.path}: expected the input of its card, {card.input.shape}, found {image}; get a fresh copy"
        )
    if contract is None and len(fitting) > 1:
        raise ModelError(
            f"{model.path}: {output[3]} output channels and no card; pass --contract curves if they are curves"
        )
    return possible[0]
