"""Average a still place over time, and let go of it where something moves: less noise in cameras and videos.

Every place has a recursive mean y of its pixels, which is what is shown, with the gain of a scalar Kalman filter
(Kalman, "A New Approach to Linear Filtering and Prediction Problems", 1960). A frame x is taken in by

    y += k · (x - y)
    k  = clip((p + q) / (1 + p + q), max(3/32, 1 - sigma), 1), rounded to a 32nd
    p  = (1 - k)² · p + k², afterwards

where sigma is the standard deviation of the noise in x, in levels of 255, p is the variance of what is left of it in y,
as a share of sigma², and q is what the scene has changed by in the same share. The first frame has k = p = 1, so in a
still scene k takes the values 1, 1/2, 1/3 ... and y is the mean of all frames. k and p are one number for each block of
4x4 pixels; k is stretched along the rows. With d = x - y, and means over the pixels of a block:

    e = mean over 3x3 blocks and three channels of (mean of d² + 4 · (mean of d)²)
    q = 2 · max(0, e - 1/3 - 1.75 · (1 + p) · sigma²) / sigma²

A scene at rest leaves 1.25 · (1 + p) · sigma² of e, of which a fifth is the second term: it shows a smooth thing that
moves, where the first shows texture. 1/3 is what cutting d to whole levels in the first term adds.

Whoever estimates sigma from one picture may take texture for noise, and time tells better. So sigma² stands for
c · sigma² in all of this, where c follows the blocks that change least, from frame to frame:

    c += pace · (clip(c · quantile(r, 0.25) / (0.93 · 1.25), 1/16, 1.3) - c),  r = (e - 1/3) / (c · sigma² · (1 + p))

It begins with 1; the pace is 1 the first time, then 1/4 downward and 1/10 upward. Every fourth block in both directions
counts, but none with a sigma below 1, nor with c · r up to 0.02: black, or copied by a codec.

The gain of such a filter leaves less error than no filter as long as q is not much below the truth: what moves by less
than the noise is averaged to advantage, ghosts and all. Below a sigma of one level the filter fades out, and without
noise it changes nothing. A block that comes again unchanged keeps its p: it brings no other noise to average.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.pixels.buffers import Buffers
from edge_dce.pixels.strips import StripWorkers, cut_strips

Uint8Array = npt.NDArray[np.uint8]
Samples = npt.NDArray[Any]
FloatArray = npt.NDArray[np.float32]

BLOCK_PX = 4
# All of what follows was chosen on pans of real textures with noise, see `benchmarks.ghosts`.
# A state of 16 bits takes a gain of so many parts without a wider type.
_GAIN_PARTS = 32
_LEAST_GAIN_PARTS = 3
_COARSE_WEIGHT = 4.0
_NOISE_SHARE = 1.75
_MOTION_FACTOR = 2.0
_CUT_VARIANCE = 1 / 3
_UNKNOWN = 1e6
_CALM_SHARE = 0.25
# What white noise of the told sigma has there: less than its mean, 1.25, by chance.
_CALM_RATIO = 0.93 * 1.25
_LEAST_RATIO = 0.02
_LEAST_CORRECTION, _MOST_CORRECTION = 1 / 16, 1.3
_PACE_DOWN, _PACE_UP = 0.25, 0.1
# Of every so many blocks one tells how noisy the frame is, along both sides; fewer than so many tell nothing.
_SAMPLED_BLOCKS, _FEWEST_BLOCKS = 4, 30
_CHANNEL_MEAN = np.full((1, 3), 1 / 3, np.float32)
# Fewer, larger strips than elsewhere: a step takes twenty calls, and each waits for Python's lock.
_STRIP_PX = 192 * 1024


@dataclasses.dataclass(frozen=True)
class _Depth:
    """How frames of one type are computed with: the state is unsigned, in 32nds of the units that steps are taken in.

    Attributes:
        state: type of the state.
        unit_bits, half: a sample is moved up by so many bits to units, and half a sample is added, so that the state is
            rounded by cutting it off.
        sample_bits: the state is moved down by so many bits to samples.
        eighth_bits: a step is moved down by so many bits to eighths of one level of 255.
    """

    state: type[np.unsignedinteger[Any]]
    signed: type[np.signedinteger[Any]]
    unit_bits: int
    half: int
    sample_bits: int
    eighth_bits: int


_DEPTHS = {
    np.dtype(np.uint8): _Depth(np.uint16, np.int16, unit_bits=3, half=4, sample_bits=8, eighth_bits=0),
    np.dtype(np.uint16): _Depth(np.uint32, np.int32, unit_bits=0, half=0, sample_bits=5, eighth_bits=5),
}


class TemporalFilter:
    """The frames of one stream, in order. Not for use by several threads at once.

    It keeps one frame with twice the bits and two small maps. Nothing is allocated for a frame of a size and type seen
    before.
    """

    def __init__(self, workers: StripWorkers) -> None:
        self._workers = workers
        self._buffers = Buffers()
        self._kind: tuple[Any, ...] | None = None
        self._correction: float | None = None

    def reset(self) -> None:
        """Forget all frames: the next one stays as it is."""
        self._kind = None
        self._correction = None

    def apply(self, frame: Samples, sigma: FloatArray, out: Samples) -> FloatArray:
        """Write the filtered frame to `out`. A frame of another size or type than the last begins anew.

        Args:
            frame: (H, W, 3) uint8 or uint16, channels in any order, any strides.
            sigma: (h, w) float32 of any size, stretched over the frame: standard deviation of the noise in it, in
                levels of 255, 0 or more.
            out: array like `frame`, or `frame` itself.

        Returns:
            (h, w) float32, a value for each block: the share of sigma that is left in `out`, sqrt(p), above 0 and up
            to 1. Overwritten by the next call.

        Raises:
            ValueError: other arrays than these.
        """
        depth = _DEPTHS.get(frame.dtype)
        is_other = out.shape != frame.shape or out.dtype != frame.dtype
        if depth is None or frame.ndim != 3 or frame.shape[2] != 3 or is_other:
            raise ValueError(
                f"expected (H, W, 3) uint8 or uint16 frames, found {frame.shape} {frame.dtype}, and {out.shape} "
                f"{out.dtype} for the result"
            )
        height, width = frame.shape[:2]
        # A frame without a whole block in it has no use for a filter.
        grid = max(1, height // BLOCK_PX), max(1, width // BLOCK_PX)
        reserve = self._buffers.reserve
        noise: FloatArray = reserve("noise", grid, np.float32)
        cv2.resize(sigma, grid[::-1], dst=noise, interpolation=cv2.INTER_LINEAR)
        if min(height, width) < BLOCK_PX:
            self.reset()
            np.copyto(out, frame)
            return np.ones(grid, np.float32)
        kind = frame.shape, frame.dtype
        is_first = kind != self._kind
        if is_first:
            self.reset()
        self._kind = kind
        correction = self._correction or 1.0
        state = reserve("state", (height, 3 * width), depth.state)
        left, share = (reserve(name, grid, np.float32) for name in ("left", "share"))
        ratio: FloatArray = reserve("ratio", grid, np.float32)

        def filter_strip(rows: slice, workspace: Buffers) -> None:
            blocks = slice(rows.start // BLOCK_PX, rows.stop // BLOCK_PX)
            if is_first:
                state[rows].fill(0)
                left[blocks].fill(_UNKNOWN)
            step = _subtract(frame[rows], state[rows], depth, workspace)
            energy = _measure_energy(step, left[blocks].shape, depth, workspace)
            gain = _choose_gain(energy, noise[blocks], left[blocks], correction, ratio[blocks], workspace)
            _mix(step, state[rows], _stretch(gain, width, depth, workspace), out[rows], depth)
            np.sqrt(left[blocks], out=share[blocks])

        self._workers.run(filter_strip, _cut_strips(height, width))
        if not is_first:
            self._correct_sigma(ratio, noise)
        return share

    def _correct_sigma(self, ratio: FloatArray, noise: FloatArray) -> None:
        """Follow what the calm blocks say; `ratio` is e by c · sigma² · (1 + p)."""
        some = slice(1, None, _SAMPLED_BLOCKS), slice(1, None, _SAMPLED_BLOCKS)
        before = self._correction or 1.0
        changing = ratio[some][(noise[some] >= 1) & (before * ratio[some] > _LEAST_RATIO)]
        if changing.size < _FEWEST_BLOCKS:
            return
        found = before * float(np.quantile(changing, _CALM_SHARE)) / _CALM_RATIO
        found = min(max(found, _LEAST_CORRECTION), _MOST_CORRECTION)
        pace = 1.0 if self._correction is None else _PACE_DOWN if found < before else _PACE_UP
        self._correction = before + pace * (found - before)


def _cut_strips(height: int, width: int) -> list[slice]:
    """Strips of whole blocks; the last also has the rows that no block has."""
    rows = max(1, _STRIP_PX // (width * BLOCK_PX)) * BLOCK_PX
    strips = cut_strips(height // BLOCK_PX * BLOCK_PX, rows)
    strips[-1] = slice(strips[-1].start, height)
    return strips


def _subtract(frame: Samples, state: Samples, depth: _Depth, workspace: Buffers) -> Samples:
    """The frame less the state, in units, modulo the state's type."""
    step, levels = (workspace.reserve(name, state.shape, depth.state) for name in ("step", "levels"))
    np.copyto(step.reshape(frame.shape), frame)
    if depth.unit_bits:
        np.left_shift(step, depth.state(depth.unit_bits), out=step)
        np.add(step, depth.state(depth.half), out=step)
    np.right_shift(state, depth.state(5), out=levels)
    np.subtract(step, levels, out=step)
    return step


def _measure_energy(step: Samples, grid: tuple[int, ...], depth: _Depth, workspace: Buffers) -> FloatArray:
    """e of each block, but for the neighbors in other strips."""
    height, width = grid
    steps = step.view(depth.signed)[: BLOCK_PX * height, : 3 * BLOCK_PX * width]
    eighths: npt.NDArray[np.int16] = steps
    if depth.eighth_bits:
        eighths = workspace.reserve("eighths", steps.shape, np.int16)
        np.right_shift(steps, depth.signed(depth.eighth_bits), out=eighths, casting="unsafe")
    mean = _average(eighths.reshape(BLOCK_PX * height, -1, 3), (height, width), "mean", workspace)
    sums: FloatArray = workspace.reserve("sums", mean.shape, np.float32)
    cv2.multiply(mean, mean, dst=sums, scale=_COARSE_WEIGHT / 64, dtype=cv2.CV_32F)
    levels: npt.NDArray[np.int16] = workspace.reserve("differences", eighths.shape, np.int16)
    np.right_shift(eighths, np.int16(3), out=levels)
    squares = levels.view(np.uint16)
    np.multiply(squares, squares, out=squares)
    # Four samples in a row that are not of one channel: twice as fast, and the mean of channels is what is asked for.
    mixed = _average(squares, (height, 3 * width), "mixed", workspace)
    np.add(sums, mixed.reshape(sums.shape), out=sums)
    alone, energy = (workspace.reserve(name, (height, width), np.float32) for name in ("alone", "energy"))
    cv2.transform(sums, _CHANNEL_MEAN, dst=alone)
    cv2.boxFilter(alone, cv2.CV_32F, (3, 3), dst=energy)
    return energy


def _average(plane: npt.NDArray[Any], size: tuple[int, int], name: str, workspace: Buffers) -> npt.NDArray[Any]:
    """The means over four samples of each of four rows; OpenCV halves faster than it quarters."""
    height, width = size
    half = workspace.reserve(f"half {name}", (2 * height, 2 * width, *plane.shape[2:]), plane.dtype)
    mean = workspace.reserve(name, (height, width, *plane.shape[2:]), plane.dtype)
    cv2.resize(plane, (2 * width, 2 * height), dst=half, interpolation=cv2.INTER_AREA)
    cv2.resize(half, (width, height), dst=mean, interpolation=cv2.INTER_AREA)
    return mean


def _choose_gain(
    energy: FloatArray,
    noise: FloatArray,
    left: FloatArray,
    correction: float,
    ratio: FloatArray,
    workspace: Buffers,
) -> Uint8Array:
    """k of each block, in parts of 32; brings `left`, p, up to date, fills in `ratio` and overwrites `energy`."""
    share, variance = (workspace.reserve(name, left.shape, np.float32) for name in ("share", "variance"))
    np.multiply(noise, noise, out=variance)
    variance *= np.float32(correction)
    np.maximum(variance, np.float32(1e-6), out=variance)
    np.add(left, np.float32(1), out=share)
    energy -= np.float32(_CUT_VARIANCE)
    energy /= variance
    np.divide(energy, share, out=ratio)
    share *= np.float32(_NOISE_SHARE)
    energy -= share
    np.maximum(energy, np.float32(0), out=energy)
    energy *= np.float32(_MOTION_FACTOR)
    energy += left
    np.add(energy, np.float32(1), out=share)
    gain = np.divide(energy, share, out=energy)
    np.multiply(noise, np.float32(-(correction**0.5)), out=share)
    share += np.float32(1)
    np.maximum(gain, share, out=gain)
    gain *= np.float32(_GAIN_PARTS)
    np.rint(gain, out=gain)
    np.maximum(gain, np.float32(_LEAST_GAIN_PARTS), out=gain)
    parts: Uint8Array = workspace.reserve("parts", gain.shape, np.uint8)
    np.copyto(parts, gain, casting="unsafe")
    gain *= np.float32(1 / _GAIN_PARTS)
    np.subtract(np.float32(1), gain, out=share)
    share *= share
    share *= left
    gain *= gain
    share += gain
    # The very same samples again average nothing: a still picture as a source, or a block that a codec copied.
    is_new, is_first = (workspace.reserve(name, left.shape, np.bool_) for name in ("is new", "is first"))
    np.greater(ratio, np.float32(_LEAST_RATIO / correction), out=is_new)
    np.greater(left, np.float32(1), out=is_first)
    np.copyto(left, share, where=np.logical_or(is_new, is_first, out=is_new))
    return parts


def _stretch(parts: Uint8Array, width: int, depth: _Depth, workspace: Buffers) -> Samples:
    """(h, 3·W): the gain of each sample in a row of blocks, in parts of 32."""
    plane, samples = (
        workspace.reserve(name, (len(parts), width, *channels), np.uint8)
        for name, channels in (("plane", ()), ("samples", (3,)))
    )
    cv2.resize(parts, plane.shape[::-1], dst=plane, interpolation=cv2.INTER_LINEAR)
    cv2.cvtColor(plane, cv2.COLOR_GRAY2RGB, dst=samples)
    gain = workspace.reserve("gain", (len(parts), 3 * width), depth.state)
    np.copyto(gain.reshape(samples.shape), samples)
    return gain


def _mix(step: Samples, state: Samples, gain: Samples, out: Samples, depth: _Depth) -> None:
    """Take a step, which is overwritten, and write the state's samples.

    The product needs more bits than the state has, but the sum fits again: both are computed modulo its type. The state
    keeps the remainder that the step leaves, so no difference of one unit is lost by rounding, however small the gain.
    """
    whole = BLOCK_PX * len(gain)
    blocks = step[:whole].reshape(len(gain), BLOCK_PX, -1)
    np.multiply(blocks, gain[:, np.newaxis], out=blocks)
    np.multiply(step[whole:], gain[-1], out=step[whole:])
    np.add(state, step, out=state)
    np.right_shift(state, depth.state(depth.sample_bits), out=step)
    np.copyto(out, step.reshape(out.shape), casting="unsafe")
