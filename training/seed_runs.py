"""One recipe run with several seeds: a folder of runs, and their figures as one. Needs no Keras."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .evaluation import Evaluation, EvaluationError, read_evaluation
from .metrics.registry import Metric, Score
from .recipe import FILE_NAME, Recipe, RecipeError

_NAME = re.compile(r"seed-(\d+)")


def parse_seeds(text: str, first: int) -> tuple[int, ...]:
    """The seeds that "1,2,3" names, or as many from `first` on as "3" says.

    Raises:
        RecipeError: neither, or a seed twice.
    """
    if not re.fullmatch(r"\d+(,\d+)*,?", text) or ("," not in text and int(text) == 0):
        raise RecipeError(f"--seeds: expected their number, or seeds as in 1,2,3, found '{text}'")
    seeds = tuple(int(part) for part in text.split(",") if part)
    if "," not in text:
        return tuple(range(first, first + seeds[0]))
    if len(set(seeds)) < len(seeds):
        raise RecipeError(f"--seeds: expected different seeds, found '{text}'")
    return seeds


def name_seed_run(folder: Path, seed: int) -> Path:
    """The folder of one of the runs in `folder`."""
    return folder / f"seed-{seed}"


def list_seed_runs(folder: Path) -> list[Path]:
    """The folders of the runs in `folder`, by seed; none where it is a run itself, or no folder."""
    if (folder / FILE_NAME).exists():
        return []
    found = [(_NAME.fullmatch(path.name), path) for path in folder.glob("seed-*")]
    return [path for _, path in sorted((int(match[1]), path) for match, path in found if match)]


def check_place(folder: Path, seeds: Sequence[int]) -> None:
    """See that `folder` is no run where several are to go into it, and holds no others where it is to become one.

    Raises:
        RecipeError: it is the one or the other.
    """
    if seeds and (folder / FILE_NAME).exists():
        raise RecipeError(f"{folder}: expected a folder for the runs of --seeds, found a run; choose another --out")
    if not seeds and (found := list_seed_runs(folder)):
        raise RecipeError(
            f"{folder}: expected a run or a new folder, found runs of several seeds ({found[0].name}); choose another "
            "--out, or give --seeds"
        )


@dataclasses.dataclass(frozen=True)
class SeedEvaluation:
    """What the runs in a folder come to.

    Attributes:
        mean: every figure of every picture, averaged over the seeds.
        runs: the evaluation of each seed; the mean itself where the folder is a run.
    """

    mean: Evaluation
    runs: tuple[Evaluation, ...]

    @property
    def seeds(self) -> str:
        """All of them, for people."""
        return ", ".join(str(run.recipe.seed) for run in self.runs)

    def measure_spread(self, part: str, metric: Metric) -> float | None:
        """Standard deviation (of a sample) of a part's mean over the seeds; None of one seed, or without the figure."""
        figures = [run.average(part, "network").get(metric.field) for run in self.runs if part in run.parts]
        known = [figure for figure in figures if figure is not None]
        return None if len(known) < max(2, len(figures)) else float(np.std(known, ddof=1))


def read_seed_evaluation(folder: Path) -> SeedEvaluation:
    """The evaluation of a run, or of the runs with several seeds in a folder.

    Raises:
        EvaluationError: one is missing or unreadable, or they are of different recipes or pictures.
    """
    folders = list_seed_runs(folder)
    if not folders:
        evaluation = read_evaluation(folder)
        return SeedEvaluation(evaluation, (evaluation,))
    runs = tuple(read_evaluation(each) for each in folders)
    first = runs[0]
    for path, run in zip(folders, runs, strict=True):
        if _ignore_seed(run.recipe) != _ignore_seed(first.recipe):
            raise EvaluationError(f"{path}: expected the recipe of {folders[0].name} but for the seed, found another")
        if [(row.part, row.name) for row in run.images] != [(row.part, row.name) for row in first.images]:
            raise EvaluationError(f"{path}: expected the pictures of {folders[0].name}, found others; evaluate again")
    images = tuple(
        dataclasses.replace(
            rows[0], scores={**rows[0].scores, "network": _average([row.scores["network"] for row in rows])}
        )
        for rows in zip(*(run.images for run in runs), strict=True)
    )
    warnings = tuple(dict.fromkeys(warning for run in runs for warning in run.warnings))
    mean = dataclasses.replace(first, name=folder.resolve().name, images=images, warnings=warnings)
    return SeedEvaluation(mean, runs)


def _ignore_seed(recipe: Recipe) -> Recipe:
    return dataclasses.replace(recipe, seed=0, about="")


def _average(scores: Sequence[Score]) -> Score:
    """Every figure that all have, averaged."""
    shared = [name for name in scores[0] if all(name in score for score in scores)]
    return {name: float(np.mean([score[name] for score in scores])) for name in shared}
