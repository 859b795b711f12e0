"""The fast way to apply curves at full size: one table look-up per sample, strip by strip.

`a` is quantized to the 256 levels of a `CurveTable`; (level, pixel value) is a 16-bit index. Samples of more than eight
bits go through the formula itself instead, in strips that stay in the cache.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.errors import ImageError
from edge_dce.pixels.buffers import Buffers
from edge_dce.pixels.curve import LEVELS, CurveTable, take_steps_in_place
from edge_dce.pixels.look import PLAIN, Look, protect_highlights
from edge_dce.pixels.rendering import prepare_result
from edge_dce.pixels.strips import STRIP_PX, StripWorkers, cut_strips
from edge_dce.pixels.wide_look_up import look_up

Uint8Array = npt.NDArray[np.uint8]
Uint16Array = npt.NDArray[np.uint16]
FloatArray = npt.NDArray[np.float32]

# Up to 4K the map is stretched over the whole frame in one call of OpenCV and its buffer kept; beyond, row by row,
# where the 1.5 µs of a call no longer matter and a whole map would be 600 MB for 100 megapixels.
_WHOLE_PX = 3840 * 2160


class LookUp:
    """The rendering of curve maps: for frames of a size seen before nothing but a new result is allocated.

    `a` is quantized to 256 levels over its own range in the frame, which keeps the result within 2 of 255 levels of
    `curve.apply_exact` at worst and 0.5 on average (3 at worst for a map that spans all of [-1, 1] on a root axis). Not
    for use by several threads at once.
    """

    def __init__(self, workers: StripWorkers | None = None, *, root: int = 1, channels: int = 3) -> None:
        """
        Args:
            channels: of the network: of one, its map is that of all three colors.
        """
        self._root = root
        self._channels = channels
        self._table = CurveTable(root)
        self._workers = workers or StripWorkers(1)
        self._buffers = Buffers()
        self.neutral: FloatArray = np.zeros((1, 1, max(channels, 3)), np.float32)

    def read(self, output: FloatArray) -> FloatArray:
        """The map, (h, w, 3) or of four channels, in an output of one map or of eight."""
        if output.shape[2] == self._channels >= 3:
            return output
        # Using the mean of the eight maps eight times comes within 55 dB of using each once, on our networks.
        maps = output.reshape(*output.shape[:2], -1, self._channels)
        mean: FloatArray = self._buffers.reserve("mean", (*output.shape[:2], self.neutral.shape[2]), np.float32)
        np.mean(maps, axis=2, out=mean[..., : self._channels])
        mean[..., self._channels :] = mean[..., :1]
        return mean

    def check(self, estimate: FloatArray) -> None:
        channels = self.neutral.shape[2]
        if estimate.ndim != 3 or estimate.shape[2] != channels or estimate.size == 0:
            raise ImageError(f"expected a (height, width, {channels}) map of curves, found {estimate.shape}")

    def apply(
        self,
        image: npt.NDArray[Any],
        estimate: FloatArray,
        *,
        look: Look = PLAIN,
        out: npt.NDArray[Any] | None = None,
        channel_order: str = "RGB",
    ) -> npt.NDArray[Any]:
        """As `Rendering.apply`; the estimate is a (h, w, 3) float32 map of `a` in [-1, 1], any size."""
        enhanced = prepare_result(image, out)
        curves = estimate[..., ::-1] if channel_order.startswith("BGR") else estimate
        scaled: FloatArray = self._buffers.reserve("scaled", curves.shape, np.float32)
        np.multiply(curves, np.float32(look.strength), out=scaled)
        np.clip(scaled, -1, 1, out=scaled)
        make_work = self._prepare_table if image.dtype == np.uint8 else self._prepare_formula
        height, width = image.shape[:2]
        self._workers.run(make_work(scaled, image, enhanced, look), cut_strips(height, STRIP_PX // width))
        return enhanced

    def _prepare_table(
        self, scaled: FloatArray, image: Uint8Array, enhanced: Uint8Array, look: Look
    ) -> Callable[[slice, Buffers], None]:
        """The work on one strip of bytes."""
        height, width, channels = image.shape
        low, high = float(scaled.min()), float(scaled.max())
        self._table.fill(low, high, max_brightness=look.max_brightness, with_identity=channels == 4)
        positions = self._quantize(scaled, low, high, channels)
        if height * width <= _WHOLE_PX:
            levels: Uint16Array = self._buffers.reserve("levels", image.shape, np.uint16)
            cv2.resize(positions, (width, height), dst=levels, interpolation=cv2.INTER_LINEAR)
            return lambda rows, workspace: self._look_up(levels[rows], image[rows], enhanced[rows], workspace)
        wide = cv2.resize(positions, (width, len(positions)), interpolation=cv2.INTER_LINEAR)

        def work(rows: slice, workspace: Buffers) -> None:
            strip = image[rows]
            levels: Uint16Array = workspace.reserve("levels", strip.shape, np.uint16)
            _stretch_rows(wide, rows, height, levels)
            self._look_up(levels, strip, enhanced[rows], workspace)

        return work

    def _quantize(self, scaled: FloatArray, low: float, high: float, channels: int) -> Uint16Array:
        """Map [low, high] so that the upper byte of the uint16 is the nearest level and the lower its fraction.

        Sixteen bits are rounded before upsampling and eight only after it: one rounding that matters instead of two.
        Overwrites `scaled`.
        """
        top = LEVELS - 1 if channels == 3 else LEVELS - 2
        scaled -= np.float32(low)
        scaled *= np.float32(256 * top / (high - low) if high > low else 0)
        # Half a level, so that dropping the lower byte rounds to nearest.
        scaled += np.float32(128)
        positions: Uint16Array = self._buffers.reserve("positions", (*scaled.shape[:2], channels), np.uint16)
        np.copyto(positions[..., :3], scaled, casting="unsafe")
        positions[..., 3:] = (LEVELS - 1) << 8 | 128
        return positions

    def _look_up(self, levels: Uint16Array, image: Uint8Array, enhanced: Uint8Array, workspace: Buffers) -> None:
        """One strip; overwrites `levels`."""
        np.bitwise_and(levels, 0xFF00, out=levels)
        np.bitwise_or(levels, image, out=levels)
        rows, is_whole = len(levels), enhanced.flags.c_contiguous
        found: Uint8Array = enhanced if is_whole else workspace.reserve("found", levels.shape, np.uint8)
        look_up(levels.reshape(rows, -1), self._table.samples.reshape(-1), found.reshape(rows, -1), workspace)
        if not is_whole:
            np.copyto(enhanced, found)

    def _prepare_formula(
        self, scaled: FloatArray, image: npt.NDArray[Any], enhanced: npt.NDArray[Any], look: Look
    ) -> Callable[[slice, Buffers], None]:
        """The work on one strip of more than eight bits."""
        height, width = image.shape[:2]
        wide = cv2.resize(scaled, (width, len(scaled)), interpolation=cv2.INTER_LINEAR)
        is_integer = np.issubdtype(image.dtype, np.integer)
        white = np.float32(np.iinfo(image.dtype).max if is_integer else 1)

        def work(rows: slice, workspace: Buffers) -> None:
            strip = image[rows, :, :3]
            a, x, y, step = (workspace.reserve(name, strip.shape, np.float32) for name in ("a", "x", "y", "step"))
            _stretch_rows(wide, rows, height, a)
            np.divide(strip, white, out=x, casting="unsafe")
            np.copyto(y, x)
            take_steps_in_place(y, a, self._root, step)
            protect_highlights(y, x, look.max_brightness)
            y *= white
            if is_integer:
                np.rint(y, out=y)
            np.copyto(enhanced[rows, :, :3], y, casting="unsafe")
            np.copyto(enhanced[rows, :, 3:], image[rows, :, 3:])

        return work


def _stretch_rows(wide: npt.NDArray[Any], rows: slice, height: int, out: npt.NDArray[Any]) -> None:
    """Rows of a map that is `wide` enough already, stretched to `height` as OpenCV's bilinear resize does it."""
    last = len(wide) - 1
    flat, stretched = wide.reshape(last + 1, 1, -1), out.reshape(len(out), 1, -1)
    for row, target in zip(range(rows.start, rows.stop), stretched, strict=True):
        position = min(max((row + 0.5) * len(wide) / height - 0.5, 0), last)
        above = int(position)
        share = position - above
        cv2.addWeighted(flat[above], 1 - share, flat[min(above + 1, last)], share, 0, dst=target)
