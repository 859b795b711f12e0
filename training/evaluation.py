"""What an evaluation says: a network's figures on sets of pictures, beside those of what needs no network at all.

Raw figures of every picture are kept and means computed on reading. training.scoring makes them; this module needs no
Keras, so that runs can be compared anywhere.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edge_dce.errors import EdgeDceError
from edge_dce.pixels.baselines import CLAHE_CLIP_LIMIT, CLAHE_TILES, GAMMA
from edge_dce.reports.table import EMPTY, Table

from .bootstrap import FEWEST, estimate_interval
from .metrics.registry import METRICS, Metric, Score, list_usual
from .recipe import Recipe

# 1 had neither color difference nor PSNR at equal mean, 2 five figures of pairs alone; both are still read.
SCHEMA = 3
_READABLE_SCHEMAS = (1, 2, 3)
FILE_NAME = "evaluation.json"
# Method -> what tables call it; None is the evaluated network, which goes by its own name.
METHODS = {"input": "dark input", "gamma": f"gamma {GAMMA}", "clahe": "CLAHE", "network": None}
# The parts of a LOL folder, which are of one kind: others have no mean together.
PARTS = ("test", "validation")
TOGETHER = "together"
# Of every figure: far below what any means, and half the file.
DECIMALS = 6


class EvaluationError(EdgeDceError):
    """A network cannot be evaluated on these pictures, or a saved evaluation cannot be read."""


@dataclasses.dataclass(frozen=True)
class ImageRow:
    """What every method makes of one dark picture.

    Attributes:
        part: which part of the data, or which set, it belongs to.
        name: of the file, numbered where several of the part have one name.
        normal_brightness: mean of all samples of the ground truth, in [0, 1]; None where there is no truth.
        scores: method -> its figures, by the fields of `training.metrics.registry.METRICS`.
    """

    part: str
    name: str
    normal_brightness: float | None
    scores: Mapping[str, Score]


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """All figures of one network.

    Attributes:
        name: of the run or file.
        recipe: how it was trained.
        parameters, epochs: of the network.
        images: the rows, part by part.
        warnings: what makes the figures doubtful.
    """

    name: str
    recipe: Recipe
    parameters: int
    epochs: int
    images: tuple[ImageRow, ...]
    warnings: tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts and sets, and "together" where they are several parts of one set."""
        parts = tuple(dict.fromkeys(row.part for row in self.images))
        return (*parts, TOGETHER) if len(parts) > 1 and set(parts) <= set(PARTS) else parts

    def select(self, part: str) -> list[ImageRow]:
        """The rows of one part, or of all together."""
        return [row for row in self.images if part in (row.part, TOGETHER)]

    def list_figures(self, metric: Metric, part: str = TOGETHER) -> dict[tuple[str, str], float]:
        """One figure of the network, by part and name of the picture, of those that have it."""
        scores = (((row.part, Path(row.name).stem), row.scores["network"]) for row in self.select(part))
        return {key: score[metric.field] for key, score in scores if metric.field in score}

    def average(self, part: str, method: str) -> dict[str, float]:
        """The mean figures of one method over a part: those that all of its pictures have."""
        scores = [row.scores[method] for row in self.select(part)]
        fields = [field for field in scores[0] if all(field in score for score in scores)]
        return {field: float(np.mean([score[field] for score in scores])) for field in fields}

    def average_normal_brightness(self, part: str) -> float | None:
        """None where a picture of the part has no ground truth."""
        figures = [row.normal_brightness for row in self.select(part) if row.normal_brightness is not None]
        return float(np.mean(figures)) if len(figures) == len(self.select(part)) else None

    def title(self, part: str) -> str:
        """What tables call a part: its name and how many pictures it has."""
        count = len(self.select(part))
        noun = "picture" if self.average_normal_brightness(part) is None else "pair"
        return f"{part}, {count} {noun}{'' if count == 1 else 's'}"

    def choose_metrics(self, part: str) -> list[Metric]:
        """What is shown of a part if nobody asks for others: the usual metrics, and without a truth all there are."""
        measured = self.average(part, "network")
        if self.average_normal_brightness(part) is not None:
            return list_usual(has_truth=True)
        return [metric for metric in METRICS.values() if metric.field in measured]

    def tabulate(self, part: str) -> Table:
        """Means of one part: a row for each method, and one for what the pictures should look like."""
        shown, brightness = self.choose_metrics(part), METRICS["brightness"]
        rows = []
        for method, label in METHODS.items():
            score = self.average(part, method)
            rows.append((label or self.name, *(metric.format(score) for metric in shown)))
        normal = self.average_normal_brightness(part)
        if normal is not None:
            rows.append(("normal light", *(metric.format({brightness.field: normal}) for metric in shown)))
        return Table((self.title(part), *(metric.label for metric in shown)), rows)

    def tabulate_metrics(self, part: str, metrics: Sequence[Metric]) -> Table:
        """Means of one part, and in brackets where they lie in 95 of 100 draws of pictures: a row for each it has."""
        scores = [self.average(part, method) for method in METHODS]
        rows = []
        for metric in (metric for metric in metrics if metric.field in scores[0]):
            intervals = (self._format_interval(metric, part, method) for method in METHODS)
            cells = (metric.format(score) + interval for score, interval in zip(scores, intervals, strict=True))
            rows.append((metric.label, *cells))
        return Table((self.title(part), *(label or self.name for label in METHODS.values())), rows)

    def tabulate_sets(self, metrics: Sequence[Metric] = ()) -> Table:
        """One row for each part and set: the network's means, and of pairs the PSNR of what needs no network."""
        shown = metrics or list(dict.fromkeys(metric for part in self.parts for metric in self.choose_metrics(part)))
        header = [self.name, *(metric.label for metric in shown)]
        rows = [[self.title(part), *(m.format(self.average(part, "network")) for m in shown)] for part in self.parts]
        if any(row.normal_brightness is not None for row in self.images):
            psnr, others = METRICS["psnr"], [method for method in METHODS if method != "network"]
            header += ["normal light, brightness", *(f"{METHODS[method]}, {psnr.label}" for method in others)]
            for row, part in zip(rows, self.parts, strict=True):
                normal = self.average_normal_brightness(part)
                row.append(EMPTY if normal is None else f"{normal:.3f}")
                row += [psnr.format(self.average(part, method)) for method in others]
        return Table(header, rows)

    def to_json(self) -> str:
        """Every figure of every picture, and the means for readers who want no more."""
        fields = {
            "schema": SCHEMA,
            "name": self.name,
            "title": self.recipe.title,
            "recipe": self.recipe.to_fields(),
            "parameters": self.parameters,
            "epochs": self.epochs,
            "clahe": {"clip_limit": CLAHE_CLIP_LIMIT, "tiles": CLAHE_TILES, "channel": "L of Lab"},
            "gamma": GAMMA,
            "warnings": self.warnings,
            "means": {
                part: {"images": len(self.select(part)), "normal_brightness": self.average_normal_brightness(part)}
                | {method: self.average(part, method) for method in METHODS}
                for part in self.parts
            },
            "images": [dataclasses.asdict(row) for row in self.images],
        }
        return json.dumps(_round(fields), indent=1) + "\n"

    @staticmethod
    def from_json(text: str | bytes, *, origin: Path) -> Evaluation:
        """Read what `to_json` wrote; `origin` is named in errors.

        Raises:
            EvaluationError: not such a file, or of another schema.
        """
        try:
            fields = json.loads(text)
            if fields["schema"] not in _READABLE_SCHEMAS:
                raise ValueError(f"expected schema {SCHEMA}, found {fields['schema']}")
            rows = []
            for image in fields["images"]:
                scores = {method: _read_score(image["scores"][method]) for method in METHODS}
                rows.append(ImageRow(image["part"], image["name"], image["normal_brightness"], scores))
            # Files of before have several, and figures are found by part and name.
            if len({(row.part, Path(row.name).stem) for row in rows}) < len(rows):
                raise ValueError("pictures of a part have one name")
            recipe = Recipe.from_json(json.dumps(fields["recipe"]), origin=origin)
            counts = int(fields["parameters"]), int(fields["epochs"])
            return Evaluation(str(fields["name"]), recipe, *counts, tuple(rows), tuple(fields["warnings"]))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise EvaluationError(f"{origin}: expected what this version writes ({error}); evaluate again") from error

    def _format_interval(self, metric: Metric, part: str, method: str) -> str:
        """Where the mean lies, in brackets; nothing of too few pictures, or of those without the figure."""
        figures = [row.scores[method].get(metric.field) for row in self.select(part)]
        known = [figure for figure in figures if figure is not None]
        if len(known) < max(FEWEST, len(figures)):
            return ""
        return " ({:.{d}f} to {:.{d}f})".format(*estimate_interval(known), d=metric.decimals)


def read_evaluation(folder: Path) -> Evaluation:
    """The evaluation in a run folder.

    Raises:
        EvaluationError: there is none, or it is unreadable.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        raise EvaluationError(f"{folder}: no {FILE_NAME} here; run: edge-dce evaluate {folder} --data DIR")
    return Evaluation.from_json(path.read_bytes(), origin=path)


def _read_score(figures: Mapping[str, float | None]) -> Score:
    """Those there are; files of before hold None in place of what was not measured."""
    return {field: float(figure) for field, figure in figures.items() if figure is not None}


def _round(value: Any) -> Any:
    """The same with every number in it rounded."""
    if isinstance(value, float):
        return round(value, DECIMALS)
    if isinstance(value, dict):
        return {key: _round(item) for key, item in value.items()}
    return [_round(item) for item in value] if isinstance(value, list | tuple) else value
