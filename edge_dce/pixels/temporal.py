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

The gain of such a filter leaves less error than no filter as long as q is not much below the truth: what moves by less
than the noise is averaged to advantage, ghosts and all. Below a sigma of one level the filter fades out, and without
noise it changes nothing.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.pixels.buffers import Buffers
from edge_dce.pixels.strips import StripWorkers, cut_strips

Uint8Array = npt.NDArray[np.uint8]
Uint16Array = npt.NDArray[np.uint16]
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
_CHANNEL_MEAN = np.full((1, 3), 1 / 3, np.float32)
# Fewer, larger strips than elsewhere: a step takes twenty calls, and each waits for Python's lock.
_STRIP_PX = 192 * 1024


class TemporalFilter:
    """The frames of one stream, in order. Not for use by several threads at once.

    It keeps one frame of 16 bits and two small maps. Nothing is allocated for a frame of a size seen before.
    """

    def __init__(self, workers: StripWorkers) -> None:
        self._workers = workers
        self._buffers = Buffers()
        self._shape: tuple[int, ...] | None = None

    def reset(self) -> None:
        """Forget all frames: the next one stays as it is."""
        self._shape = None

    def apply(self, frame: Uint8Array, sigma: FloatArray, out: Uint8Array) -> FloatArray:
        """Write the filtered frame to `out`. A frame of another size than the last begins anew.

        Args:
            frame: (H, W, 3) uint8, channels in any order, any strides.
            sigma: (h, w) float32 of any size, stretched over the frame: standard deviation of the noise in it, in
                levels of 255, 0 or more.
            out: array like `frame`, or `frame` itself.

        Returns:
            (h, w) float32, a value for each block: the share of sigma that is left in `out`, sqrt(p), above 0 and up
            to 1. Overwritten by the next call.

        Raises:
            ValueError: other arrays than these.
        """
        if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or out.shape != frame.shape:
            raise ValueError(f"expected (H, W, 3) uint8 frames, found {frame.shape} {frame.dtype} and {out.shape}")
        height, width = frame.shape[:2]
        # A frame without a whole block in it has no use for a filter.
        grid = max(1, height // BLOCK_PX), max(1, width // BLOCK_PX)
        reserve = self._buffers.reserve
        noise: FloatArray = reserve("noise", grid, np.float32)
        cv2.resize(sigma, grid[::-1], dst=noise, interpolation=cv2.INTER_LINEAR)
        if min(height, width) < BLOCK_PX:
            np.copyto(out, frame)
            return np.ones(grid, np.float32)
        is_first, self._shape = frame.shape != self._shape, frame.shape
        state: Uint16Array = reserve("state", (height, 3 * width), np.uint16)
        left, share = (reserve(name, grid, np.float32) for name in ("left", "share"))

        def filter_strip(rows: slice, workspace: Buffers) -> None:
            blocks = slice(rows.start // BLOCK_PX, rows.stop // BLOCK_PX)
            if is_first:
                state[rows].fill(0)
                left[blocks].fill(_UNKNOWN)
            step = _subtract(frame[rows], state[rows], workspace)
            energy = _measure_energy(step, left[blocks].shape, workspace)
            gain = _choose_gain(energy, noise[blocks], left[blocks], workspace)
            _mix(step, state[rows], _stretch(gain, width, workspace), out[rows])
            np.sqrt(left[blocks], out=share[blocks])

        self._workers.run(filter_strip, _cut_strips(height, width))
        return share


def _cut_strips(height: int, width: int) -> list[slice]:
    """Strips of whole blocks; the last also has the rows that no block has."""
    rows = max(1, _STRIP_PX // (width * BLOCK_PX)) * BLOCK_PX
    strips = cut_strips(height // BLOCK_PX * BLOCK_PX, rows)
    strips[-1] = slice(strips[-1].start, height)
    return strips


def _subtract(frame: npt.NDArray[Any], state: Uint16Array, workspace: Buffers) -> Uint16Array:
    """The frame less the state, in eighths of a level, modulo 2^16."""
    step: Uint16Array = workspace.reserve("step", state.shape, np.uint16)
    levels: Uint16Array = workspace.reserve("levels", state.shape, np.uint16)
    np.copyto(step.reshape(frame.shape), frame)
    np.left_shift(step, np.uint16(3), out=step)
    # Half a level more in the state: cutting it off rounds it.
    np.add(step, np.uint16(4), out=step)
    np.right_shift(state, np.uint16(5), out=levels)
    np.subtract(step, levels, out=step)
    return step


def _measure_energy(step: Uint16Array, grid: tuple[int, ...], workspace: Buffers) -> FloatArray:
    """e of each block, but for the neighbors in other strips."""
    height, width = grid
    eighths = step.view(np.int16)[: BLOCK_PX * height, : 3 * BLOCK_PX * width]
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


def _choose_gain(energy: FloatArray, noise: FloatArray, left: FloatArray, workspace: Buffers) -> Uint8Array:
    """k of each block, in parts of 32; brings `left`, p, up to date and overwrites `energy`."""
    share, variance = (workspace.reserve(name, left.shape, np.float32) for name in ("share", "variance"))
    np.multiply(noise, noise, out=variance)
    np.maximum(variance, np.float32(1e-6), out=variance)
    np.add(left, np.float32(1), out=share)
    share *= np.float32(_NOISE_SHARE)
    energy -= np.float32(_CUT_VARIANCE)
    energy /= variance
    energy -= share
    np.maximum(energy, np.float32(0), out=energy)
    energy *= np.float32(_MOTION_FACTOR)
    energy += left
    np.add(energy, np.float32(1), out=share)
    gain = np.divide(energy, share, out=energy)
    np.maximum(gain, np.subtract(np.float32(1), noise, out=share), out=gain)
    gain *= np.float32(_GAIN_PARTS)
    np.rint(gain, out=gain)
    np.maximum(gain, np.float32(_LEAST_GAIN_PARTS), out=gain)
    parts: Uint8Array = workspace.reserve("parts", gain.shape, np.uint8)
    np.copyto(parts, gain, casting="unsafe")
    gain *= np.float32(1 / _GAIN_PARTS)
    np.subtract(np.float32(1), gain, out=share)
    share *= share
    left *= share
    gain *= gain
    left += gain
    return parts


def _stretch(parts: Uint8Array, width: int, workspace: Buffers) -> Uint16Array:
    """(h, 3·W): the gain of each sample in a row of blocks, in parts of 32."""
    plane, samples = (
        workspace.reserve(name, (len(parts), width, *channels), np.uint8)
        for name, channels in (("plane", ()), ("samples", (3,)))
    )
    cv2.resize(parts, plane.shape[::-1], dst=plane, interpolation=cv2.INTER_LINEAR)
    cv2.cvtColor(plane, cv2.COLOR_GRAY2RGB, dst=samples)
    gain: Uint16Array = workspace.reserve("gain", (len(parts), 3 * width), np.uint16)
    np.copyto(gain.reshape(samples.shape), samples)
    return gain


def _mix(step: Uint16Array, state: Uint16Array, gain: Uint16Array, out: npt.NDArray[Any]) -> None:
    """Take a step, which is overwritten, and write the state's levels.

    The state is in levels / 256. It is computed modulo 2^16, in which the sum fits again, and keeps the remainder that
    the step leaves: so no difference of 1/8 of a level or more is lost by rounding, however small the gain is.
    """
    whole = BLOCK_PX * len(gain)
    blocks = step[:whole].reshape(len(gain), BLOCK_PX, -1)
    np.multiply(blocks, gain[:, np.newaxis], out=blocks)
    np.multiply(step[whole:], gain[-1], out=step[whole:])
    np.add(state, step, out=state)
    np.right_shift(state, np.uint16(8), out=step)
    np.copyto(out, step.reshape(out.shape), casting="unsafe")
