"""Command line of the training package: parse, call, print."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from edge_dce.errors import ImageError
from edge_dce.files.output import check_free, make_folder, write_file
from edge_dce.terminal.console import CUT_SHORT, answer

from .datasets.picture import DarkPicture
from .datasets.sets import Source
from .evaluation_command import add_compare, add_evaluate
from .feedback import read_exposure_target
from .options import PANORAMAS, add_data, parse_count
from .recipe import DEFAULT_RECIPE, RECIPES, find_recipe
from .settings import override

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
    parser = argparse.ArgumentParser(prog=prog, description="Train and evaluate networks that brighten dark pictures.")
    parser.add_argument("--debug", action="store_true", help="show a traceback on errors")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    fit = commands.add_parser("fit", help="train a network, or continue an interrupted run")
    add_data(fit)
    fit.add_argument(
        "--panoramas",
        type=Path,
        metavar="DIR",
        help="folder of panoramas in linear light (.hdr, .exr), for recipes that cut views",
    )
    fit.add_argument(
        "--recipe",
        choices=list(RECIPES),
        default=DEFAULT_RECIPE,
        metavar="RECIPE",
        help=f"settings of the training: {', '.join(RECIPES)} (default: %(default)s)",
    )
    fit.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        dest="settings",
        help="change one field of the recipe; repeatable",
    )
    fit.add_argument(
        "--feedback", type=Path, metavar="FILE", help="set exposure_target from answers that the camera app exported"
    )
    fit.add_argument("--show", action="store_true", help="print the recipe as JSON and stop")
    fit.add_argument("--out", type=Path, metavar="RUN_DIR", help="folder of a new run, or of the run to continue")
    fit.add_argument("--epochs", type=parse_count, help="number of epochs (default: as in the recipe)")
    fit.add_argument(
        "--from",
        dest="start",
        metavar="MODEL",
        help="begin with what fits of a run, a .keras or .pth file, or a bundled network",
    )
    fit.add_argument(
        "--data-title", metavar="TEXT", help="name of the data in model cards (default: name of the folder)"
    )
    fit.add_argument(
        "--worker",
        metavar="INDEX/HOST:PORT,...",
        help="train with other workers; INDEX says which address is this machine's",
    )
    fit.add_argument(
        "--cache", type=Path, metavar="DIR", help="folder for decoded pictures (default: the user's cache folder)"
    )
    fit.set_defaults(command=_fit, parser=fit)

    export = commands.add_parser("export", help="write a run's network as a .keras file")
    export.add_argument("run", type=Path, metavar="RUN_DIR")
    export.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.keras")
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


def _fit(arguments: argparse.Namespace) -> None:
    settings = arguments.settings
    if arguments.feedback is not None:
        # First, so that what is set by hand wins.
        settings = [f"exposure_target={read_exposure_target(arguments.feedback)}", *settings]
    recipe = override(find_recipe(arguments.recipe), settings)
    if arguments.epochs is not None:
        recipe = dataclasses.replace(recipe, epochs=arguments.epochs)
    if arguments.show:
        print(recipe.to_json(), end="")
        return
    # Views are cut, where other kinds are pictures already; the recipe says how many and how often.
    folders = [Path(text.removeprefix(f"{PANORAMAS}:")) for text in arguments.data if text.startswith(f"{PANORAMAS}:")]
    panoramas = next(iter(folders), arguments.panoramas)
    if len(folders) + (arguments.panoramas is not None) > 1:
        arguments.parser.error("expected one folder of panoramas; put them into one")
    sources = [Source.parse(text) for text in arguments.data if not text.startswith(f"{PANORAMAS}:")]
    if not sources and panoramas is None:
        arguments.parser.error("--data is missing; training needs it, or --panoramas")
    if arguments.out is None:
        arguments.parser.error("--out is missing; training needs it")
    from .distribution import ALONE, join
    from .run import Run, find_start, fit
    from .worker import Worker

    run = Run(arguments.out)
    team = join(Worker.parse(arguments.worker)) if arguments.worker else ALONE
    fit(
        sources,
        recipe,
        run,
        panoramas=panoramas,
        start=find_start(arguments.start) if arguments.start else None,
        data_title=arguments.data_title,
        cache=arguments.cache,
        # A progress bar on a terminal, one line per epoch in a log.
        verbose=(1 if sys.stdout.isatty() else 2) if team.is_chief else 0,
        team=team,
    )
    print(f"{run.folder}: {recipe.epochs} epochs done")


def _export(arguments: argparse.Namespace) -> None:
    from .export import export, export_checkpoint
    from .run import Run
    from .starting_point import CHECKPOINT_SUFFIXES

    if arguments.run.suffix in CHECKPOINT_SUFFIXES:
        export_checkpoint(arguments.run, arguments.output, overwrite=arguments.overwrite)
    else:
        export(Run(arguments.run), arguments.output, overwrite=arguments.overwrite)
    print(arguments.output)


def _split(arguments: argparse.Namespace) -> None:
    from .cache import find_cache_folder
    from .datasets.sets import HELD_OUT_EVERY, find_parts

    sources = [Source.parse(text) for text in arguments.data]
    pictures = find_parts(sources, find_recipe(arguments.recipe), cache=find_cache_folder())[arguments.part]
    names = _name_copies(pictures)
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


def _name_copies(pictures: Sequence[DarkPicture]) -> list[str]:
    """Names without endings: the files' own, numbered where two sets or scenes have one name."""
    names = [picture.low.stem for picture in pictures]
    if len(set(names)) == len(names):
        return names
    return [f"{number:05}-{name}" for number, name in enumerate(names)]


def _psnr_wraparound(arguments: argparse.Namespace) -> None:
    from .scoring import find_evaluation_parts
    from .trained_network import load_trained_network
    from .wraparound import tabulate_wraparound

    # The report's test set, whatever the networks were trained by.
    source = Source("lol", str(arguments.data))
    pairs = find_evaluation_parts([source], find_recipe("report"), ["test"])["test"]
    print(tabulate_wraparound(pairs, [load_trained_network(run) for run in arguments.runs]).to_text())
