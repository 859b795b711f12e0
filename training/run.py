"""A training run: a folder that holds all there is to know about it and can be resumed at any epoch.

    runs/NAME/recipe.json             the recipe, as JSON
    runs/NAME/data.json               which pictures it learns from
    runs/NAME/checkpoint.weights.h5   weights and optimizer state after the last finished epoch
    runs/NAME/history.csv             one row of losses per finished epoch

Each file is replaced in one step, so a kill leaves the old one or the new one.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from edge_dce.errors import EdgeDceError
from edge_dce.output import make_folder, write_file
from training.dataset import Batches, Pair, Shard, count_steps, find_pairs, read_resized, split_pairs
from training.distribution import ALONE, Team
from training.model import ZeroDCE, build_model
from training.recipe import Recipe
from training.worker import DistributionError

# What a run is resumed from.
STATE_FILES = ("recipe.json", "data.json", "checkpoint.weights.h5")


class RunError(EdgeDceError):
    """A run folder cannot be resumed or exported."""


@dataclasses.dataclass(frozen=True)
class Run:
    """The files of one run."""

    folder: Path

    @property
    def recipe_path(self) -> Path:
        return self.folder / "recipe.json"

    @property
    def data_path(self) -> Path:
        return self.folder / "data.json"

    @property
    def checkpoint_path(self) -> Path:
        return self.folder / "checkpoint.weights.h5"

    @property
    def history_path(self) -> Path:
        return self.folder / "history.csv"

    def read_recipe(self) -> Recipe:
        """The recipe this run was started with.

        Raises:
            RunError: the folder holds no run.
            RecipeError: the saved recipe is unreadable.
        """
        if not self.recipe_path.exists():
            raise RunError(f"{self.folder}: no run here, recipe.json is missing; start one with 'fit --out'")
        return Recipe.from_json(self.recipe_path.read_text(), origin=self.recipe_path)

    def read_data(self) -> dict[str, Any]:
        """What data.json says of the pictures."""
        data: dict[str, Any] = json.loads(self.data_path.read_text())
        return data

    def count_steps(self) -> int:
        """Steps per epoch."""
        return count_steps(self.read_data()["train_files"], self.read_recipe())


def fit(
    data: Path, recipe: Recipe, run: Run, *, data_title: str | None = None, verbose: int = 1, team: Team = ALONE
) -> None:
    """Train by `recipe` on the LOL folder `data`, or go on where the run stopped.

    A kill at any moment loses the epoch under way and nothing else. Where the `team` has several workers, each calls
    this with the same recipe and pictures; only the chief's `run` is read and written.

    Raises:
        ImageError: `data` is no LOL folder, or a picture in it is broken.
        RunError: the run was started with another recipe or other pictures, or its checkpoint is damaged.
        DistributionError: the batches cannot be divided among the team, a worker was started differently from the
            chief, or is lost.
    """
    pairs = find_pairs(data)
    parts = split_pairs(pairs, recipe)
    description = _describe_data(parts, recipe, data_title or pairs[0].low.resolve().parent.parent.name)
    team.check_divides(min(recipe.batch_size, len(parts["train"])))
    if team.is_chief:
        _start_or_check(run, recipe, description)
    with team.watch(), team.share(run.folder, STATE_FILES) as folder:
        if not team.is_chief:
            _check_like_chief(Run(folder), recipe, description)
        _train(parts, recipe, Run(folder), team, verbose)


def _train(parts: dict[str, list[Pair]], recipe: Recipe, run: Run, team: Team, verbose: int) -> None:
    steps = count_steps(len(parts["train"]), recipe)
    model = build_model(recipe, steps_per_epoch=steps)
    team.prepare(model)
    epoch = restore(model, run)
    if epoch >= recipe.epochs:
        return
    model.fit(
        _load_training(parts["train"], recipe, first_epoch=epoch, shard=team.shard),
        # Not divided: each worker sees every picture, whatever their number, and finds the same losses.
        validation_data=_load_validation(parts["validation"], recipe),
        initial_epoch=epoch,
        epochs=recipe.epochs,
        # The order is the recipe's, see Batches.
        shuffle=False,
        callbacks=[*team.make_callbacks(), _Recorder(run)],
        verbose=verbose,
    )


def restore(model: ZeroDCE, run: Run) -> int:
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
        raise RunError(f"{run.checkpoint_path}: cannot be loaded ({cause}); delete it to start the run over") from error
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
    if any(started_with.get(name) != data[name] for name in ("train_sha256", "normal_light_sha256")):
        raise RunError(f"{run.folder}: started with other pictures; see data.json there, or choose another --out")


def _check_like_chief(copy: Run, recipe: Recipe, data: dict[str, object]) -> None:
    try:
        _start_or_check(copy, recipe, data)
    except RunError as error:
        cause = str(error).removeprefix(f"{copy.folder}: ")
        raise DistributionError(
            f"expected the chief's recipe and pictures, found others ({cause}); give all workers the same command"
        ) from error


def _describe_data(parts: dict[str, list[Pair]], recipe: Recipe, title: str) -> dict[str, object]:
    return {
        "title": title,
        "train_files": len(parts["train"]),
        "validation_files": len(parts["validation"]),
        "test_files": len(parts["test"]),
        "train_sha256": _hash_files([pair.low for pair in parts["train"]]),
        # Only exposure-shifted samples show the network normal-light pictures.
        "normal_light_sha256": _hash_files([pair.high for pair in parts["train"]]) if recipe.uses_partners else None,
    }


def _hash_files(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _load_training(pairs: Sequence[Pair], recipe: Recipe, *, first_epoch: int, shard: Shard) -> Batches:
    low = read_resized([pair.low for pair in pairs], recipe.resize_px)
    high = read_resized([pair.high for pair in pairs], recipe.resize_px) if recipe.uses_partners else low
    return Batches(low, high, recipe, first_epoch=first_epoch, shard=shard)


def _load_validation(pairs: Sequence[Pair], recipe: Recipe) -> Batches | None:
    if not pairs:
        return None
    plain = dataclasses.replace(recipe, shuffle=False, flip=False, crop_px=None, exposure_shift=0.0)
    low = read_resized([pair.low for pair in pairs], recipe.resize_px)
    return Batches(low, low, plain, keep_remainder=True)


class _Recorder(keras.callbacks.Callback):
    """After each epoch: one row of history, then the checkpoint, each replaced in one step.

    In this order a kill in between leaves a row too many, which the row of the repeated epoch replaces.
    """

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._record({"epoch": str(epoch + 1)} | {name: f"{value:.6g}" for name, value in (logs or {}).items()})
        unfinished = self._run.checkpoint_path.with_name("unfinished.weights.h5")
        self.model.save_weights(unfinished, overwrite=True)
        unfinished.replace(self._run.checkpoint_path)

    def _record(self, row: dict[str, str]) -> None:
        path = self._run.history_path
        rows: list[dict[str, str]] = []
        if path.exists():
            with path.open(newline="") as stream:
                rows = [old for old in csv.DictReader(stream) if int(old["epoch"]) < int(row["epoch"])]
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(row))
        writer.writeheader()
        writer.writerows([*rows, row])
        write_file(path, text.getvalue().encode(), overwrite=True)
