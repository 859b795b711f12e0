"""The `edge-dce` command: parse, call, print. Data goes to stdout, talk and progress to stderr."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence

from edge_dce import doctor
from edge_dce.benchmark.command import add_parser as add_benchmark_parser
from edge_dce.enhancing.command import add_parser as add_enhance_parser
from edge_dce.models.command import add_parsers as add_model_parsers
from edge_dce.terminal.console import answer, prepare_streams
from edge_dce.terminal.doors import DOORS
from edge_dce.terminal.doors import add_parsers as add_door_parsers
from edge_dce.terminal.parser import CommandParser
from edge_dce.version import VERSION


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        Exit status: 0, 1 for an error said on stderr, 2 for wrong usage (by the parser), 130 for Ctrl-C.
    """
    prepare_streams()
    words = list(sys.argv[1:] if argv is None else argv)
    # What follows a door's name is for the parser of the program behind it.
    own = words[:1] if words and words[0] in DOORS else words
    parser = build_parser()
    if not words:
        parser.print_help(sys.stderr)
        parser.exit(2)
    arguments = parser.parse_args(own, argparse.Namespace(rest=words[len(own) :]))
    if not arguments.debug:
        # What Pillow skips in a damaged file is no news to someone who wants a brighter picture.
        warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    return answer(lambda: arguments.command(arguments), debug=arguments.debug)


def build_parser() -> argparse.ArgumentParser:
    """The parser of `edge-dce`. Behind a door is what its program parses itself: the rest of the command line."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--debug", action="store_true", help="show a traceback on errors")

    parser = CommandParser(prog="edge-dce", description="Bring light to dark pictures on small devices.")
    parser.add_argument("-V", "--version", action="version", version=f"edge-dce {VERSION}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    add_enhance_parser(commands, [shared])
    add_benchmark_parser(commands, [shared])
    add_model_parsers(commands, [shared])
    examination = commands.add_parser("doctor", help=doctor.PURPOSE, description=doctor.PURPOSE)
    doctor.add_options(examination)
    examination.set_defaults(command=doctor.run, debug=False)

    add_door_parsers(commands)
    return parser
