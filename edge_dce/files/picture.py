"""A picture: what a reader of any format makes, what enhancement changes, what a writer of any format takes."""

from __future__ import annotations

import collections
import dataclasses
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.files.formats.jpeg_strips import JpegStrips

Uint8Array = npt.NDArray[np.uint8]
Uint16Array = npt.NDArray[np.uint16]
Samples = Uint8Array | Uint16Array


@dataclasses.dataclass(frozen=True)
class Notes:
    """What a file says beside its samples, their color and its EXIF.

    Attributes:
        xmp: an XMP packet, or None.
        iptc: IPTC records (IIM), or None.
        resolution_dpi: pixels per inch across and down, or None.
        tiff_tags: number, type and little-endian numbers of a TIFF's entries that speak of something else.
        texts: keyword and text of PNG's entries; the comment of a JPEG or GIF is named "Comment".
    """

    xmp: bytes | None = None
    iptc: bytes | None = None
    resolution_dpi: tuple[float, float] | None = None
    texts: tuple[tuple[str, str], ...] = ()
    tiff_tags: tuple[tuple[int, int, bytes], ...] = ()


@dataclasses.dataclass(frozen=True)
class Gamma:
    """What the chunks gAMA and cHRM of a PNG file say.

    Attributes:
        hundred_thousandths: 100,000 divided by the exponent that makes light of a number; None where it is not told.
        chromaticities: x and y of white, red, green and blue in the same unit, or None.
    """

    hundred_thousandths: int | None = None
    chromaticities: tuple[int, ...] | None = None


@dataclasses.dataclass(frozen=True)
class Animation:
    """The frames of a picture that moves.

    Attributes:
        durations_ms: how long each frame is shown, the first included.
        further: samples and alpha of the frames behind the first, like those of the picture.
        loops: how often they are shown; 0 for ever.
    """

    durations_ms: tuple[int, ...]
    further: tuple[tuple[Samples, Samples | None], ...]
    loops: int = 0


@dataclasses.dataclass(frozen=True)
class Picture:
    """A decoded picture, upright, in the light in which a viewer shows it.

    Attributes:
        image: (H, W, 3) RGB with the transfer function of sRGB, uint8, or uint16 where the file has more than 8 bits or
            another transfer function. What is brighter than white, in HDR, is compressed below it.
        alpha: (H, W) opacity of the image's type, or None where the file has none.
        is_grey: the file holds one channel; `image` repeats it three times and writing reduces it again.
        icc_profile: the color profile that describes `image`, or None for sRGB.
        exif: EXIF block without orientation, or None.
        cicp: color primaries and transfer function, code points of ITU-T H.273, where the file names them. Writing a
            PNG brings the samples back to them.
        gamma: what a PNG says instead of a profile. Writing one brings the samples back to it, without a profile.
        notes: what else the file says.
        animation: the frames behind `image`, or None.
        left_out: what the file holds and this does not, by kind, and how often.
        strips: `image` as a JPEG, where it was encoded while it was made; its samples must then stay as they are.
    """

    image: Samples
    alpha: Samples | None = None
    is_grey: bool = False
    icc_profile: bytes | None = None
    exif: bytes | None = None
    cicp: tuple[int, int] | None = None
    gamma: Gamma | None = None
    notes: Notes = Notes()
    animation: Animation | None = None
    left_out: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    strips: JpegStrips | None = None

    def with_image(self, image: Samples) -> Picture:
        """The same picture with other samples of the same type: what enhancement returns."""
        return dataclasses.replace(self, image=image, strips=None)

    def count_pixels(self) -> int:
        """Of all frames."""
        height, width = self.image.shape[:2]
        return int(height * width) * (1 + (len(self.animation.further) if self.animation is not None else 0))

    def rounded(self) -> Picture:
        """The same picture with 8 bits per sample."""
        if self.image.dtype == np.uint8:
            return self
        alpha = None if self.alpha is None else round_to_uint8(self.alpha)
        return dataclasses.replace(self, image=round_to_uint8(self.image), alpha=alpha)

    def deepened(self) -> Picture:
        """The same picture with 16 bits per sample."""
        if self.image.dtype == np.uint16:
            return self
        alpha = None if self.alpha is None else _widen(self.alpha)
        return dataclasses.replace(self, image=_widen(self.image), alpha=alpha)

    def turned_upright(self, orientation: int) -> Picture:
        """The same picture from samples stored in one of EXIF's orientations, 1 to 8."""
        if orientation not in range(2, 9):
            return self
        notes, animation = self.notes, self.animation
        if orientation >= 5 and notes.resolution_dpi is not None:
            notes = dataclasses.replace(notes, resolution_dpi=notes.resolution_dpi[::-1])
        if animation is not None:
            further = tuple(
                (_turn(image, orientation), _turn(alpha, orientation)) for image, alpha in animation.further
            )
            animation = dataclasses.replace(animation, further=further)
        image, alpha = _turn(self.image, orientation), _turn(self.alpha, orientation)
        return dataclasses.replace(self, image=image, alpha=alpha, notes=notes, animation=animation)


def divide_by_alpha(colors: npt.NDArray[Any], alpha: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """(H, W, C) colors that were multiplied by alpha, (H, W), as they were before: uint8 or uint16, as they are."""
    top = int(np.iinfo(colors.dtype).max)
    share = np.maximum(alpha, 1).astype(np.uint32)[..., np.newaxis]
    divided: npt.NDArray[Any] = np.minimum((colors.astype(np.uint32) * top + share // 2) // share, top)
    return divided.astype(colors.dtype)


def round_to_uint8(samples: npt.NDArray[np.generic]) -> Uint8Array:
    """16 bits to 8: 65535 is 255 · 257, so dividing by 257 maps white to white."""
    clipped = np.clip(samples, 0, 65535).astype(np.uint32)
    rounded: Uint8Array = ((clipped + 128) // 257).astype(np.uint8)
    return rounded


def _widen(samples: npt.NDArray[np.generic]) -> Uint16Array:
    widened: Uint16Array = samples.astype(np.uint16) * np.uint16(257)
    return widened


def _turn(samples: Any, orientation: int) -> Any:
    if samples is None:
        return None
    if orientation in (5, 7):
        samples = cv2.transpose(samples)
    turns = {3: cv2.ROTATE_180, 6: cv2.ROTATE_90_CLOCKWISE, 7: cv2.ROTATE_180, 8: cv2.ROTATE_90_COUNTERCLOCKWISE}
    if orientation in turns:
        return cv2.rotate(samples, turns[orientation])
    if orientation in (2, 4):
        return cv2.flip(samples, 1 if orientation == 2 else 0)
    return samples
