"""Quality of enhanced pictures: against ground truth, against a reference model, and where there is neither."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.errors import ImageError
from edge_dce.files.pictures import read_image
from edge_dce.pixels.baselines import apply_clahe, apply_gamma
from edge_dce.pixels.metrics import finite_psnr, ssim

Uint8Array = npt.NDArray[np.uint8]
Enhance = Callable[[Uint8Array], npt.NDArray[Any]]

# The rows that need no network, by their key in the JSON.
BASELINES: dict[str, Enhance] = {"input": lambda image: image, "gamma": apply_gamma, "clahe": apply_clahe}
# A uint8 picture without any noise still has that of rounding: 1 / sqrt(12) of a level.
_ROUNDING_NOISE = 1 / math.sqrt(12)


@dataclasses.dataclass(frozen=True)
class PairScore:
    """Means over pictures with ground truth."""

    psnr_db: float
    ssim: float


@dataclasses.dataclass(frozen=True)
class PhotoScore:
    """Means over pictures without ground truth, of one method.

    Attributes:
        brightness: mean sample, of 255.
        clipped_percent: pixels with a channel at 255 that was below in the input: lost for good.
        noise_gain: how many times the input's noise the result's is (Immerkær's estimate of each).
    """

    brightness: float
    clipped_percent: float
    noise_gain: float


@dataclasses.dataclass(frozen=True)
class Difference:
    """How far pictures are from those of a reference model: mean and worst PSNR, mean absolute levels of 255."""

    reference: str
    psnr_db: float
    worst_psnr_db: float
    worst_picture: str
    mean_levels: float


Score = PairScore | PhotoScore


@dataclasses.dataclass(frozen=True)
class Quality:
    """What was found on a set of pictures, with ground truth (all scores are PairScores) or without (PhotoScores).

    Attributes:
        images: how many pictures.
        baselines: score by key of BASELINES.
        models: score by name.
        differences: of each model from the reference model, by name; empty without one.
    """

    images: int
    baselines: dict[str, Score]
    models: dict[str, Score]
    differences: dict[str, Difference]


def measure_quality(
    pictures: Sequence[tuple[Path, Path | None]],
    models: Mapping[str, Enhance],
    *,
    reference: tuple[str, Enhance] | None = None,
    on_picture: Callable[[], object] = lambda: None,
) -> Quality:
    """Enhance every picture with every model and baseline, at native size, without alignment of any kind.

    Args:
        pictures: one or more, each with its ground truth, or all without.
        models: by name.
        reference: name and model that the others are compared with.
        on_picture: called after every picture.

    Raises:
        ImageError: a picture is broken, or the two of a pair differ in size.
    """
    methods = [*BASELINES.values(), *models.values()]
    rows: list[list[tuple[float, ...]]] = [[] for _ in methods]
    differences: dict[str, list[tuple[float, float, str]]] = {name: [] for name in models}
    for path, image, truth in _read(pictures):
        results = [method(image) for method in methods]
        for row, enhanced in zip(rows, results, strict=True):
            row.append(_describe(enhanced, image) if truth is None else _score(enhanced, truth))
        if reference is not None:
            expected = reference[1](image)
            for name, enhanced in zip(models, results[len(BASELINES) :], strict=True):
                levels = float(np.mean(cv2.absdiff(enhanced, expected)))
                differences[name].append((finite_psnr(enhanced, expected), levels, path.name))
        on_picture()
    kind = PhotoScore if pictures[0][1] is None else PairScore
    scores = [kind(*(float(mean) for mean in np.mean(row, axis=0))) for row in rows]
    return Quality(
        images=len(pictures),
        baselines=dict(zip(BASELINES, scores, strict=False)),
        models=dict(zip(models, scores[len(BASELINES) :], strict=True)),
        differences={name: _sum_up(reference[0], taken) for name, taken in differences.items()} if reference else {},
    )


def estimate_noise(image: Uint8Array) -> float:
    """Standard deviation of a picture's noise, in levels of 255.

    Immerkær, "Fast noise variance estimation", Computer Vision and Image Understanding 64(2), 1996: the mean absolute
    response to a mask that is blind to steps and slopes. Fine texture counts as noise, in the input as in the result,
    so ratios mean more than values.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    response = cv2.filter2D(grey, -1, mask)[1:-1, 1:-1]
    return float(math.sqrt(math.pi / 2) * np.mean(np.abs(response)) / 6)


def _read(pictures: Sequence[tuple[Path, Path | None]]) -> Iterator[tuple[Path, Uint8Array, Uint8Array | None]]:
    for path, truth_path in pictures:
        image = read_image(path)
        truth = None if truth_path is None else read_image(truth_path)
        if truth is not None and image.shape != truth.shape:
            expected = f"the size of its ground truth, {_dimensions(truth)}"
            raise ImageError(f"{path}: expected {expected}, found {_dimensions(image)}")
        if min(image.shape[:2]) < 3:
            raise ImageError(f"{path}: expected at least 3x3 pixels, found {_dimensions(image)}")
        yield path, image, truth


def _score(enhanced: Uint8Array, truth: Uint8Array) -> tuple[float, ...]:
    return finite_psnr(enhanced, truth), ssim(enhanced, truth)


def _describe(enhanced: Uint8Array, image: Uint8Array) -> tuple[float, ...]:
    clipped = np.any((enhanced == 255) & (image < 255), axis=2)
    noise = [max(estimate_noise(each), _ROUNDING_NOISE) for each in (enhanced, image)]
    return float(enhanced.mean()), 100 * float(clipped.mean()), noise[0] / noise[1]


def _sum_up(reference: str, taken: list[tuple[float, float, str]]) -> Difference:
    worst = min(taken)
    return Difference(
        reference=reference,
        psnr_db=float(np.mean([psnr_db for psnr_db, _, _ in taken])),
        worst_psnr_db=worst[0],
        worst_picture=worst[2],
        mean_levels=float(np.mean([levels for _, levels, _ in taken])),
    )


def _dimensions(image: Uint8Array) -> str:
    return f"{image.shape[1]}x{image.shape[0]}"
