"""The `edge-dce` command: parse, call, print. Data goes to stdout, talk and progress to stderr."""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from edge_dce import doctor
from edge_dce.benchmark.command import add_parser as add_benchmark_parser
from edge_dce.enhancer import load
from edge_dce.enhancing.command import Settings, enhance_files, enhance_to_stdout
from edge_dce.enhancing.jobs import plan_jobs
from edge_dce.errors import EdgeDceError
from edge_dce.models.card import ModelFile, read_model_file
from edge_dce.models.catalog import DEFAULT_MODEL, bundled_models, find_model
from edge_dce.models.contracts import ENHANCING
from edge_dce.models.runtime import open_interpreter
from edge_dce.pixels.look import LEAST_MAX_BRIGHTNESS, MAX_STRENGTH, Look
from edge_dce.terminal.arguments import parse_positive
from edge_dce.terminal.console import complain, discard_stdout, say
from edge_dce.version import VERSION


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        Exit status: 0, 1 for an error said on stderr, 2 for wrong usage (by argparse), 130 for Ctrl-C.
    """
    arguments = _build_parser().parse_args(argv)
    if not arguments.debug:
        # What Pillow skips in a damaged file is no news to someone who wants a brighter picture.
        warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    try:
        status: int = arguments.command(arguments)
        if sys.stdout is not None:
            # A reader that went away shows when the buffer is written, which must be inside this block.
            sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        say("edge-dce: interrupted")
        return 130
    except BrokenPipeError:
        discard_stdout()
        return 0
    except (EdgeDceError, OSError, MemoryError) as error:
        if arguments.debug:
            raise
        complain(error)
        return 1


def _build_parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--debug", action="store_true", help="show a traceback on errors")

    parser = argparse.ArgumentParser(prog="edge-dce", description="Bring light to dark pictures on small devices.")
    parser.add_argument("--version", action="version", version=f"edge-dce {VERSION}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    enhance = commands.add_parser("enhance", parents=[shared], help="enhance pictures, folders of pictures, or videos")
    enhance.add_argument(
        "inputs",
        nargs="+",
        type=Path,
        metavar="INPUT",
        help="picture, video, or folder of pictures (not searched in depth)",
    )
    enhance.add_argument("-m", "--model", default=DEFAULT_MODEL, help="bundled model or path (default: %(default)s)")
    enhance.add_argument(
        "-o",
        "--output",
        metavar="FILE|DIR|-",
        help="file, folder, or - for PNG on stdout (default: NAME-enhanced beside each file or folder)",
    )
    _add_look_options(enhance)
    enhance.add_argument("--overwrite", action="store_true", help="replace existing files, and do again what is done")
    _add_model_options(enhance)
    enhance.set_defaults(command=_enhance)

    add_benchmark_parser(commands, [shared])

    info = commands.add_parser("info", parents=[shared], help="what a model file is")
    info.add_argument("model", metavar="MODEL", help="bundled model or path")
    info.add_argument("--json", action="store_true")
    info.set_defaults(command=_info)

    models = commands.add_parser("models", parents=[shared], help="list the bundled models")
    models.add_argument("--json", action="store_true")
    models.set_defaults(command=_models)

    examination = commands.add_parser("doctor", parents=[shared], help="what is wrong here, and the line that mends it")
    doctor.add_options(examination)
    examination.set_defaults(command=doctor.run)
    return parser


def _add_look_options(parser: argparse.ArgumentParser) -> None:
    for name, low, high, default, purpose in (
        ("--strength", 0, MAX_STRENGTH, 1.0, "of the enhancement"),
        ("--max-brightness", LEAST_MAX_BRIGHTNESS, 1, 1.0, "brighten nothing beyond it: protects highlights"),
        ("--denoise", 0, 1, 0.0, "smooth away the noise that brightening shows"),
    ):
        explained = f"{purpose}, {low} to {high} (default: %(default)s)"
        parser.add_argument(name, type=_make_range_parser(low, high), default=default, metavar="N", help=explained)


def _add_model_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--threads", type=parse_positive, metavar="N", help="default: by the number of cores")
    parser.add_argument("--contract", choices=ENHANCING, help="three channels of a model without card are curves")


def _enhance(arguments: argparse.Namespace) -> int:
    jobs = plan_jobs(arguments.inputs, arguments.output)
    enhancer = load(arguments.model, threads=arguments.threads, contract=arguments.contract)
    look = Look(arguments.strength, arguments.max_brightness, arguments.denoise)
    if jobs[0].target is None:
        enhance_to_stdout(jobs[0], enhancer, look)
        return 0
    settings = Settings(look, overwrite=arguments.overwrite, debug=arguments.debug)
    return 1 if enhance_files(jobs, enhancer, settings) else 0


def _info(arguments: argparse.Namespace) -> int:
    model = read_model_file(find_model(arguments.model))
    facts = _describe_model(model)
    print(json.dumps(facts, indent=1) if arguments.json else _format_facts(facts))
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


def _format_facts(facts: dict[str, Any], indent: str = "") -> str:
    lines = []
    for name, value in facts.items():
        if isinstance(value, dict):
            lines += [f"{indent}{name}:", _format_facts(value, indent + "  ")]
        elif isinstance(value, (list, tuple)):
            lines.append(f"{indent}{name}: {' '.join(str(item) for item in value)}")
        else:
            lines.append(f"{indent}{name}: {'none' if value is None else value}")
    return "\n".join(lines)


def _models(arguments: argparse.Namespace) -> int:
    rows: list[dict[str, Any]] = []
    for path in bundled_models():
        card = read_model_file(path).card
        rows.append(
            {
                "name": path.stem,
                "path": str(path),
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
        mark = "  (default)" if row["default"] else ""
        print(f"{row['name']:{width}}  {row['precision'] or '':8}{row['size_bytes'] / 1000:>8.0f} kB{mark}")
    return 0


def _make_range_parser(low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"expected a number from {low} to {high}, found '{text}'")
        return value

    return parse
