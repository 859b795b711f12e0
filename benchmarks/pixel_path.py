"""Table look-up against the plain formula: speed and error, measured in turn in one run."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

import edge_dce
from edge_dce.benchmark.latency import Latency, Ratio, divide_pairs
from edge_dce.benchmark.turns import time_ms
from edge_dce.files.pictures import read_image
from edge_dce.models.contracts import TONE
from edge_dce.pixels import curve, tone

WIDTH, HEIGHT = 1920, 1080


@dataclasses.dataclass(frozen=True)
class PixelPath:
    """Durations of single runs, taken in turn, and how far the look-up's samples are from the formula's."""

    size: tuple[int, int]
    threads: int
    formula_ms: tuple[float, ...]
    look_up_ms: tuple[float, ...]
    mean_error: float
    worst_error: int

    @property
    def speedup(self) -> Ratio:
        """How many times as long the formula takes, pair by pair: drift of the machine hits both alike."""
        return divide_pairs(self.formula_ms, self.look_up_ms)


def measure_pixel_path(photo: Path, *, threads: int = 2, runs: int = 21) -> PixelPath:
    """Enhance `photo`, stretched to 1920x1080, with what the default model estimates for it.

    Both sides include the upsampling of a map. The look-up writes into one frame, as in video.
    """
    image = cv2.resize(read_image(photo), (WIDTH, HEIGHT)).astype(np.uint8, copy=False)
    enhancer = edge_dce.load(threads=threads)
    estimate = enhancer.estimate(image)

    def compute() -> npt.NDArray[np.uint8]:
        if enhancer.contract == TONE.name:
            return tone.apply_exact(image, estimate)
        return curve.apply_exact(image, estimate, root=enhancer.root)

    formula_ms, look_up_ms = [], []
    look_up = enhancer.open_rendering(threads=threads)
    frame = np.empty_like(image)
    expected = compute()
    found = look_up.apply(image, estimate)
    for _ in range(runs):
        formula_ms.append(time_ms(compute))
        look_up_ms.append(time_ms(lambda: look_up.apply(image, estimate, out=frame)))
    error = np.abs(expected.astype(np.int16) - found.astype(np.int16))
    return PixelPath(
        size=(WIDTH, HEIGHT),
        threads=threads,
        formula_ms=tuple(formula_ms),
        look_up_ms=tuple(look_up_ms),
        mean_error=float(error.mean()),
        worst_error=int(error.max()),
    )


def format_pixel_path(measured: PixelPath) -> str:
    """Both durations, how many times as long the formula takes, and the error."""
    width, height = measured.size
    return "\n".join(
        [
            f"{width}x{height}, {measured.threads} threads, {len(measured.look_up_ms)} pairs of runs",
            f"plain formula  {Latency(measured.formula_ms)} ms (p50 / p90)",
            f"table look-up  {Latency(measured.look_up_ms)} ms (p50 / p90)",
            f"speedup        {measured.speedup}, pair by pair, with its 95 % interval",
            f"error          {measured.mean_error:.2f} of 255 levels on average, {measured.worst_error} at worst",
        ]
    )
