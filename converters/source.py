"""The Keras network to convert and where it came from."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from edge_dce.card import Source
from edge_dce.curve import ZERO_DCE, CurveShape
from edge_dce.errors import EdgeDceError

# What `training export` adds to the archive that a .keras file is.
_ORIGIN_ENTRY = "edge-dce-origin.json"


class ConversionError(EdgeDceError):
    """A network cannot be converted, or what came out is not what was asked for."""


@dataclasses.dataclass(frozen=True)
class SourceNetwork:
    """A curve-estimating Keras network: (B, H, W, 3) float32 RGB in [0, 1] to (B, H, W, 3 · maps) in [-1, 1]."""

    name: str
    network: Any  # keras.Model, which has no type information
    maps: int
    shape: CurveShape
    origin: Source


def load_network(path: Path) -> SourceNetwork:
    """Load a `.keras` file, with the origin that `training export` keeps inside it.

    Raises:
        ConversionError: the file is missing, no Keras model, or does not map RGB to curves.
    """
    if not path.is_file():
        raise ConversionError(f"{path}: no such .keras file; 'python -m training export' writes one")
    try:
        network = keras.models.load_model(path, compile=False)
    except (ValueError, OSError, KeyError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        # Keras prints the whole configuration at every level of nesting; the innermost cause is at the end.
        cause = " ".join(str(error).split()).rpartition("Exception encountered: ")[2][:200]
        raise ConversionError(
            f"{path}: expected a Keras model of plain layers, but loading failed ({cause})"
        ) from error
    input_shape, output_shape = network.input_shape, network.output_shape
    if len(input_shape) != 4 or input_shape[-1] != 3 or len(output_shape) != 4 or output_shape[-1] % 3:
        raise ConversionError(
            f"{path}: expected input (B, H, W, 3) and output (B, H, W, 3 · maps), "
            f"found {input_shape} and {output_shape}"
        )
    shape, origin = _read_origin(path)
    return SourceNetwork(path.stem, network, output_shape[-1] // 3, shape, origin)


def build_curves_network(source: SourceNetwork, width: int, height: int) -> Any:
    """The network at one size, with the mean of its maps as (1, height, width, 3) output.

    Using the mean map in every iteration reproduces the separate maps at 55 dB or better on our networks; the fidelity
    in the card includes it. A 1x1 convolution with fixed weights takes the mean: one operator that every runtime has in
    int8.

    Raises:
        ConversionError: the network is of one size, and not of this.
    """
    image = keras.Input((height, width, 3), batch_size=1, name="image")
    try:
        curves = source.network(image)
    except ValueError as error:
        raise ConversionError(
            f"{source.name}: takes {source.network.input_shape}, not {width}x{height}; choose another --size"
        ) from error
    if source.maps > 1:
        mean = keras.layers.Conv2D(3, 1, use_bias=False, trainable=False, name="mean_curves")
        curves = mean(curves)
        mean.set_weights([mean_kernel(source.maps)])
    return keras.Model(image, curves, name=f"{source.name}_curves")


def mean_kernel(maps: int) -> npt.NDArray[np.float32]:
    """(1, 1, 3 · maps, 3) kernel that averages iteration-major RGB maps."""
    identity = np.eye(3, dtype=np.float32)
    return np.tile(identity, (maps, 1))[np.newaxis, np.newaxis] / np.float32(maps)


def _read_origin(path: Path) -> tuple[CurveShape, Source]:
    checkpoint_sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    text = None
    # Keras loads its older format too, which is no archive.
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            text = archive.read(_ORIGIN_ENTRY) if _ORIGIN_ENTRY in archive.namelist() else None
    if text is None:
        return ZERO_DCE, Source(checkpoint_sha256, recipe="unknown", epochs=0, data="unknown")
    try:
        origin = json.loads(text)
        data, recipe = origin["data"], origin["recipe"]
        shape = CurveShape(root=recipe["curve_root"])
        shown = "low-light pictures" + (" and their normal-light partners" if origin["uses_partners"] else "")
        source = Source(
            checkpoint_sha256,
            recipe=origin["title"],
            epochs=origin["epochs"],
            data=f"{data['title']}, {data['train_files']} {shown}, sha256 {data['train_sha256'][:16]}",
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ConversionError(f"{path}: its origin cannot be read ({error!r}); export it again") from error
    return shape, source
