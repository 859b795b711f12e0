"""The fast way to apply a tone at full size: one look-up per sample and one matrix, strip by strip.

What becomes of a byte depends on it, on the highest channel of its pixel and on its channel: a table of 256x256 for
each channel holds the curve, the kept hue and the shoulder, at the price of curves alone. Samples of more than eight
bits go through the formula itself instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.errors import ImageError
from edge_dce.pixels.buffers import Buffers
from edge_dce.pixels.look import PLAIN, Look, protect_highlights
from edge_dce.pixels.strips import StripWorkers, cut_strips
from edge_dce.pixels.tone import Tone, apply_to_samples, decode, follow_curve
from edge_dce.pixels.wide_look_up import SIZE, look_up

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

# Fewer and larger strips than maps of curves take: twenty short calls a strip, between which threads wait for the GIL.
_STRIP_PX = 160 * 1024
_FORMULA_PX = 32 * 1024
_VALUES: FloatArray = np.arange(256, dtype=np.float32) / np.float32(255)


class ToneTable:
    """Applies tones to frames: for frames of a size seen before nothing but a new result is allocated.

    The result is within 2 of 255 levels of `tone.apply_exact`. Not for use by several threads at once.
    """

    def __init__(self, workers: StripWorkers | None = None) -> None:
        self._workers = workers or StripWorkers(1)
        self._samples: Uint8Array = np.empty((3, 256, 256), np.uint8)
        self._matrix: FloatArray = np.eye(3, dtype=np.float32)
        self._made_of: tuple[bytes, Look] | None = None

    def apply(
        self,
        image: npt.NDArray[Any],
        numbers: FloatArray,
        *,
        look: Look = PLAIN,
        out: npt.NDArray[Any] | None = None,
        is_bgr: bool = False,
    ) -> npt.NDArray[Any]:
        """Enhance one image.

        Args:
            image: (H, W, 3), any strides, RGB or BGR; of (H, W, 4) the fourth stays as it is. uint8, uint16, or
                floating point in [0, 1].
            numbers: (COUNT,) float32 in [-1, 1], see `edge_dce.pixels.tone`.
            look: strength and max_brightness; denoise is left to `Enhancer`.
            out: array like the image, any strides, that receives the result and is returned; the image itself will do.

        Raises:
            ImageError: `out` is not such an array.
        """
        enhanced = np.empty(image.shape, image.dtype) if out is None else out
        if enhanced.shape != image.shape or enhanced.dtype != image.dtype:
            raise ImageError(
                f"expected `out` like the image, {image.shape} {image.dtype}, found {enhanced.shape} {enhanced.dtype}"
            )
        make_work = self._prepare_table if image.dtype == np.uint8 else self._prepare_formula
        height, width = image.shape[:2]
        order = slice(None, None, -1) if is_bgr else slice(None)
        work = make_work(image, numbers, enhanced, look, order)
        self._workers.run(work, cut_strips(height, _STRIP_PX // width))
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

    def _prepare_formula(
        self, image: npt.NDArray[Any], numbers: FloatArray, enhanced: npt.NDArray[Any], look: Look, order: slice
    ) -> Callable[[slice, Buffers], None]:
        """The work on one strip of more than eight bits."""
        tone = decode(numbers, look.strength)

        def work(rows: slice, workspace: Buffers) -> None:
            # Smaller than strips of bytes, for samples that are float32 in between and many at a time.
            for part in cut_strips(len(image[rows]), _FORMULA_PX // image.shape[1]):
                _compute(image[rows][part], enhanced[rows][part], tone, look.max_brightness, order)

        return work

    def _fill(self, numbers: FloatArray, look: Look) -> None:
        made_of = (numbers.tobytes(), look)
        if made_of == self._made_of:
            return
        tone = decode(numbers, look.strength)
        share = np.float32(tone.hue_share)
        *curves, shared = tone.values
        lifted = follow_curve(_VALUES, shared)
        protect_highlights(lifted, _VALUES, look.max_brightness)
        # Row 0, of black pixels, holds black.
        factors = share * lifted / np.maximum(_VALUES, _VALUES[1])
        work = np.empty((256, 256), np.float32)
        for samples, values in zip(self._samples, curves, strict=True):
            curved = follow_curve(_VALUES, values)
            protect_highlights(curved, _VALUES, look.max_brightness)
            # Row = highest channel of the pixel, column = value.
            np.multiply.outer(factors * 255, _VALUES, out=work)
            work += (1 - share) * 255 * curved + np.float32(0.5)
            # No value is above the highest, but a cast must not meet what no byte can hold.
            np.minimum(work, 255, out=work)
            np.copyto(samples, work, casting="unsafe")
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
    ceiling = workspace.reserve("ceiling", (height, width, 3), np.uint8)
    if max_brightness < 1:
        np.maximum(image[..., :3], np.uint8(round(255 * max_brightness)), out=ceiling)
    is_whole = channels == 3 and enhanced.flags.c_contiguous
    colored: Uint8Array = enhanced if is_whole else workspace.reserve("colored", curved.shape, np.uint8)
    cv2.transform(curved, matrix, dst=colored)
    if max_brightness < 1:
        np.minimum(colored, ceiling, out=colored)
    if not is_whole:
        np.copyto(enhanced[..., :3], colored)
        np.copyto(enhanced[..., 3:], image[..., 3:])


def _compute(
    image: npt.NDArray[Any], enhanced: npt.NDArray[Any], tone: Tone, max_brightness: float, order: slice
) -> None:
    """One strip of more than eight bits."""
    is_integer = np.issubdtype(image.dtype, np.integer)
    white = np.float32(np.iinfo(image.dtype).max if is_integer else 1)
    x = image[..., :3][..., order].astype(np.float32) / white
    y = apply_to_samples(x, tone, max_brightness)[..., order] * white
    np.copyto(enhanced[..., :3], np.rint(y, out=y) if is_integer else y, casting="unsafe")
    np.copyto(enhanced[..., 3:], image[..., 3:])
