"""A run's history: its losses after every epoch, kept in history.csv. Needs no Keras."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from edge_dce.errors import EdgeDceError
from edge_dce.files.output import write_file

FILE_NAME = "history.csv"
# The weighted sum of the others; of a tone network also what the small picture as a whole costs.
TOTAL = "loss"
# What a run keeps: of the last finished epoch, and of the one with the lowest loss on the validation part.
LAST, BEST = "last", "best"
CHECKPOINTS = (LAST, BEST)
_EPOCH = "epoch"
# Keras's mark of what it measured on the validation part.
_VALIDATION = "val_"
# What reading a file that holds something else comes to.
_DAMAGES = (ValueError, TypeError, KeyError)

_T = TypeVar("_T")


class HistoryError(EdgeDceError):
    """A saved history cannot be read."""


@dataclasses.dataclass(frozen=True)
class History:
    """Losses by name, one value for each epoch; empty before the first epoch is finished.

    Attributes:
        epochs: their numbers, counted from 1.
        training, validation: losses on the two parts of the data; without held-out pictures `validation` is empty.
    """

    epochs: Sequence[int]
    training: Mapping[str, Sequence[float]]
    validation: Mapping[str, Sequence[float]]


def divide_losses(losses: Mapping[str, _T]) -> tuple[dict[str, _T], dict[str, _T]]:
    """The training losses and the validation losses, both without Keras's prefix."""
    training = {name: value for name, value in losses.items() if not name.startswith(_VALIDATION)}
    return training, {name.removeprefix(_VALIDATION): losses[name] for name in losses if name not in training}


def read_history(folder: Path) -> History:
    """The history in a run folder.

    Raises:
        HistoryError: it is damaged.
    """
    try:
        rows = _read_rows(folder / FILE_NAME)
        epochs = [int(row[_EPOCH]) for row in rows]
        columns = {name: [float(row[name]) for row in rows] for name in (rows[0] if rows else ()) if name != _EPOCH}
    except _DAMAGES as error:
        raise _explain(folder, error) from error
    return History(epochs, *divide_losses(columns))


def find_best_epoch(history: History, *, last: int | None = None) -> int | None:
    """The first of the epochs with the lowest total loss on the validation part; None where there is no such part.

    Args:
        last: epochs after it do not count; None counts all.
    """
    losses = history.validation.get(TOTAL, ())
    pairs = [(loss, epoch) for loss, epoch in zip(losses, history.epochs, strict=False) if epoch <= (last or epoch)]
    return min(pairs)[1] if pairs else None


def has_lost_patience(history: History, patience: int | None, *, last: int) -> bool:
    """Whether `patience` epochs in a row, up to the epoch `last`, brought no lower loss on the validation part."""
    best = find_best_epoch(history, last=last)
    return patience is not None and best is not None and last - best >= patience


def record_epoch(folder: Path, epoch: int, losses: Mapping[str, float]) -> None:
    """Add the losses of an epoch, as Keras names them, in place of any row of it or of later ones.

    Raises:
        HistoryError: what is there is damaged.
        OutputError: it cannot be written.
    """
    row = {_EPOCH: str(epoch)} | {name: f"{value:.6g}" for name, value in losses.items()}
    try:
        rows = [old for old in _read_rows(folder / FILE_NAME) if int(old[_EPOCH]) < epoch]
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(row))
        writer.writeheader()
        writer.writerows([*rows, row])
    except _DAMAGES as error:
        raise _explain(folder, error) from error
    write_file(folder / FILE_NAME, text.getvalue().encode(), overwrite=True)


def _read_rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def _explain(folder: Path, error: Exception) -> HistoryError:
    return HistoryError(
        f"{folder / FILE_NAME}: expected one row of numbers per epoch, but {error}; delete the damaged rows"
    )
