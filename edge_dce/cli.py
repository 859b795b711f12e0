"""The `edge-dce` command: parse, call, print. Data goes to stdout, talk and progress to stderr."""

from __future__ import annotations

import argparse
import math
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from edge_dce import doctor
from edge_dce.benchmark.command import add_parser as add_benchmark_parser
from edge_dce.enhancer import load
from edge_dce.enhancing.command import JobOptions, enhance_files, enhance_to_stdout
from edge_dce.enhancing.jobs import plan_jobs
from edge_dce.models.catalog import DEFAULT_MODEL
from edge_dce.models.command import add_parsers as add_model_parsers
from edge_dce.models.contracts import ENHANCING
from edge_dce.pixels.look import LEAST_MAX_BRIGHTNESS, MAX_STRENGTH, Look
from edge_dce.terminal.arguments import parse_positive
from edge_dce.terminal.console import answer
from edge_dce.terminal.doors import DOORS
from edge_dce.terminal.doors import add_parsers as add_door_parsers
from edge_dce.version import VERSION


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        Exit status: 0, 1 for an error said on stderr, 2 for wrong usage (by argparse), 130 for Ctrl-C.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    # What follows a door's name is for the parser of the program behind it.
    own = words[:1] if words and words[0] in DOORS else words
    arguments = build_parser().parse_args(own, argparse.Namespace(rest=words[len(own) :]))
    if not arguments.debug:
        # What Pillow skips in a damaged file is no news to someone who wants a brighter picture.
        warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    return answer(lambda: arguments.command(arguments), debug=arguments.debug)


def build_parser() -> argparse.ArgumentParser:
    """The parser of `edge-dce`. Behind a door is what its program parses itself: the rest of the command line."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--debug", action="store_true", help="show a traceback on errors")

    parser = argparse.ArgumentParser(prog="edge-dce", description="Bring light to dark pictures on small devices.")
    parser.add_argument("-V", "--version", action="version", version=f"edge-dce {VERSION}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

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

    add_model_parsers(commands, [shared])

    examination = commands.add_parser("doctor", parents=[shared], help="tell what is wrong here and what mends it")
    doctor.add_options(examination)
    examination.set_defaults(command=doctor.run)

    add_door_parsers(commands)
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
    options = JobOptions(look, overwrite=arguments.overwrite, debug=arguments.debug)
    return 1 if enhance_files(jobs, enhancer, options) else 0


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
