"""Command line of the training package: parse, call, print."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from edge_dce.errors import ImageError
from edge_dce.files.output import check_free, make_folder, write_file
from edge_dce.terminal.console import CUT_SHORT, answer
from edge_dce.terminal.parser import CommandParser

from .datasets.picture import name_pictures
from .datasets.sets import Source
from .evaluation_command import add_compare, add_evaluate
from .fit_command import add_fit
from .history import CHECKPOINTS
from .options import add_data
from .recipe import DEFAULT_RECIPE, RECIPES, find_recipe
from .sweep_command import add_sweep

PROG = "python -m training"


def main(argv: list[str] | None = None, *, prog: str = PROG) -> int:
    """Run `python -m training ...`; the exit status: 0, 1 for an error said on stderr, 130 for Ctrl-C."""
    arguments = build_parser(prog).parse_args(argv)
    # Seconds of start-up and pages of TensorFlow's notices are only for commands that train.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    return answer(
        lambda: arguments.command(arguments),
        prog=prog.removeprefix("python -m "),
        debug=arguments.debug,
        # What it prints on the way is no reason to train.
        unread_status=CUT_SHORT,
    )


def build_parser(prog: str = PROG) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = CommandParser(
        prog=prog, description="Train and evaluate networks that brighten dark pictures."
    )
    parser.add_argument("--debug", action="store_true", help="show a traceback on errors")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    add_fit(commands)

    add_sweep(commands)

    export = commands.add_parser("export", help="write a run's network as a .keras file")
    export.add_argument("run", type=Path, metavar="RUN_DIR")
    export.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.keras")
    export.add_argument(
        "--checkpoint",
        choices=CHECKPOINTS,
        default=CHECKPOINTS[0],
        help="last epoch, or the best: that with the lowest loss on the validation part (default: %(default)s)",
    )
    export.add_argument("--overwrite", action="store_true")
    export.set_defaults(command=_export)

    split = commands.add_parser("split", help="write one part of the data as folders low/ and, for pairs, high/")
    add_data(split, required=True)
    split.add_argument(
        "--recipe",
        choices=list(RECIPES),
        default=DEFAULT_RECIPE,
        metavar="RECIPE",
        help="as of fit (default: %(default)s)",
    )
    split.add_argument("--part", choices=("test", "train", "validation"), required=True)
    split.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    split.add_argument("--overwrite", action="store_true")
    split.set_defaults(command=_split)

    add_evaluate(commands)
    add_compare(commands)

    wraparound = commands.add_parser(
        "psnr-wraparound", help="show how a wrong PSNR differs from the right one; see docs/psnr.md"
    )
    wraparound.add_argument("runs", type=Path, nargs="*", metavar="RUN", help="networks to score as well")
    wraparound.add_argument("--data", type=Path, required=True, metavar="LOL_DIR")
    wraparound.set_defaults(command=_psnr_wraparound)
    return parser


def _export(arguments: argparse.Namespace) -> None:
    from .export import export, export_checkpoint
    from .run import Run
    from .starting_point import CHECKPOINT_SUFFIXES

    if arguments.run.suffix in CHECKPOINT_SUFFIXES:
        export_checkpoint(arguments.run, arguments.output, overwrite=arguments.overwrite)
    else:
        export(Run(arguments.run), arguments.output, checkpoint=arguments.checkpoint, overwrite=arguments.overwrite)
    print(arguments.output)


def _split(arguments: argparse.Namespace) -> None:
    from .cache import find_cache_folder
    from .datasets.sets import HELD_OUT_EVERY, find_parts

    sources = [Source.parse(text) for text in arguments.data]
    pictures = find_parts(sources, find_recipe(arguments.recipe), cache=find_cache_folder())[arguments.part]
    names = name_pictures(pictures)
    copies = [
        (source, arguments.output / side / f"{name}{source.suffix}")
        for name, picture in zip(names, pictures, strict=True)
        for side, source in (("low", picture.low), ("high", picture.high))
        if source is not None
    ]
    if not copies:
        raise ImageError(
            f"{' '.join(arguments.data)}: the {arguments.part} part is empty; expected at least {HELD_OUT_EVERY} "
            f"scenes, or more pairs than recipe '{arguments.recipe}' takes for the other parts"
        )
    for _, target in copies:
        check_free(target, overwrite=arguments.overwrite)
    for source, target in copies:
        make_folder(target.parent)
        write_file(target, source.read_bytes(), overwrite=arguments.overwrite)
    has_partners = len(copies) > len(pictures)
    print(f"{len(pictures)} {'pairs' if has_partners else 'pictures'} in {arguments.output}")


def _psnr_wraparound(arguments: argparse.Namespace) -> None:
    from .scoring import find_evaluation_parts
    from .trained_network import load_trained_network
    from .wraparound import tabulate_wraparound

    # The report's test set, whatever the networks were trained by.
    source = Source("lol", str(arguments.data))
    pairs = find_evaluation_parts([source], find_recipe("report"), ["test"])["test"]
    print(tabulate_wraparound(pairs, [load_trained_network(run) for run in arguments.runs]).to_text())
