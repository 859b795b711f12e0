"""The `edge-dce info` and `edge-dce models` commands: which models there are, and what a model file is."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from edge_dce.models.card import ModelFile, read_model_file
from edge_dce.models.catalog import DEFAULT_MODEL, bundled_models, find_model, find_purpose
from edge_dce.models.runtime import open_interpreter

# Where explanations begin; longer facts push theirs to the right.
_EXPLANATION_COLUMN = 44

# What `info` says beside a fact, by its place in the card.
EXPLANATIONS = {
    "path": "the file",
    "size_bytes": "of the file",
    "name": "of the model, its size in pixels and its precision",
    "version": "of edge-dce when it was converted",
    "precision": "how it computes; int8: integers throughout",
    "contract": "what it returns; curves: a map for edge-dce, image: the enhanced picture",
    "input": "what it takes",
    "input.shape": "batch, height, width, channels",
    "input.dtype": "type of a value",
    "input.scale": "real value = scale x (value - zero_point); 0: the value itself",
    "input.zero_point": "the value that stands for 0",
    "input.range": "least and greatest real value",
    "input.color": "order of the channels",
    "output": "what it returns",
    "output.shape": "batch, height, width, channels",
    "output.dtype": "type of a value",
    "output.scale": "as of the input",
    "output.zero_point": "as of the input",
    "output.range": "least and greatest real value",
    "output.color": "order of the channels, of a picture",
    "iterations": "how often the curve is applied",
    "root": "the curve runs on this root of brightness; 1: on brightness itself",
    "source": "what it was converted from",
    "source.checkpoint_sha256": "of the Keras file",
    "source.recipe": "of its training",
    "source.epochs": "of its training",
    "source.data": "it was trained on",
    "calibration": "the pictures that set the scales of int8",
    "calibration.files": "how many were used",
    "calibration.manifest_sha256": "of their hashes, one a line",
    "calibration.seed": "that chose them",
    "calibration.brightness_histogram": "how many of each mean brightness, black to white",
    "calibration.duplicates": "left out: they show what another one shows",
    "calibration.skipped": "left out: they could not be read",
    "calibration.dark_share": "share of them below a quarter of white",
    "calibration.has_highlight": "whether any has one",
    "calibration.instability": "by how much two halves of them disagree; 0: not at all",
    "calibration.ranges": "how the ranges were estimated",
    "fidelity": "how close its pictures are to those of the Keras network",
    "fidelity.images": "pictures compared",
    "fidelity.psnr_db": "mean PSNR; the converters refuse int8 files below 45 dB",
    "fidelity.worst_psnr_db": "lowest PSNR",
    "fidelity.worst_file": "the picture with the lowest PSNR",
    "fidelity.max_abs": "largest difference of a sample, in levels of 255",
    "fidelity.against": "the reference",
    "fidelity.map_max_abs": "largest difference of the map",
    "fidelity.color_shift": "largest mean difference of a channel, in levels of 255",
    "fidelity.banding": "share of the tones of smooth gradients that are lost",
    "fidelity.drop_db": "PSNR lost against pictures in normal light",
    "census": "what it is made of",
    "census.op": "operators and how many",
    "census.dtype": "types of tensors and how many",
    "toolchain": "what converted it",
    "sha256": "of the model without this card",
    "license": "of the model",
    "created": "the day of the conversion",
    "float_layers": "those that a file of mixed precision computes in float32",
    "fine_tuned_epochs": "of training against int8",
    "runtimes": "gave equal results with it",
    "schema": "of this card",
}


def add_parsers(commands: Any, parents: Sequence[argparse.ArgumentParser]) -> None:
    """Add both commands to those of a program (what `add_subparsers` returned)."""
    info = commands.add_parser("info", parents=parents, help="explain what a model file is")
    info.add_argument(
        "model", nargs="?", default=DEFAULT_MODEL, metavar="MODEL", help="bundled model or path (default: %(default)s)"
    )
    info.add_argument("--json", action="store_true", help="print the facts as JSON, without explanations")
    info.set_defaults(command=_info)

    models = commands.add_parser("models", parents=parents, help="list the bundled models and what each is for")
    models.add_argument("--json", action="store_true", help="print the list as JSON")
    models.set_defaults(command=_models)


def _info(arguments: argparse.Namespace) -> int:
    model = read_model_file(find_model(arguments.model))
    facts = _describe_model(model)
    print(json.dumps(facts, indent=1) if arguments.json else "\n".join(_format_facts(facts)))
    return 0


def _describe_model(model: ModelFile) -> dict[str, Any]:
    facts: dict[str, Any] = {"path": str(model.path), "size_bytes": model.path.stat().st_size}
    if model.card is not None:
        return facts | dataclasses.asdict(model.card)
    interpreter = open_interpreter(model, threads=1)
    for side, details in (
        ("input", interpreter.get_input_details()[0]),
        ("output", interpreter.get_output_details()[0]),
    ):
        scale, zero_point = details["quantization"]
        facts[side] = {
            "shape": [int(length) for length in details["shape"]],
            "dtype": details["dtype"].__name__,
            "scale": scale,
            "zero_point": zero_point,
        }
    return facts | {"name": model.path.stem, "precision": None, "contract": None}


def _format_facts(facts: Mapping[str, Any], place: tuple[str, ...] = ()) -> Iterator[str]:
    """A line for each fact, what it means beside it; the facts of a part are indented below it."""
    for name, value in facts.items():
        inner = (*place, name)
        explanation = EXPLANATIONS.get(".".join(inner))
        fact = f"{'  ' * len(place)}{name}: {_format_value(value)}".rstrip()
        yield fact if explanation is None else f"{fact:{_EXPLANATION_COLUMN}}  # {explanation}"
        if isinstance(value, Mapping):
            yield from _format_facts(value, inner)


def _format_value(value: Any) -> str:
    if isinstance(value, Mapping):
        return ""
    if isinstance(value, (list, tuple)):
        return " ".join(str(item) for item in value) or "none"
    return "none" if value is None else str(value)


def _models(arguments: argparse.Namespace) -> int:
    rows: list[dict[str, Any]] = []
    for path in bundled_models():
        card = read_model_file(path).card
        rows.append(
            {
                "name": path.stem,
                "path": str(path),
                "purpose": find_purpose(path),
                "precision": card.precision if card else None,
                "contract": card.contract if card else None,
                "default": path.stem == DEFAULT_MODEL,
                "size_bytes": path.stat().st_size,
            }
        )
    if arguments.json:
        print(json.dumps(rows, indent=1))
        return 0
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        mark = " (default)" if row["default"] else ""
        print(f"{row['name']:{width}} {row['size_bytes'] / 1000:>5.0f} kB  {row['purpose']}{mark}")
    return 0
