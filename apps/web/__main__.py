"""Build the page that a static host serves: `make web-app`, or `python -m apps.web build/web` after it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from edge_dce.terminal.console import answer

from .building import DEFAULT_MODEL, build, describe


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m apps.web", description="Build the page that a static host serves.")
    parser.add_argument("folder", type=Path, metavar="OUT", help="folder to make; an earlier build is replaced")
    parser.add_argument(
        "--packages",
        type=Path,
        default=Path("build/npm/node_modules"),
        metavar="DIR",
        help="where npm put what package-lock.json names (default: %(default)s)",
    )
    parser.add_argument(
        "--model",
        default=DEFAULT_MODEL,
        metavar="MODEL",
        help="bundled model or .tflite file that takes and returns the floats of a tone (default: %(default)s)",
    )
    return parser


def main(argv: list[str] | None = None) -> int:
    arguments = build_parser().parse_args(argv)

    def run() -> None:
        build(arguments.folder, packages=arguments.packages, model=arguments.model)
        print(describe(arguments.folder))

    return answer(run, prog="web")


if __name__ == "__main__":
    sys.exit(main())
