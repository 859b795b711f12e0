"""How noisy a picture is, by brightness, from the picture itself.

The operator of Immerkær ("Fast Noise Variance Estimation", Computer Vision and Image Understanding 1996) answers to
noise and, being a difference of two Laplacians, not to edges and gradients: std = sqrt(π/2) / 6 · mean |N * image|. It
is applied to tiles spread over the picture; tiles of like brightness vote, and the calm ones win, because texture can
only add (as in the noise level functions of Liu et al., "Automatic Estimation and Removal of Noise from a Single
Image", TPAMI 2008). JPEG and the cameras' own filters smooth away the finest noise and leave the coarser, so noise is
looked for at the scales where the filter acts: luma at full and at half size, chroma at a quarter.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

# Measured on LOL: what 4 x 4 averages of chroma, and single samples, have beside the noise of luma.
_USUAL_CHROMA, _USUAL_SAMPLES = 0.25, 1.3
# One axis of it.
_IMMERKAER = np.array([1, -2, 1], np.float32)
_MEAN_TO_STD = float(np.sqrt(np.pi / 2) / 6)
# Small enough to lie in a calm place, large enough that a quarter of the side still gives 36 samples.
_TILE_PX = 32
_MOST_TILES = 128
# Noise follows the square root of brightness, and so do these: bins of like width where pictures are dark.
_BIN_EDGES = np.array([0, 2, 4, 8, 16, 32, 64, 128, 256], np.float32)
_FEWEST_TILES = 3
# The calmest fifth: fewer would be chance, more would be texture.
_CALM_SHARE = 0.2
# What quantizing to whole levels adds to the variance (Bennett 1948); it is the same in every picture and no noise.
_QUANTIZATION_VARIANCE = 1 / 12
# Of a standard deviation below the first there may be nothing but rounding, above the second there is more.
_ROUNDING = (0.3, 0.45)
# Noise is a smooth function of brightness: what is this many times what the calmer bins have is texture.
_MOST_RISE = 2.0
_BLACK = 4
_BLOCK_PX = 8
# In levels of 255: larger steps are edges of the picture.
_LARGEST_STEP = 3.0
_DARK = 96
# What a codec makes of a black sky is one level over many pixels. Luma of one level strays by what floats round.
_CELL_PX, _NEARLY_BLACK, _ONE_LEVEL = 4, 6.0, 0.5
_FEWEST_CELLS = 64
# In standard errors; of eight places to choose from, one reaches two by chance.
_CERTAINTY = 5.0
# Coarse detail passes for noise at half size more easily than fine detail at full size.
_MOST_COARSENING = 2.5
# And a pattern of single pixels, such as a fine grid, has nothing at half size, where noise has as much.
_MOST_REFINEMENT = 2.0


@dataclasses.dataclass(frozen=True)
class NoiseProfile:
    """The standard deviation of a picture's noise at each brightness.

    Attributes:
        luma: (256,) float32, in levels of 255, at the luma that is the index.
        chroma: the same of Cr and Cb, whichever is noisier, averaged over 4 x 4 pixels.
        samples: the same as luma, of single samples of red, green and blue: their root mean square.
        blocks: of the steps between blocks of 8 x 8 pixels, as JPEG and video leave them; 0 for a picture without.
        quantization: of the rounding to eight bits; 0 for more.
        emptiness: which share of what is nearly black has one level only, in cells of 4 x 4 pixels; 0 for more bits.
    """

    luma: FloatArray
    chroma: FloatArray
    samples: FloatArray
    blocks: float = 0.0
    quantization: float = 0.0
    emptiness: float = 0.0


class _Bin(NamedTuple):
    """Tiles of like brightness: the middle of theirs, and (N,) which of all they are."""

    middle: float
    members: npt.NDArray[np.bool_]


def assume_noise(level: float) -> NoiseProfile:
    """The profile of a picture whose luma has this standard deviation, in levels of 255, at every brightness."""
    luma = np.full(256, level, np.float32)
    return NoiseProfile(luma, luma * np.float32(_USUAL_CHROMA), luma * np.float32(_USUAL_SAMPLES))


def estimate_noise(image: npt.NDArray[Any], *, channel_order: str) -> NoiseProfile:
    """The noise of an image.

    Args:
        image: (H, W, 3 or 4) of `channel_order`; uint8, uint16, or floating point in [0, 1].
    """
    tiles = _cut_tiles(image)
    if not tiles.size:
        nothing = np.zeros(256, np.float32)
        return NoiseProfile(nothing, nothing, nothing)
    to_luma = cv2.COLOR_RGB2YCrCb if channel_order.startswith("RGB") else cv2.COLOR_BGR2YCrCb
    luma, *chroma = (np.asarray(plane, np.float32) for plane in cv2.split(cv2.cvtColor(tiles, to_luma)))
    quarters = [_shrink(plane, 4) for plane in chroma]
    half = _shrink(luma, 2)
    brightness = _shrink(half, _TILE_PX // 2).ravel()
    fine, coarse = _measure(luma), 2 * _measure(half)
    # Rounding is noise at the finest scale only: it must not vouch for coarse texture.
    fine *= np.clip((fine - _ROUNDING[0]) / (_ROUNDING[1] - _ROUNDING[0]), 0, 1)
    noise = np.maximum(np.minimum(fine, _MOST_REFINEMENT * coarse), np.minimum(coarse, _MOST_COARSENING * fine))
    color_noise = np.maximum(*map(_measure, quarters))
    bins = _group_by_brightness(brightness)
    return NoiseProfile(
        luma=_fit(noise, bins, 1),
        chroma=_fit(color_noise, bins, 1 / 16),
        samples=_fit(_measure(tiles), bins, 0),
        blocks=_measure_blocks(luma, brightness),
        quantization=_QUANTIZATION_VARIANCE**0.5 if image.dtype == np.uint8 else 0.0,
        emptiness=_measure_emptiness(luma) if image.dtype == np.uint8 else 0.0,
    )


def _cut_tiles(image: npt.NDArray[Any]) -> FloatArray:
    """Tiles spread evenly over the image, side by side: (32, N · 32, 3) float32 levels of 255.

    N is 0 where a side of the image is shorter than a tile.
    """
    counts = [side // _TILE_PX for side in image.shape[:2]]
    while counts[0] * counts[1] > _MOST_TILES:
        counts = [max(1, count * 7 // 8) for count in counts]
    # At multiples of a block, so that blocks lie alike in all tiles.
    tops, lefts = (
        np.linspace(0, side - _TILE_PX, count).astype(int) // _BLOCK_PX * _BLOCK_PX
        for side, count in zip(image.shape[:2], counts, strict=True)
    )
    parts = [image[top : top + _TILE_PX, left : left + _TILE_PX, :3] for top in tops for left in lefts]
    if not parts:
        return np.empty((_TILE_PX, 0, 3), np.float32)
    white = np.iinfo(image.dtype).max if np.issubdtype(image.dtype, np.integer) else 1
    tiles = np.concatenate(parts, axis=1).astype(np.float32)
    if white != 255:
        tiles *= np.float32(255 / white)
    return tiles


def _shrink(tiles: FloatArray, factor: int) -> FloatArray:
    size = (tiles.shape[1] // factor, tiles.shape[0] // factor)
    return np.asarray(cv2.resize(tiles, size, interpolation=cv2.INTER_AREA), np.float32)


def _measure(tiles: FloatArray) -> FloatArray:
    """(N,) standard deviation of the noise in each of (side, N · side) tiles, or of (side, N · side, C) tiles."""
    side = len(tiles)
    response = cv2.sepFilter2D(tiles, -1, _IMMERKAER, _IMMERKAER)
    # Beyond the border of a tile lies another one. Rows first: numpy is slow at two axes at once.
    columns = np.abs(response, out=response)[1:-1].sum(axis=0).reshape(-1, side, *tiles.shape[2:] or (1,))
    deviations = columns[:, 1:-1].sum(axis=1) * np.float32(_MEAN_TO_STD / (side - 2) ** 2)
    measured: FloatArray = np.sqrt(np.square(deviations).mean(axis=1))
    return measured


def _measure_blocks(luma: FloatArray, brightness: FloatArray) -> float:
    """The standard deviation of what steps at every eighth row and column add to (side, N · side) tiles.

    Squared differences of neighbors, by their place in the period, as no-reference measures of blocking have it (Wang,
    Bovik and Evans, "Blind Measurement of Blocking Artifacts in Images", ICIP 2000).
    """
    side = len(luma)
    down = _square_steps(luma[1:] - luma[:-1]).reshape(side - 1, -1, side).mean(axis=2).T
    steps = _square_steps(luma[:, 1:] - luma[:, :-1]).mean(axis=0)
    # From each tile to the next there is a step too, which is none of the picture; the last tile has none.
    across = np.append(steps, np.float32(0)).reshape(-1, side)[:, :-1]
    # Blocks have both; a gradient in whole levels has steps along one axis, perhaps at every eighth place.
    return math.sqrt(min(_find_period(down, brightness), _find_period(across, brightness)) / 2)


def _measure_emptiness(luma: FloatArray) -> float:
    """The share of empty cells among the dark ones of (side, N · side) tiles; 0 where these are too few to tell."""
    highest, lowest = (_reduce_cells(luma, extreme) for extreme in (np.maximum, np.minimum))
    dark = highest < _NEARLY_BLACK
    if np.count_nonzero(dark) < _FEWEST_CELLS:
        return 0.0
    return float(np.mean((highest - lowest)[dark] < _ONE_LEVEL))


def _reduce_cells(luma: FloatArray, extreme: np.ufunc) -> FloatArray:
    """The largest or the smallest sample of each cell."""
    rows = extreme.reduce(luma.reshape(-1, _CELL_PX, luma.shape[1]), axis=1)
    # One column of all cells after the other: along a last axis of so few samples numpy is slow.
    columns = (rows[:, start::_CELL_PX] for start in range(_CELL_PX))
    reduced: FloatArray = functools.reduce(extreme, columns)
    return reduced


def _square_steps(differences: FloatArray) -> FloatArray:
    differences *= differences
    return np.minimum(differences, np.float32(_LARGEST_STEP**2), out=differences)


def _find_period(squares: FloatArray, brightness: FloatArray) -> float:
    """What (N, places) squared steps have more at one place of the period than elsewhere, or 0."""
    starts = range(0, squares.shape[1], _BLOCK_PX)
    by_phase = squares[:, :_BLOCK_PX].copy()
    for start in starts[1:]:
        period = squares[:, start : start + _BLOCK_PX]
        by_phase[:, : period.shape[1]] += period
    by_phase /= [len(range(phase, squares.shape[1], _BLOCK_PX)) for phase in range(_BLOCK_PX)]
    phase = int(np.median(by_phase, axis=0).argmax())
    usual = np.median(by_phase, axis=1)
    excess = by_phase[:, phase] - usual
    # Steps of a level or two show in calm tiles and drown in texture; what is bright is not brightened further.
    weight = (brightness < _DARK) / (usual + 0.1) ** 2
    total = weight.sum()
    if total == 0:
        return 0.0
    mean = (weight * excess).sum() / total
    error = ((weight * (excess - mean)) ** 2).sum() ** 0.5 / total
    return float(mean) if mean > _CERTAINTY * error else 0.0


def _group_by_brightness(brightness: FloatArray) -> list[_Bin]:
    """Tiles of like brightness, from their (N,) brightness in levels of 255; all in one where each bin has too few."""
    numbers = np.digitize(brightness, _BIN_EDGES) - 1
    known = [number for number, count in enumerate(np.bincount(numbers)) if count >= _FEWEST_TILES]
    members = [numbers == number for number in known] or [np.ones(len(numbers), bool)]
    return [_Bin(_find_quantile(brightness[each], 0.5), each) for each in members]


def _fit(noise: FloatArray, bins: list[_Bin], quantization_share: float) -> FloatArray:
    """(256,): the calm tiles of each bin, joined by straight lines over the square root of brightness."""
    middle = np.array([each.middle for each in bins])
    calm = np.array([_find_quantile(noise[each.members], _CALM_SHARE) for each in bins])
    calm = np.sqrt(np.maximum(calm**2 - quantization_share * _QUANTIZATION_VARIANCE, 0))
    # Black is clipped, and its noise with it, so that it is no measure for the rest.
    measures = calm[(middle >= _BLACK) | (calm > 0)]
    if len(measures):
        calm = np.minimum(calm, _MOST_RISE * np.sort(measures)[(len(measures) - 1) // 4])
    profile: FloatArray = np.interp(np.sqrt(np.arange(256)), np.sqrt(middle), calm).astype(np.float32)
    return profile


def _find_quantile(numbers: FloatArray, share: float) -> float:
    """As `numpy.quantile`, which takes twenty times as long for so few numbers."""
    ordered = np.sort(numbers)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return float(ordered[below] + (place - below) * (ordered[above] - ordered[below]))
