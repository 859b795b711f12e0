"""Where nothing was recorded, nothing is brightened: the toe of every curve.

A sky of one or two levels holds quantization and noise, no picture; brightened, it is olive speckle. Gain and color
fade out there. What decides is the brightness of the surroundings, without the noise, or the pixel's own where it
stands clear above the noise: a star keeps its light, and no rim of brightened noise is left around a lamp.

A picture in which nothing is bright is another matter: there the exposure failed, not the light, and one or two levels
may be all that is left of a room.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.pixels.buffers import Buffers
from edge_dce.pixels.denoising import TO_LUMA, blend, take_colors
from edge_dce.pixels.noise import NoiseProfile

Plane = npt.NDArray[Any]
Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

# In levels of 255. The surroundings count for nothing below the first and for all above the second.
_FLOOR = (0.5, 3.5)
# The same where a codec smoothed the dark away: a sky of the night drive has 3 levels, and six colors in all.
_EMPTY_FLOOR = (1.5, 6.5)
# Of what is nearly black, the share that is empty: of scenes exposed for their lights 0.64 at most, of the drive 0.86
# at least.
_EMPTY = (0.65, 0.85)
# Color needs more levels than light does: of an olive of 3, 3 and 1, the 1 is mostly noise. Without noise it is only
# rounded, and fewer are enough.
_COLOR_FLOOR, _FULL_COLOR_WITHOUT_NOISE = (1.5, 12.0), 6.0
# A pixel counts of its own from so many standard deviations above the floor, and for all so many levels further up.
_CLEAR_DEVIATIONS, _CLEAR_LEVELS = 3.0, 4.0
# Of dark pictures of LOL, at two levels. Where that is clipped to black, a brighter level tells.
_USUAL_NOISE, _DARK = 0.7, 16
# The brightest area of the picture: most dark rooms of LOL have less than 110, night skies with lamps more than 160.
_LIT = (110.0, 160.0)
# The same where a codec smoothed the dark away: frames of the night drive have 112 at least.
_EMPTY_LIT = (95.0, 110.0)
# Shares of light a second. A lamp that comes into view must not darken the sky at once, and lamps that come and go must
# not make it pulse.
_RISE_A_SECOND, _FALL_A_SECOND = 1.0, 0.1


@dataclasses.dataclass(frozen=True)
class Toe:
    """How much of the enhancement each place of one picture keeps.

    Attributes:
        surroundings: (h, w) uint8 shares, 255 for all of it, stretched over the picture.
        own: (256,) uint8 share at each luma, for pixels that stand clear of their surroundings; the greater counts.
        color: (h, w) float32 share from 0 to 1 of the color that is kept.
        own_ramp: luma up to which `own` is its least, and from which it is all; between them it rises without a corner.
    """

    surroundings: Uint8Array
    own: Uint8Array
    color: FloatArray
    own_ramp: tuple[float, float]


def measure_light(luma: Uint8Array, noise: NoiseProfile) -> float:
    """How surely something in a picture, (h, w) at a fraction of its size, is bright: from 0 to 1."""
    return float(_ramp(np.array(luma.max()), *_move(_LIT, _EMPTY_LIT, noise)))


def follow_light(light: float, before: float | None, elapsed_s: float) -> float:
    """The light of a stream, from what `measure_light` tells of its newest frame.

    Args:
        before: what this returned so long ago; None for the first frame.
    """
    if before is None:
        return light
    return min(max(light, before - _FALL_A_SECOND * elapsed_s), before + _RISE_A_SECOND * elapsed_s)


def find_toe(luma: Uint8Array, noise: NoiseProfile, *, light: float) -> Toe | None:
    """The toe of a picture, or None for one that needs none.

    Args:
        luma: (h, w), the input at a fraction of its size.
        light: what `measure_light` tells of it, or `follow_light` of its stream.
    """
    if not noise.quantization:
        # More bits hold a picture where eight hold rounding, as far as it stands above its noise.
        light *= min(1.0, float(noise.luma[2]) / _USUAL_NOISE)
    if light == 0 or luma.min() >= _COLOR_FLOOR[1]:
        return None
    smooth = _smooth(luma.astype(np.float32))
    # Light of a lamp that the averaging spread is no light of the sky around it.
    eroded = _smooth(cv2.erode(smooth, np.ones((3, 3))))
    floor = _move(_FLOOR, _EMPTY_FLOOR, noise)
    clear = floor[1] + _CLEAR_DEVIATIONS * float(noise.luma[2])
    own_ramp = clear, clear + _CLEAR_LEVELS
    own = _ramp(np.arange(256, dtype=np.float32), *own_ramp)
    surroundings, own, color = (
        1 - np.float32(light) * (1 - share)
        for share in (_ramp(eroded, *floor), own, _ramp(smooth, *_find_color_floor(noise)))
    )
    return Toe(np.rint(255 * surroundings).astype(np.uint8), np.rint(255 * own).astype(np.uint8), color, own_ramp)


def _move(usual: tuple[float, float], empty: tuple[float, float], noise: NoiseProfile) -> tuple[float, float]:
    """From the usual range to that of a picture that a codec emptied, by how surely it did."""
    share = float(_ramp(np.array(noise.emptiness), *_EMPTY))
    low, high = (one + share * (other - one) for one, other in zip(usual, empty, strict=True))
    return low, high


def _find_color_floor(noise: NoiseProfile) -> tuple[float, float]:
    no_color, full_color = _COLOR_FLOOR
    doubt = min(1.0, max(float(noise.luma[2]), float(noise.luma[_DARK]), noise.blocks) / _USUAL_NOISE)
    return no_color, _FULL_COLOR_WITHOUT_NOISE + doubt * (full_color - _FULL_COLOR_WITHOUT_NOISE)


def fade_strip(
    original: Plane,
    enhanced: Plane,
    surroundings: Uint8Array,
    own: Uint8Array,
    *,
    channel_order: str,
    workspace: Buffers,
) -> None:
    """Take back in a strip of an image what its toe does not keep.

    Args:
        original: (H, W, 3 or 4), uint8, uint16 or floating point in [0, 1].
        enhanced: (H, W, 3), as `smooth_strip` returns it; changed in place.
        surroundings: (H, W), of the toe.
        own: of the toe.
        channel_order: "RGB" or "BGR", of the first three channels.
    """
    before = take_colors(original, workspace, "before")
    luma = cv2.cvtColor(before, TO_LUMA[channel_order])
    if luma.dtype != np.uint8:
        luma = cv2.convertScaleAbs(luma, alpha=255 / (65535 if luma.dtype == np.uint16 else 1))
    share = np.maximum(cv2.LUT(luma, own), surroundings)
    blend(before, enhanced, share.astype(np.uint8, copy=False), workspace)


def _ramp(levels: npt.NDArray[Any], low: float, high: float) -> FloatArray:
    """From 0 at `low` to 1 at `high` without a corner."""
    position = np.clip((levels - np.float32(low)) / np.float32(high - low), 0, 1)
    ramp: FloatArray = (position * position * (3 - 2 * position)).astype(np.float32)
    return ramp


def _smooth(levels: npt.NDArray[Any]) -> FloatArray:
    return np.asarray(cv2.blur(cv2.blur(levels, (3, 3)), (3, 3)), np.float32)
