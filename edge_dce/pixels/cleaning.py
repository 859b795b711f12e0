"""Clean what brightening made visible: measure the noise of a picture, then smooth it and hold the black where it is.

`plan_cleaning` decides everything on a small copy; `clean` does it to the pixels, strip by strip.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.pixels.buffers import Buffers
from edge_dce.pixels.denoising import (
    DEPTHS,
    HALO_ROWS,
    HALO_ROWS_WITHOUT_BLOCKS,
    TO_LUMA,
    UNIT_PX,
    UNSEEN,
    AddedNoise,
    enlarge,
    smooth_strip,
)
from edge_dce.pixels.noise import NoiseProfile
from edge_dce.pixels.shrinking import shrink
from edge_dce.pixels.strips import StripWorkers, cut_strips
from edge_dce.pixels.toe import Toe, fade_strip, find_toe, measure_light

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

# Few strips with long calls: lower ones would fit the cache better, but threads that wait for each other between short
# calls lose more, and so do the rows around each (measured at 1080p on two threads, the whole frame: 136 rows 18 ms,
# 272 rows 16 ms, 544 rows 15 ms). Of a wide image they must be lower, for memory.
_STRIP_ROWS, _MOST_STRIP_PX = 544, 1536 * 1024
# Of a JPEG, which whoever is told of finished strips may be encoding.
_BLOCK_ROWS = 16
# As wide as strips with the rows around them are no larger than that. What is wider, and not as high, is turned.
_WIDEST_PX = 16_384
# Areas over which the slope and the surroundings are averaged: about 180 of them along the side of a square.
_AREAS_A_SIDE = 180
_SMALLEST_AREA_PX, _LARGEST_AREA_PX = 4, 8
# The curve's slope is measured between a little below and a little above.
_STEP_LEVELS = 3
# In areas: the steps of eight bits would show otherwise.
_SLOPE_BLUR = 1.5
# Steps of quantization up to this many levels are not seen.
_SEEN_STEP = 1.5
# In levels, of the standard deviation that steps between blocks add. Any gradient of whole levels has steps of one:
# blocks of the first are not seen beside them; from the second on all of it is smoothed.
_SEEN_BLOCKS = (0.75, 1.25)
# And lights of a city are not smoothed away, whatever a steep curve made of the noise between them.
_MOST_NOISE = 20.0


@dataclasses.dataclass(frozen=True)
class Cleaning:
    """What is to be done to one picture.

    Attributes:
        added: the noise to smooth away.
        samples: all the noise of each sample, (h, w) float32 standard deviation in levels of 255.
        toe: what to leave as dark as it was, or None.
    """

    added: AddedNoise
    samples: FloatArray
    toe: Toe | None


def shrink_for_cleaning(image: npt.NDArray[Any]) -> Uint8Array:
    """(h, w, 3) of an image (H, W, 3 or 4), in areas of 4 to 8 pixels."""
    height, width = image.shape[:2]
    area = min(max(round((height * width) ** 0.5 / _AREAS_A_SIDE), _SMALLEST_AREA_PX), _LARGEST_AREA_PX)
    return shrink(image[..., :3], max(1, width // area), max(1, height // area))


def measure_slope(small: Uint8Array, enhance: Callable[[Uint8Array], Uint8Array]) -> FloatArray:
    """(h, w) float32: what a small step of brightness grows to at each place.

    Args:
        small: (h, w, 3), what `shrink_for_cleaning` returned for a picture.
        enhance: the picture's curve, for (h, w, 3) images that cover the same view.
    """
    step = np.full_like(small, _STEP_LEVELS)
    # OpenCV's arithmetic stops at black and white, and the step is a shorter one there.
    below, above = (np.asarray(shift(small, step), np.uint8) for shift in (cv2.subtract, cv2.add))
    taken, found = _sum(above) - _sum(below), _sum(enhance(above)) - _sum(enhance(below))
    return np.asarray(cv2.GaussianBlur(found / taken, (0, 0), _SLOPE_BLUR), np.float32)


def plan_cleaning(
    small: Uint8Array,
    slope: FloatArray,
    noise: NoiseProfile,
    *,
    channel_order: str,
    follow_light: Callable[[float], float] = float,
) -> Cleaning | None:
    """What a picture needs, or None for one that needs nothing.

    Args:
        small: (h, w, 3), what `shrink_for_cleaning` returned for the picture.
        slope: what `measure_slope` returned for it.
        noise: of the picture.
        follow_light: makes of the picture's light, see `edge_dce.pixels.toe`, that of the stream it belongs to.
    """
    luma = np.asarray(cv2.cvtColor(small, TO_LUMA[channel_order[:3]]), np.uint8)
    added = np.maximum(slope - 1, 0)
    # The noise belongs to the brightness that was, so it is looked up without the noise that is.
    surroundings = cv2.blur(luma, (3, 3))
    steps = np.maximum(added * np.float32(noise.quantization) - np.float32(_SEEN_STEP), 0)
    blocks = added * np.float32(noise.blocks)
    coarse = _join(blocks, steps)
    cleaning = Cleaning(
        AddedNoise(
            luma=_combine(added * noise.luma[surroundings], coarse),
            chroma=_combine(added * noise.chroma[surroundings], coarse),
            blocks=_join(_drop_unseen(blocks), steps),
        ),
        samples=slope * noise.samples[surroundings],
        toe=find_toe(luma, noise, light=follow_light(measure_light(luma, noise))),
    )
    is_brightened, is_noisy = added.max() > 0, cleaning.added.luma.max() > UNSEEN
    return cleaning if is_brightened and (is_noisy or cleaning.toe is not None) else None


def weaken(cleaning: Cleaning, left: FloatArray) -> Cleaning:
    """What is to be done where only a share of the noise is `left`, (h, w) float32 of any size."""
    added = cleaning.added
    left = np.asarray(cv2.resize(left, added.luma.shape[::-1], interpolation=cv2.INTER_AREA), np.float32)
    return dataclasses.replace(
        cleaning, added=dataclasses.replace(added, luma=added.luma * left, chroma=added.chroma * left)
    )


def clean(
    original: npt.NDArray[Any],
    bright: npt.NDArray[Any],
    cleaning: Cleaning,
    out: npt.NDArray[Any],
    *,
    channel_order: str,
    workers: StripWorkers,
    max_brightness: float = 1.0,
    finish: Callable[[slice], object] | None = None,
) -> None:
    """Write the cleaned picture to `out`.

    Args:
        original: before the curve; (H, W, 3 or 4) of `channel_order`, uint8, uint16 or floating point in [0, 1].
        bright: array like it, after the curve; alpha is copied from here, and the rest overwritten.
        out: array like it, not of the memory of `bright`, perhaps of the original's.
        max_brightness: of the look: where the filter spreads light it brightens nothing beyond this either.
        finish: called with the rows of each strip when they are written, by the thread that wrote them. Strips begin at
            multiples of 16 rows, and are equally high but the last. Of a picture that is cleaned by columns nothing is
            told.
    """
    height, width = bright.shape[:2]
    if width > max(_WIDEST_PX, height):
        original, bright, out = (np.swapaxes(image, 0, 1) for image in (original, bright, out))
        cleaning, height, width, finish = _turn(cleaning), width, height, None
    toe = cleaning.toe
    # Stretched whole, so that strips do not differ at their edges.
    size = (-(-width // UNIT_PX), -(-height // UNIT_PX))
    added = cleaning.added
    luma, chroma, blocks = (_stretch(each, size) for each in (added.luma, added.chroma, added.blocks))
    kept, color = (None, None) if toe is None else (_stretch(each, size) for each in (toe.surroundings, toe.color))
    out_fits = out.shape[2] == 3 and out.dtype in DEPTHS and out.flags.c_contiguous

    def surround(rows: slice, halo_rows: int) -> tuple[slice, slice]:
        """Rows with those around them, a quarter of the size, and where they begin and end there."""
        top, bottom = max(0, rows.start - halo_rows), min(height, rows.stop + halo_rows)
        return slice(top // UNIT_PX, -(-bottom // UNIT_PX)), slice(rows.start - top, rows.stop - top)

    def work(rows: slice, workspace: Buffers) -> None:
        part, inner = surround(rows, HALO_ROWS)
        if not blocks[part].any():
            part, inner = surround(rows, HALO_ROWS_WITHOUT_BLOCKS)
        # Most strips of most pictures have nothing that fades.
        colors = None if color is None or color[part].min() >= 1 else color[part]
        fades = kept is not None and kept[part].min() < 255
        strip = AddedNoise(luma[part], chroma[part], blocks[part], colors)
        order = channel_order[:3]
        # What comes after the filter still needs the original, which `out` may be.
        is_last = max_brightness == 1 and not fades
        cleaned = smooth_strip(
            bright[part.start * UNIT_PX : part.stop * UNIT_PX],
            strip,
            inner,
            channel_order=order,
            workspace=workspace,
            out=out[rows] if out_fits and is_last else None,
        )
        if not is_last and np.may_share_memory(cleaned, bright):
            # Its neighbors' surroundings are there.
            copy = workspace.reserve("copy", cleaned.shape, cleaned.dtype)
            np.copyto(copy, cleaned)
            cleaned = copy
        if toe is not None and kept is not None and fades:
            shape = (UNIT_PX * len(kept[part]), UNIT_PX * size[0])
            surroundings = enlarge(kept[part], shape, workspace, "kept")[inner, :width]
            fade_strip(original[rows], cleaned, surroundings, toe.own, channel_order=order, workspace=workspace)
        if max_brightness < 1:
            white = np.iinfo(bright.dtype).max if bright.dtype.kind == "u" else 1
            # The curve itself rounds to the nearest level.
            limit = round(white * max_brightness) if white > 1 else max_brightness
            np.minimum(cleaned, np.maximum(original[rows, :, :3], bright.dtype.type(limit)), out=cleaned)
        if not np.may_share_memory(cleaned, out):
            np.copyto(out[rows, :, :3], cleaned, casting="unsafe")
        np.copyto(out[rows, :, 3:], bright[rows, :, 3:])
        if finish is not None:
            finish(rows)

    share = -(-height // workers.threads)
    rows = max(2 * HALO_ROWS, min(_STRIP_ROWS, _MOST_STRIP_PX // width, share + -share % _BLOCK_ROWS))
    workers.run(work, cut_strips(height, rows - rows % _BLOCK_ROWS))


def _turn(cleaning: Cleaning) -> Cleaning:
    """That of a picture whose rows are its columns."""
    added, toe = cleaning.added, cleaning.toe
    color = None if added.color is None else added.color.T.copy()
    turned = AddedNoise(added.luma.T.copy(), added.chroma.T.copy(), added.blocks.T.copy(), color)
    if toe is not None:
        toe = dataclasses.replace(toe, surroundings=toe.surroundings.T.copy(), color=toe.color.T.copy())
    return Cleaning(turned, cleaning.samples, toe)


def _drop_unseen(blocks: FloatArray) -> FloatArray:
    unseen, seen = _SEEN_BLOCKS
    share = np.clip((blocks - unseen) / (seen - unseen), 0, 1)
    return np.asarray(share * blocks, np.float32)


def _combine(noise: FloatArray, blocks: FloatArray) -> FloatArray:
    return np.asarray(np.clip(_join(noise, blocks), 0, _MOST_NOISE), np.float32)


def _join(deviations: FloatArray, others: FloatArray) -> FloatArray:
    """The standard deviation of sums of the two."""
    # The last bit of OpenCV's magnitude depends on where in memory its result lies. Numpy's hypot takes ten times as
    # long; nothing here overflows without it.
    variances: FloatArray = np.square(deviations)
    variances += np.square(others)
    return np.sqrt(variances, out=variances)


def _sum(image: Uint8Array) -> FloatArray:
    red, green, blue = cv2.split(image)
    return np.asarray(cv2.add(cv2.add(red, green, dtype=cv2.CV_32F), blue, dtype=cv2.CV_32F), np.float32)


def _stretch(each: npt.NDArray[Any], size: tuple[int, int]) -> npt.NDArray[Any]:
    return np.asarray(cv2.resize(each, size, interpolation=cv2.INTER_LINEAR), each.dtype)
