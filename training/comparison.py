"""Evaluated runs side by side: a column each, beside what needs no network."""

from __future__ import annotations

import csv
import dataclasses
import html
from collections.abc import Sequence
from pathlib import Path

from edge_dce.reports.page import make_page
from edge_dce.reports.table import EMPTY, Table

from .evaluation import METHODS, TOGETHER, Evaluation, EvaluationError, Score, read_evaluation, title_part
from .recipe import Recipe

_VALIDATION = "val_"
_SHOWN_ANYWAY = frozenset({"name", "network", "epochs"})


@dataclasses.dataclass(frozen=True)
class Column:
    """One run: its evaluation, and its losses after the last epoch by name ("loss", "val_loss", "exposure", ...).

    `losses` is empty, and `trained_epochs` None, where the folder has no history.
    """

    evaluation: Evaluation
    losses: dict[str, float]
    trained_epochs: int | None


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The table, and what to know before reading it."""

    table: Table
    notes: tuple[str, ...]

    def to_text(self) -> str:
        return "\n".join([self.table.to_text(), *(f"note: {note}" for note in self.notes)])

    def to_markdown(self) -> str:
        return "\n".join([self.table.to_markdown(), *(f"\nNote: {note}." for note in self.notes)])

    def to_html(self) -> bytes:
        notes = "".join(f'<p class="warning">{html.escape(note)}</p>' for note in self.notes)
        return make_page("Runs side by side", f'<h1>Runs</h1>{notes}<div class="wide">{self.table.to_html()}</div>')


def compare(folders: Sequence[Path]) -> Comparison:
    """Put the evaluations of run folders side by side.

    A folder needs `evaluation.json` only; final losses are shown where `history.csv` is there too.

    Raises:
        EvaluationError: a run has no evaluation yet, or an unreadable one.
    """
    columns = [_read_column(folder) for folder in folders]
    baselines = _share_pictures(columns)
    header = ["", *(label for label in METHODS.values() if label and baselines), *_name_columns(folders, columns)]
    rows: list[Sequence[str]] = []
    padding = [EMPTY] * (len(header) - 1 - len(columns))
    for name, values in _describe(columns):
        rows.append((name, *padding, *values))
    parts = dict.fromkeys(part for column in columns for part in column.evaluation.parts)
    for part in sorted(parts, key=TOGETHER.__eq__):
        rows += _compare_part(part, columns, baselines)
    losses = dict.fromkeys(name for column in columns for name in column.losses if not name.startswith(_VALIDATION))
    if losses:
        rows.append(["final losses, training / validation"])
    for name in losses:
        rows.append((name.replace("_", " "), *padding, *(_format_loss(column, name) for column in columns)))
    return Comparison(Table(header, rows), tuple(_find_notes(folders, columns, baselines)))


def _read_column(folder: Path) -> Column:
    evaluation = read_evaluation(folder)
    path = folder / "history.csv"
    if not path.is_file():
        return Column(evaluation, {}, None)
    try:
        with path.open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        last = {name: float(value) for name, value in rows[-1].items()} if rows else {"epoch": 0.0}
        epochs = int(last.pop("epoch"))
    except (ValueError, TypeError, KeyError) as error:
        raise EvaluationError(
            f"{path}: expected one row of numbers per epoch, but {error}; delete damaged rows"
        ) from error
    return Column(evaluation, last, epochs)


def _name_columns(folders: Sequence[Path], columns: Sequence[Column]) -> list[str]:
    """Names of the runs; where two are the same, their folders as given."""
    names = [column.evaluation.name for column in columns]
    return names if len(set(names)) == len(names) else [str(folder) for folder in folders]


def _share_pictures(columns: Sequence[Column]) -> bool:
    """Whether all runs were evaluated on the same pictures, so that what needs no network is the same for all."""
    return (
        len(
            {
                tuple((row.part, Path(row.name).stem, row.scores["input"]) for row in each.evaluation.images)
                for each in columns
            }
        )
        == 1
    )


def _describe(columns: Sequence[Column]) -> list[tuple[str, list[str]]]:
    evaluations = [column.evaluation for column in columns]
    return [
        ("recipe", [each.recipe.title for each in evaluations]),
        ("network", [each.recipe.network for each in evaluations]),
        ("parameters", [f"{each.parameters:,}" for each in evaluations]),
        ("epochs", [str(each.epochs) for each in evaluations]),
        *_describe_differences([each.recipe for each in evaluations]),
    ]


def _describe_differences(recipes: Sequence[Recipe]) -> list[tuple[str, list[str]]]:
    """The fields, apart from those shown anyway, in which recipes differ."""
    flat = []
    for recipe in recipes:
        fields = dataclasses.asdict(recipe)
        weights = {f"weight of {name}": weight for name, weight in fields.pop("loss_weights").items()}
        flat.append({name: str(value) for name, value in (fields | weights).items() if name not in _SHOWN_ANYWAY})
    return [
        (name.replace("_", " "), values)
        for name in flat[0]
        if len(set(values := [fields.get(name, EMPTY) for fields in flat])) > 1
    ]


def _compare_part(part: str, columns: Sequence[Column], baselines: bool) -> list[Sequence[str]]:
    scores: list[Score | None] = []
    if baselines:
        scores += [columns[0].evaluation.average(part, method) for method, label in METHODS.items() if label]
    for column in columns:
        has_part = part in column.evaluation.parts
        scores.append(column.evaluation.average(part, "network") if has_part else None)
    counts = {len(column.evaluation.select(part)) for column in columns if part in column.evaluation.parts}
    title = title_part(part, counts.pop()) if len(counts) == 1 else part
    return [
        [title],
        ("PSNR dB", *(f"{score.psnr_db:.2f}" if score else EMPTY for score in scores)),
        ("SSIM", *(f"{score.ssim:.3f}" if score else EMPTY for score in scores)),
        ("brightness", *(f"{score.brightness:.3f}" if score else EMPTY for score in scores)),
    ]


def _format_loss(column: Column, name: str) -> str:
    values = [column.losses.get(prefix + name) for prefix in ("", _VALIDATION)]
    return " / ".join(EMPTY if value is None else f"{value:.3g}" for value in values)


def _find_notes(folders: Sequence[Path], columns: Sequence[Column], baselines: bool) -> list[str]:
    notes = []
    if not baselines:
        notes.append("evaluated on different pictures, so the figures do not compare; evaluate all on the same")
    for folder, column in zip(folders, columns, strict=True):
        trained, evaluated = column.trained_epochs, column.evaluation.epochs
        if trained is not None and trained != evaluated:
            notes.append(f"{folder}: evaluated after epoch {evaluated}, trained to {trained}; evaluate it again")
        notes += [f"{folder}: {warning}" for warning in column.evaluation.warnings]
    if len({column.evaluation.recipe.loss_weights for column in columns if column.losses}) > 1:
        notes.append("recipes weigh the losses differently, so their totals do not compare")
    return notes
