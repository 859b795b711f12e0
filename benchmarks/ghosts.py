"""Averaging over time against the clean truth: the noise that it leaves, the ghosts of what moves, and its cost.

Frames that are known to be clean get white noise of known strength, are filtered, and are compared with themselves. The
clean ones are pans over a picture at several speeds (0 is a still scene), a lamp that moves on black, or the frames of
a clip. A filter that drags old light along is worse there than none.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

import edge_dce
from benchmarks.flicker import read_sequence
from edge_dce.benchmark.latency import Ratio, divide_pairs
from edge_dce.benchmark.turns import time_ms
from edge_dce.enhancing.jobs import is_video
from edge_dce.errors import ImageError
from edge_dce.files.pictures import read_image
from edge_dce.pixels.baselines import apply_clahe
from edge_dce.pixels.metrics import finite_psnr
from edge_dce.pixels.strips import StripWorkers
from edge_dce.pixels.temporal import TemporalFilter

Uint8Array = npt.NDArray[np.uint8]

SPEEDS_PX = (0.0, 0.1, 0.25, 0.5, 1.0, 3.0, 11.0)
SIGMAS = (2.0, 5.0, 12.0, 25.0)
PAN_FRAMES = 30
_MOST_CLIP_FRAMES = 90
# A pan is looked at through a window of this size at most.
_WINDOW_PX = (640, 400)
# In how many frames noise has been averaged away; figures are of the frames from there on.
_SETTLED_FRAMES = 10
# Small enough to be one thing, large enough that chance does not make it worse.
_TILE_PX = 32


@dataclasses.dataclass(frozen=True)
class Averaging:
    """One sequence with noise, filtered; figures over the frames after the tenth.

    Attributes:
        sigma: of the noise that was added, in levels of 255.
        noisy_db: PSNR against the clean frames without a filter, mean.
        gain_db: what the filter adds to it, mean.
        worst_gain_db: the least of one frame.
        worse_tiles: the share of tiles of 32x32 pixels whose squared error the filter raises by a tenth or more.
        left: standard deviation of what is left after 1, 2, 5, 10 and 30 frames, as a share of the noise.
    """

    name: str
    sigma: float
    frames: int
    noisy_db: float
    gain_db: float
    worst_gain_db: float
    worse_tiles: float
    left: dict[int, float]


@dataclasses.dataclass(frozen=True)
class Cost:
    """Durations of single runs on a 1080p frame, taken in turn."""

    threads: int
    filter_ms: tuple[float, ...]
    look_up_ms: tuple[float, ...]
    clahe_ms: tuple[float, ...]

    @property
    def against_look_up(self) -> Ratio:
        """How many times as long as the look-up the filter takes, pair by pair."""
        return divide_pairs(self.filter_ms, self.look_up_ms)

    @property
    def against_clahe(self) -> Ratio:
        """The same against CLAHE."""
        return divide_pairs(self.filter_ms, self.clahe_ms)


def measure_ghosts(sources: Iterable[Path]) -> list[Averaging]:
    """The lamp, and every source, a picture or a clip, at every sigma, a picture at every speed too.

    Raises:
        EdgeDceError: a source cannot be read, or a clip is too short.
    """
    sequences: list[tuple[str, Callable[[], Iterable[npt.NDArray[Any]]]]] = [("lamp on black", move_lamp)]
    for source in sources:
        if is_video(source):
            sequences.append((source.name, functools.partial(read_sequence, source)))
            continue
        picture = read_image(source)
        sequences += [
            (f"{source.stem}, {speed_px} px", functools.partial(pan, picture, speed_px)) for speed_px in SPEEDS_PX
        ]
    return [measure_averaging(name, make(), sigma) for sigma in SIGMAS for name, make in sequences]


def pan(picture: Uint8Array, speed_px: float, frames: int = PAN_FRAMES) -> Iterator[Uint8Array]:
    """A window that moves over a picture by so many pixels a frame, mostly sideways; mirrored beyond its borders."""
    size = (min(_WINDOW_PX[0], picture.shape[1]), min(_WINDOW_PX[1], picture.shape[0]))
    for number in range(frames):
        # Not along an axis, so that every phase between two pixels comes by.
        shift = np.array([[1, 0, -speed_px * number], [0, 1, -0.3 * speed_px * number]], np.float32)
        window = cv2.warpAffine(picture, shift, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
        yield np.asarray(window, np.uint8)


def move_lamp(speed_px: int = 9, frames: int = PAN_FRAMES) -> Iterator[Uint8Array]:
    """A white square on near black."""
    for number in range(frames):
        frame = np.full((200, 400, 3), 12, np.uint8)
        frame[90:106, 20 + speed_px * number :][:, :16] = 240
        yield frame


def measure_averaging(name: str, clean_frames: Iterable[npt.NDArray[Any]], sigma: float) -> Averaging:
    """Add noise to a sequence and filter it.

    Raises:
        ImageError: not more frames than it takes to settle.
    """
    random, temporal_filter = np.random.default_rng(0), TemporalFilter(StripWorkers(1))
    readings: list[tuple[float, float, float]] = []
    left: dict[int, float] = {}
    count = 0
    for clean in itertools.islice(clean_frames, _MOST_CLIP_FRAMES):
        count += 1
        truth = clean if clean.dtype == np.uint8 else (clean // 257).astype(np.uint8)
        grain = random.standard_normal(truth.shape, np.float32) * np.float32(sigma)
        noisy = np.clip(np.rint(truth + grain), 0, 255).astype(np.uint8)
        filtered = np.empty_like(noisy)
        temporal_filter.apply(noisy, np.full((1, 1), sigma, np.float32), filtered)
        if count in (1, 2, 5, 10, 30):
            left[count] = float((_measure_errors(filtered, truth).mean() / _measure_errors(noisy, truth).mean()) ** 0.5)
        if count > _SETTLED_FRAMES:
            tiles = [_measure_errors(image, truth) for image in (filtered, noisy)]
            psnr_db = [finite_psnr(image, truth) for image in (filtered, noisy)]
            readings.append((psnr_db[1], psnr_db[0] - psnr_db[1], float((tiles[0] > 1.1 * tiles[1]).mean())))
    if not readings:
        raise ImageError(f"{name}: expected more than {_SETTLED_FRAMES} frames, found {count}")
    noisy_db, gain_db, worse = (float(value) for value in np.mean(readings, axis=0))
    return Averaging(name, sigma, count, noisy_db, gain_db, min(each[1] for each in readings), worse, left)


def _measure_errors(image: Uint8Array, truth: Uint8Array) -> npt.NDArray[np.float32]:
    """Mean squared error by tile."""
    squares = np.square(image.astype(np.float32) - truth)
    height, width = (max(1, side // _TILE_PX) for side in truth.shape[:2])
    return np.asarray(cv2.resize(squares, (width, height), interpolation=cv2.INTER_AREA))


def measure_cost(*, threads: int, runs: int = 31) -> Cost:
    """Filter, look-up and CLAHE on frames of noise of 1920x1080."""
    frames = np.random.default_rng(0).integers(0, 256, (2, 1080, 1920, 3)).astype(np.uint8)
    enhancer = edge_dce.load(threads=threads)
    estimate = enhancer.estimate(frames[0])
    workers, out = StripWorkers(threads), np.empty_like(frames[0])
    temporal_filter, look_up = TemporalFilter(workers), enhancer.open_rendering(threads=threads)
    sigma = np.full((135, 240), 5, np.float32)

    def smooth(frame: Uint8Array) -> None:
        temporal_filter.apply(frame, sigma, out)

    def brighten(frame: Uint8Array) -> None:
        look_up.apply(frame, estimate, out=out)

    methods: tuple[Callable[[Uint8Array], object], ...] = (smooth, brighten, apply_clahe)
    for method in methods:
        method(frames[0])
    turns = [
        [time_ms(functools.partial(method, frames[run % len(frames)])) for method in methods] for run in range(runs)
    ]
    filter_ms, look_up_ms, clahe_ms = (tuple(column) for column in zip(*turns, strict=True))
    return Cost(threads, filter_ms, look_up_ms, clahe_ms)


def format_ghosts(measured: list[Averaging], cost: Cost) -> str:
    """A line for each sequence, and the cost."""
    lines = [
        f"{'sequence':40}{'sigma':>6}{'noisy dB':>10}{'gain':>7}{'worst':>7}{'worse tiles':>13}  left after frames"
    ]
    for each in measured:
        left = " ".join(f"{frames}: {share:.2f}" for frames, share in each.left.items())
        lines.append(
            f"{each.name:40}{each.sigma:6.0f}{each.noisy_db:10.2f}{each.gain_db:+7.2f}{each.worst_gain_db:+7.2f}"
            f"{each.worse_tiles:13.2%}  {left}"
        )
    filter_ms, look_up_ms, clahe_ms = (
        float(np.median(times)) for times in (cost.filter_ms, cost.look_up_ms, cost.clahe_ms)
    )
    lines += [
        f"1080p, {cost.threads} threads, ms: filter {filter_ms:.1f}, look-up {look_up_ms:.1f}, CLAHE {clahe_ms:.1f}",
        f"the filter takes {cost.against_look_up} of the look-up, {cost.against_clahe} of CLAHE",
    ]
    return "\n".join(lines)
