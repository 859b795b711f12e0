"""The network to convert and where it came from."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
import os
import zipfile
import zlib
from pathlib import Path
from typing import Any

import keras

from edge_dce.errors import EdgeDceError
from edge_dce.models.card import Source
from edge_dce.pixels.curve import ZERO_DCE, CurveShape

# What `training export` adds to the archive that a .keras file is.
_ORIGIN_ENTRY = "edge-dce-origin.json"
# Where the curves or the enhanced image of a SavedModel are to be had, unless somebody took pains to rename it.
_ENDPOINT = "serving_default"


class ConversionError(EdgeDceError):
    """A network cannot be converted, or what came out is not what was asked for."""


@dataclasses.dataclass(frozen=True)
class SourceNetwork:
    """A Keras network that sees (B, H, W, 3) float32 RGB in [0, 1].

    Attributes:
        name: of the file, without its suffix.
        network: keras.Model.
        returns: "curves", (B, h, w, 3 · maps) in [-1, 1]; or "image", the enhanced (B, H, W, 3) in [0, 1].
        maps: how many curve maps there are; 0 for an image.
        shape: what the curves mean.
        origin: for the card.
        created: day the network was saved, or the one of SOURCE_DATE_EPOCH: the same network gives the same file on
            any day.
    """

    name: str
    network: Any  # keras.Model, which has no type information
    returns: str
    maps: int
    shape: CurveShape
    origin: Source
    created: str


def load_network(path: Path, *, returns: str | None = None) -> SourceNetwork:
    """Load a `.keras` or `.h5` file, or the folder of a SavedModel.

    What `training export` wrote says inside where it comes from and what its curves mean. Of other networks 24 output
    channels are the eight maps of Zero-DCE, and three may be one map or an image: only `returns` can tell.

    Args:
        returns: "curves" or "image"; None where the network tells.

    Raises:
        ConversionError: the file is missing, no Keras model, does not map RGB to curves or an image, or `returns` is
            needed or wrong.
    """
    network = _load_saved_model(path) if path.is_dir() else _load_keras_file(path)
    channels = _check_shapes(path, network)
    shape, origin, is_ours = _read_origin(path)
    returns = _settle_returns(path, channels, is_ours, returns)
    maps = channels // 3 if returns == "curves" else 0
    return SourceNetwork(path.stem, network, returns, maps, shape, origin, _date(path))


def _load_keras_file(path: Path) -> Any:
    if not path.is_file():
        raise ConversionError(f"{path}: no such .keras file; 'edge-dce train export' writes one")
    try:
        return keras.models.load_model(path, compile=False)
    except (ValueError, OSError, KeyError, TypeError, AttributeError, zipfile.BadZipFile, zlib.error) as error:
        # Keras prints the whole configuration at every level of nesting; the innermost cause is at the end.
        cause = " ".join(str(error).split()).rpartition("Exception encountered: ")[2][:200]
        raise ConversionError(
            f"{path}: expected a Keras model of plain layers, but loading failed ({cause}); "
            "save the network that returns curves, without a training class around it"
        ) from error


def _load_saved_model(folder: Path) -> Any:
    if not (folder / "saved_model.pb").is_file():
        raise ConversionError(f"{folder}: expected a .keras file or the folder of a SavedModel, found another folder")
    try:
        layer = keras.layers.TFSMLayer(str(folder), call_endpoint=_ENDPOINT)
        signature = layer._reloaded_obj.signatures[_ENDPOINT]
    except (ValueError, OSError, KeyError, AttributeError) as error:
        raise ConversionError(
            f"{folder}: expected a SavedModel with the signature '{_ENDPOINT}', but loading failed "
            f"({' '.join(str(error).split())[:200]})"
        ) from error
    inputs = list(signature.structured_input_signature[1].values())
    outputs = list(signature.structured_outputs)
    if len(inputs) != 1 or len(outputs) != 1:
        raise ConversionError(
            f"{folder}: expected one input and one output, found {len(inputs)} and {len(outputs)}; "
            "save a model that returns the curves alone"
        )
    image = keras.Input(inputs[0].shape[1:], name="image")
    return keras.Model(image, layer(image)[outputs[0]])


def _check_shapes(path: Path, network: Any) -> int:
    input_shape, output_shape = network.input_shape, network.output_shape
    for tensors, shape in (("input", input_shape), ("output", output_shape)):
        if not isinstance(shape, tuple) or (shape and isinstance(shape[0], tuple)):
            raise ConversionError(f"{path}: expected one {tensors}, found several; save a model with one")
    if len(input_shape) != 4 or input_shape[-1] != 3 or len(output_shape) != 4 or not output_shape[-1]:
        raise ConversionError(
            f"{path}: expected input (B, H, W, 3) and output (B, H, W, 3 · maps), "
            f"found {input_shape} and {output_shape}; this is no Zero-DCE"
        )
    channels = int(output_shape[-1])
    if channels not in (3, 3 * ZERO_DCE.iterations):
        raise ConversionError(
            f"{path}: expected 24 output channels (eight curve maps) or 3, found {channels}; this is no Zero-DCE"
        )
    return channels


def _settle_returns(path: Path, channels: int, is_ours: bool, asked: str | None) -> str:
    if asked is None:
        if not is_ours and channels == 3:
            raise ConversionError(
                f"{path}: three output channels may be one curve map or the enhanced image; "
                "say which: --returns curves or --returns image"
            )
        return "curves"
    if asked == "image" and (is_ours or channels != 3):
        raise ConversionError(f"{path}: returns curves ({channels} channels), not an image; leave --returns away")
    return asked


def _read_origin(path: Path) -> tuple[CurveShape, Source, bool]:
    checkpoint_sha256 = _hash(path)
    text = None
    # Keras loads its older format too, which is no archive.
    if path.is_file() and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            text = archive.read(_ORIGIN_ENTRY) if _ORIGIN_ENTRY in archive.namelist() else None
    if text is None:
        return ZERO_DCE, Source(checkpoint_sha256, recipe="unknown", epochs=0, data="unknown"), False
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
    return shape, source, True


def _hash(path: Path) -> str:
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    files = sorted(file for file in path.rglob("*") if file.is_file())
    lines = (f"{file.relative_to(path).as_posix()} {hashlib.sha256(file.read_bytes()).hexdigest()}" for file in files)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _date(path: Path) -> str:
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not epoch.isdigit() and path.is_file() and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            saved = json.loads(archive.read("metadata.json")).get("date_saved", "")
        if saved:
            return str(saved).partition("@")[0]
    seconds = int(epoch) if epoch.isdigit() else path.stat().st_mtime
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).date().isoformat()
