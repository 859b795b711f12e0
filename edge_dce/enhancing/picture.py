"""A whole picture: what nobody sees does not count, and what moves gets one smoothed tone."""

from __future__ import annotations

import collections
import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_dce.enhancer import Enhancer
from edge_dce.files.formats.jpeg_strips import QUALITIES, JpegStrips
from edge_dce.files.formats.pillow_samples import convert_to_srgb
from edge_dce.files.formats.profiles import is_srgb
from edge_dce.files.near_infrared import read_picture_for, stack_channels
from edge_dce.files.objects import Place
from edge_dce.files.picture import Picture, Samples
from edge_dce.files.pictures import DEFAULT_QUALITY, is_jpeg, write_picture
from edge_dce.machine import count_usable_cores
from edge_dce.pixels.look import PLAIN, Look
from edge_dce.pixels.shrinking import shrink
from edge_dce.pixels.strips import STRIP_PX, cut_strips
from edge_dce.stream import Stream

Uint8Array = npt.NDArray[np.uint8]


def enhance_picture(
    picture: Picture,
    enhancer: Enhancer,
    look: Look = PLAIN,
    *,
    jpeg_quality: int | None = None,
    in_place: bool = False,
) -> Picture:
    """Enhance a picture that was read from a file, with all of its frames.

    The network sees what a viewer sees: colors by the picture's profile, and no color where the picture is transparent.

    Args:
        jpeg_quality: of the JPEG that will be written. Each strip of a picture that is cleaned is encoded by the thread
            that has cleaned it, if the enhancer has one for each core. That makes no other picture and takes less time
            (docs/performance.md).
        in_place: the samples of a picture without transparency that does not move may receive the result, which saves
            as much memory as they take.

    Raises:
        ModelError: the runtime failed.
    """
    if enhancer.channels == 4:
        return _enhance_near_infrared(picture, enhancer, look)
    if picture.animation is not None:
        return _enhance_frames(picture, enhancer, look)
    visible, estimate = look_at(picture, enhancer)
    out = visible if in_place and picture.alpha is None and visible.flags.writeable else None
    is_plain = picture.image.dtype == np.uint8 and picture.alpha is None and not picture.is_grey
    # Who has fewer threads than there are cores leaves encoding to others.
    has_threads = enhancer.threads >= count_usable_cores()
    if is_plain and has_threads and jpeg_quality is not None and jpeg_quality in QUALITIES:
        image = np.empty(visible.shape, np.uint8) if out is None else np.asarray(out, np.uint8)
        strips = JpegStrips(image, jpeg_quality)
        enhancer.apply(visible, estimate, look, out=image, finish=strips.encode)
        return dataclasses.replace(picture, image=image, strips=strips)
    enhanced = enhancer.apply(visible, estimate, look, out=out)
    return picture.with_image(_restore_hidden(enhanced, picture.image, picture.alpha))


def enhance_file(
    source: Place,
    target: Place,
    enhancer: Enhancer,
    look: Look = PLAIN,
    *,
    overwrite: bool = False,
    quality: int = DEFAULT_QUALITY,
) -> collections.Counter[str]:
    """Enhance one picture from place to place, in the format of the target's suffix: whole, or not at all.

    Returns and raises as `edge_dce.files.pictures.write_picture`, and:

    Raises:
        ImageError: the source cannot be read.
        ModelError: the runtime failed.
    """
    picture = enhance_for(target, read_picture_for(source, enhancer.channels), enhancer, look, quality=quality)
    return write_picture(picture, target, overwrite=overwrite, quality=quality)


def enhance_for(
    target: Place, picture: Picture, enhancer: Enhancer, look: Look = PLAIN, *, quality: int = DEFAULT_QUALITY
) -> Picture:
    """Enhance a picture that nobody else needs, in place, and as far as possible encode it for the target's format.

    Raises:
        ModelError: the runtime failed.
    """
    jpeg_quality = quality if is_jpeg(target) else None
    return enhance_picture(picture, enhancer, look, jpeg_quality=jpeg_quality, in_place=True)


def look_at(picture: Picture, enhancer: Enhancer) -> tuple[Samples, npt.NDArray[np.float32]]:
    """A picture that does not move without its hidden colors, and what `enhancer.estimate` gives for what is seen.

    Raises:
        ModelError: the runtime failed.
    """
    visible = _fill_hidden(picture.image, picture.alpha)
    view = _find_view(visible, picture.alpha, picture.icc_profile, enhancer)
    return visible, enhancer.estimate(visible if view is None else view)


def _enhance_near_infrared(picture: Picture, enhancer: Enhancer, look: Look) -> Picture:
    """Of a picture that `edge_dce.files.near_infrared.read_near_infrared` returned."""
    enhanced = enhancer.enhance(stack_channels(picture), look, channel_order="RGBN")
    return dataclasses.replace(picture, image=enhanced[..., :3].copy(), alpha=enhanced[..., 3].copy())


def _enhance_frames(picture: Picture, enhancer: Enhancer, look: Look) -> Picture:
    animation = picture.animation
    frames = [(picture.image, picture.alpha), *(animation.further if animation is not None else ())]
    stream = Stream(enhancer, look=look)
    enhanced: list[tuple[Samples, Samples | None]] = []
    for image, alpha in frames:
        visible = _fill_hidden(image, alpha)
        out = np.empty_like(visible)
        stream.enhance_into(visible, out, small=_find_view(visible, alpha, picture.icc_profile, enhancer))
        enhanced.append((_restore_hidden(out, image, alpha), alpha))
    if animation is not None:
        animation = dataclasses.replace(animation, further=tuple(enhanced[1:]))
    return dataclasses.replace(picture, image=enhanced[0][0], animation=animation)


def _fill_hidden(image: Samples, alpha: Samples | None) -> Samples:
    """With the mean of what is seen where nothing is: it must not be told from its surroundings, nor smoothed in."""
    hidden = None if alpha is None else alpha == 0
    if hidden is None or not hidden.any() or hidden.all():
        return image
    filled = image.copy()
    filled[hidden] = np.rint(image[~hidden].mean(axis=0, dtype=np.float64))
    return filled


def _restore_hidden(enhanced: npt.NDArray[Any], image: Samples, alpha: Samples | None) -> Samples:
    if alpha is None or alpha.all():
        return enhanced
    return np.where((alpha == 0)[..., np.newaxis], image, enhanced)


def _find_view(
    image: Samples, alpha: Samples | None, icc_profile: bytes | None, enhancer: Enhancer
) -> Uint8Array | None:
    """The small picture in sRGB that the network shall see; None where what is stored is what is seen."""
    is_plain = is_srgb(icc_profile)
    if is_plain and (alpha is None or _is_opaque(alpha)):
        return None
    small = shrink(_composite(image, alpha), enhancer.width, enhancer.height)
    return small if is_plain else convert_to_srgb(small, icc_profile or b"")


def _composite(image: Samples, alpha: Samples | None) -> Samples:
    """The rectangle with everything that is seen, over the mean color of what is seen."""
    if alpha is None or not alpha.any() or _is_opaque(alpha):
        return image
    rows, columns = (np.flatnonzero(alpha.any(axis=axis)) for axis in (1, 0))
    seen = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    image, alpha = image[seen], alpha[seen]
    mean = _average(image, alpha)
    over = np.empty_like(image)
    # A strip at a time: large pictures would be in memory several times as floating point.
    for strip in cut_strips(len(image), STRIP_PX // image.shape[1]):
        share = (alpha[strip] / np.float32(np.iinfo(alpha.dtype).max))[..., np.newaxis]
        over[strip] = np.rint(mean + share * (image[strip] - mean))
    return over


def _average(image: Samples, alpha: Samples) -> npt.NDArray[np.float64]:
    """The mean color, (3,), of what is seen, by how much it is."""
    total, weight = np.zeros(3), 0.0
    for strip in cut_strips(len(image), STRIP_PX // image.shape[1]):
        weights = alpha[strip].reshape(-1).astype(np.float64)
        total += weights @ image[strip].reshape(-1, 3)
        weight += weights.sum()
    return total / weight


def _is_opaque(alpha: Samples) -> bool:
    return bool(alpha.min() == np.iinfo(alpha.dtype).max)
