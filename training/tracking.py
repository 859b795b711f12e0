"""A run's losses in MLflow: in a SQLite file of this machine, or on a server."""

from __future__ import annotations

import contextlib
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path

import keras

from edge_dce.files.output import write_file

from .history import divide_losses
from .recipe import Recipe
from .run import Run, RunError

_EXPERIMENT = "edge-dce"
# Beside the run, so that MLflow goes on with its own where the run goes on.
_ID_FILE = "mlflow.json"


class MlflowTracker(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no type information
    """Logs the recipe once and the losses of every epoch, as `training/NAME` and `validation/NAME`.

    A store that fails while the run trains costs what it was told in vain, and a line on stderr; the run goes on.
    """

    def __init__(self, store: str, run: Run, recipe: Recipe) -> None:
        """
        Args:
            store: a SQLite file, or an address that MLflow takes (https://...).

        Raises:
            RunError: MLflow is not installed or refuses the store, or mlflow.json is damaged or of another store.
        """
        super().__init__()
        try:
            from mlflow import MlflowClient
            from mlflow.exceptions import MlflowException
        except ImportError as error:
            raise RunError("expected MLflow for --mlflow, found none; run: pip install 'edge-dce[mlflow]'") from error
        self._failures = (MlflowException, OSError)
        self._has_warned = False
        self._store = store
        try:
            self._client = MlflowClient(store if "://" in store else f"sqlite:///{Path(store).resolve()}")
            self._id = self._find(run) or self._begin(run, recipe)
        except MlflowException as error:
            raise RunError(f"{store}: expected a file or server that MLflow writes to ({_shorten(error)})") from error

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        with self._going_on():
            for part, losses in zip(("training", "validation"), divide_losses(logs or {}), strict=True):
                for name, value in losses.items():
                    if math.isfinite(value):
                        self._client.log_metric(self._id, f"{part}/{name}", value, step=epoch + 1)

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        with self._going_on():
            self._client.set_terminated(self._id)

    @contextlib.contextmanager
    def _going_on(self) -> Iterator[None]:
        """Turn failures of the store inside the block into one line for all of them."""
        try:
            yield
        except self._failures as error:
            if not self._has_warned:
                print(f"{self._store}: MLflow lacks losses of this run ({_shorten(error)})", file=sys.stderr)
            self._has_warned = True

    def _find(self, run: Run) -> str | None:
        path = run.folder / _ID_FILE
        if not path.exists():
            return None
        try:
            known = str(json.loads(path.read_text())["run_id"])
            self._client.update_run(known, status="RUNNING")
        except (ValueError, KeyError, TypeError) as error:
            raise RunError(
                f"{path}: expected what 'fit --mlflow' wrote there, found something else ({_shorten(error)}); delete "
                "it to begin another run in MLflow"
            ) from error
        except self._failures as error:
            raise RunError(
                f"{path}: expected a run in {self._store}, found none ({_shorten(error)}); give the --mlflow of "
                "before, or delete it to begin another run in MLflow"
            ) from error
        return known

    def _begin(self, run: Run, recipe: Recipe) -> str:
        found = self._client.get_experiment_by_name(_EXPERIMENT)
        experiment = self._client.create_experiment(_EXPERIMENT) if found is None else found.experiment_id
        made = str(self._client.create_run(experiment, run_name=run.folder.resolve().name).info.run_id)
        for name, value in recipe.to_fields().items():
            self._client.log_param(made, name, json.dumps(value))
        write_file(run.folder / _ID_FILE, (json.dumps({"run_id": made}) + "\n").encode())
        return made


def _shorten(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
