"""Average a still place over time, and let go of it where something moves: less noise in cameras and videos.

Every place has a recursive mean of its pixels, y, with the gain of a scalar Kalman filter (Kalman, "A New Approach to
Linear Filtering and Prediction Problems", 1960), so a still place averages n frames after n frames:

    y += k · (x - y)                 for every pixel and channel of the new frame x; y is what is shown
    k  = clip((p + q) / (1 + p + q), max(3/32, 1 - sigma), 1)
    p <- (1 - k)² · p + k²

In blocks of 4x4 pixels, k being stretched between them: sigma is the standard deviation of the noise in x; p is the
variance of what is left of it in y, as a share of sigma²; q is how much of that share the scene has added by moving.
It is measured on the means of the blocks, where most of the noise has gone:

    e = mean over three channels and over 3x3 blocks of (mean of x - mean of y)²
    q = 4 · max(0, e - 1/6 - (0.4 · sigma)² · (1 + p)) / sigma²

White noise leaves (sigma / 4)² · (1 + p) of e; 0.4 in its place leaves room for noise that a codec or a demosaicing has
made coarser, and for chance. 1/6 is what rounding two means to whole levels adds. A first frame has k = p = 1.

Below a sigma of one level the filter fades out, and without noise it changes nothing.
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
# The gain is a whole number of these parts: so a state of 16 bits takes the product without a wider type.
_GAIN_PARTS = 32
_LEAST_GAIN_PARTS = 3
_NOISE_SHARE = 0.4
_ROUNDING_VARIANCE = 1 / 6
_MOTION_FACTOR = 4.0
# Three arrays of 16 bits of a strip stay in the second-level cache.
_STRIP_SAMPLES = 96 * 1024


class TemporalFilter:
    """The frames of one stream, in order. Not for use by several threads at once.

    It keeps one frame of 16 bits, and two small maps. Nothing is allocated for a frame of a size seen before.
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
            (h, w) float32, a value for each block: the same of the noise that is left in `out`. Overwritten by the next
            call.
        """
        if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or out.shape != frame.shape:
            raise ValueError(f"expected (H, W, 3) uint8 frames of one shape, found {frame.shape} {frame.dtype}")
        height, width = frame.shape[:2]
        grid = max(1, height // BLOCK_PX), max(1, width // BLOCK_PX)
        reserve = self._buffers.reserve
        state: Uint16Array = reserve("state", (height, 3 * width), np.uint16)
        mean: Uint8Array = reserve("mean", (*grid, 3), np.uint8)
        left: FloatArray = reserve("left", grid, np.float32)
        noise: FloatArray = reserve("noise", grid, np.float32)
        cv2.resize(sigma, grid[::-1], dst=noise, interpolation=cv2.INTER_LINEAR)
        parts: Uint8Array = reserve("parts", grid, np.uint8)
        if frame.shape == self._shape:
            self._measure_gain(frame, mean, noise, left, parts)
        else:
            parts.fill(_GAIN_PARTS)
            left.fill(1)
            state.fill(0)
        self._shape = frame.shape

        def work(rows: slice, workspace: Buffers) -> None:
            blocks = slice(rows.start // BLOCK_PX, max(rows.stop // BLOCK_PX, 1))
            gain = _stretch(parts[blocks], width, workspace)
            _mix(frame[rows], state[rows], gain, out[rows], workspace)
            _average(out[rows], mean[blocks], workspace)

        self._workers.run(work, _cut_blocks(height, width))
        remaining: FloatArray = reserve("remaining", grid, np.float32)
        np.sqrt(left, out=remaining)
        np.multiply(remaining, noise, out=remaining)
        return remaining

    def _measure_gain(
        self, frame: Uint8Array, mean: Uint8Array, noise: FloatArray, left: FloatArray, parts: Uint8Array
    ) -> None:
        """Fill in `parts`, how many of 32 parts of the way to the frame its blocks go, and follow it with `left`."""
        reserve, grid = self._buffers.reserve, left.shape
        difference: Uint8Array = reserve("difference", mean.shape, np.uint8)
        squares: FloatArray = reserve("squares", mean.shape, np.float32)
        excess, share, variance, scratch = (
            reserve(name, grid, np.float32) for name in ("excess", "share", "variance", "scratch")
        )

        def work(rows: slice, workspace: Buffers) -> None:
            blocks = slice(rows.start // BLOCK_PX, max(rows.stop // BLOCK_PX, 1))
            _average(frame[rows], difference[blocks], workspace)
            cv2.absdiff(difference[blocks], mean[blocks], dst=difference[blocks])
            cv2.multiply(difference[blocks], difference[blocks], dst=squares[blocks], dtype=cv2.CV_32F)
            cv2.transform(squares[blocks], _MEAN, dst=scratch[blocks])

        self._workers.run(work, _cut_blocks(*frame.shape[:2]))
        cv2.boxFilter(scratch, cv2.CV_32F, (3, 3), dst=excess)
        excess -= np.float32(_ROUNDING_VARIANCE)
        np.multiply(noise, noise, out=variance)
        variance += np.float32(1e-6)
        excess /= variance
        np.add(left, np.float32(1), out=share)
        share *= np.float32(_NOISE_SHARE**2)
        excess -= share
        np.maximum(excess, np.float32(0), out=excess)
        excess *= np.float32(_MOTION_FACTOR)
        excess += left
        np.add(excess, np.float32(1), out=share)
        np.divide(excess, share, out=excess)
        np.subtract(np.float32(1), noise, out=scratch)
        np.maximum(excess, scratch, out=excess)
        excess *= np.float32(_GAIN_PARTS)
        np.rint(excess, out=excess)
        np.maximum(excess, np.float32(_LEAST_GAIN_PARTS), out=excess)
        np.copyto(parts, excess, casting="unsafe")
        # What is left afterwards, of the gain as it was rounded.
        excess *= np.float32(1 / _GAIN_PARTS)
        np.subtract(np.float32(1), excess, out=share)
        share *= share
        left *= share
        excess *= excess
        left += excess


_MEAN = np.full((1, 3), 1 / 3, np.float32)


def _cut_blocks(height: int, width: int) -> list[slice]:
    """Strips of whole blocks; the last takes the rows that no block has."""
    rows = max(1, _STRIP_SAMPLES // (3 * width * BLOCK_PX)) * BLOCK_PX
    strips = cut_strips(max(1, height // BLOCK_PX) * BLOCK_PX, rows)
    strips[-1] = slice(strips[-1].start, height)
    return strips


def _average(rows: npt.NDArray[Any], means: npt.NDArray[Any], workspace: Buffers) -> None:
    """The means of whole blocks: halved twice, as OpenCV halves faster than it quarters."""
    height, width = means.shape[:2]
    if rows.shape[0] < BLOCK_PX or rows.shape[1] < BLOCK_PX:
        cv2.resize(np.ascontiguousarray(rows), (width, height), dst=means, interpolation=cv2.INTER_AREA)
        return
    half = workspace.reserve("half", (2 * height, 2 * width, 3), np.uint8)
    cv2.resize(rows[: BLOCK_PX * height, : BLOCK_PX * width], half.shape[1::-1], dst=half, interpolation=cv2.INTER_AREA)
    cv2.resize(half, (width, height), dst=means, interpolation=cv2.INTER_AREA)


def _stretch(parts: Uint8Array, width: int, workspace: Buffers) -> Uint16Array:
    """The gain of each sample of a row of blocks: between blocks in a line, the same for all rows of a block."""
    stretched = workspace.reserve("stretched", (len(parts), 3 * width), np.uint8)
    cv2.resize(parts, stretched.shape[::-1], dst=stretched, interpolation=cv2.INTER_LINEAR)
    gain: Uint16Array = workspace.reserve("gain", stretched.shape, np.uint16)
    np.copyto(gain, stretched)
    return gain


def _mix(frame: npt.NDArray[Any], state: Uint16Array, gain: Uint16Array, out: npt.NDArray[Any], ws: Buffers) -> None:
    """One step of the recursive mean, in levels / 256, and its rounded levels.

    The step is gain · (8·x - floor(state / 32)): all modulo 2^16, in which the sum fits again. The remainder stays in
    the state, so no difference of 1/8 level or more is lost by rounding however small the gain is.
    """
    samples: Uint16Array = ws.reserve("samples", state.shape, np.uint16)
    step: Uint16Array = ws.reserve("step", state.shape, np.uint16)
    np.copyto(samples.reshape(frame.shape), frame)
    np.left_shift(samples, np.uint16(3), out=samples)
    # Half a level, so that the state is rounded by cutting it off.
    np.add(samples, np.uint16(4), out=samples)
    np.right_shift(state, np.uint16(5), out=step)
    np.subtract(samples, step, out=step)
    whole = len(state) // BLOCK_PX if len(state) >= BLOCK_PX else 0
    blocks = step[: whole * BLOCK_PX].reshape(whole, BLOCK_PX, -1)
    np.multiply(blocks, gain[:whole, np.newaxis], out=blocks)
    rest = step[whole * BLOCK_PX :]
    np.multiply(rest, gain[-1], out=rest)
    np.add(state, step, out=state)
    np.right_shift(state, np.uint16(8), out=step)
    np.copyto(out, step.reshape(out.shape), casting="unsafe")
