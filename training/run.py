"""A training run: a folder that holds all there is to know about it and can be resumed at any epoch.

Each file is replaced in one step, so a kill leaves the old one or the new one.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
from tensorboard.summary import Writer  # type: ignore[import-untyped]

from edge_dce.errors import EdgeDceError
from edge_dce.files.output import make_folder, write_file

from .cache import find_cache_folder, hash_files
from .dataset import count_images, count_steps
from .datasets.picture import DarkPicture
from .datasets.sets import Parts, Source, find_parts
from .distribution import ALONE, Team
from .history import divide_losses, record_epoch
from .model import build_model, find_task
from .panoramas.files import find_panoramas
from .plots import draw_history
from .recipe import LossWeights, Recipe
from .settings import check_recipe
from .starting_point import CHECKPOINT_SUFFIXES, Transfer, find_bundled, read_authors_network, transfer
from .worker import DistributionError

_NO_PARTS: Parts = {"test": (), "train": (), "validation": ()}

# What a run is resumed from.
STATE_FILES = ("recipe.json", "data.json", "checkpoint.weights.h5")


class RunError(EdgeDceError):
    """A run folder cannot be resumed or exported."""


@dataclasses.dataclass(frozen=True)
class Run:
    """The files of one run. Its losses are in there too, see training.history, and once more for TensorBoard."""

    folder: Path

    @property
    def recipe_path(self) -> Path:
        """The recipe, as JSON."""
        return self.folder / "recipe.json"

    @property
    def data_path(self) -> Path:
        """Which pictures it learns from, as JSON."""
        return self.folder / "data.json"

    @property
    def checkpoint_path(self) -> Path:
        """Weights and optimizer state after the last finished epoch."""
        return self.folder / "checkpoint.weights.h5"

    @property
    def drawing_path(self) -> Path:
        """The history, drawn."""
        return self.folder / "history.png"

    @property
    def logs_path(self) -> Path:
        """The folder of the history for TensorBoard."""
        return self.folder / "logs"

    def read_recipe(self) -> Recipe:
        """The recipe this run was started with.

        Raises:
            RunError: the folder holds no run.
            RecipeError: the saved recipe is unreadable, or no run can be made of it.
        """
        if not self.recipe_path.exists():
            raise RunError(f"{self.folder}: expected a run with recipe.json, found none; start one with 'fit --out'")
        return check_recipe(Recipe.from_json(self.recipe_path.read_text(), origin=self.recipe_path))

    def read_data(self) -> dict[str, Any]:
        """What data.json says of the pictures.

        Raises:
            RunError: it is missing or damaged.
        """
        try:
            data: dict[str, Any] = json.loads(self.data_path.read_text())
            int(data["train_files"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunError(
                f"{self.data_path}: expected what 'fit' wrote there, found something else ({error!r}); start a new run"
            ) from error
        return data

    def count_steps(self) -> int:
        """Steps per epoch."""
        return count_steps(self.read_data()["train_files"], self.read_recipe())


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

    Raises:
        ImageError: no pictures in `data`, too few, without partners that the recipe needs, or a broken one.
        RecipeError: the recipe needs what is not to be had.
        RunError: the run was started with another recipe or other pictures, its checkpoint is damaged, or `start` has
            no layer that fits.
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
        _start_or_check(run, recipe, description)
    with team.watch(), team.share(run.folder, STATE_FILES) as folder:
        if not team.is_chief:
            _check_like_chief(Run(folder), recipe, description)
        _train(parts, recipe, Run(folder), team, cache, panoramas, start, verbose)


def _train(
    parts: Parts,
    recipe: Recipe,
    run: Run,
    team: Team,
    cache: Path,
    panoramas: Path | None,
    start: Path | None,
    verbose: int,
) -> None:
    task = find_task(recipe)
    steps = count_steps(len(parts["train"]), recipe)
    model = build_model(recipe, steps_per_epoch=steps)
    team.prepare(model)
    epoch = restore(model, run)
    if epoch >= recipe.epochs:
        return
    if epoch == 0 and start is not None:
        done = _take_weights(model.network, start)
        if verbose > 0:
            print(f"{start}: {done}")
    if epoch > 0 and verbose > 0:
        print(f"{run.folder}: continuing after epoch {epoch}")
    model.fit(
        task.load_batches(
            parts["train"], recipe, cache=cache, panoramas=panoramas, first_epoch=epoch, shard=team.shard
        ),
        # Not divided: each worker sees every picture, whatever their number, and finds the same losses.
        validation_data=task.load_validation(team.trim(parts["validation"]), recipe, cache=cache),
        initial_epoch=epoch,
        epochs=recipe.epochs,
        # The order is the recipe's, see Batches.
        shuffle=False,
        callbacks=[*team.make_callbacks(), _Recorder(run)],
        verbose=verbose,
    )


def _take_weights(network: keras.Model, start: Path) -> Transfer:
    try:
        source = _load_start(start)
    except (ValueError, OSError, TypeError) as error:
        cause = " ".join(str(error).split())[:200]
        raise RunError(
            f"{start}: expected a run, a .keras file or a .pth file, found something else ({cause})"
        ) from error
    done = transfer(source, network)
    if not done.taken:
        raise RunError(f"{start}: expected a network like the recipe's, found no layer that fits ({done})")
    return done


def _load_start(start: Path) -> keras.Model:
    if start.suffix in CHECKPOINT_SUFFIXES:
        return read_authors_network(start)[0]
    return (
        load_network(Run(start))[0] if start.is_dir() else keras.models.load_model(start, compile=False, safe_mode=True)
    )


def find_start(name: str) -> Path:
    """The file or run that a name means: a path, or a bundled model.

    Raises:
        RunError: neither.
    """
    found = Path(name) if Path(name).exists() else find_bundled(name)
    if found is None:
        raise RunError(f"{name}: expected a run folder, a .keras or .pth file, or a folder of training/results")
    return found


def load_network(run: Run) -> tuple[keras.Model, int]:
    """The run's network in float32, with averaged weights where the recipe averages, and the epochs it has seen.

    Raises:
        RunError: no finished epoch, or a damaged checkpoint.
        RecipeError: the saved recipe is unreadable.
    """
    # Neither precision, rounding nor losses are part of the network.
    recipe = dataclasses.replace(run.read_recipe(), mixed_precision=False, rounding=False, loss_weights=LossWeights())
    model = build_model(recipe, steps_per_epoch=run.count_steps())
    epochs = restore(model, run)
    if epochs == 0:
        raise RunError(f"{run.folder}: expected a finished epoch, found none; continue with 'fit'")
    if recipe.ema is not None:
        model.optimizer.finalize_variable_values(model.trainable_variables)
    return model.network, epochs


def restore(model: keras.Model, run: Run) -> int:
    """Load the run's checkpoint, if there is one, into `model`; the number of epochs it has seen.

    Raises:
        RunError: the checkpoint is damaged or of another network.
    """
    if not run.checkpoint_path.exists():
        return 0
    try:
        model.load_weights(run.checkpoint_path)
    except (OSError, ValueError, KeyError) as error:
        cause = " ".join(str(error).split())[:200]
        raise RunError(f"{run.checkpoint_path}: cannot be loaded ({cause}); delete it to start again") from error
    return int(model.optimizer.iterations) // run.count_steps()


def _start_or_check(run: Run, recipe: Recipe, data: dict[str, object]) -> None:
    make_folder(run.folder)
    if not run.recipe_path.exists():
        # The recipe comes last: a run without it has not begun, whatever a kill left behind.
        write_file(run.data_path, (json.dumps(data, indent=2) + "\n").encode(), overwrite=True)
        write_file(run.recipe_path, recipe.to_json().encode())
        return
    before, now = (dataclasses.asdict(each) for each in (run.read_recipe(), recipe))
    changed = [f"{name} {before[name]}, now {now[name]}" for name in now if before[name] != now[name]]
    if changed:
        raise RunError(f"{run.folder}: started with another recipe ({'; '.join(changed)}); choose another --out")
    started_with = run.read_data()
    # Runs of before there were panoramas have no hash of them, which is that of none.
    if any(started_with.get(name) != data[name] for name in data if name.endswith("_sha256")):
        raise RunError(f"{run.folder}: started with other pictures; see its data.json, or choose another --out")


def _check_like_chief(copy: Run, recipe: Recipe, data: dict[str, object]) -> None:
    try:
        _start_or_check(copy, recipe, data)
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


class _Recorder(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no type information
    """After each epoch: TensorBoard, one row of history, then the checkpoint, each file replaced in one step.

    In this order a kill in between leaves a row too many, which the row of the repeated epoch replaces.
    """

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run
        self._writer = Writer(str(run.logs_path))

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        self._writer.close()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if not all(math.isfinite(value) for value in (logs or {}).values()):
            raise RunError(
                f"{self._run.folder}: the loss is not a number after epoch {epoch + 1}; the checkpoint holds the "
                "epoch before; start a new run with a lower learning rate"
            )
        for part, losses in zip(("train", "validation"), divide_losses(logs or {}), strict=True):
            for name, value in losses.items():
                self._writer.add_scalar(f"{part}/{name}", value, epoch + 1)
        self._writer.flush()
        record_epoch(self._run.folder, epoch + 1, logs or {})
        unfinished = self._run.checkpoint_path.with_name("unfinished.weights.h5")
        self.model.save_weights(unfinished, overwrite=True)
        unfinished.replace(self._run.checkpoint_path)
        write_file(self._run.drawing_path, draw_history(self._run.folder), overwrite=True)
