"""Photos: a frame at full resolution through the CPU path, as `edge-dce enhance` does it, saved at once and whole."""

from __future__ import annotations

import dataclasses
import datetime
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.camera import Frame
from edge_dce.camera.frames import to_bytes
from edge_dce.enhancer import Enhancer
from edge_dce.enhancing.picture import enhance_picture
from edge_dce.errors import OutputError
from edge_dce.files.output import make_folder
from edge_dce.files.pictures import DEFAULT_QUALITY, Picture, make_exif, write_picture
from edge_dce.pixels.look import Look
from edge_dce.version import VERSION

from .burst import merge_burst

Uint8Array = npt.NDArray[np.uint8]

_PHOTO_SUFFIX = ".jpg"
# Lossless, so that it can be enhanced again and gives the same photo.
_ORIGINAL_SUFFIX = ".png"
_BEFORE_PX, _THUMBNAIL_PX = 1280, 256
_MOST_OF_ONE_SECOND = 100


@dataclasses.dataclass(frozen=True)
class Photo:
    """A photo that was saved.

    Attributes:
        path: the enhanced picture.
        original: the frame as it came, or None if it was not to be kept.
        strength: that it was enhanced with.
        brightness_before, brightness_after: mean of all samples, in [0, 1].
        frames: how many frames were merged.
    """

    path: Path
    original: Path | None
    strength: float
    brightness_before: float
    brightness_after: float
    frames: int


@dataclasses.dataclass(frozen=True)
class Album:
    """Where photos go: the folder for everyone to see, and the app's own for small copies."""

    pictures: Path
    copies: Path

    def locate_before(self, photo: Path) -> Path:
        """A copy of the frame before enhancement, for comparison on a screen."""
        return self.copies / f"{photo.stem}-before{_PHOTO_SUFFIX}"

    def locate_thumbnail(self, photo: Path) -> Path:
        """A copy of the photo for the strip."""
        return self.copies / f"{photo.stem}-thumbnail{_PHOTO_SUFFIX}"


def take_photo(
    frames: list[Frame],
    enhancer: Enhancer,
    look: Look,
    album: Album,
    *,
    taken: datetime.datetime | None = None,
    keeps_original: bool = False,
) -> Photo:
    """Enhance a frame, or several merged into one, and save it under the time's name.

    The pixels are those that `edge-dce enhance` makes of the original. Of a burst, the original is the merged frame,
    and it is enhanced from 16 bits, which an eight-bit file of it cannot repeat exactly.

    Raises:
        ImageError: frames of different sizes.
        ModelError: the model failed.
        OutputError: the folder cannot be made or written to.
    """
    taken = taken or datetime.datetime.now().astimezone()
    images = [_to_rgb(frame) for frame in frames]
    exif = make_exif(taken, f"edge-dce {VERSION}")
    if len(images) == 1:
        original: Uint8Array = images[0]
        enhanced = enhance_picture(Picture(original, exif=exif), enhancer, look, jpeg_quality=DEFAULT_QUALITY)
    else:
        merged = merge_burst(images)
        original = _to_bytes(merged)
        enhanced = Picture(_to_bytes(enhancer.enhance(merged, look)), exif=exif)
    make_folder(album.pictures)
    make_folder(album.copies)
    path = _write_new(enhanced, album.pictures, taken)
    kept = path.with_name(f"{path.stem}-original{_ORIGINAL_SUFFIX}") if keeps_original else None
    if kept is not None:
        write_picture(Picture(original, exif=exif), kept)
    for image, target, side_px in (
        (original, album.locate_before(path), _BEFORE_PX),
        (to_bytes(enhanced.image), album.locate_thumbnail(path), _THUMBNAIL_PX),
    ):
        write_picture(Picture(_shrink(image, side_px)), target, overwrite=True)
    return Photo(
        path=path,
        original=kept,
        strength=look.strength,
        brightness_before=float(original.mean()) / 255,
        brightness_after=float(enhanced.image.mean()) / 255,
        frames=len(frames),
    )


def name_by_time(taken: datetime.datetime, number: int = 1) -> str:
    """A file's stem: `2026-11-22_21-05-09`, and `..._2` for the second of that second."""
    stem = taken.strftime("%Y-%m-%d_%H-%M-%S")
    return stem if number == 1 else f"{stem}_{number}"


def _write_new(picture: Picture, folder: Path, taken: datetime.datetime) -> Path:
    for number in range(1, _MOST_OF_ONE_SECOND):
        path = folder / f"{name_by_time(taken, number)}{_PHOTO_SUFFIX}"
        if not path.exists():
            write_picture(picture, path)
            return path
    raise OutputError(f"{folder}: {_MOST_OF_ONE_SECOND} photos of the same second already exist; move some away")


def _to_rgb(frame: Frame) -> Uint8Array:
    """A copy, because a source may deliver the same array again."""
    if frame.channel_order == "BGR":
        return to_bytes(cv2.cvtColor(frame.image, cv2.COLOR_BGR2RGB))
    return frame.image.copy()


def _to_bytes(image: npt.NDArray[np.uint16]) -> Uint8Array:
    # 65535 is 255 · 257, so white stays white.
    rounded: Uint8Array = ((image.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return rounded


def _shrink(image: Uint8Array, side_px: int) -> Uint8Array:
    scale = side_px / max(image.shape[:2])
    if scale >= 1:
        return image
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    return to_bytes(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
