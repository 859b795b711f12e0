"""A training run: a folder that holds all there is to know about it and can be resumed at any epoch.

Each file is replaced in one step, so a kill leaves the old one or the new one.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import keras

from edge_dce.errors import EdgeDceError
from edge_dce.files.output import make_folder, write_file

from .dataset import count_steps
from .history import BEST, LAST, read_history
from .history import FILE_NAME as HISTORY_NAME
from .model import build_model
from .recipe import FILE_NAME as RECIPE_NAME
from .recipe import LossWeights, Recipe
from .settings import check_recipe

# What a run is resumed from.
STATE_FILES = (RECIPE_NAME, "data.json", "checkpoint.weights.h5", HISTORY_NAME)
# What data.json has hashes of beside pictures: what is said where it is another one.
_NO_PICTURES = {
    "start_sha256": "another --from, or without one; give that of before",
    "weights_sha256": "other shares of its sets; give those of before, as in DIR@SHARE",
}


class RunError(EdgeDceError):
    """A run folder cannot be resumed or exported."""


class DivergenceError(RunError):
    """The loss of a run is no number any more."""


@dataclasses.dataclass(frozen=True)
class Run:
    """The files of one run. Its losses are in there too, see training.history, and once more for TensorBoard."""

    folder: Path

    @property
    def recipe_path(self) -> Path:
        """The recipe, as JSON."""
        return self.folder / RECIPE_NAME

    @property
    def data_path(self) -> Path:
        """Which pictures it learns from, as JSON."""
        return self.folder / "data.json"

    @property
    def checkpoint_path(self) -> Path:
        """Weights and optimizer state after the last finished epoch."""
        return self.folder / "checkpoint.weights.h5"

    @property
    def best_path(self) -> Path:
        """The same of the epoch with the lowest loss on the validation part; missing where there is no such part."""
        return self.folder / "best.weights.h5"

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

    def count_epochs(self) -> int:
        """Finished epochs, of which there are fewer than in the recipe where it ran out of patience."""
        return len(read_history(self.folder).epochs)

    def count_steps(self) -> int:
        """Steps per epoch."""
        return count_steps(self.read_data()["train_files"], self.read_recipe())


def start_or_check(run: Run, recipe: Recipe, data: dict[str, object]) -> None:
    """Begin a run of this recipe and these pictures, or see that it was begun with them.

    Raises:
        RunError: it was begun with another recipe, other pictures or shares of them, or another network.
        OutputError: the folder cannot be written.
    """
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
    differing = [name for name in data if name.endswith("_sha256") and started_with.get(name) != data[name]]
    if differing:
        # Pictures first: other pictures have other shares too.
        (other, *_) = sorted(differing, key=_NO_PICTURES.__contains__)
        what = _NO_PICTURES.get(other, "other pictures; see its data.json")
        raise RunError(f"{run.folder}: started with {what}, or choose another --out")


def load_network(run: Run, checkpoint: str = LAST) -> tuple[keras.Model, int]:
    """The run's network in float32, with averaged weights where the recipe averages, and the epochs it has seen.

    Args:
        checkpoint: one of `training.history.CHECKPOINTS`.

    Raises:
        RunError: no finished epoch, no such checkpoint, or a damaged one.
        RecipeError: the saved recipe is unreadable.
    """
    # Neither precision, rounding nor losses are part of the network.
    recipe = dataclasses.replace(run.read_recipe(), mixed_precision=False, rounding=False, loss_weights=LossWeights())
    model = build_model(recipe, steps_per_epoch=run.count_steps())
    epochs = restore(model, run, checkpoint)
    if epochs == 0 and checkpoint == BEST:
        raise RunError(
            f"{run.folder}: expected {run.best_path.name}, found none: it needs a validation part; "
            "choose the last epoch"
        )
    if epochs == 0:
        raise RunError(f"{run.folder}: expected a finished epoch, found none; continue with 'fit'")
    if recipe.ema is not None:
        model.optimizer.finalize_variable_values(model.trainable_variables)
    return model.network, epochs


def restore(model: keras.Model, run: Run, checkpoint: str = LAST) -> int:
    """Load one of the run's `CHECKPOINTS`, if it is there, into `model`; the number of epochs it has seen.

    Raises:
        RunError: the checkpoint is damaged or of another network.
    """
    path = run.best_path if checkpoint == BEST else run.checkpoint_path
    if not path.exists():
        return 0
    try:
        model.load_weights(path)
    except (OSError, ValueError, KeyError) as error:
        cause = " ".join(str(error).split())[:200]
        raise RunError(f"{path}: cannot be loaded ({cause}); delete it to start again") from error
    batches: int = model.optimizer.batches
    return batches // run.count_steps()
