"""Flicker: how much brightness changes from frame to frame beyond the input's own changes.

Brightness B of a frame is the mean of its samples, in levels of 255. From frame t to t + 1 the enhanced brightness
changes by |B(E(f[t+1], c[t+1])) - B(E(f[t], c[t]))|, where E applies the estimate c, a map of curves or a tone, to the
frame f. The input's own part of it is what the new frame changes through an unchanging estimate, |B(E(f[t+1], c[t])) -
B(E(f[t], c[t]))|: enhancement has to show a lamp that goes on, and brighter than it is. What the change exceeds its own
part by is flicker, and its mean over all neighbors is the figure. An estimate that follows the light, and so makes the
change smaller, does not flicker.

Two other readings are reported beside it. "Re-estimation" is |B(E(f[t+1], c[t+1])) - B(E(f[t+1], c[t]))|, whatever its
direction: it counts as flicker also what a map must change to keep up with the light, so no smoothing can halve it on
a clip that gets dark. "Unscaled" takes the input's own brightness as it is: |B(E(f[t+1], c[t+1])) - B(E(f[t], c[t]))| -
|B(f[t+1]) - B(f[t])|. Every gain in light counts as flicker there, also that of a map that never changes, which is
shown for comparison.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_dce.enhancer import Enhancer
from edge_dce.enhancing.jobs import is_video
from edge_dce.errors import ImageError
from edge_dce.files.folders import find_pictures
from edge_dce.files.pictures import read_picture
from edge_dce.pixels.look import BARE
from edge_dce.pixels.smoothing import Smoother, make_thumbnail

METHODS = ("frame by frame", "smoothed", "first map kept")


@dataclasses.dataclass(frozen=True)
class Flicker:
    """Means over the neighbors of a sequence, in levels of 255; see the module's docstring."""

    beyond_own: float
    re_estimation: float
    unscaled: float


@dataclasses.dataclass(frozen=True)
class SequenceFlicker:
    """The flicker of one sequence by method."""

    name: str
    frames: int
    methods: dict[str, Flicker]

    @property
    def ratio(self) -> float | None:
        """Smoothed against frame by frame; None where neither flickers by a thousandth of a level."""
        at_once, smoothed = (self.methods[method].beyond_own for method in METHODS[:2])
        return None if max(at_once, smoothed) < 1e-3 else smoothed / at_once if at_once else float("inf")


def measure_flicker(name: str, frames: Iterable[npt.NDArray[Any]], enhancer: Enhancer) -> SequenceFlicker:
    """Enhance a sequence by all methods.

    Raises:
        ImageError: fewer than two frames.
    """
    smoother, tracks = Smoother(), {method: _Track(enhancer) for method in METHODS}
    first_estimate, count = None, 0
    for frame in frames:
        count += 1
        estimate = enhancer.estimate(frame)
        # A stream estimates every frame anew, and would run the network once more for the same map.
        smoother.aim(estimate, make_thumbnail(frame))
        first_estimate = estimate if first_estimate is None else first_estimate
        for method, shown in zip(METHODS, (estimate, smoother.advance(), first_estimate), strict=True):
            tracks[method].add(frame, shown)
    if count < 2:
        raise ImageError(f"{name}: expected two frames or more, found {count}")
    return SequenceFlicker(name, count, {method: track.summarize() for method, track in tracks.items()})


class _Track:
    """Brightness along a sequence, by one method."""

    def __init__(self, enhancer: Enhancer) -> None:
        self._enhancer = enhancer
        self._changes: list[tuple[float, float, float]] = []
        self._last: tuple[npt.NDArray[np.float32], float, float] | None = None

    def add(self, frame: npt.NDArray[Any], estimate: npt.NDArray[np.float32]) -> None:
        before, after = _measure_brightness(frame), self._measure_enhanced(frame, estimate)
        if self._last is not None:
            last_estimate, last_before, last_after = self._last
            unchanged = self._measure_enhanced(frame, last_estimate)
            change, own = abs(after - last_after), abs(unchanged - last_after)
            self._changes.append((max(0.0, change - own), abs(after - unchanged), change - abs(before - last_before)))
        self._last = estimate, before, after

    def summarize(self) -> Flicker:
        return Flicker(*(float(value) for value in np.mean(self._changes, axis=0)))

    def _measure_enhanced(self, frame: npt.NDArray[Any], estimate: npt.NDArray[np.float32]) -> float:
        return _measure_brightness(self._enhancer.apply(frame, estimate, BARE))


def _measure_brightness(image: npt.NDArray[Any]) -> float:
    return float(image.mean(dtype=np.float64)) * 255 / np.iinfo(image.dtype).max


def read_sequence(source: Path) -> Iterator[npt.NDArray[Any]]:
    """The frames of a clip, or of the pictures of a folder, or of those that a pattern such as "burst/101_*" names.

    Raises:
        EdgeDceError: they cannot be read.
    """
    if is_video(source):
        yield from _read_clip(source)
        return
    paths = find_pictures(source) if source.is_dir() else sorted(source.parent.glob(source.name))
    for path in paths:
        yield read_picture(path).image


def _read_clip(path: Path) -> Iterator[npt.NDArray[Any]]:
    from edge_dce.files.video_reader import VideoReader

    with VideoReader(path) as reader:
        while (portion := reader.read()) is not None:
            if portion.frame is not None:
                yield portion.frame


def format_flicker(sequences: list[SequenceFlicker]) -> str:
    """Three lines for each sequence, and the ratio."""
    lines = [f"{'levels of 255, mean':44}{'beyond own':>12}{'re-estimation':>15}{'unscaled':>10}"]
    for sequence in sequences:
        ratio = "neither flickers" if sequence.ratio is None else f"ratio {sequence.ratio:.2f}"
        lines.append(f"{sequence.name}, {sequence.frames} frames: {ratio}")
        for method, flicker in sequence.methods.items():
            values = (flicker.beyond_own, flicker.re_estimation, flicker.unscaled)
            lines.append(f"  {method:42}{values[0]:12.3f}{values[1]:15.3f}{values[2]:10.3f}")
    return "\n".join(lines)


def render_flicker(record: dict[str, Any]) -> str:
    """What `python -m benchmarks flicker --json` wrote, as Markdown."""
    lines = ["| flicker, levels of 255 | frame by frame | smoothed | ratio |", "| --- | --- | --- | --- |"]
    for each in record["sequences"]:
        methods = {method: Flicker(**values) for method, values in each["methods"].items()}
        sequence = SequenceFlicker(each["name"], each["frames"], methods)
        at_once, smoothed = (methods[method].beyond_own for method in METHODS[:2])
        ratio = "neither flickers" if sequence.ratio is None else f"{sequence.ratio:.2f}"
        lines.append(f"| {sequence.name}, {sequence.frames} frames | {at_once:.3f} | {smoothed:.3f} | {ratio} |")
    return "\n".join(lines)
