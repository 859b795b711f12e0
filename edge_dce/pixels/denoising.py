"""Smooth away the noise that brightening amplified, and leave alone what it did not brighten.

Self-guided filters (He et al., "Guided Image Filtering", TPAMI 2013, eq. 5 and 6; with coefficients from a fraction of
the size, "Fast Guided Filter", arXiv 1505.00996) on luma and chroma. Their regularizer is the variance below which a
texture counts as noise. It follows the place: see `AddedNoise`. The guide is blurred a little, or it would hold the
very noise that it is to remove; where the filter finds an edge it is not, or edges would lose their sharpness.

Everything happens in strips of rows that stay in the cache, in the depth of the image, luma at full and chroma at half
size, as a camera's JPEG has it (docs/decisions/0010).
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.pixels.buffers import Buffers

Plane = npt.NDArray[Any]
Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

# Chosen on LOL's validation part and by eye on DICM and LIME (docs/decisions/0010). The variance of chroma is that of
# averages over 4 x 4 pixels, where noise of neighbors that hang together counts for more than its share.
_LUMA_STRENGTH, _CHROMA_STRENGTH = 0.9, 1.5
# Beyond the reach of two boxes for blocks at a quarter of the size and of what follows them; without blocks, of two
# boxes for chroma there.
HALO_ROWS, HALO_ROWS_WITHOUT_BLOCKS = 40, 28
# Variances of bright flat places are differences of products that float32 rounds by a hundredth of a squared level:
# their quotient may not be the ratio of two roundings.
_LEAST_DEVIATION = 0.2
# Where a line keeps nearly all of a sample, the level of the rest is uncertain: this much of the sample joins it.
_LEAST_REST = np.float32(0.02)
# Less noise than this, in levels, is not seen, and its place stays as it is.
UNSEEN = 0.5
# Chroma is halved twice: another factor in each strip would show where they meet.
UNIT_PX = 4
TO_LUMA = {"RGB": cv2.COLOR_RGB2GRAY, "BGR": cv2.COLOR_BGR2GRAY}
_TO_CHROMA = {"RGB": cv2.COLOR_RGB2YCrCb, "BGR": cv2.COLOR_BGR2YCrCb}
# As OpenCV's YCrCb has it.
_NO_COLOR = {np.dtype(np.uint8): 128.0, np.dtype(np.uint16): 32768.0, np.dtype(np.float32): 0.5}
DEPTHS = {np.dtype(np.uint8): cv2.CV_8U, np.dtype(np.uint16): cv2.CV_16U, np.dtype(np.float32): cv2.CV_32F}


@dataclasses.dataclass(frozen=True)
class _Scale:
    """Of a guided filter, in pixels of the plane that its lines are fitted to."""

    radius_px: int
    blur_px: float


# Blocks are judged without a blur, or edges would move by a quarter's pixel.
_BLOCKS = _Scale(radius_px=3, blur_px=0)
_BLOCK_STRENGTH = 2.0
_LUMA, _CHROMA = _Scale(radius_px=1, blur_px=0.5), _Scale(radius_px=2, blur_px=1.0)


@dataclasses.dataclass(frozen=True)
class AddedNoise:
    """What brightening added to the noise of a picture, by place.

    Attributes:
        luma: (h, w) float32 of any size, stretched over the picture: standard deviation in levels of 255.
        chroma: the same of Cr and Cb, averaged over 4 x 4 pixels.
        blocks: the same of the steps between blocks of 8 x 8 pixels, and of the steps that quantization left.
        color: the share of the color that is kept there, 0 to 1; None for all of it.
    """

    luma: FloatArray
    chroma: FloatArray
    blocks: FloatArray
    color: FloatArray | None = None


def smooth_strip(
    noisy: Plane,
    added: AddedNoise,
    inner: slice,
    *,
    channel_order: str,
    workspace: Buffers,
    out: Plane | None = None,
) -> Plane:
    """The `inner` rows of a strip, smoothed; where `added` is 0 the image stays as it is.

    Args:
        noisy: (H, W, 3 or 4), a strip that begins at a multiple of `UNIT_PX` rows, with `HALO_ROWS` more than `inner`
            on either side where the image has them, or `HALO_ROWS_WITHOUT_BLOCKS` if the strip has no blocks; uint8,
            uint16 or floating point in [0, 1].
        added: the strip's part, at a quarter of the size, sides rounded up.
        channel_order: "RGB" or "BGR", of the first three channels.
        out: (rows, W, 3) of a strip's type that OpenCV knows, C-contiguous, that may receive the result.

    Returns:
        (rows, W, 3) of the strip's type, or float32 for a type that OpenCV does not know; `out`, or in the workspace,
        or a view of a strip that needed nothing.
    """
    width = noisy.shape[1]
    color = take_colors(noisy, workspace, "color")
    if added.luma.max() <= UNSEEN and (added.color is None or added.color.min() >= 1):
        return color[inner]
    padding = (0, -len(noisy) % UNIT_PX, 0, -width % UNIT_PX)
    padded = cv2.copyMakeBorder(color, *padding, cv2.BORDER_REPLICATE) if any(padding) else color
    # Coefficients are made of the whole strip, and applied to a unit more than is asked for, for the bilinear steps.
    top = max(0, inner.start - UNIT_PX)
    bottom = min(len(padded), inner.stop + -inner.stop % UNIT_PX + UNIT_PX)
    planes, untouched = _filter(padded, added, slice(top, bottom), channel_order, workspace)
    # Of floating point OpenCV rounds the last pixels of what lies in one piece otherwise: rows that do not adjoin end
    # alike in all strips. Of integers it does not, and takes longer over such rows.
    gap = UNIT_PX if padded.dtype.kind == "f" else 0
    rows, columns = planes[0].shape
    merged = workspace.reserve("merged", (rows, columns + gap, 3), padded.dtype)[:, :columns]
    needed = cv2.merge(planes, dst=merged)[inner.start - top : inner.stop - top, :width]
    filtered = workspace.reserve("filtered", needed.shape, padded.dtype) if out is None else out
    cv2.transform(needed, _make_matrix(channel_order, padded.dtype), dst=filtered)
    if padded.dtype.kind == "f":
        np.clip(filtered, 0, 1, out=filtered)
    if untouched.any():
        # The way to YCrCb and back may not touch what was not brightened.
        mask = _repeat(untouched.astype(np.uint8), UNIT_PX, workspace)
        cv2.copyTo(color[inner], mask[inner.start - top : inner.stop - top, :width], filtered)
    return filtered


def take_colors(image: Plane, workspace: Buffers, name: str) -> Plane:
    """The three colors of (H, W, 3 or 4), of a type that OpenCV knows: the image itself, or a copy in that buffer."""
    if image.shape[2] == 3 and image.dtype in DEPTHS and image.strides[1:] == (3 * image.itemsize, image.itemsize):
        return image
    depth = image.dtype if image.dtype in DEPTHS else np.dtype(np.float32)
    colors = workspace.reserve(name, (*image.shape[:2], 3), depth)
    np.copyto(colors, image[..., :3])
    return colors


def blend(image: Plane, other: Plane, share: Uint8Array, workspace: Buffers) -> None:
    """Bring `other`, (H, W) or (H, W, 3), back to the image, in place.

    Not at all where `share`, (H, W), is 255; to the bit where it is 0.
    """
    shares = share
    if image.ndim == 3:
        shares = workspace.reserve("shares", image.shape, np.uint8)
        cv2.merge([share] * 3, dst=shares)
    kept = workspace.reserve("kept of the image", image.shape, image.dtype)
    if image.dtype == np.uint8:
        cv2.multiply(other, shares, dst=other, scale=1 / 255)
        cv2.multiply(image, cv2.bitwise_not(shares, dst=shares), dst=kept, scale=1 / 255)
        cv2.add(other, kept, dst=other)
        return
    difference = cv2.subtract(other, image, dtype=cv2.CV_32F)
    cv2.multiply(difference, shares, dst=difference, scale=1 / 255, dtype=cv2.CV_32F)
    cv2.add(image, difference, dst=other, dtype=DEPTHS[image.dtype])


def _filter(
    image: Plane, added: AddedNoise, rows: slice, channel_order: str, workspace: Buffers
) -> tuple[list[Plane], npt.NDArray[np.bool_]]:
    """Y, Cr and Cb of those rows of a strip (H, W, 3), smoothed; all are multiples of four.

    And where nothing is to be done to the rows, a quarter of the size.
    """
    level = np.float32((np.iinfo(image.dtype).max if image.dtype.kind == "u" else 1) / 255)
    share = np.clip((added.luma - UNSEEN) / (1 - UNSEEN), 0, 1, dtype=np.float32)
    colors = _halve(image, workspace, "half colors")
    half = workspace.reserve("half", colors.shape, image.dtype)
    cv2.cvtColor(colors, _TO_CHROMA[channel_order], dst=half)
    small = list(workspace.reserve("half planes", (3, *half.shape[:2]), image.dtype))
    cv2.split(half, small)
    luma = workspace.reserve("luma", image[rows].shape[:2], image.dtype)
    cv2.cvtColor(image[rows], TO_LUMA[channel_order], dst=luma)
    shares, smooth = _fit_luma(small[0], added, share, level, workspace)
    _mix(luma, shares[_divide(rows, 2)], smooth[_divide(rows, 2)], workspace)
    planes = [luma]
    noise = _square(added.chroma, level, _CHROMA_STRENGTH)
    faded = None if added.color is None else enlarge(1 - added.color, half.shape, workspace, "chroma faded")
    for number, plane in enumerate(small[1:]):
        _smooth_chroma(plane, noise, share, faded, workspace)
        planes.append(double(plane[_divide(rows, 2)], workspace, f"chroma {number}"))
    untouched = share == 0 if added.color is None else (share == 0) & (added.color >= 1)
    return planes, untouched[_divide(rows, UNIT_PX)]


@functools.cache
def _make_matrix(channel_order: str, dtype: np.dtype[Any]) -> FloatArray:
    """From YCrCb, as OpenCV has it; its own conversion takes twice the time."""
    gray = _NO_COLOR[dtype]
    # OpenCV rounds a matrix for bytes to this, and grays would get a tint.
    colors = np.rint(1024 * np.array([[1, 1.403, 0], [1, -0.714, -0.344], [1, 0, 1.773]])) / 1024
    matrix = np.column_stack([colors, -gray * colors[:, 1:].sum(axis=1)])
    return np.ascontiguousarray(matrix if channel_order == "RGB" else matrix[::-1], np.float32)


def _divide(rows: slice, factor: int) -> slice:
    return slice(rows.start // factor, rows.stop // factor)


def _fit_luma(
    plane: Plane, added: AddedNoise, share: FloatArray, level: np.float32, workspace: Buffers
) -> tuple[Uint8Array, Plane]:
    """What to mix into a strip's luma, of half its size, see `_mix`, from a plane of that size."""
    shape = plane.shape
    samples = workspace.reserve("luma samples", shape, np.float32)
    np.copyto(samples, plane)
    change = None
    if added.blocks.max() > 0:
        quarter = _halve(samples, workspace, "quarter luma")
        steps = _square(added.blocks, level, _BLOCK_STRENGTH)
        slope, offset = _fit_lines(quarter, steps, _BLOCKS, workspace)
        # The lines' own values less the quarter's: what is to be added for the steps to go. Nothing where there are
        # none, or a strip with blocks elsewhere would differ from one without.
        coarse = (slope - 1) * quarter + offset
        coarse *= added.blocks > 0
        change = enlarge(coarse, shape, workspace, "change")
        samples += change
    noise = enlarge(_square(added.luma, level, _LUMA_STRENGTH), shape, workspace, "luma noise")
    lines = _fit_lines(samples, noise, _LUMA, workspace)
    smooth = workspace.reserve("luma smooth", shape, plane.dtype)
    rest = _part_lines(samples, lines, smooth, workspace, change)
    rest *= enlarge(share, shape, workspace, "half share")
    shares = workspace.reserve("luma shares", shape, np.uint8)
    # |255 - 255 · rest|
    cv2.convertScaleAbs(rest, dst=shares, alpha=-255, beta=255)
    return shares, smooth


def _smooth_chroma(
    plane: Plane, noise: FloatArray, share: FloatArray, faded: FloatArray | None, workspace: Buffers
) -> None:
    """Smooth a plane of chroma, in place, by lines from half its size, and let the `faded` share of its color go.

    `noise`, a variance, and `share` are of half the plane's size.
    """
    samples = workspace.reserve("chroma samples", plane.shape, np.float32)
    np.copyto(samples, plane)
    quarter = _halve(samples, workspace, "quarter chroma")
    lines = _fit_lines(quarter, noise, _CHROMA, workspace)
    smooth = workspace.reserve("chroma smooth", quarter.shape, np.float32)
    rest = _part_lines(quarter, lines, smooth, workspace)
    rest *= share
    change = enlarge(smooth, plane.shape, workspace, "chroma change")
    change -= samples
    change *= enlarge(rest, plane.shape, workspace, "chroma rest")
    if faded is not None:
        gray = _NO_COLOR[plane.dtype]
        samples += change
        np.subtract(gray, samples, out=change)
        change *= faded
    # Rounds and saturates.
    cv2.add(samples, change, dst=plane, dtype=DEPTHS[plane.dtype])


def _square(noise: FloatArray, level: np.float32, strength: float) -> FloatArray:
    """The variance below which a texture counts as noise, in the image's values."""
    bounded: FloatArray = noise * np.float32(strength)
    np.clip(bounded, _LEAST_DEVIATION, np.inf, out=bounded)
    bounded *= level
    return np.square(bounded, out=bounded)


def _part_lines(
    samples: FloatArray,
    lines: tuple[FloatArray, FloatArray],
    smooth: Plane,
    workspace: Buffers,
    change: FloatArray | None = None,
) -> FloatArray:
    """Write the level that lines lead to to `smooth`; what share of the samples is to become it, from 0 to 1."""
    slope, offset = lines
    np.clip(slope, 0, 1, out=slope)
    product = workspace.reserve("part product", samples.shape, np.float32)
    offset += np.multiply(samples, _LEAST_REST, out=product)
    if change is not None:
        offset += np.multiply(slope, change, out=product)
    rest: FloatArray = np.subtract(1, slope, out=slope)
    cv2.divide(offset, np.add(rest, _LEAST_REST, out=product), dst=smooth, dtype=DEPTHS[smooth.dtype])
    return rest


def _fit_lines(
    samples: FloatArray, noise: FloatArray, scale: _Scale, workspace: Buffers
) -> tuple[FloatArray, FloatArray]:
    """Slope and offset, (h, w) float32 each, of the line that tells each sample from its blurred neighborhood.

    `noise` is a variance, of the samples' shape.
    """
    product, variance, mean_guide = (
        workspace.reserve(f"line {name}", samples.shape, np.float32) for name in ("product", "variance", "mean guide")
    )
    average = functools.partial(cv2.blur, ksize=(2 * scale.radius_px + 1,) * 2)
    guide, mean = samples, mean_guide
    if scale.blur_px:
        guide = workspace.reserve("line guide", samples.shape, np.float32)
        cv2.GaussianBlur(samples, (3, 3), scale.blur_px, dst=guide)
    average(guide, dst=mean_guide)
    average(np.multiply(guide, guide, out=product), dst=variance)
    variance -= np.multiply(mean_guide, mean_guide, out=product)
    # Numpy takes a third of the time for two bounds that it takes for one.
    np.clip(variance, 0, np.inf, out=variance)
    covariance = workspace.reserve("line covariance", samples.shape, np.float32)
    if scale.blur_px:
        mean = workspace.reserve("line mean", samples.shape, np.float32)
        average(samples, dst=mean)
        average(np.multiply(guide, samples, out=product), dst=covariance)
        covariance -= np.multiply(mean_guide, mean, out=product)
    else:
        np.copyto(covariance, variance)
    variance += noise
    slope = np.divide(covariance, variance, out=covariance)
    # The blurred guide varies less than what it guides: the line would sharpen.
    np.clip(slope, -np.inf, 1, out=slope)
    np.subtract(mean, np.multiply(slope, mean_guide, out=product), out=product)
    average(slope, dst=variance)
    average(product, dst=mean_guide)
    return variance, mean_guide


def _mix(plane: Plane, shares: Uint8Array, smooth: Plane, workspace: Buffers) -> None:
    """Keep of a plane the share that is told, in 255ths, and let the rest be smooth; both are of half its size.

    What is kept is blurred a little where it is not all, at edges.
    """
    shares = double(shares, workspace, "shares of luma")
    guide = workspace.reserve("guide", plane.shape, plane.dtype)
    cv2.GaussianBlur(plane, (3, 3), 0, dst=guide)
    squared = workspace.reserve("squared", plane.shape, np.uint8)
    cv2.multiply(shares, shares, dst=squared, scale=1 / 255)
    blend(guide, plane, squared, workspace)
    blend(double(smooth, workspace, "smooth"), plane, shares, workspace)


def double(plane: Plane, workspace: Buffers, name: str) -> Plane:
    """A plane of twice the size, as good as bilinear, in the buffer of that name.

    A box over samples that are repeated takes half the time of OpenCV's resizing.
    """
    repeated = _repeat(plane, 2, workspace)
    large = workspace.reserve(name, repeated.shape, plane.dtype)
    cv2.blur(repeated, (3, 3), dst=large)
    return large


def _repeat(plane: Plane, times: int, workspace: Buffers) -> Plane:
    """Every sample as a square of that side."""
    height, width = plane.shape
    row = workspace.reserve("repeated in rows", (height, width, times), plane.dtype)
    cv2.merge([plane] * times, dst=row)
    repeated = workspace.reserve("repeated", (times * height, times * width), plane.dtype)
    np.copyto(repeated.reshape(height, times, -1), row.reshape(height, 1, -1))
    return repeated


def enlarge(plane: Plane, shape: tuple[int, ...], workspace: Buffers, name: str) -> Plane:
    """A map stretched to a shape's height and width, bilinear, in the buffer of that name."""
    large = workspace.reserve(name, shape[:2], plane.dtype)
    cv2.resize(plane, shape[1::-1], dst=large, interpolation=cv2.INTER_LINEAR)
    return large


def _halve(plane: Plane, workspace: Buffers, name: str) -> Plane:
    height, width = plane.shape[0] // 2, plane.shape[1] // 2
    halved = workspace.reserve(name, (height, width, *plane.shape[2:]), plane.dtype)
    cv2.resize(plane, (width, height), dst=halved, interpolation=cv2.INTER_AREA)
    return halved
