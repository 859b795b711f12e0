"""The command `sweep`: parse, call, print."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from edge_dce.terminal.arguments import parse_positive

from .datasets.sets import Source
from .metrics.registry import METRICS
from .options import add_training_data, find_training_data
from .recipe import DEFAULT_RECIPE, RECIPES, Recipe, find_recipe
from .search_space import divide_settings
from .settings import override

# What a run is judged by -> whether more of it is better. All are measured on the validation part.
_METRICS = {"loss": False, "psnr": True, "ssim": True}


def add_sweep(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The parser of `sweep`."""
    sweep = commands.add_parser("sweep", help="search for better settings of a recipe, or go on with a search")
    add_training_data(sweep)
    sweep.add_argument(
        "--recipe",
        choices=list(RECIPES),
        default=DEFAULT_RECIPE,
        metavar="RECIPE",
        help="as of fit (default: %(default)s)",
    )
    sweep.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUES",
        dest="settings",
        help="LOW..HIGH, LOW..HIGH:log or A,B,C vary a field, one value sets it; repeatable",
    )
    sweep.add_argument("--epochs", type=parse_positive, help="number of epochs (default: as in the recipe)")
    sweep.add_argument(
        "--trials", type=parse_positive, default=20, metavar="N", help="runs in all (default: %(default)s)"
    )
    sweep.add_argument(
        "--metric",
        choices=list(_METRICS),
        default="loss",
        help="of the validation part, what a run is judged by (default: %(default)s)",
    )
    sweep.add_argument(
        "--study", type=Path, required=True, metavar="FILE", help="SQLite file of a new study, or of that to continue"
    )
    sweep.add_argument("--cache", type=Path, metavar="DIR", help="as of fit")
    sweep.set_defaults(command=_sweep, parser=sweep)


def _sweep(arguments: argparse.Namespace) -> None:
    fixed, dimensions = divide_settings(arguments.settings)
    recipe = override(find_recipe(arguments.recipe), fixed)
    if arguments.epochs is not None:
        recipe = dataclasses.replace(recipe, epochs=arguments.epochs)
    changing = [each.path for each in dimensions if each.changes_the_loss]
    if arguments.metric == "loss" and changing:
        arguments.parser.error(f"losses do not compare where {changing[0]} differs; choose --metric psnr or ssim")
    sources, panoramas = find_training_data(arguments.parser, arguments)
    if not sources:
        arguments.parser.error("--data is missing; a run is judged on its validation part")
    from .sweep import Sweep, run_sweep

    def measure(changed: Recipe, folder: Path) -> float:
        print(f"{folder}: {changed.title}")
        return _measure(sources, panoramas, changed, folder, arguments.metric, arguments.cache)

    sweep = Sweep(recipe, dimensions, arguments.metric, _METRICS[arguments.metric])
    value, settings = run_sweep(sweep, arguments.study, trials=arguments.trials, measure=measure)
    print(f"best {arguments.metric} {value:.6g}: {' '.join(f'--set {setting}' for setting in settings)}")
    print(arguments.study.with_suffix(".svg"))


def _measure(
    sources: list[Source], panoramas: Path | None, recipe: Recipe, folder: Path, metric: str, cache: Path | None
) -> float:
    from .fitting import fit
    from .history import TOTAL, read_history
    from .run import Run, RunError
    from .scoring import evaluate, find_evaluation_parts
    from .trained_network import load_trained_network

    fit(sources, recipe, Run(folder), cache=cache, panoramas=panoramas, verbose=0)
    if metric == "loss":
        losses = read_history(folder).validation.get(TOTAL)
        if not losses:
            raise RunError(f"{folder}: expected a validation part to judge by, found none; add pictures")
        return min(losses)
    pairs = find_evaluation_parts(sources, recipe, ["validation"], cache=cache)
    score = evaluate(load_trained_network(folder), pairs).average("validation", "network")
    found = score.get(METRICS[metric].field)
    if found is None:
        raise RunError(
            f"{folder}: expected validation pictures with partners to judge by, found none; choose --metric loss"
        )
    return found
