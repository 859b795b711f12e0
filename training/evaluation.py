"""What an evaluation says: a network's figures on sets of pairs, beside those of what needs no network at all.

Raw figures of every picture are kept and means computed on reading. training.scoring makes them; this module needs no
Keras, so that runs can be compared anywhere.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edge_dce.errors import EdgeDceError
from edge_dce.pixels.baselines import CLAHE_CLIP_LIMIT, CLAHE_TILES, GAMMA
from edge_dce.reports.table import EMPTY, Table

from .recipe import Recipe

# 1 had neither color difference nor PSNR at equal mean, and is still read.
SCHEMA = 2
_READABLE_SCHEMAS = (1, 2)
FILE_NAME = "evaluation.json"
# Method -> what tables call it; None is the evaluated network, which goes by its own name.
METHODS = {"input": "dark input", "gamma": f"gamma {GAMMA}", "clahe": "CLAHE", "network": None}
# The parts of a LOL folder, which are of one kind: others have no mean together.
PARTS = ("test", "validation")
TOGETHER = "together"
# Of every figure: far below what any means, and half the file.
DECIMALS = 6


@dataclasses.dataclass(frozen=True)
class Metric:
    """A figure of a picture, as tables show it.

    Attributes:
        label: of its row or column.
        field: of `MethodScore`.
        decimals: that are shown.
    """

    label: str
    field: str
    decimals: int

    def format(self, score: MethodScore | None) -> str:
        """The figure in a cell, which is empty where there is none."""
        figure = getattr(score, self.field, None)
        return EMPTY if figure is None else f"{figure:.{self.decimals}f}"


# Name on the command line -> the figure, in the order of a table's columns.
METRICS = {
    "psnr": Metric("PSNR dB", "psnr_db", 2),
    "ssim": Metric("SSIM", "ssim", 3),
    "lab": Metric("Lab difference", "color_difference", 1),
    "psnr-scaled": Metric("PSNR dB, scaled to the truth's mean", "equal_mean_psnr_db", 2),
    "brightness": Metric("brightness", "brightness", 3),
}
# What tables call the figures.
FIGURES = tuple(metric.label for metric in METRICS.values())


class EvaluationError(EdgeDceError):
    """A network cannot be evaluated on these pictures, or a saved evaluation cannot be read."""


@dataclasses.dataclass(frozen=True)
class MethodScore:
    """One picture, or the mean of many, against the ground truth.

    Attributes:
        psnr_db: over all samples, peak 255; equal pictures score as if one sample were off by one.
        ssim: mean over channels, at most 1.
        brightness: mean of all samples, in [0, 1].
        color_difference: mean distance in CIE L*a*b* (CIE76).
        equal_mean_psnr_db: after scaling to the truth's mean: what is left when exposure is right.
    """

    psnr_db: float
    ssim: float
    brightness: float
    color_difference: float | None = None
    equal_mean_psnr_db: float | None = None

    def to_cells(self) -> tuple[str, ...]:
        """As tables show it, in the order of `METRICS`."""
        return tuple(metric.format(self) for metric in METRICS.values())


@dataclasses.dataclass(frozen=True)
class ImageRow:
    """What every method makes of one dark picture.

    Attributes:
        part: which part of the data, or which set, it belongs to.
        name: of the file.
        normal_brightness: mean of all samples of the ground truth, in [0, 1].
        scores: method -> its score.
    """

    part: str
    name: str
    normal_brightness: float
    scores: Mapping[str, MethodScore]


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

    def list_figures(self, metric: Metric, part: str = TOGETHER) -> dict[tuple[str, str], Any]:
        """One figure of the network, by part and name of the picture; None of a picture that has none."""
        rows = self.select(part)
        return {(row.part, Path(row.name).stem): getattr(row.scores["network"], metric.field) for row in rows}

    def average(self, part: str, method: str) -> MethodScore:
        """The mean score of one method over a part."""
        figures = zip(*(dataclasses.astuple(row.scores[method]) for row in self.select(part)), strict=True)
        return MethodScore(*(None if None in each else float(np.mean(each)) for each in figures))  # type: ignore[arg-type]

    def average_normal_brightness(self, part: str) -> float:
        return float(np.mean([row.normal_brightness for row in self.select(part)]))

    def tabulate(self, part: str) -> Table:
        """Means of one part: a row for each method, and one for what the pictures should look like."""
        rows = [(label or self.name, *self.average(part, method).to_cells()) for method, label in METHODS.items()]
        rows.append(("normal light", *[EMPTY] * (len(FIGURES) - 1), f"{self.average_normal_brightness(part):.3f}"))
        return Table((title_part(part, len(self.select(part))), *FIGURES), rows)

    def tabulate_sets(self) -> Table:
        """One row for each part and set: the network's means, and the PSNR of what needs none."""
        others = [method for method in METHODS if method != "network"]
        rows = [
            (
                title_part(part, len(self.select(part))),
                *self.average(part, "network").to_cells(),
                f"{self.average_normal_brightness(part):.3f}",
                *(f"{self.average(part, method).psnr_db:.2f}" for method in others),
            )
            for part in self.parts
        ]
        plain = (f"{METHODS[method]}, PSNR dB" for method in others)
        return Table((self.name, *FIGURES, "normal light, brightness", *plain), rows)

    def to_json(self) -> str:
        """Every figure of every picture, and the means for readers who want no more."""
        fields = {
            "schema": SCHEMA,
            "name": self.name,
            "title": self.recipe.title,
            "recipe": dataclasses.asdict(self.recipe),
            "parameters": self.parameters,
            "epochs": self.epochs,
            "clahe": {"clip_limit": CLAHE_CLIP_LIMIT, "tiles": CLAHE_TILES, "channel": "L of Lab"},
            "gamma": GAMMA,
            "warnings": self.warnings,
            "means": {
                part: {"images": len(self.select(part)), "normal_brightness": self.average_normal_brightness(part)}
                | {method: dataclasses.asdict(self.average(part, method)) for method in METHODS}
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
                scores = {method: MethodScore(**image["scores"][method]) for method in METHODS}
                rows.append(ImageRow(image["part"], image["name"], image["normal_brightness"], scores))
            recipe = Recipe.from_json(json.dumps(fields["recipe"]), origin=origin)
            counts = int(fields["parameters"]), int(fields["epochs"])
            return Evaluation(str(fields["name"]), recipe, *counts, tuple(rows), tuple(fields["warnings"]))
        except (ValueError, TypeError, KeyError) as error:
            raise EvaluationError(f"{origin}: expected what this version writes ({error}); evaluate again") from error


def read_evaluation(folder: Path) -> Evaluation:
    """The evaluation in a run folder.

    Raises:
        EvaluationError: there is none, or it is unreadable.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        raise EvaluationError(f"{folder}: no {FILE_NAME} here; run: edge-dce evaluate {folder} --data DIR")
    return Evaluation.from_json(path.read_bytes(), origin=path)


def title_part(part: str, count: int) -> str:
    """What tables call a part of `count` pairs."""
    return f"{part}, {count} pair{'' if count == 1 else 's'}"


def _round(value: Any) -> Any:
    """The same with every number in it rounded."""
    if isinstance(value, float):
        return round(value, DECIMALS)
    if isinstance(value, dict):
        return {key: _round(item) for key, item in value.items()}
    return [_round(item) for item in value] if isinstance(value, list | tuple) else value
