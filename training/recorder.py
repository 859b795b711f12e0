"""What a run keeps of every epoch."""

from __future__ import annotations

import math

import keras
from tensorboard.summary import Writer  # type: ignore[import-untyped]

from edge_dce.files.output import write_file

from .history import divide_losses, record_epoch
from .plots import draw_history
from .run import Run, RunError


class Recorder(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no type information
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
