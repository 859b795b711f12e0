"""Pillow's images as pictures and back, for programs that have one in memory.

Pillow is a dependency, but who never hands over one of its images does not wait for its import.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from edge_dce.errors import ImageError
from edge_dce.files.picture import Picture

if TYPE_CHECKING:
    from PIL import Image

# What no longer holds of an image of other samples, or of another mode.
_OUTDATED = frozenset({"transparency", "background"})


def is_pillow_image(value: object) -> TypeGuard[Image.Image]:
    """Whether a value is an image of Pillow."""
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(value, module.Image)


def from_pillow(image: Image.Image) -> Picture:
    """The samples, transparency and color profile of an image of any mode but "F"; what is CMYK becomes sRGB.

    Raises:
        ImageError: samples of 32 bits, or none at all.
    """
    from edge_dce.files.formats.pillow_samples import read_samples

    if image.width == 0 or image.height == 0:
        raise ImageError(f"expected an image with pixels, found {image.width}x{image.height}")
    try:
        return read_samples(image)
    except ValueError as error:
        raise ImageError(f"expected an image of 8 or 16 bits, found mode {image.mode!r} ({error})") from error


def to_pillow(picture: Picture, like: Image.Image) -> Image.Image:
    """A picture made of `from_pillow(like)` as an image: grey as grey, alpha where it had any, with `like`'s info.

    Its mode is that of `like`, or the next that holds any color: RGB or RGBA for a palette or CMYK, L for two tones.
    """
    from PIL import Image

    samples: Any = picture.image[..., 0] if picture.is_grey else picture.image
    if picture.is_grey and samples.dtype == np.uint16:
        made = Image.fromarray(np.ascontiguousarray(samples))
    elif picture.alpha is not None:
        channels = np.dstack([samples, picture.alpha])
        made = Image.fromarray(channels, "LA" if picture.is_grey else "RGBA")
    else:
        made = Image.fromarray(np.ascontiguousarray(samples))
    made.info = {name: value for name, value in like.info.items() if name not in _OUTDATED}
    if like.mode == "CMYK":
        made.info.pop("icc_profile", None)
    return made
