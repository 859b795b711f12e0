"""Evaluated runs side by side: a column each, beside what needs no network."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from edge_dce.reports.page import render_page
from edge_dce.reports.table import EMPTY, Table

from .bootstrap import FEWEST, estimate_interval
from .evaluation import METHODS, TOGETHER, Evaluation, ImageRow
from .history import History, read_history
from .metrics.registry import METRICS, Metric, Score, find_metrics
from .recipe import Recipe
from .seed_runs import SeedEvaluation, read_seed_evaluation

# What tables call differences from the first run, by which figures are better.
_GAINS = {
    "more": "– better than the first run by",
    "less": "– more than the first run by (less is better)",
    "neither": "– more than the first run by",
}
_USUAL_METRICS = ("psnr", "ssim", "brightness")
_SHOWN_ANYWAY = frozenset({"name", "network", "epochs"})


@dataclasses.dataclass(frozen=True)
class _Column:
    """One run. The history is empty where the folder has none."""

    evaluation: Evaluation
    history: History
    seeds: SeedEvaluation


@dataclasses.dataclass(frozen=True)
class RunTable:
    """The table, and what to know before reading it."""

    table: Table
    notes: tuple[str, ...]

    def to_text(self) -> str:
        return "\n".join([self.table.to_text(), *(f"note: {note}" for note in self.notes)])

    def to_markdown(self) -> str:
        return "\n".join([self.table.to_markdown(), *(f"\nNote: {note}." for note in self.notes)])

    def to_html(self) -> bytes:
        return render_page(__package__, "run_table.html", table=self.table, notes=self.notes)


def tabulate_runs(folders: Sequence[Path], metrics: Sequence[str] = ()) -> RunTable:
    """Put the evaluations of run folders side by side.

    A folder needs `evaluation.json` only; final losses are shown where `history.csv` is there too.

    Args:
        metrics: names in `METRICS`, each shown with intervals; none are the usual ones, with intervals of PSNR only.

    Raises:
        EvaluationError: a run has no evaluation yet, or an unreadable one.
        MetricError: a metric is unknown.
        HistoryError: a run's history is damaged.
    """
    asked = find_metrics(metrics)
    columns = [_read_column(folder) for folder in folders]
    baselines = _share_pictures(columns)
    header = ["", *(label for label in METHODS.values() if label and baselines), *_name_columns(folders, columns)]
    rows: list[Sequence[str]] = []
    padding = [EMPTY] * (len(header) - 1 - len(columns))
    several = any(len(column.seeds.runs) > 1 for column in columns)
    described = _describe(columns)
    if several:
        described = [row for row in described if row[0] != "seed"]
        described.append(("seeds", [column.seeds.seeds for column in columns]))
    for name, values in described:
        rows.append((name, *padding, *values))
    parts = dict.fromkeys(part for column in columns for part in column.evaluation.parts)
    for part in sorted(parts, key=TOGETHER.__eq__):
        rows += _compare_part(part, columns, baselines, asked)
    losses = dict.fromkeys(name for column in columns for name in column.history.training)
    if losses:
        rows.append(["final losses, training / validation"])
    for name in losses:
        rows.append((name.replace("_", " "), *padding, *(_format_loss(column, name) for column in columns)))
    return RunTable(Table(header, rows), tuple(_find_notes(folders, columns, baselines, asked)))


def _read_column(folder: Path) -> _Column:
    seeds = read_seed_evaluation(folder)
    return _Column(seeds.mean, read_history(folder), seeds)


def _name_columns(folders: Sequence[Path], columns: Sequence[_Column]) -> list[str]:
    """Names of the runs; where two are the same, their folders as given."""
    names = [column.evaluation.name for column in columns]
    return names if len(set(names)) == len(names) else [str(folder) for folder in folders]


def _share_pictures(columns: Sequence[_Column]) -> bool:
    """Whether all runs were evaluated on the same pictures, so that what needs no network is the same for all."""
    return (
        len(
            {
                tuple((row.part, Path(row.name).stem, _recognize(row)) for row in each.evaluation.images)
                for each in columns
            }
        )
        == 1
    )


def _recognize(row: ImageRow) -> float:
    """A figure of the dark picture, which is the same in all evaluations on it."""
    score = row.scores["input"]
    # Evaluations of before have other digits.
    return round(score.get("psnr_db", score["brightness"]), 3)


def _describe(columns: Sequence[_Column]) -> list[tuple[str, list[str]]]:
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
        fields = recipe.to_fields()
        weights = {f"weight of {name}": weight for name, weight in fields.pop("loss_weights").items()}
        tone = {f"tone: {name}": setting for name, setting in (fields.pop("tone") or {}).items()}
        everything = fields | weights | tone
        flat.append({name: str(value) for name, value in everything.items() if name not in _SHOWN_ANYWAY})
    return [
        (name.replace("_", " "), values)
        for name in dict.fromkeys(name for fields in flat for name in fields)
        if len(set(values := [fields.get(name, EMPTY) for fields in flat])) > 1
    ]


def _compare_part(
    part: str, columns: Sequence[_Column], baselines: bool, asked: Sequence[Metric]
) -> list[Sequence[str]]:
    scores: list[Score | None] = []
    if baselines:
        scores += [columns[0].evaluation.average(part, method) for method, label in METHODS.items() if label]
    for column in columns:
        has_part = part in column.evaluation.parts
        scores.append(column.evaluation.average(part, "network") if has_part else None)
    evaluations = [column.evaluation for column in columns if part in column.evaluation.parts]
    titles = {each.title(part) for each in evaluations}
    rows: list[Sequence[str]] = [[titles.pop() if len(titles) == 1 else part]]
    for metric in asked or _choose_usual(part, evaluations):
        rows.append((metric.label, *(metric.format(score) for score in scores)))
        rows += _show_spread(part, columns, len(scores) - len(columns), metric)
        if asked or metric is METRICS["psnr"]:
            rows += _compare_surely(part, columns, len(scores) - len(columns), metric)
    return rows


def _choose_usual(part: str, evaluations: Sequence[Evaluation]) -> list[Metric]:
    """What is shown of a part if nobody asks for other metrics, the cells being few: without a truth all there are."""
    if any(each.average_normal_brightness(part) is not None for each in evaluations):
        return find_metrics(_USUAL_METRICS)
    return list(dict.fromkeys(metric for each in evaluations for metric in each.choose_metrics(part)))


def _show_spread(part: str, columns: Sequence[_Column], others: int, metric: Metric) -> list[Sequence[str]]:
    """How far the means of several seeds lie apart."""
    spreads = [column.seeds.measure_spread(part, metric) for column in columns]
    if all(spread is None for spread in spreads):
        return []
    cells = (EMPTY if spread is None else f"± {spread:.{metric.decimals}f}" for spread in spreads)
    return [("– standard deviation over seeds", *[EMPTY] * others, *cells)]


def _compare_surely(part: str, columns: Sequence[_Column], others: int, metric: Metric) -> list[Sequence[str]]:
    """Intervals of one figure of one part, and of how much it differs from the first run, picture by picture."""
    figures = [column.evaluation.list_figures(metric, part) for column in columns]
    lacking = [len(each) < FEWEST for each in figures]
    if all(lacking):
        return []
    padding = [EMPTY] * others
    intervals = (
        EMPTY if lacks else _format_interval(list(each.values()), metric.decimals)
        for each, lacks in zip(figures, lacking, strict=True)
    )
    rows: list[Sequence[str]] = [("– 95 % interval", *padding, *intervals)]
    first = figures[0]
    if len(figures) > 1 and not any(lacking) and all(each.keys() == first.keys() for each in figures):
        gains = ([each[key] - first[key] for key in first] for each in figures[1:])
        rows.append((_GAINS[metric.better], *padding, EMPTY, *(_format_gain(gain, metric.decimals) for gain in gains)))
    return rows


def _format_interval(figures: Sequence[float], decimals: int) -> str:
    low, high = estimate_interval(figures)
    return f"{low:.{decimals}f} to {high:.{decimals}f}"


def _format_gain(gains: Sequence[float], decimals: int) -> str:
    low, high = estimate_interval(gains)
    return f"{sum(gains) / len(gains):+.{decimals}f} ({low:+.{decimals}f} to {high:+.{decimals}f})"


def _format_loss(column: _Column, name: str) -> str:
    parts = (column.history.training, column.history.validation)
    return " / ".join(f"{losses[name][-1]:.3g}" if name in losses else EMPTY for losses in parts)


def _find_notes(
    folders: Sequence[Path], columns: Sequence[_Column], baselines: bool, asked: Sequence[Metric]
) -> list[str]:
    notes = []
    for metric in asked:
        if not any(column.evaluation.list_figures(metric) for column in columns):
            (name,) = (name for name, each in METRICS.items() if each is metric)
            notes.append(f"no run has figures of {name}; evaluate again with --metrics {name}")
    if not baselines:
        notes.append("the runs were evaluated on different pictures; evaluate all on the same pictures to compare")
    for folder, column in zip(folders, columns, strict=True):
        evaluated = column.evaluation.epochs
        trained = max(column.history.epochs, default=evaluated)
        if trained != evaluated:
            notes.append(f"{folder}: evaluated after epoch {evaluated}, trained to epoch {trained}; evaluate it again")
        notes += [f"{folder}: {warning}" for warning in column.evaluation.warnings]
    if len({column.evaluation.recipe.loss_weights for column in columns if column.history.epochs}) > 1:
        notes.append("the recipes weigh the losses differently, so their totals do not compare")
    return notes
