"""Scores a trained network, and what it has to beat, on pairs.

Every figure is of the picture at its native size, against its ground truth as it is: nothing is resized before it is
compared, nor aligned, but for the one figure whose name says so. PSNR is computed in float64 (docs/psnr.md says what
happens otherwise).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge_dce.errors import ImageError
from edge_dce.files.folders import warn_of_lossy
from edge_dce.files.pictures import read_image
from edge_dce.pixels.baselines import apply_clahe, apply_gamma
from edge_dce.pixels.metrics import color_difference, finite_psnr, psnr_at_equal_mean, ssim

from .cache import find_cache_folder
from .datasets.partners import match_names
from .datasets.picture import Pair
from .datasets.sets import Source, find_parts
from .evaluation import DECIMALS, Evaluation, ImageRow, MethodScore
from .recipe import Recipe
from .trained_network import TrainedNetwork

Uint8Array = npt.NDArray[np.uint8]

# Pictures decoded at a time: enough for every core, and few enough for photos of many megapixels.
_CHUNK = 8


def find_evaluation_parts(
    sources: Sequence[Source], recipe: Recipe, names: Sequence[str], *, cache: Path | None = None
) -> dict[str, list[Pair]]:
    """The parts `names` ("test", "validation") of sets of pairs, as training divides them.

    Raises:
        ImageError: no pairs, or too few pictures for one of the parts.
    """
    parts = find_parts(sources, recipe, cache=cache or find_cache_folder())
    found: dict[str, list[Pair]] = {}
    for name in names:
        found[name] = [Pair(picture.low, picture.high) for picture in parts[name] if picture.high is not None]
        if not found[name]:
            places = " ".join(source.place for source in sources)
            raise ImageError(
                f"{places}: the {name} part has no pairs; choose the other part with --split, or use --pairs"
            )
    return found


def pair_folders(folders: Sequence[tuple[Path, Path]]) -> dict[str, list[Pair]]:
    """All pictures of pairs of folders, each a set that is called as the folder that both lie in, or "pairs".

    Raises:
        ImageError: a folder is missing or empty, a picture has no partner, or two sets have one name.
    """
    sets: dict[str, list[Pair]] = {}
    for low, high in folders:
        parents = {folder.resolve().parent for folder in (low, high)}
        name = parents.pop().name if len(folders) > 1 and len(parents) == 1 else "pairs"
        if name in sets:
            raise ImageError(f"{low}: there is a set '{name}' already; rename the folder that holds {low.name}")
        sets[name] = [Pair(*paths) for paths in match_names(low, high)]
    return sets


def evaluate(
    trained: TrainedNetwork,
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
            outputs = trained.estimate([low for low, _ in pictures])
            enhanced = pool.map(trained.apply, [low for low, _ in pictures], outputs)
            scores = pool.map(_score_methods, pictures, enhanced)
            for (part, pair), (_, normal), score in zip(chunk, pictures, scores, strict=True):
                rows.append(ImageRow(part, pair.low.name, _measure_brightness(normal), score))
            track(len(chunk))
    warnings = warn_of_lossy((pair.low, pair.high) for _, pair in jobs)
    parameters = trained.network.count_params()
    return Evaluation(trained.name, trained.recipe, parameters, trained.epochs, tuple(rows), tuple(warnings))


def read_pair(pair: Pair) -> tuple[Uint8Array, Uint8Array]:
    """The dark picture and its ground truth, (H, W, 3) uint8 RGB each.

    Raises:
        ImageError: one is broken, or they differ in size.
    """
    low, high = read_image(pair.low), read_image(pair.high)
    if low.shape != high.shape:
        sizes = [f"{image.shape[1]}x{image.shape[0]}" for image in (low, high)]
        raise ImageError(
            f"{pair.low}: expected the size of its ground truth, {sizes[1]}, found {sizes[0]}; never resize to compare"
        )
    return low, high


def _score_methods(picture: tuple[Uint8Array, Uint8Array], enhanced: Uint8Array) -> dict[str, MethodScore]:
    low, normal = picture
    candidates = {"input": low, "gamma": apply_gamma(low), "clahe": apply_clahe(low), "network": enhanced}
    return {method: _score(image, normal) for method, image in candidates.items()}


def _score(image: Uint8Array, normal: Uint8Array) -> MethodScore:
    figures = (
        finite_psnr(image, normal),
        ssim(image, normal),
        _measure_brightness(image),
        color_difference(image, normal),
        psnr_at_equal_mean(image, normal),
    )
    # As it will be read again: means are then those of the file.
    return MethodScore(*(round(figure, DECIMALS) for figure in figures))


def _measure_brightness(image: Uint8Array) -> float:
    return round(float(image.mean()) / 255, DECIMALS)
