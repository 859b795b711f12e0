"""What filters of noise are worth: against pictures whose clean version is known, and against LOL's references."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

import edge_dce
from benchmarks.noisy_views import NOISE_AT, NoisyView, cut_noisy_views, render_views
from edge_dce.benchmark.frame import make_dark_frame
from edge_dce.benchmark.turns import time_ms
from edge_dce.enhancer import Enhancer
from edge_dce.files.folders import match_pairs
from edge_dce.files.pictures import read_image
from edge_dce.pixels.look import Look
from edge_dce.pixels.metrics import finite_psnr, ssim

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

NOISE_LEVELS = (0.5, 1.0, 2.0, 4.0)
JPEG_QUALITY = 85
FRAME = (1920, 1080)
RAMP_SIDE = 512
_OFF = Look(denoise=0)


@dataclasses.dataclass(frozen=True)
class Brightened:
    """A dark picture with its estimate, and what that makes of it without any filter."""

    enhancer: Enhancer
    dark: Uint8Array
    estimate: FloatArray
    bright: Uint8Array

    def apply(self, look: Look) -> Uint8Array:
        return self.enhancer.apply(self.dark, self.estimate, look)


@dataclasses.dataclass(frozen=True)
class FilterScore:
    """Means over the pictures of a set, with the setting that has the highest PSNR there."""

    filter: str
    setting: str
    psnr_db: float
    ssim: float


@dataclasses.dataclass(frozen=True)
class SetScores:
    """Every filter on one set of pictures; sets of one group go into one table."""

    group: str
    label: str
    pictures: int
    scores: tuple[FilterScore, ...]


@dataclasses.dataclass(frozen=True)
class DenoisingResult:
    """Attributes:
    added_ms: what each filter adds to a frame of 1080p, round by round, all in turn.
    changed_levels: by how many levels of 255 the default look changes samples that hold no noise, on average.
    """

    model: str
    threads: int
    sets: tuple[SetScores, ...]
    added_ms: dict[str, tuple[float, ...]]
    changed_levels: dict[str, float]


def _look(picture: Brightened, *, look: Look) -> Uint8Array:
    return picture.apply(look)


def _blur_median(picture: Brightened, *, side_px: int) -> Uint8Array:
    return np.asarray(cv2.medianBlur(picture.bright, side_px), np.uint8)


def _filter_bilateral(picture: Brightened, *, levels: float) -> Uint8Array:
    return np.asarray(cv2.bilateralFilter(picture.bright, 7, levels, 2.5), np.uint8)


def _average_alike(picture: Brightened, *, strength: float) -> Uint8Array:
    """OpenCV's windows: patches of 7 px, sought within 21 px."""
    return np.asarray(cv2.fastNlMeansDenoisingColored(picture.bright, None, strength, strength, 7, 21), np.uint8)


_Filter = Callable[[Brightened], Uint8Array]
# What users get by default has one setting. The others get several, and the best on each set counts. Nobody who has no
# truth could choose it: they are flattered.
FILTERS: Mapping[str, Mapping[str, _Filter]] = {
    "none": {"": functools.partial(_look, look=_OFF)},
    "ours, by default": {"": functools.partial(_look, look=Look())},
    "ours, best fixed amount": {
        f"{amount}": functools.partial(_look, look=Look(denoise=amount)) for amount in (0.25, 0.5, 0.75, 1.0)
    },
    "median": {f"{side_px} px": functools.partial(_blur_median, side_px=side_px) for side_px in (3, 5)},
    "bilateral, 7 px": {
        f"{levels} levels": functools.partial(_filter_bilateral, levels=levels) for levels in (10, 20, 40, 80)
    },
    "non-local means": {
        f"h = {strength}": functools.partial(_average_alike, strength=strength) for strength in (3, 6, 12, 24)
    },
}


def measure_denoising(
    *,
    model: str,
    panoramas: Path | None,
    views: int,
    lol: Path | None,
    threads: int = 2,
    rounds: int = 7,
) -> DenoisingResult:
    """Score every filter on views of panoramas and on LOL's pairs, and time it on a dark, noisy frame of 1080p.

    Of a view the truth is what the same estimate makes of the clean dark picture: only noise counts, not brightness.

    Raises:
        RuntimeMissingError, ModelError: as `edge_dce.load`.
        ImageError: a folder or a picture of it cannot be used.
    """
    enhancer = edge_dce.load(model, threads=threads)
    sets = [
        *(_score_views(enhancer, panoramas, views) if panoramas else ()),
        *(_score_pairs(enhancer, lol) if lol else ()),
    ]
    added_ms = _time_filters(_brighten(enhancer, make_dark_frame(*FRAME)), rounds)
    return DenoisingResult(model, threads, tuple(sets), added_ms, _measure_changes(enhancer, panoramas, views))


def _score_views(enhancer: Enhancer, panoramas: Path, count: int) -> Iterator[SetScores]:
    for quality in (None, JPEG_QUALITY):
        group = f"views of panoramas, {f'JPEG of quality {quality}' if quality else '8 bits'}"
        for noise in NOISE_LEVELS:
            views = cut_noisy_views(panoramas, count, noise, jpeg_quality=quality)
            yield _score(_brighten_views(enhancer, views), group, f"noise of {noise:g} at level {NOISE_AT}")


def _score_pairs(enhancer: Enhancer, folder: Path) -> Iterator[SetScores]:
    for label, pairs in _split_lol(folder).items():
        yield _score(_brighten_pairs(enhancer, pairs), "LOL, against its references", label)


def _measure_changes(enhancer: Enhancer, panoramas: Path | None, count: int) -> dict[str, float]:
    # Dark, or the default model would have nothing to brighten and cleaning nothing to clean.
    ramp = np.linspace(0, 65535 / 4, RAMP_SIDE**2).astype(np.uint16).reshape(RAMP_SIDE, RAMP_SIDE, 1)
    pictures: dict[str, Iterable[npt.NDArray[Any]]] = {"a dark ramp of 16 bits": [np.repeat(ramp, 3, axis=2)]}
    if panoramas:
        pictures["dark views without noise"] = (view.dark for view in cut_noisy_views(panoramas, count, 0))
        pictures["the same as good pictures"] = render_views(panoramas, count)
    return {
        name: float(np.mean([_measure_change(enhancer, picture) for picture in each]))
        for name, each in pictures.items()
    }


def _measure_change(enhancer: Enhancer, picture: npt.NDArray[Any]) -> float:
    estimate = enhancer.estimate(picture)
    default, plain = (enhancer.apply(picture, estimate, look).astype(np.float64) for look in (Look(), _OFF))
    return float(np.abs(default - plain).mean() * 255 / np.iinfo(picture.dtype).max)


def _score(pictures: Iterable[tuple[Brightened, Uint8Array]], group: str, label: str) -> SetScores:
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for picture, truth in pictures:
        for name, settings in FILTERS.items():
            for setting, apply in settings.items():
                filtered = apply(picture)
                found.setdefault((name, setting), []).append((finite_psnr(filtered, truth), ssim(filtered, truth)))
    scores = [FilterScore(*key, *map(float, np.mean(values, axis=0))) for key, values in found.items()]
    best = [max((each for each in scores if each.filter == name), key=lambda each: each.psnr_db) for name in FILTERS]
    return SetScores(group, label, len(next(iter(found.values()))), tuple(best))


def _brighten(enhancer: Enhancer, dark: Uint8Array) -> Brightened:
    estimate = enhancer.estimate(dark)
    return Brightened(enhancer, dark, estimate, enhancer.apply(dark, estimate, _OFF))


def _brighten_views(enhancer: Enhancer, views: Iterable[NoisyView]) -> Iterator[tuple[Brightened, Uint8Array]]:
    for view in views:
        picture = _brighten(enhancer, view.dark)
        yield picture, enhancer.apply(view.clean_dark, picture.estimate, _OFF)


def _brighten_pairs(enhancer: Enhancer, pairs: Iterable[tuple[Path, Path]]) -> Iterator[tuple[Brightened, Uint8Array]]:
    for dark, reference in pairs:
        yield _brighten(enhancer, read_image(dark)), read_image(reference)


def _split_lol(folder: Path) -> dict[str, list[tuple[Path, Path]]]:
    """The parts that no network of this project is trained on, by the recipes' split."""
    from training.recipe import DEFAULT_RECIPE, find_recipe

    recipe = find_recipe(DEFAULT_RECIPE)
    pairs = match_pairs(folder / "low", folder / "high")
    parts = {"test pairs": pairs[: recipe.test_files], "validation pairs": pairs[recipe.validation_from :]}
    return {f"{len(part)} {name}": part for name, part in parts.items() if part}


def _time_filters(frame: Brightened, rounds: int) -> dict[str, tuple[float, ...]]:
    """Filters of OpenCV are timed alone; ours against the same call without it, in the same round."""
    first = {name: next(iter(settings.values())) for name, settings in FILTERS.items() if name != "none"}
    times: dict[str, list[float]] = {name: [] for name in first}
    for number in range(rounds + 1):
        plain_ms = time_ms(functools.partial(frame.apply, _OFF))
        for name, apply in first.items():
            taken_ms = time_ms(functools.partial(apply, frame))
            # The first round maps the libraries' code.
            if number:
                times[name].append(taken_ms - plain_ms if name.startswith("ours") else taken_ms)
    return {name: tuple(values) for name, values in times.items()}
