"""The network to convert and where it came from."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from edge_dce.models.card import Source
from edge_dce.models.contracts import COLORS, CURVES
from edge_dce.models.origin import read_origin
from edge_dce.pixels.curve import ITERATIONS, check_root

from .errors import ConversionError
from .formats import CONTRACTS
from .updates import count_updates

# Where the curves or the enhanced image of a SavedModel are to be had, unless somebody took pains to rename it.
_ENDPOINT = "serving_default"


@dataclasses.dataclass(frozen=True)
class SourceNetwork:
    """A Keras network that sees (B, H, W, C) float32 in [0, 1]: RGB, or the channels of `contracts.COLORS`.

    Attributes:
        name: of the file, without its suffix.
        network: keras.Model.
        returns: the contract of its output: "curves", (B, h, w, C · maps) in [-1, 1]; "tone", the (B, N) numbers of
            `edge_dce.pixels.tone`; or "image", the enhanced (B, H, W, 3) in [0, 1].
        maps: how many curve maps there are; 0 for others.
        root: of the curves, see `edge_dce.pixels.curve`.
        origin: for the card.
        notes: what people should know of it, one line each.
        created: day the network was saved, or the one of SOURCE_DATE_EPOCH: the same network gives the same file on
            any day.
    """

    name: str
    network: Any  # keras.Model, which has no type information
    returns: str
    maps: int
    root: int
    origin: Source
    created: str
    notes: tuple[str, ...] = ()

    @property
    def channels(self) -> int:
        """Of the pictures: 1, 3 or 4."""
        return int(self.network.input_shape[-1])


def load_network(path: Path, *, returns: str | None = None, is_trusted: bool = False) -> SourceNetwork:
    """Load a `.keras` or `.h5` file, or the folder of a SavedModel.

    What `training export` wrote says inside where it comes from and what its curves mean. Of other networks 24 output
    channels are the eight maps of Zero-DCE, and three may be one map or an image: only `returns` can tell.

    Args:
        returns: one of `CONTRACTS`; None where the network tells.
        is_trusted: whether a SavedModel may be loaded, which runs what is in it. The other files are loaded in Keras's
            safe mode, which runs nothing of theirs.

    Raises:
        ConversionError: the file is missing, no Keras model, does not map RGB to curves, a tone or an image, brings
            code of its own, or `returns` is needed or wrong.
    """
    if (path / "saved_model.pb").is_file() and not is_trusted:
        raise ConversionError(
            f"{path}: a SavedModel is a program, and may do whatever you may do; add --trust if you know who made it, "
            "or convert a .keras file"
        )
    network, notes = _load_saved_model(path) if path.is_dir() else (_load_keras_file(path), ())
    possible = _find_contracts(path, network)
    root, origin = _read_origin(path)
    if origin is None:
        origin = Source(_hash(path), recipe="unknown", epochs=0, data="unknown")
    else:
        possible = possible[:1]
    returns = _settle_returns(path, network.output_shape, possible, returns)
    maps = network.output_shape[-1] // network.input_shape[-1] if returns == CURVES.name else 0
    return SourceNetwork(path.stem, network, returns, maps, root, origin, _date(path), notes)


def _load_keras_file(path: Path) -> Any:
    if not path.is_file():
        raise ConversionError(f"{path}: no such .keras file; 'edge-dce train export' writes one")
    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except (ValueError, OSError, KeyError, TypeError, AttributeError, zipfile.BadZipFile, zlib.error) as error:
        # Keras prints the whole configuration at every level of nesting; the innermost cause is at the end.
        cause = " ".join(str(error).split()).rpartition("Exception encountered: ")[2][:200]
        raise ConversionError(
            f"{path}: expected a Keras model of plain layers, but loading failed ({cause}); "
            "save the network that returns curves, without a training class around it"
        ) from error


def _load_saved_model(folder: Path) -> tuple[Any, tuple[str, ...]]:
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
    updates = count_updates(signature)
    note = (
        f"{folder}: was saved in training mode: it changes {updates} of its variables whenever it runs, and may not do "
        "with a picture what the trained network does; convert the .keras file, or save it with training=False"
    )
    return keras.Model(image, layer(image)[outputs[0]]), (note,) if updates else ()


def _find_contracts(path: Path, network: Any) -> list[str]:
    """The contracts that the network's output may be of."""
    input_shape, output_shape = network.input_shape, network.output_shape
    for tensors, shape in (("input", input_shape), ("output", output_shape)):
        if not isinstance(shape, tuple) or (shape and isinstance(shape[0], tuple)):
            raise ConversionError(f"{path}: expected one {tensors}, found several; save a model with one")
    possible = []
    if len(input_shape) == 4 and input_shape[-1] == 3:
        possible = [name for name, product in CONTRACTS.items() if product.fits(output_shape)]
    elif len(input_shape) == len(output_shape) == 4 and input_shape[-1] in COLORS:
        maps, rest = divmod(output_shape[-1], input_shape[-1])
        possible = [CURVES.name] if rest == 0 and maps in (1, ITERATIONS) else []
    if not possible:
        known = " or ".join(product.output for product in CONTRACTS.values() if product.output)
        raise ConversionError(
            f"{path}: expected input (B, H, W, 3) and output {known}, found {input_shape} and {output_shape}; "
            "this is not a Zero-DCE network"
        )
    return possible


def _settle_returns(path: Path, shape: tuple[Any, ...], possible: Sequence[str], asked: str | None) -> str:
    if asked is None and len(possible) > 1:
        raise ConversionError(
            f"{path}: its output {shape} may be {' or '.join(possible)}; "
            f"say which: {' or '.join(f'--returns {name}' for name in possible)}"
        )
    if asked is not None and asked not in possible:
        raise ConversionError(f"{path}: returns {possible[0]} {shape}, not {asked}; leave --returns out")
    return asked or possible[0]


def _read_origin(path: Path) -> tuple[int, Source | None]:
    """The root of the curves, and what `training export` wrote; 1 and None for networks of others."""
    # Keras loads its older format too, which is no archive.
    if not (path.is_file() and zipfile.is_zipfile(path)):
        return 1, None
    try:
        origin = read_origin(path)
        if origin is None:
            return 1, None
        source = Source(_hash(path), recipe=origin.title, epochs=origin.epochs, data=origin.shown)
        return check_root(origin.curve_root), source
    except (ValueError, KeyError, TypeError) as error:
        raise ConversionError(f"{path}: its origin cannot be read ({error!r}); export it again") from error


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
