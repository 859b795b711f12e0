"""How good a trained network is, on pairs: PSNR, SSIM and brightness, beside what needs no network at all.

Every figure is of the picture at its native size, against its ground truth as it is: nothing is resized or aligned
before it is compared. PSNR is computed in float64 (docs/psnr.md says what happens otherwise).
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_dce.baselines import CLAHE_CLIP_LIMIT, CLAHE_TILES, GAMMA, apply_clahe, apply_gamma
from edge_dce.errors import EdgeDceError, ImageError
from edge_dce.images import match_pairs, read_picture
from edge_dce.metrics import finite_psnr, ssim
from training.dataset import Pair, find_pairs, split_pairs
from training.recipe import Recipe
from training.trained import Trained

Uint8Array = npt.NDArray[np.uint8]

SCHEMA = 1
FILE_NAME = "evaluation.json"
# Method -> what tables call it; None is the evaluated network, which goes by its own name.
METHODS = {"input": "dark input", "gamma": f"gamma {GAMMA}", "clahe": "CLAHE", "network": None}
TOGETHER = "together"
_LOSSY_SUFFIXES = frozenset({".jpg", ".jpeg"})
# Pictures decoded at a time: enough for every core, and few enough for photos of many megapixels.
_CHUNK = 8


class EvaluationError(EdgeDceError):
    """A network cannot be evaluated on these pictures, or a saved evaluation cannot be read."""


@dataclasses.dataclass(frozen=True)
class Score:
    """One picture, or the mean of many, against the ground truth.

    Attributes:
        psnr_db: over all samples, peak 255; equal pictures score as if one sample were off by one.
        ssim: mean over channels, at most 1.
        brightness: mean of all samples, in [0, 1].
    """

    psnr_db: float
    ssim: float
    brightness: float


@dataclasses.dataclass(frozen=True)
class ImageRow:
    """What every method makes of one dark picture.

    Attributes:
        part: which part of the data it belongs to.
        name: of the file.
        normal_brightness: mean of all samples of the ground truth, in [0, 1].
        scores: method -> its score.
    """

    part: str
    name: str
    normal_brightness: float
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
        """The parts of the data, and where there are several, "together"."""
        parts = tuple(dict.fromkeys(row.part for row in self.images))
        return (*parts, TOGETHER) if len(parts) > 1 else parts

    def select(self, part: str) -> list[ImageRow]:
        """The rows of one part, or of all together."""
        return [row for row in self.images if part in (row.part, TOGETHER)]

    def average(self, part: str, method: str) -> Score:
        """The mean score of one method over a part."""
        scores = [dataclasses.astuple(row.scores[method]) for row in self.select(part)]
        return Score(*(float(mean) for mean in np.mean(scores, axis=0)))

    def average_normal_brightness(self, part: str) -> float:
        return float(np.mean([row.normal_brightness for row in self.select(part)]))

    def to_json(self) -> str:
        """Every figure of every picture, and the means for readers who want no more."""
        fields = {
            "schema": SCHEMA,
            "name": self.name,
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
    def from_json(text: str, *, origin: Path) -> Evaluation:
        """Read what `to_json` wrote; `origin` is named in errors.

        Raises:
            EvaluationError: not such a file, or of another schema.
        """
        try:
            fields = json.loads(text)
            if fields["schema"] != SCHEMA:
                raise ValueError(f"schema {fields['schema']}, expected {SCHEMA}")
            rows = []
            for image in fields["images"]:
                scores = {method: Score(**image["scores"][method]) for method in METHODS}
                rows.append(ImageRow(image["part"], image["name"], image["normal_brightness"], scores))
            recipe = Recipe.from_json(json.dumps(fields["recipe"]), origin=origin)
            counts = int(fields["parameters"]), int(fields["epochs"])
            return Evaluation(str(fields["name"]), recipe, *counts, tuple(rows), tuple(fields["warnings"]))
        except (ValueError, TypeError, KeyError) as error:
            raise EvaluationError(f"{origin}: not an evaluation of this version ({error}); evaluate again") from error


def read_evaluation(folder: Path) -> Evaluation:
    """The evaluation in a run folder.

    Raises:
        EvaluationError: there is none, or it is unreadable.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        raise EvaluationError(f"{folder}: no {FILE_NAME} here; make it with 'python -m training evaluate {folder}'")
    return Evaluation.from_json(path.read_text(), origin=path)


def find_parts(data: Path, recipe: Recipe, names: Sequence[str]) -> dict[str, list[Pair]]:
    """The parts `names` ("test", "validation") of a LOL folder, by the recipe's split.

    Raises:
        ImageError: no LOL folder, or too few pictures for one of the parts.
    """
    parts = split_pairs(find_pairs(data), recipe)
    for name in names:
        if not parts[name]:
            raise ImageError(f"{data}: its {name} part is empty; choose the other with --split, or use --pairs")
    return {name: parts[name] for name in names}


def pair_folders(low: Path, high: Path) -> dict[str, list[Pair]]:
    """All pictures of two folders as the one part "pairs".

    Raises:
        ImageError: a folder is missing or empty, or a picture has no partner.
    """
    return {"pairs": [Pair(*paths) for paths in match_pairs(low, high)]}


def evaluate(
    trained: Trained,
    parts: Mapping[str, Sequence[Pair]],
    *,
    threads: int | None = None,
    track: Callable[[int], object] = lambda done: None,
) -> Evaluation:
    """Score a network, and what it has to beat, on every pair of every part.

    Args:
        parts: name of a part -> its pairs.
        threads: for pictures and metrics; None is one for each core.
        track: called with the number of pictures just done.

    Raises:
        ImageError: a picture is broken, too small for SSIM, or differs in size from its ground truth.
    """
    jobs = [(part, pair) for part, pairs in parts.items() for pair in pairs]
    rows: list[ImageRow] = []
    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        for start in range(0, len(jobs), _CHUNK):
            chunk = jobs[start : start + _CHUNK]
            pictures = list(pool.map(read_pair, [pair for _, pair in chunk]))
            curves = trained.estimate_curves([low for low, _ in pictures])
            enhanced = pool.map(trained.apply, [low for low, _ in pictures], curves)
            scores = pool.map(_score_methods, pictures, enhanced)
            for (part, pair), (_, normal), score in zip(chunk, pictures, scores, strict=True):
                rows.append(ImageRow(part, pair.low.name, _measure_brightness(normal), score))
            track(len(chunk))
    lossy = any(path.suffix.lower() in _LOSSY_SUFFIXES for _, pair in jobs for path in (pair.low, pair.high))
    warnings = ("lossy pairs: JPEG changes PSNR; compare lossless files",) if lossy else ()
    parameters = trained.network.count_params()
    return Evaluation(trained.name, trained.recipe, parameters, trained.epochs, tuple(rows), warnings)


def read_pair(pair: Pair) -> tuple[Uint8Array, Uint8Array]:
    """The dark picture and its ground truth, (H, W, 3) uint8 RGB each.

    Raises:
        ImageError: one is broken, or they differ in size.
    """
    low, high = read_picture(pair.low).image, read_picture(pair.high).image
    if low.shape != high.shape:
        sizes = [f"{image.shape[1]}x{image.shape[0]}" for image in (low, high)]
        raise ImageError(f"{pair.low}: {sizes[0]}, but its ground truth is {sizes[1]}; never resize to compare")
    return low, high


def _score_methods(picture: tuple[Uint8Array, Uint8Array], enhanced: Uint8Array) -> dict[str, Score]:
    low, normal = picture
    candidates = {"input": low, "gamma": apply_gamma(low), "clahe": apply_clahe(low), "network": enhanced}
    return {
        method: Score(finite_psnr(image, normal), ssim(image, normal), _measure_brightness(image))
        for method, image in candidates.items()
    }


def _measure_brightness(image: Uint8Array) -> float:
    return float(image.mean()) / 255


def _round(value: Any) -> Any:
    """Six decimals everywhere: far below what any figure means, and half the file."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: _round(item) for key, item in value.items()}
    return [_round(item) for item in value] if isinstance(value, list | tuple) else value
