"""Pictures that are the same picture: by their bytes, or by what they show."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

_SIDE_PX = 32
# Mean difference of two thumbnails, in units of their contrast. Measured on the 485 dark pictures of LOL: a copy as
# JPEG of quality 50 to 90, or a quarter of the size, comes to 0.12 at most; another scene to 0.5 and more.
_SAME = 0.15


@dataclasses.dataclass(frozen=True)
class Fingerprint:
    """Of one picture.

    Attributes:
        sha256: of the file's bytes.
        thumbnail: (1024,) float32 grey levels of the picture at 32x32.
    """

    path: Path
    sha256: str
    thumbnail: FloatArray

    @property
    def brightness(self) -> float:
        """Mean grey level, 0 to 255."""
        return float(self.thumbnail.mean())


def take_fingerprint(path: Path, image: Uint8Array) -> Fingerprint:
    """The fingerprint of a file and of the (H, W, 3) uint8 RGB image in it."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    thumbnail = cv2.resize(grey, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA)
    return Fingerprint(path, hash_file(path), np.asarray(thumbnail, np.float32).ravel())


def hash_file(path: Path) -> str:
    """sha256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def find_look_alike(picture: Fingerprint, others: Sequence[Fingerprint]) -> Fingerprint | None:
    """The first of `others` that shows the same as `picture`, if any: the same bytes, another encoding or size."""
    if not others:
        return None
    thumbnails = np.stack([other.thumbnail for other in others])
    # Half a level keeps two black pictures from being infinitely different.
    contrast = (thumbnails.std(axis=1) + picture.thumbnail.std()) / 2 + 0.5
    distances = np.abs(thumbnails - picture.thumbnail).mean(axis=1) / contrast
    (same,) = np.nonzero(distances < _SAME)
    return others[same[0]] if len(same) else None
