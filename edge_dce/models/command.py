"""The `edge-dce info` and `edge-dce models` commands: which models there are, and what a model file is."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from edge_dce.models.card import ModelFile, read_model_file
from edge_dce.models.catalog import DEFAULT_MODEL, bundled_models, find_model, find_purpose
from edge_dce.models.model_page import render_page
from edge_dce.models.network import describe_encoding
from edge_dce.models.runtime import open_interpreter
from edge_dce.terminal.console import make_printable

# Where explanations begin; longer facts push theirs to the right.
_EXPLANATION_COLUMN = 44

# What `info` says beside a fact, by its place in the card.
EXPLANATIONS = {
    "path": "where the file is",
    "size_bytes": "size of the file",
    "name": "name of the model, its size in pixels and its precision",
    "version": "version of edge-dce that converted it",
    "precision": "type of its numbers; int8: integers throughout",
    "contract": "what it returns; curves, tone: for edge-dce; image: the enhanced picture",
    "input": "what it takes in",
    "input.shape": "batch, height, width, channels",
    "input.dtype": "type of each value",
    "input.scale": "real value = scale x (value - zero_point); 0: the value itself",
    "input.zero_point": "the value that stands for 0",
    "input.range": "lowest and highest real value",
    "input.color": "order of the channels",
    "output": "what it returns",
    "output.shape": "batch, height, width, channels; of a tone batch, numbers",
    "output.dtype": "type of each value",
    "output.scale": "same meaning as for the input",
    "output.zero_point": "same meaning as for the input",
    "output.range": "lowest and highest real value",
    "output.color": "order of the channels if it is a picture",
    "iterations": "how many times curves are applied; none: the model returns none",
    "root": "curves work on this root of brightness; 1: on brightness itself",
    "source": "what it was converted from",
    "source.checkpoint_sha256": "hash of the Keras file",
    "source.recipe": "recipe of its training",
    "source.epochs": "epochs of its training",
    "source.data": "pictures it was trained on",
    "calibration": "the pictures that set the scales of int8",
    "calibration.files": "number of pictures used",
    "calibration.manifest_sha256": "hash of the list of their hashes",
    "calibration.seed": "seed that chose the pictures",
    "calibration.brightness_histogram": "number of pictures per mean brightness, from black to white",
    "calibration.duplicates": "pictures left out because another one shows the same",
    "calibration.skipped": "pictures left out because they cannot be read",
    "calibration.dark_share": "share of pictures darker than a quarter of white",
    "calibration.has_highlight": "whether any picture has a highlight",
    "calibration.instability": "how much two halves of the pictures disagree; 0: not at all",
    "calibration.ranges": "how the ranges were estimated",
    "fidelity": "how close its pictures are to those of the Keras network",
    "fidelity.images": "number of pictures compared",
    "fidelity.psnr_db": "mean PSNR; the converters refuse int8 files below 45 dB",
    "fidelity.worst_psnr_db": "lowest PSNR",
    "fidelity.worst_file": "the picture with the lowest PSNR",
    "fidelity.max_abs": "largest difference of a sample, in levels of 255",
    "fidelity.against": "what they are compared with",
    "fidelity.map_max_abs": "largest difference of the map or the tone",
    "fidelity.color_shift": "largest mean difference of a channel, in levels of 255",
    "fidelity.banding": "share of tones lost in smooth gradients",
    "fidelity.drop_db": "PSNR lost, measured against pictures in normal light",
    "census": "what it is made of",
    "census.op": "its operators and their numbers",
    "census.dtype": "types of its tensors and their numbers",
    "toolchain": "programs that converted it",
    "sha256": "hash of the model without this card",
    "license": "license of the model",
    "created": "day of the conversion",
    "float_layers": "layers that a file of mixed precision computes in float32",
    "fine_tuned_epochs": "epochs of additional training for int8",
    "runtimes": "runtimes that gave the same results",
    "schema": "version of this card's format",
}


def add_parsers(commands: Any, parents: Sequence[argparse.ArgumentParser]) -> None:
    """Add both commands to those of a program (what `add_subparsers` returned)."""
    info = commands.add_parser("info", parents=parents, help="explain a model file")
    info.add_argument(
        "model", nargs="?", default=DEFAULT_MODEL, metavar="MODEL", help="bundled model or path (default: %(default)s)"
    )
    form = info.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print the facts as JSON, without explanations")
    form.add_argument("--markdown", action="store_true", help="print a page for model hubs such as Hugging Face")
    info.set_defaults(command=_info)

    models = commands.add_parser("models", parents=parents, help="list the bundled models and what each is for")
    models.add_argument("--json", action="store_true", help="print the list as JSON")
    models.set_defaults(command=_models)


def _info(arguments: argparse.Namespace) -> int:
    model = read_model_file(find_model(arguments.model))
    if arguments.markdown:
        print(render_page(model), end="")
        return 0
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
        encoding = describe_encoding(details)
        facts[side] = {
            "shape": [int(length) for length in details["shape"]],
            "dtype": encoding.dtype.type.__name__,
            "scale": encoding.scale,
            "zero_point": encoding.zero_point,
        }
    return facts | {"name": model.path.stem, "precision": None, "contract": None}


def _format_facts(facts: Mapping[str, Any], place: tuple[str, ...] = ()) -> Iterator[str]:
    """A line for each fact, what it means beside it; the facts of a part are indented below it."""
    for name, value in facts.items():
        inner = (*place, name)
        explanation = EXPLANATIONS.get(".".join(inner))
        # A file may say anything, also what would move a terminal.
        fact = make_printable(f"{'  ' * len(place)}{name}: {_format_value(value)}".rstrip())
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
    # The one to take first.
    for path in sorted(bundled_models(), key=lambda path: path.stem != DEFAULT_MODEL):
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
