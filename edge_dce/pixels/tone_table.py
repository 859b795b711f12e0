"""The fast way to apply a tone at full size: one look-up per sample and one matrix, strip by strip.

What becomes of a byte depends on it, on the highest channel of its pixel and on its channel: a table of 256x256 for
each channel holds the curve, the kept hue and the shoulder, at the price of curves alone. Of 16 bits the table would be
too large: its two terms are looked up and added. Floating-point samples go through the formula itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.errors import ImageError
from edge_dce.pixels.buffers import Buffers
from edge_dce.pixels.look import PLAIN, Look
from edge_dce.pixels.rendering import prepare_result
from edge_dce.pixels.strips import StripWorkers, cut_strips
from edge_dce.pixels.tone import COUNT, apply_to_samples, decode, tabulate
from edge_dce.pixels.wide_look_up import SIZE, look_up

Uint8Array = npt.NDArray[np.uint8]
Uint16Array = npt.NDArray[np.uint16]
FloatArray = npt.NDArray[np.float32]

# Fewer and larger strips than maps of curves take: twenty short calls a strip, between which threads wait for the GIL.
_STRIP_PX = 256 * 1024
_FLOAT_PX = 32 * 1024
_VALUES: FloatArray = np.arange(256, dtype=np.float32) / np.float32(255)
_DEEP_WHITE = 65535
_DEEP_VALUES: FloatArray = np.arange(_DEEP_WHITE + 1, dtype=np.float32) / np.float32(_DEEP_WHITE)


class ToneTable:
    """The rendering of tones: for frames of a size seen before nothing but a new result is allocated.

    The result is within 2 of 255 levels of `tone.apply_exact`. Not for use by several threads at once.
    """

    def __init__(self, workers: StripWorkers | None = None) -> None:
        self._workers = workers or StripWorkers(1)
        self._samples: Uint8Array = np.empty((3, 256, 256), np.uint8)
        self._levels: FloatArray = np.empty((256, 256), np.float32)
        self._matrix: FloatArray = np.eye(3, dtype=np.float32)
        self._made_of: tuple[bytes, Look] | None = None
        self.neutral: FloatArray = np.zeros(COUNT, np.float32)

    def read(self, output: FloatArray) -> FloatArray:
        return output

    def check(self, estimate: FloatArray) -> None:
        if estimate.shape != (COUNT,):
            raise ImageError(f"expected the {COUNT} numbers of a tone, found {estimate.shape}")

    def apply(
        self,
        image: npt.NDArray[Any],
        estimate: FloatArray,
        *,
        look: Look = PLAIN,
        out: npt.NDArray[Any] | None = None,
        channel_order: str = "RGB",
    ) -> npt.NDArray[Any]:
        """As `Rendering.apply`; the estimate is the (COUNT,) float32 numbers of a tone, see `edge_dce.pixels.tone`."""
        enhanced = prepare_result(image, out)
        make_work = self._prepare_formula
        if image.dtype.kind == "u":
            make_work = self._prepare_table if image.dtype == np.uint8 else self._prepare_deep_table
        height, width = image.shape[:2]
        order = slice(None, None, -1) if channel_order.startswith("BGR") else slice(None)
        work = make_work(image, estimate, enhanced, look, order)
        # A strip for each thread at least.
        self._workers.run(work, cut_strips(height, min(_STRIP_PX // width, -(-height // self._workers.threads))))
        return enhanced

    def _prepare_table(
        self, image: Uint8Array, numbers: FloatArray, enhanced: Uint8Array, look: Look, order: slice
    ) -> Callable[[slice, Buffers], None]:
        """The work on one strip of bytes."""
        self._fill(numbers, look)
        tables, matrix = self._samples[order].reshape(3, SIZE), np.ascontiguousarray(self._matrix[order, order])

        def work(rows: slice, workspace: Buffers) -> None:
            _look_up(image[rows], enhanced[rows], tables, matrix, look.max_brightness, workspace)

        return work

    def _prepare_deep_table(
        self, image: Uint16Array, numbers: FloatArray, enhanced: Uint16Array, look: Look, order: slice
    ) -> Callable[[slice, Buffers], None]:
        """The work on one strip of 16 bits."""
        tone = decode(numbers, look.strength)
        curves, shares, factors = tabulate(tone, look.max_brightness, _DEEP_VALUES)
        curves *= np.float32(_DEEP_WHITE)
        terms = curves[order], shares, factors
        matrix = np.ascontiguousarray(tone.matrix[order, order])

        def work(rows: slice, workspace: Buffers) -> None:
            for part in _cut_finer(rows, image):
                _compute(image[part], enhanced[part], terms, matrix, look.max_brightness, workspace)

        return work

    def _prepare_formula(
        self, image: npt.NDArray[Any], numbers: FloatArray, enhanced: npt.NDArray[Any], look: Look, order: slice
    ) -> Callable[[slice, Buffers], None]:
        """The work on one strip of floating-point samples."""
        tone = decode(numbers, look.strength)

        def work(rows: slice, workspace: Buffers) -> None:
            for part in _cut_finer(rows, image):
                y = apply_to_samples(image[part, :, :3][..., order].astype(np.float32), tone, look.max_brightness)
                np.copyto(enhanced[part, :, :3], y[..., order], casting="same_kind")
                np.copyto(enhanced[part, :, 3:], image[part, :, 3:])

        return work

    def _fill(self, numbers: FloatArray, look: Look) -> None:
        made_of = (numbers.tobytes(), look)
        if made_of == self._made_of:
            return
        tone = decode(numbers, look.strength)
        curves, shares, factors = tabulate(tone, look.max_brightness, _VALUES)
        # Row = highest channel of the pixel, column = value.
        rows = np.stack([factors, shares], axis=1)
        for samples, curve in zip(self._samples, curves, strict=True):
            levels = np.matmul(rows, np.stack([255 * _VALUES, 255 * curve]), out=self._levels)
            # It rounds, and saturates where a value would be above the highest, which is nowhere.
            cv2.convertScaleAbs(levels, dst=samples)
        self._matrix = tone.matrix
        self._made_of = made_of


def _look_up(
    image: Uint8Array,
    enhanced: Uint8Array,
    tables: Uint8Array,
    matrix: FloatArray,
    max_brightness: float,
    workspace: Buffers,
) -> None:
    """One strip of bytes: `tables` (3, 65536) and `matrix` are in the order of its channels."""
    height, width, channels = image.shape
    planes = list(workspace.reserve("planes", (channels, height, width), np.uint8))
    highest = workspace.reserve("highest", (height, width), np.uint8)
    # Two bytes side by side are one number, whose upper byte comes second on every machine that has a TFLite runtime.
    pairs = workspace.reserve("pairs", (height, width), np.uint16)
    cv2.split(image, planes)
    cv2.max(planes[0], planes[1], dst=highest)
    cv2.max(highest, planes[2], dst=highest)
    for plane, table in zip(planes[:3], tables, strict=True):
        cv2.merge([plane, highest], dst=pairs.view(np.uint8).reshape(height, width, 2))
        look_up(pairs, table, plane, workspace)
    curved = workspace.reserve("curved", (height, width, 3), np.uint8)
    cv2.merge(planes[:3], dst=curved)
    if max_brightness < 1:
        # Before the result overwrites the image, where both are one.
        ceiling = workspace.reserve("ceiling", curved.shape, np.uint8)
        np.maximum(image[..., :3], np.uint8(round(255 * max_brightness)), out=ceiling)
    is_whole = enhanced.flags.c_contiguous
    target: Uint8Array = enhanced if is_whole else workspace.reserve("target", image.shape, np.uint8)
    colored: Uint8Array = target if channels == 3 else workspace.reserve("colored", curved.shape, np.uint8)
    cv2.transform(curved, matrix, dst=colored)
    if max_brightness < 1:
        np.minimum(colored, ceiling, out=colored)
    if channels == 4:
        cv2.split(colored, planes[:3])
        cv2.merge(planes, dst=target)
    if not is_whole:
        np.copyto(enhanced, target)


def _compute(
    image: Uint16Array,
    enhanced: Uint16Array,
    terms: tuple[FloatArray, FloatArray, FloatArray],
    matrix: FloatArray,
    max_brightness: float,
    workspace: Buffers,
) -> None:
    """One strip of 16 bits; `terms` are those of `tabulate`, whose curves and the matrix are in its channels' order."""
    curves, shares, factors = terms
    shape = image.shape[:2]
    curved, y = (workspace.reserve(name, (*shape, 3), np.float32) for name in ("curved", "y"))
    share, factor, plane = (workspace.reserve(name, shape, np.float32) for name in ("share", "factor", "plane"))
    colors = image[..., :3]
    # Thirty times as fast as the maximum along the last axis.
    highest = np.maximum(np.maximum(colors[..., 0], colors[..., 1]), colors[..., 2])
    np.take(shares, highest, out=share, mode="clip")
    np.take(factors, highest, out=factor, mode="clip")
    for channel, curve in enumerate(curves):
        np.take(curve, colors[..., channel], out=plane, mode="clip")
        np.multiply(factor, colors[..., channel], out=curved[..., channel])
        plane *= share
        curved[..., channel] += plane
    cv2.transform(curved, matrix, dst=y)
    if max_brightness < 1:
        np.minimum(y, np.maximum(colors, np.uint16(round(_DEEP_WHITE * max_brightness))), out=y)
    np.clip(y, 0, _DEEP_WHITE, out=y)
    np.copyto(enhanced[..., :3], np.rint(y, out=y), casting="unsafe")
    np.copyto(enhanced[..., 3:], image[..., 3:])


def _cut_finer(rows: slice, image: npt.NDArray[Any]) -> list[slice]:
    """Strips for samples that are float32 in between."""
    inner = cut_strips(rows.stop - rows.start, _FLOAT_PX // image.shape[1])
    return [slice(rows.start + part.start, rows.start + part.stop) for part in inner]
