"""The command `fit`: parse, call, print."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path

from edge_dce.terminal.arguments import parse_positive

from .feedback import read_exposure_target
from .options import add_training_data, find_training_data
from .recipe import DEFAULT_RECIPE, RECIPES, find_recipe
from .settings import override


def add_fit(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The parser of `fit`."""
    fit = commands.add_parser("fit", help="train a network, or continue an interrupted run")
    add_training_data(fit)
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
    fit.add_argument("--epochs", type=parse_positive, help="number of epochs (default: as in the recipe)")
    fit.add_argument(
        "--seeds",
        metavar="N|SEED,...",
        help="train once for each of several seeds, in folders of RUN_DIR; evaluate and compare take them as one",
    )
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
    fit.add_argument("--mlflow", metavar="FILE|URL", help="log to MLflow too, in a SQLite file or on a server")
    fit.add_argument(
        "--cache", type=Path, metavar="DIR", help="folder for decoded pictures (default: the user's cache folder)"
    )
    fit.set_defaults(command=_fit, parser=fit)


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
    sources, panoramas = find_training_data(arguments.parser, arguments)
    if arguments.out is None:
        arguments.parser.error("--out is missing; training needs it")
    from .distribution import ALONE, join
    from .fitting import fit
    from .run import Run
    from .seed_runs import check_place, name_seed_run, parse_seeds
    from .starting_point import find_start
    from .worker import Worker

    seeds = parse_seeds(arguments.seeds, recipe.seed) if arguments.seeds is not None else ()
    check_place(arguments.out, seeds)
    several = [(name_seed_run(arguments.out, seed), dataclasses.replace(recipe, seed=seed)) for seed in seeds]
    team = join(Worker.parse(arguments.worker)) if arguments.worker else ALONE
    for folder, each in several or [(arguments.out, recipe)]:
        run = Run(folder)
        fit(
            sources,
            each,
            run,
            panoramas=panoramas,
            start=find_start(arguments.start) if arguments.start else None,
            data_title=arguments.data_title,
            cache=arguments.cache,
            # A progress bar on a terminal, one line per epoch in a log.
            verbose=(1 if sys.stdout.isatty() else 2) if team.is_chief else 0,
            team=team,
            mlflow=arguments.mlflow,
        )
        # Only the chief has the run.
        print(f"{run.folder}: {run.count_epochs() if team.is_chief else each.epochs} epochs done")
