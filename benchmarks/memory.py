"""Memory over many frames: what is left behind by each of them shows after thousands."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import edge_dce
from benchmarks.photo import add_noise
from edge_dce.errors import EdgeDceError
from edge_dce.files.pictures import read_image
from edge_dce.machine import read_rss_bytes
from edge_dce.stream import Stream

Uint8Array = npt.NDArray[np.uint8]

SIZE = (1920, 1080)
_SAMPLES = 40
# Frames that differ: the same one again and again would hide what depends on content.
_SCENES = 4


@dataclasses.dataclass(frozen=True)
class MemoryUse:
    """What the process held, in MB, at evenly spaced moments: as single frames and as a video, both by default."""

    frames: int
    single_mb: tuple[float, ...]
    video_mb: tuple[float, ...]


def measure_memory(photo: Path, model: str, *, threads: int = 2, frames: int = 2000) -> MemoryUse:
    """Enhance so many frames of 1080p of either kind.

    Raises:
        EdgeDceError: this system does not tell how much memory a process holds.
    """
    image = read_image(photo)
    scenes = [add_noise(image, SIZE, seed=seed) for seed in range(_SCENES)]
    out = np.empty_like(scenes[0])
    enhancer = edge_dce.load(model, threads=threads)
    stream = Stream(edge_dce.load(model, threads=threads), look=edge_dce.Look())
    return MemoryUse(
        frames,
        _sample(lambda number: enhancer.enhance_into(scenes[number % _SCENES], out), frames),
        _sample(lambda number: stream.enhance_into(scenes[number % _SCENES], out), frames),
    )


def measure_growth_mb(samples_mb: tuple[float, ...]) -> float:
    """What the last quarter holds more than the second: the first warms up."""
    quarter = max(1, len(samples_mb) // 4)
    return float(np.median(samples_mb[-quarter:]) - np.median(samples_mb[quarter : 2 * quarter]))


def format_memory(use: MemoryUse) -> str:
    """One line for each kind of frames."""
    width, height = SIZE
    return "\n".join(
        f"{use.frames} frames of {width}x{height}, {kind}: {np.median(samples):.0f} MB, most {max(samples):.0f} MB, "
        f"from the second quarter to the last {measure_growth_mb(samples):+.1f} MB"
        for kind, samples in (("one by one", use.single_mb), ("as a video", use.video_mb))
    )


def render_memory(record: dict[str, Any]) -> str:
    """What `python -m benchmarks memory --json` wrote, as Markdown."""
    return "\n".join(f"- {line}." for line in format_memory(MemoryUse(**record["memory"])).splitlines())


def _sample(enhance: Callable[[int], object], frames: int) -> tuple[float, ...]:
    every = max(1, frames // _SAMPLES)
    samples = []
    for number in range(frames):
        enhance(number)
        if number % every == every - 1:
            held = read_rss_bytes()
            if held is None:
                raise EdgeDceError("this system does not tell how much memory a process holds; expected Linux")
            samples.append(held / 1e6)
    return tuple(samples)
