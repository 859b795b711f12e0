"""What a run keeps of every epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras
from tensorboard.summary import Writer  # type: ignore[import-untyped]

from edge_dce.files.output import write_file

from .history import divide_losses, find_best_epoch, has_lost_patience, read_history, record_epoch
from .plots import draw_history
from .recipe import Recipe
from .run import DivergenceError, Run
from .samples import PictureOutput, Sample, draw_samples


class Recorder(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no type information
    """After each epoch: TensorBoard, one row of history, then the checkpoint, each file replaced in one step.

    In this order a kill in between leaves a row too many, which the row of the repeated epoch replaces.
    """

    def __init__(self, run: Run, recipe: Recipe, samples: Sequence[Sample] = ()) -> None:
        """Training is stopped when the recipe's patience is at its end; `samples` are drawn after each epoch."""
        super().__init__()
        self._run = run
        self._recipe = recipe
        self._samples = samples
        self._output = PictureOutput(str(run.logs_path))
        self._writer = Writer(self._output)

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        self._writer.close()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if not all(math.isfinite(value) for value in (logs or {}).values()):
            raise DivergenceError(
                f"{self._run.folder}: the loss is not a number after epoch {epoch + 1}; the checkpoint holds the "
                "epoch before; start a new run with a lower learning rate"
            )
        for part, losses in zip(("train", "validation"), divide_losses(logs or {}), strict=True):
            for name, value in losses.items():
                self._writer.add_scalar(f"{part}/{name}", value, epoch + 1)
        strips = draw_samples(self._samples, self.model.network, self._recipe)
        for sample, strip in zip(self._samples, strips, strict=True):
            self._output.add_picture(f"validation/{sample.name}", strip, epoch + 1)
        self._writer.flush()
        record_epoch(self._run.folder, epoch + 1, logs or {})
        unfinished = self._run.checkpoint_path.with_name("unfinished.weights.h5")
        self.model.save_weights(unfinished, overwrite=True)
        unfinished.replace(self._run.checkpoint_path)
        keep_best(self._run, epoch + 1)
        if has_lost_patience(read_history(self._run.folder), self._recipe.patience, last=epoch + 1):
            self.model.stop_training = True
        write_file(self._run.drawing_path, draw_history(self._run.folder), overwrite=True)


def keep_best(run: Run, epoch: int) -> None:
    """Copy the checkpoint, which is that of `epoch`, if no epoch before had as low a loss on the validation part.

    Call it when a run is continued as well: a kill may have come after the checkpoint and before its copy.

    Raises:
        HistoryError: the history is damaged.
        OutputError: the copy cannot be written.
    """
    if find_best_epoch(read_history(run.folder), last=epoch) == epoch:
        write_file(run.best_path, run.checkpoint_path.read_bytes(), overwrite=True)
