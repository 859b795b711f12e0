"""Command line of the training package: parse, call, print."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from pathlib import Path

from edge_dce.errors import EdgeDceError, ImageError
from edge_dce.output import check_free, make_folder, write_file
from training.recipe import RECIPES, find_recipe


def main(argv: list[str] | None = None) -> int:
    """Run `python -m training ...`; the exit status: 0, 1 for an error said on stderr, 130 for Ctrl-C."""
    arguments = _build_parser().parse_args(argv)
    # Seconds of start-up and pages of TensorFlow's notices are only for commands that train.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        arguments.command(arguments)
    except EdgeDceError as error:
        if arguments.debug:
            raise
        print(f"training: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description="Train Zero-DCE.")
    parser.add_argument("--debug", action="store_true", help="show a traceback on errors")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    fit = commands.add_parser("fit", help="train, or go on with a run that was interrupted")
    fit.add_argument("--data", type=Path, required=True, metavar="LOL_DIR", help="folder with low/ and high/")
    fit.add_argument("--recipe", choices=list(RECIPES), default="report")
    fit.add_argument("--out", type=Path, required=True, metavar="RUN_DIR")
    fit.add_argument("--epochs", type=_parse_count, help="instead of the recipe's")
    fit.add_argument("--data-title", metavar="TEXT", help="what model cards call the data (default: folder's name)")
    fit.add_argument(
        "--worker", metavar="INDEX/HOST:PORT,...", help="train with other workers: which of these addresses this one is"
    )
    fit.set_defaults(command=_fit)

    export = commands.add_parser("export", help="write a run's network as a .keras file")
    export.add_argument("run", type=Path, metavar="RUN_DIR")
    export.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.keras")
    export.add_argument("--overwrite", action="store_true")
    export.set_defaults(command=_export)

    split = commands.add_parser("split", help="write one part of a recipe's split as folders low/ and high/")
    split.add_argument("--data", type=Path, required=True, metavar="LOL_DIR")
    split.add_argument("--recipe", choices=list(RECIPES), default="report")
    split.add_argument("--part", choices=("test", "train", "validation"), required=True)
    split.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    split.add_argument("--overwrite", action="store_true")
    split.set_defaults(command=_split)
    return parser


def _fit(arguments: argparse.Namespace) -> None:
    from training.distribution import ALONE, join
    from training.run import Run, fit
    from training.worker import Worker

    recipe = find_recipe(arguments.recipe)
    if arguments.epochs is not None:
        recipe = dataclasses.replace(recipe, epochs=arguments.epochs)
    run = Run(arguments.out)
    team = join(Worker.parse(arguments.worker)) if arguments.worker else ALONE
    fit(
        arguments.data,
        recipe,
        run,
        data_title=arguments.data_title,
        # A progress bar on a terminal, one line per epoch in a log.
        verbose=(1 if sys.stdout.isatty() else 2) if team.is_chief else 0,
        team=team,
    )
    print(f"{run.folder}: {recipe.epochs} epochs done")


def _export(arguments: argparse.Namespace) -> None:
    from training.export import export
    from training.run import Run

    export(Run(arguments.run), arguments.output, overwrite=arguments.overwrite)
    print(arguments.output)


def _split(arguments: argparse.Namespace) -> None:
    from training.dataset import find_pairs, split_pairs

    pairs = split_pairs(find_pairs(arguments.data), find_recipe(arguments.recipe))[arguments.part]
    copies = [
        (getattr(pair, side), arguments.output / side / pair.low.name) for pair in pairs for side in ("low", "high")
    ]
    if not copies:
        raise ImageError(f"{arguments.data}: its {arguments.part} part is empty; this recipe needs more pictures")
    for _, target in copies:
        check_free(target, overwrite=arguments.overwrite)
    for source, target in copies:
        make_folder(target.parent)
        write_file(target, source.read_bytes(), overwrite=arguments.overwrite)
    print(f"{len(pairs)} pairs in {arguments.output}")


def _parse_count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a positive number, found {text}")
    return value
