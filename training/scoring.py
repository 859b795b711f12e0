"""Scores a trained network, and what it has to beat, on pairs, and by fewer metrics on pictures without a truth.

Every figure is of the picture at its native size, against its ground truth as it is: nothing is resized before it is
compared, nor aligned, but for the one figure whose name says so. PSNR is computed in float64 (docs/psnr.md says what
happens otherwise).
"""

from __future__ import annotations

import dataclasses
import itertools
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge_dce.errors import ImageError
from edge_dce.files.folders import find_pictures, warn_of_lossy
from edge_dce.files.near_infrared import read_channels
from edge_dce.files.pictures import read_image
from edge_dce.pixels.baselines import apply_clahe, apply_gamma

from .cache import find_cache_folder
from .datasets.partners import match_names
from .datasets.picture import DarkPicture, Pair, name_pictures
from .datasets.sets import Source, find_parts
from .evaluation import DECIMALS, PARTS, Evaluation, EvaluationError, ImageRow
from .metrics.registry import METRICS, Metric, Score, list_usual, measure_brightness
from .recipe import Recipe
from .trained_network import TrainedNetwork

Uint8Array = npt.NDArray[np.uint8]

# Pictures decoded at a time: enough for every core, and few enough for photos of many megapixels.
_CHUNK = 8


@dataclasses.dataclass(frozen=True)
class Sample:
    """A dark picture as it is scored.

    Attributes:
        low: what the network gets, (H, W, channels) uint8: of one channel or three RGB, of four near infrared as well.
        truth: (H, W, 3) uint8 RGB; None where there is none.
    """

    low: Uint8Array
    truth: Uint8Array | None

    @property
    def dark(self) -> Uint8Array:
        """The colors alone, (H, W, 3) uint8 RGB."""
        return self.low[..., :3]


def find_evaluation_parts(
    sources: Sequence[Source], recipe: Recipe, names: Sequence[str] = (), *, cache: Path | None = None
) -> dict[str, list[DarkPicture]]:
    """Parts of sets that training holds out: of each its pairs, where it has any.

    Args:
        names: "test", "validation" or both; none are those that have pictures.

    Raises:
        ImageError: no pictures, or too few of them for one of the parts.
    """
    parts = find_parts(sources, recipe, cache=cache or find_cache_folder())
    wanted = names or [name for name in PARTS if parts[name]] or PARTS
    found: dict[str, list[DarkPicture]] = {}
    for name in wanted:
        found[name] = [picture for picture in parts[name] if picture.high is not None] or list(parts[name])
        if not found[name]:
            places = " ".join(source.place for source in sources)
            raise ImageError(
                f"{places}: the {name} part has no pictures; choose the other part with --split, or use --pairs or "
                "--photos"
            )
    return found


def pair_folders(folders: Sequence[tuple[Path, Path]]) -> dict[str, list[DarkPicture]]:
    """All pictures of pairs of folders, each a set that is called as the folder that both lie in, or "pairs".

    Raises:
        ImageError: a folder is missing or empty, a picture has no partner, or two sets have one name.
    """
    sets: dict[str, list[DarkPicture]] = {}
    for low, high in folders:
        parents = {folder.resolve().parent for folder in (low, high)}
        name = parents.pop().name if len(folders) > 1 and len(parents) == 1 else "pairs"
        if name in sets:
            raise ImageError(f"{low}: there is a set '{name}' already; rename the folder that holds {low.name}")
        sets[name] = [Pair(*paths) for paths in match_names(low, high)]
    return sets


def list_photos(folders: Sequence[Path]) -> dict[str, list[DarkPicture]]:
    """All pictures of folders without a truth, each a set that is called as its folder.

    Raises:
        ImageError: a folder is missing or empty, or two have one name.
    """
    sets: dict[str, list[DarkPicture]] = {}
    for folder in folders:
        name = folder.resolve().name
        if name in sets:
            raise ImageError(f"{folder}: there is a set '{name}' already; rename the folder")
        sets[name] = [DarkPicture(path, None) for path in find_pictures(folder)]
    return sets


def evaluate(
    trained: TrainedNetwork,
    parts: Mapping[str, Sequence[DarkPicture]],
    *,
    metrics: Sequence[Metric] = (),
    threads: int | None = None,
    track: Callable[[int], object] = lambda done: None,
) -> Evaluation:
    """Score a network, and what it has to beat, on every picture of every part.

    Args:
        parts: name of a part -> its pictures.
        metrics: what is measured beside the usual ones. Of pictures without a truth those count that need none.
        threads: for pictures and metrics; None is one for each core.
        track: called with the number of pictures just done.

    Raises:
        EvaluationError: all metrics asked for need a truth, and no picture has one.
        ImageError: a picture is broken, too small for a metric, or differs in size from its ground truth.
        WeightsError: a file that a metric needs is not there.
    """
    jobs = [(part, picture) for part, pictures in parts.items() for picture in pictures]
    names = name_rows(parts)
    measured = _choose_metrics(metrics, [picture for _, picture in jobs])
    rows: list[ImageRow] = []
    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        for start in range(0, len(jobs), _CHUNK):
            chunk = jobs[start : start + _CHUNK]
            samples = list(pool.map(lambda job: read_sample(job[1], trained.recipe.channels), chunk))
            outputs = trained.estimate([sample.low for sample in samples])
            enhanced = pool.map(trained.apply, [sample.low for sample in samples], outputs)
            scores = pool.map(_score_methods, chunk, samples, enhanced, itertools.repeat(measured))
            keys = names[start : start + _CHUNK]
            for (part, name), sample, score in zip(keys, samples, scores, strict=True):
                brightness = None if sample.truth is None else round(measure_brightness(sample.truth), DECIMALS)
                rows.append(ImageRow(part, name, brightness, score))
            track(len(chunk))
    warnings = warn_of_lossy((picture.low, picture.high) for _, picture in jobs if picture.high is not None)
    parameters = trained.network.count_params()
    return Evaluation(trained.name, trained.recipe, parameters, trained.epochs, tuple(rows), tuple(warnings))


def name_rows(parts: Mapping[str, Sequence[DarkPicture]]) -> list[tuple[str, str]]:
    """Part and name of every picture, in the order of the rows of an evaluation: no two of a part have one name."""
    return [
        (part, f"{name}{picture.low.suffix}")
        for part, pictures in parts.items()
        for name, picture in zip(name_pictures(pictures), pictures, strict=True)
    ]


def read_sample(picture: DarkPicture, channels: int = 3) -> Sample:
    """A dark picture for a network of so many channels, and its ground truth.

    Raises:
        ImageError: a file is broken or has no fourth channel where one is needed, or the two differ in size.
    """
    low = read_channels(picture.low, channels)
    truth = None if picture.high is None else read_image(picture.high)
    if truth is not None and low.shape[:2] != truth.shape[:2]:
        sizes = [f"{image.shape[1]}x{image.shape[0]}" for image in (low, truth)]
        raise ImageError(
            f"{picture.low}: expected the size of its ground truth, {sizes[1]}, found {sizes[0]}; never resize to "
            "compare"
        )
    return Sample(low, truth)


def _choose_metrics(asked: Sequence[Metric], pictures: Sequence[DarkPicture]) -> list[Metric]:
    kinds = sorted({picture.high is not None for picture in pictures})
    if asked and True not in kinds and all(metric.against == "truth" for metric in asked):
        names = ", ".join(name for name, metric in METRICS.items() if metric.against != "truth")
        raise EvaluationError(f"expected pairs, or metrics that need no truth ({names}); found pictures without one")
    return list(dict.fromkeys([metric for has_truth in kinds for metric in list_usual(has_truth=has_truth)] + [*asked]))


def _score_methods(
    job: tuple[str, DarkPicture], sample: Sample, enhanced: Uint8Array, metrics: Sequence[Metric]
) -> dict[str, Score]:
    dark = sample.dark
    candidates = {"input": dark, "gamma": apply_gamma(dark), "clahe": apply_clahe(dark), "network": enhanced[..., :3]}
    try:
        return {method: _score(image, sample, metrics) for method, image in candidates.items()}
    except ImageError as error:
        _, picture = job
        raise ImageError(f"{picture.low}: {error}") from error


def _score(image: Uint8Array, sample: Sample, metrics: Sequence[Metric]) -> Score:
    figures = {metric.field: metric.apply(image, sample.dark, sample.truth) for metric in metrics}
    # As it will be read again: means are then those of the file.
    return {field: round(figure, DECIMALS) for field, figure in figures.items() if figure is not None}
