"""Pictures of four channels, RGB and near infrared: in a PNG or TIFF where others have opacity.

A TIFF may leave open what its fourth channel means; what is written says opacity, which every reader keeps.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.errors import ImageError
from edge_dce.files.objects import ObjectPath, Place, read_object
from edge_dce.files.pictures import Picture, read_picture

Uint8Array = npt.NDArray[np.uint8]


def read_near_infrared(path: str | Place) -> Picture:
    """Read a picture of 8 or 16 bits whose `alpha` is its fourth channel, near infrared.

    Raises:
        ImageError: as `read_picture`, and if there are not four channels.
    """
    path = path if isinstance(path, ObjectPath) else Path(path)
    picture = read_picture(path)
    if picture.alpha is None:
        plane = _read_fourth_channel(path, picture)
        if plane is None:
            raise ImageError(f"{path}: expected four channels (RGB and near infrared as alpha), found three")
        picture = dataclasses.replace(picture, alpha=plane)
    return picture


def read_picture_for(path: str | Place, channels: int) -> Picture:
    """Read a picture for a network of so many channels: of four, as `read_near_infrared`, else as `read_picture`.

    Raises as they do.
    """
    return read_near_infrared(path) if channels == 4 else read_picture(path)


def read_channels(path: str | Path, channels: int) -> Uint8Array:
    """The samples in 8 bits that a network of so many channels is made for: (H, W, 4) for four, else (H, W, 3) RGB.

    Raises as `read_near_infrared` for four channels, as `read_picture` for others.
    """
    picture = read_picture_for(path, channels).rounded()
    return stack_channels(picture) if channels == 4 else picture.image.astype(np.uint8, copy=False)


def stack_channels(picture: Picture) -> npt.NDArray[Any]:
    """(H, W, 4): the colors of a picture that `read_near_infrared` returned, and near infrared.

    Raises:
        ImageError: it has no fourth channel.
    """
    if picture.alpha is None:
        raise ImageError("expected four channels (RGB and near infrared as alpha), found three")
    return np.concatenate([picture.image, picture.alpha[..., np.newaxis]], axis=2)


def _read_fourth_channel(path: Place, picture: Picture) -> npt.NDArray[Any] | None:
    """That of a TIFF which leaves its meaning open; None where there is none, or in an order of its own."""
    if path.suffix.lower() not in (".tif", ".tiff"):
        return None
    data = read_object(path) if isinstance(path, ObjectPath) else path.read_bytes()
    stored = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if stored is None or stored.ndim != 3 or stored.shape[2] != 4 or stored.dtype != picture.image.dtype:
        return None
    colors = stored[..., 2::-1]
    return np.ascontiguousarray(stored[..., 3]) if np.array_equal(colors, picture.image) else None
