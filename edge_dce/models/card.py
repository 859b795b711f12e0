"""The model card: what a `.tflite` file is, kept inside the file.

The card is JSON in a zip archive appended to the model, which is how TFLite Metadata attaches associated files: every
runtime ignores it, the standard library reads it, and one file cannot lose its other half. The card states the sha256
of the model bytes before it, so a damaged model is refused before a runtime gets to see it.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import io
import json
import stat
import zipfile
from pathlib import Path
from typing import Any

from edge_dce.errors import CardError, ModelError, describe_unreadable
from edge_dce.models.attachment import split
from edge_dce.models.catalog import is_bundled
from edge_dce.models.contracts import TONE
from edge_dce.pixels.curve import ITERATIONS, check_root

SCHEMA = 3
# Of schema 1 no curve ran on a root axis; 3 added fields that have defaults.
_READABLE = (1, 2, 3)
_ENTRY = "edge-dce-card.json"
# A flatbuffer carries its file identifier in bytes 4 to 8.
_TFLITE_IDENTIFIER = b"TFL3"
# The largest networks for pictures have some hundred MB, the longest text in a card of ours some hundred letters.
_MOST_BYTES = 1 << 30
_MOST_IN_FIELD, _MOST_DEPTH = 4096, 6
# Operators that move values about, or only change how they are written.
_EXACT = frozenset({"CONCATENATION", "DEQUANTIZE", "RESHAPE"})


@dataclasses.dataclass(frozen=True)
class TensorSpec:
    """One input or output: shape (1, H, W, C); real value = scale · (stored − zero_point), scale 0 for float types."""

    shape: tuple[int, ...]
    dtype: str
    scale: float
    zero_point: int
    range: tuple[float, float]
    color: str | None = None


@dataclasses.dataclass(frozen=True)
class Source:
    """What the file was converted from."""

    checkpoint_sha256: str
    recipe: str
    epochs: int
    data: str


@dataclasses.dataclass(frozen=True)
class Calibration:
    """The pictures whose activations set the int8 scales.

    Attributes:
        files: how many were used.
        manifest_sha256: of their sorted sha256, one a line.
        seed: which chose them.
        brightness_histogram: of their mean brightness, in equal classes from black to white.
        duplicates: left out because another one shows the same, or an evaluation picture does.
        skipped: left out because they could not be read.
        dark_share: share of pictures with a mean below a quarter of white.
        has_highlight: whether any picture has one.
        instability: by how much the activation ranges of two disjoint halves differ at most, as a share of the wider.
        ranges: how the ranges were estimated.
    """

    files: int
    manifest_sha256: str
    seed: int
    brightness_histogram: tuple[int, ...]
    duplicates: int = 0
    skipped: int = 0
    dark_share: float | None = None
    has_highlight: bool | None = None
    instability: float | None = None
    ranges: str = "min-max"


@dataclasses.dataclass(frozen=True)
class Fidelity:
    """How close enhanced images come to those of `against`, measured at conversion on held-out pictures.

    Attributes:
        images: how many pictures.
        psnr_db, worst_psnr_db, worst_file: mean over the pictures, the lowest, and whose it is.
        max_abs: largest difference of a sample, in levels of 255.
        against: the reference.
        map_max_abs: largest difference of the curve map or of a tone's numbers, where the file returns them.
        color_shift: largest mean difference of a channel over a picture, in levels of 255.
        banding: share of the tonal levels of smooth gradients that are lost.
        drop_db: PSNR against ground truth that is lost, where there was one.
    """

    images: int
    psnr_db: float
    worst_psnr_db: float
    worst_file: str
    max_abs: int
    against: str
    map_max_abs: float | None = None
    color_shift: float | None = None
    banding: float | None = None
    drop_db: float | None = None


@dataclasses.dataclass(frozen=True)
class Census:
    """How many operators of each kind and tensors of each type the model holds."""

    op: dict[str, int]
    dtype: dict[str, int]

    @property
    def roundings(self) -> int:
        """How many operators of an integer file round their result to a quantization step."""
        return sum(count for operator, count in self.op.items() if operator not in _EXACT)


@dataclasses.dataclass(frozen=True)
class ModelCard:
    """All that a user or a program needs to know about one model file.

    `contract` says what the model returns: "curves" a (1, h, w, C) map in [-1, 1] for `edge_dce.pixels.curve`, "tone"
    the (1, N) numbers of `edge_dce.pixels.tone`, "image" the enhanced RGB image itself. `precision` is the
    converter's word. `root` is the axis of the curve steps, of which there are always eight (`iterations`; None for a
    tone). `sha256` is that of the model bytes before the card. `float_layers` are those that a file of the precision
    "mixed" computes in float32. `fine_tuned_epochs` were of training against int8, which is no longer done. `runtimes`
    were seen to run the file with equal results, the oldest first.
    """

    name: str
    version: str
    precision: str
    contract: str
    input: TensorSpec
    output: TensorSpec
    iterations: int | None
    source: Source
    calibration: Calibration | None
    fidelity: Fidelity | None
    census: Census
    toolchain: dict[str, str]
    sha256: str
    license: str
    created: str
    root: int = 1
    float_layers: tuple[str, ...] = ()
    fine_tuned_epochs: int = 0
    runtimes: tuple[str, ...] = ()
    schema: int = SCHEMA

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"

    @staticmethod
    def from_json(text: str | bytes, *, origin: Path) -> ModelCard:
        """Read what `to_json` wrote; `origin` is named in errors.

        Raises:
            CardError: not a card, or one of a later schema.
        """
        try:
            fields = json.loads(text)
            _check_lengths(fields)
            schema = fields["schema"]
            if schema not in _READABLE:
                raise CardError(f"{origin}: expected a card of schema {SCHEMA}, found {schema}; upgrade edge-dce")
            return _check(_parse(fields))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise CardError(f"{origin}: its card cannot be read ({error!r}); convert the model again") from error


@dataclasses.dataclass(frozen=True)
class ModelFile:
    """A model file in memory: `content` is what the runtime gets, without the card.

    `is_trusted` is that content if it is bundled, or was made by this very program: nobody else can vouch for it, least
    of all its card.
    """

    path: Path
    content: bytes
    card: ModelCard | None
    is_trusted: bool = False

    @functools.cached_property
    def sha256(self) -> str:
        """Of the content, hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


def append_card(model: bytes, card: ModelCard) -> bytes:
    """The file that holds `model` and then `card`, whose `sha256` is set to that of `model`."""
    sealed = dataclasses.replace(card, sha256=hashlib.sha256(model).hexdigest())
    stream = io.BytesIO(model)
    # Mode "a" on something that is no archive appends one (documented for exactly this use).
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(_ENTRY), sealed.to_json(), zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def read_model_file(path: str | Path) -> ModelFile:
    """Read a `.tflite` file and its card, if it has one, and check one against the other.

    Raises:
        ModelError: missing, unreadable, empty or not a TFLite model.
        CardError: the card is unreadable, or the model bytes are not those that it describes.
    """
    path = Path(path)
    data = _read_file(path)
    if not data:
        raise ModelError(f"{path}: expected a TFLite model, found an empty file; get a fresh copy")
    if data[4:8] != _TFLITE_IDENTIFIER:
        raise ModelError(f"{path}: expected a TFLite model (identifier TFL3), found something else; check the path")
    try:
        content, text = split(data, _ENTRY)
    except ValueError as error:
        raise CardError(f"{path}: its card is damaged ({error}); get a fresh copy") from error
    found = hashlib.sha256(content).hexdigest()
    card = None if text is None else ModelCard.from_json(text, origin=path)
    if card is not None and found != card.sha256:
        raise CardError(
            f"{path}: damaged: its card expects model sha256 {card.sha256[:12]}…, found {found[:12]}…; get a fresh copy"
        )
    return ModelFile(path, content, card, is_trusted=is_bundled(found))


def _read_file(path: Path) -> bytes:
    try:
        status = path.stat()
        if stat.S_ISREG(status.st_mode):
            if status.st_size > _MOST_BYTES:
                raise ModelError(f"{path}: expected a model of at most {_MOST_BYTES >> 20} MB, found a larger file")
            return path.read_bytes()
        # Neither a pipe without a writer nor a device without an end may hold anybody up.
        found = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe or device"
    except FileNotFoundError:
        raise ModelError(f"{path}: no such model file; 'edge-dce models' lists the bundled ones") from None
    except OSError as error:
        raise ModelError(f"{path}: expected a .tflite file, but it {describe_unreadable(error)}") from None
    raise ModelError(f"{path}: expected a .tflite file, but it cannot be read ({found})")


def _check_lengths(value: Any, depth: int = 0) -> None:
    """Raise ValueError where a card holds more of anything than cards do."""
    if (isinstance(value, (dict, list, str)) and len(value) > _MOST_IN_FIELD) or depth > _MOST_DEPTH:
        raise ValueError(f"a field of more than {_MOST_IN_FIELD} letters or parts")
    if isinstance(value, int) and abs(value) >= 1 << 64:
        raise ValueError("a number of more than 64 bits")
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list):
        for inner in value:
            _check_lengths(inner, depth + 1)


def _check(card: ModelCard) -> ModelCard:
    """What the rest of the package relies on; a file may say anything."""
    if card.contract == TONE.name:
        # Cards were written that give a tone the steps of curves.
        card = dataclasses.replace(card, iterations=None)
    elif type(card.iterations) is not int or card.iterations != ITERATIONS:
        raise ValueError(f"expected {ITERATIONS} iterations, found {card.iterations!r}")
    check_root(card.root)
    for name in ("precision", "contract", "sha256"):
        if not isinstance(getattr(card, name), str):
            raise TypeError(f"{name} is not text")
    return card


def _parse(fields: dict[str, Any]) -> ModelCard:
    return ModelCard(
        **fields
        | {
            "input": _parse_tensor(fields["input"]),
            "output": _parse_tensor(fields["output"]),
            "source": Source(**fields["source"]),
            "calibration": fields["calibration"]
            and Calibration(
                **fields["calibration"] | {"brightness_histogram": tuple(fields["calibration"]["brightness_histogram"])}
            ),
            "fidelity": fields["fidelity"] and Fidelity(**fields["fidelity"]),
            "census": Census(**fields["census"]),
            "float_layers": tuple(fields.get("float_layers", ())),
            "runtimes": tuple(fields.get("runtimes", ())),
        }
    )


def _parse_tensor(fields: dict[str, Any]) -> TensorSpec:
    low, high = fields["range"]
    return TensorSpec(**fields | {"shape": tuple(fields["shape"]), "range": (low, high)})
