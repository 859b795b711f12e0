"""Training: from sets of pictures and a recipe to a run, which is continued where it stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from edge_dce.machine import read_cpu_features

from .allocator import MemoryKeeper
from .cache import find_cache_folder, hash_files
from .dataset import count_images, count_steps
from .datasets.picture import DarkPicture
from .datasets.sets import Parts, Source, find_parts
from .distribution import ALONE, Team
from .history import has_lost_patience, read_history
from .model import build_model, computes_bfloat16, find_task
from .panoramas.files import find_panoramas
from .recipe import Recipe, RecipeError
from .recorder import Recorder, keep_best
from .run import STATE_FILES, Run, RunError, restore, start_or_check
from .samples import choose_samples
from .starting_point import take_weights
from .tracking import MlflowTracker
from .worker import DistributionError

_NO_PARTS: Parts = {"test": (), "train": (), "validation": ()}


def fit(
    data: Path | Sequence[Source] | None,
    recipe: Recipe,
    run: Run,
    *,
    panoramas: Path | None = None,
    start: Path | None = None,
    data_title: str | None = None,
    cache: Path | None = None,
    verbose: int = 1,
    team: Team = ALONE,
    mlflow: str | None = None,
) -> None:
    """Train by `recipe` on sets of pictures, or go on where the run stopped.

    A kill at any moment loses the epoch under way and nothing else. Where the `team` has several workers, each calls
    this with the same recipe and pictures; only the chief's `run` is read and written.

    Args:
        data: a folder of a kind that is recognized, or sets; None for recipes that learn from panoramas alone.
        panoramas: folder of the panoramas that views are cut from, for recipes that do so.
        start: a run, an exported network or the authors' checkpoint, of which a new run begins with the layers that
            fit; None begins at random.
        data_title: what cards call the data; None takes the folder's name.
        cache: folder for decoded pictures; None takes the user's cache folder.
        mlflow: SQLite file or server that MLflow logs to as well; None for nowhere.

    Raises:
        ImageError: no pictures in `data`, too few, without partners that the recipe needs, or a broken one.
        RecipeError: the recipe needs what is not to be had.
        RunError: the run was started with another recipe, other pictures or another `start`, its checkpoint is damaged,
            or `start` has no layer that fits.
        OutputError: the run or the cache cannot be written.
        DistributionError: the batches cannot be divided among the team, a worker was started differently from the
            chief, or is lost.
    """
    cache = find_cache_folder() if cache is None else cache
    sources = [Source.parse(str(data))] if isinstance(data, Path) else list(data or ())
    parts = find_parts(sources, recipe, cache=cache) if sources else _NO_PARTS
    title = data_title or ", ".join(source.name for source in sources) or (panoramas or run.folder).resolve().name
    description = _describe_data(parts, recipe, title, panoramas)
    description["start_sha256"] = _hash_start(start) if start is not None else None
    team.check_divides(min(recipe.batch_size, count_images(len(parts["train"]), recipe)))
    if team.is_chief:
        start_or_check(run, recipe, description)
    with team.watch(), team.share(run.folder, STATE_FILES) as folder:
        if not team.is_chief:
            _check_like_chief(Run(folder), recipe, description)
        _train(parts, recipe, Run(folder), team, cache, panoramas, start, verbose, mlflow if team.is_chief else None)


def _train(
    parts: Parts,
    recipe: Recipe,
    run: Run,
    team: Team,
    cache: Path,
    panoramas: Path | None,
    start: Path | None,
    verbose: int,
    mlflow: str | None,
) -> None:
    task = find_task(recipe)
    steps = count_steps(len(parts["train"]), recipe)
    model = build_model(recipe, steps_per_epoch=steps)
    team.prepare(model)
    epoch = restore(model, run)
    validation = team.trim(parts["validation"])
    if recipe.patience is not None and not validation:
        raise RecipeError(
            f"recipe '{recipe.name}': expected validation pictures to judge by, found none; set patience=none"
        )
    if epoch > 0:
        keep_best(run, epoch)
    if epoch >= recipe.epochs or has_lost_patience(read_history(run.folder), recipe.patience, last=epoch):
        return
    if epoch == 0 and start is not None:
        done = take_weights(model.network, start)
        if verbose > 0:
            print(f"{start}: {done}")
    if epoch > 0 and verbose > 0:
        print(f"{run.folder}: continuing after epoch {epoch}")
    if recipe.mixed_precision and verbose > 0 and not computes_bfloat16(read_cpu_features()):
        print("This CPU has no arithmetic for bfloat16: --set mixed_precision=false trains in about half of the time")
    # Not before: of a run that is finished already nothing would tell MLflow so.
    trackers = [] if mlflow is None else [MlflowTracker(mlflow, run, recipe)]
    # Jax computes with all workers or with none.
    samples = choose_samples(validation, recipe) if team.shard.count == 1 else []
    model.fit(
        task.load_batches(
            parts["train"], recipe, cache=cache, panoramas=panoramas, first_epoch=epoch, shard=team.shard
        ),
        # Not divided: each worker sees every picture, whatever their number, and finds the same losses.
        validation_data=task.load_validation(validation, recipe, cache=cache),
        initial_epoch=epoch,
        epochs=recipe.epochs,
        # The order is the recipe's, see Batches.
        shuffle=False,
        callbacks=[*team.make_callbacks(), MemoryKeeper(), Recorder(run, recipe, samples), *trackers],
        verbose=verbose,
    )


def _check_like_chief(copy: Run, recipe: Recipe, data: dict[str, object]) -> None:
    try:
        start_or_check(copy, recipe, data)
    except RunError as error:
        cause = str(error).removeprefix(f"{copy.folder}: ")
        raise DistributionError(
            f"expected the chief's recipe and pictures, found others ({cause}); give all workers the same command"
        ) from error


def _describe_data(parts: Parts, recipe: Recipe, title: str, panoramas: Path | None) -> dict[str, object]:
    views = find_panoramas(panoramas) if panoramas is not None else []
    return {
        "title": title,
        "train_files": len(parts["train"]),
        "validation_files": len(parts["validation"]),
        "test_files": len(parts["test"]),
        "train_sha256": hash_files([pair.low for pair in parts["train"]]),
        "validation_sha256": hash_files([pair.low for pair in parts["validation"]]),
        # Few recipes show the network normal-light pictures.
        "normal_light_sha256": hash_files([pair.high for pair in parts["train"] if pair.high])
        if recipe.uses_partners
        else None,
        "weights_sha256": _hash_weights(parts["train"]),
        "panorama_files": len(views),
        "panoramas_sha256": hash_files(views) if views else None,
    }


def _hash_start(start: Path) -> str:
    return hash_files([Run(start).checkpoint_path if start.is_dir() else start])


def _hash_weights(pictures: Sequence[DarkPicture]) -> str | None:
    weights = [picture.weight for picture in pictures]
    # As runs of before there were shares have it.
    return hashlib.sha256(json.dumps(weights).encode()).hexdigest() if len(set(weights)) > 1 else None
