"""Every precision and every contract that files are made in, each once: a new one is one entry here.

Free of Keras and TensorFlow, which take seconds to import: the command line has its words from here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_dce.models.card import ModelFile
from edge_dce.models.contracts import CURVES, IMAGE, TONE, Contract
from edge_dce.models.network import Interpreter
from edge_dce.pixels import curve, tone
from edge_dce.pixels.curve import ITERATIONS
from edge_dce.pixels.levels import round_to_levels

from .converted import ConvertedModel, EnhancingModel, ImageModel
from .errors import ConversionError

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

# So many pixels have 256x256; sides are multiples of 16, which every network here takes.
SIZES = {"16:9": (336, 192), "4:3": (288, 224)}


@dataclasses.dataclass(frozen=True)
class Bounds:
    """What a file must reach.

    Attributes:
        psnr_db, worst_psnr_db: of its enhanced pictures against those of the Keras network: mean, and each.
        drop_db: what it may lose of the PSNR against ground truth, where there is ground truth.
    """

    psnr_db: float
    worst_psnr_db: float
    drop_db: float = 0.2


@dataclasses.dataclass(frozen=True)
class Precision:
    """How a file holds its numbers.

    Attributes:
        name: in the names of files, in cards and on the command line.
        bounds: what files must reach where nobody says otherwise.
        weight_bits: 32 or 16 are floats, 8 or fewer integers with a scale for each channel.
        activation_bits: of integers whose scales are set by calibration pictures. None: activations are floats, or with
            integer weights what the runtime makes of them for each picture.
        has_onnx: whether there are ONNX files of it; tf2onnx widens the weights of the others to float32.
        mixed: what a calibrated file is called if layers had to stay in float32; None: "mixed-" and the name.
    """

    name: str
    bounds: Bounds
    weight_bits: int
    activation_bits: int | None = None
    has_onnx: bool = False
    mixed: str | None = None

    @property
    def is_calibrated(self) -> bool:
        """Whether it takes calibration pictures, and is integer throughout."""
        return self.activation_bits is not None

    @property
    def name_if_mixed(self) -> str:
        """The precision of a file of which some layers had to stay in float32."""
        return self.mixed or f"mixed-{self.name}"

    @property
    def results(self) -> tuple[str, ...]:
        """The precisions that a file may end up with if this one was asked for."""
        return (self.name, self.name_if_mixed) if self.is_calibrated else (self.name,)


@dataclasses.dataclass(frozen=True)
class Product:
    """The files of one contract: how they are made, and how they are run to be judged.

    Attributes:
        contract: the device package's word for it.
        build: for each contract that a Keras network may have by itself, what makes this one of it: from the image
            tensor, the network's output and the root of its curves to the output of the file.
        open: a file and the interpreter that runs it, as its users will run it.
        output: which outputs of Keras networks may be of this contract by themselves, for people; empty for none.
        fits: whether an output shape, (B, ...), is one of these.
        apply: what such an output means, exactly: from an (H, W, 3) or (H, W, 4) uint8 image, the output for it and the
            root of the curves to the enhanced image, and to what `ConvertedModel.estimate` is to come close to.
        bounds: what files of a precision must reach, by its name, where that is not what others of it must.
    """

    contract: Contract
    build: Mapping[str, Callable[[Any, Any, int], Any]]
    open: Callable[[ModelFile, Interpreter], ConvertedModel]
    output: str = ""
    fits: Callable[[tuple[int | None, ...]], bool] = lambda shape: False
    apply: Callable[[Uint8Array, FloatArray, int], tuple[Uint8Array, FloatArray | None]] | None = None
    bounds: Mapping[str, Bounds] = dataclasses.field(default_factory=dict)

    @property
    def returns_image(self) -> bool:
        """Whether the file's output is an image, which has levels."""
        return self.contract.color is not None


def find_precision(name: str) -> Precision:
    """The precision of this name.

    Raises:
        ConversionError: there is none.
    """
    if name not in PRECISIONS:
        raise ConversionError(f"expected a precision of {' '.join(PRECISIONS)}, found '{name}'")
    return PRECISIONS[name]


def find_product(contract: str) -> Product:
    """The files of this contract.

    Raises:
        ConversionError: there is none of this name.
    """
    if contract not in CONTRACTS:
        raise ConversionError(f"expected a contract of {' '.join(CONTRACTS)}, found '{contract}'")
    return CONTRACTS[contract]


def find_bounds(precision: str, contract: str) -> Bounds:
    """What files of both must reach where nobody says otherwise. Raises as `find_precision` and `find_product`."""
    return find_product(contract).bounds.get(precision, find_precision(precision).bounds)


def _average_maps(image: Any, output: Any, root: int) -> Any:
    from .layers import average_maps

    return average_maps(output, image.shape[-1])


def _apply_curves(image: Any, output: Any, root: int) -> Any:
    from .layers import apply_curves

    return apply_curves(image, output, root)


def _keep(image: Any, output: Any, root: int) -> Any:
    return output


def _enhance_by_curves(image: Uint8Array, output: FloatArray, root: int) -> tuple[Uint8Array, FloatArray]:
    if output.shape[2] in (1, ITERATIONS):
        # Of a grey network: the map of every color.
        output = np.repeat(output, 3, axis=2)
    mean = output.reshape(*output.shape[:2], -1, image.shape[2]).mean(axis=2)
    return curve.apply_exact(image, output, root=root), mean


def _enhance_by_tone(image: Uint8Array, output: FloatArray, root: int) -> tuple[Uint8Array, FloatArray]:
    return tone.apply_exact(image, output), output


PRECISIONS = {
    precision.name: precision
    for precision in (
        Precision("float32", Bounds(60, 50), weight_bits=32, has_onnx=True),
        # Weights only: a CPU computes in float32.
        Precision("float16", Bounds(60, 50), weight_bits=16),
        Precision("dynamic", Bounds(45, 38), weight_bits=8),
        Precision("int8", Bounds(45, 38), weight_bits=8, activation_bits=8, has_onnx=True, mixed="mixed"),
    )
}
# Bytes are rounded before the matrix and after it, which at best, with the identity, is a difference of a level in a
# quarter of the samples: 54 dB. Matrices of the whole range come to 52.
_TONE_BOUNDS = Bounds(52, 48)
CONTRACTS = {
    product.contract.name: product
    for product in (
        Product(
            CURVES,
            build={CURVES.name: _average_maps},
            open=EnhancingModel,
            output=f"(B, h, w, {3 * ITERATIONS}), eight maps, or (B, h, w, 3)",
            fits=lambda shape: len(shape) == 4 and shape[-1] in (3, 3 * ITERATIONS),
            apply=_enhance_by_curves,
        ),
        Product(
            TONE,
            build={TONE.name: _keep},
            open=EnhancingModel,
            output=f"(B, {tone.COUNT})",
            fits=lambda shape: len(shape) == 2 and shape[1] == tone.COUNT,
            apply=_enhance_by_tone,
            bounds={"float32": _TONE_BOUNDS, "float16": _TONE_BOUNDS, "int8": Bounds(45, 40)},
        ),
        Product(
            IMAGE,
            build={CURVES.name: _apply_curves, IMAGE.name: _keep},
            open=ImageModel,
            output="(B, H, W, 3)",
            fits=lambda shape: len(shape) == 4 and shape[-1] == 3,
            apply=lambda image, output, root: (round_to_levels(output), None),
        ),
    )
}
