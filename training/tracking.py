"""A run's losses in MLflow: in a SQLite file of this machine, or on a server."""

from __future__ import annotations

import json
import math
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
    """Logs the recipe once and the losses of every epoch, as `training/NAME` and `validation/NAME`."""

    def __init__(self, store: str, run: Run, recipe: Recipe) -> None:
        """
        Args:
            store: a SQLite file, or an address that MLflow takes (https://...).

        Raises:
            RunError: MLflow is not installed, or refuses the store.
        """
        super().__init__()
        try:
            from mlflow import MlflowClient
            from mlflow.exceptions import MlflowException
        except ImportError as error:
            raise RunError("expected MLflow for --mlflow, found none; run: pip install 'edge-dce[mlflow]'") from error
        try:
            self._client = MlflowClient(store if "://" in store else f"sqlite:///{Path(store).resolve()}")
            self._id = self._find(run) or self._begin(run, recipe)
        except MlflowException as error:
            cause = " ".join(str(error).split())[:200]
            raise RunError(f"{store}: expected a file or server that MLflow writes to ({cause})") from error

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        for part, losses in zip(("training", "validation"), divide_losses(logs or {}), strict=True):
            for name, value in losses.items():
                if math.isfinite(value):
                    self._client.log_metric(self._id, f"{part}/{name}", value, step=epoch + 1)

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        self._client.set_terminated(self._id)

    def _find(self, run: Run) -> str | None:
        path = run.folder / _ID_FILE
        if not path.exists():
            return None
        known = str(json.loads(path.read_text())["run_id"])
        self._client.update_run(known, status="RUNNING")
        return known

    def _begin(self, run: Run, recipe: Recipe) -> str:
        found = self._client.get_experiment_by_name(_EXPERIMENT)
        experiment = self._client.create_experiment(_EXPERIMENT) if found is None else found.experiment_id
        made = str(self._client.create_run(experiment, run_name=run.folder.resolve().name).info.run_id)
        for name, value in recipe.to_fields().items():
            self._client.log_param(made, name, json.dumps(value))
        write_file(run.folder / _ID_FILE, (json.dumps({"run_id": made}) + "\n").encode())
        return made
