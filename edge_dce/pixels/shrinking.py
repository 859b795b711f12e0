"""What every network sees of an image: the one preprocessing of training, calibration, evaluation and inference.

`edge_dce.pixels.levels.normalize` makes the network's float tensor of it.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.pixels.buffers import Buffers
from edge_dce.pixels.strips import STRIP_PX, cut_strips

Uint8Array = npt.NDArray[np.uint8]


class Shrinker:
    """Brings images to one size, frame after frame, without allocating anything for a frame of a size seen before.

    An image of at least twice the size is halved first, as often as that: OpenCV halves 20 times faster than it
    averages areas of any other size (1080p to 256x256: 0.7 ms where one step takes 4.0), and the mean of means is the
    mean. Of an odd side the last row or column is left out there.

    Not for use by several threads at once.
    """

    def __init__(self, width: int, height: int) -> None:
        self._width, self._height = width, height
        self._buffers = Buffers()

    def shrink(self, image: npt.NDArray[Any]) -> Uint8Array:
        """As the function `shrink`; the result is overwritten by the next call."""
        halved = 0
        while image.shape[0] >= 2 * self._height and image.shape[1] >= 2 * self._width:
            image = self._halve(image, f"halved {halved}")
            halved += 1
        plain: Uint8Array = image if _is_plain(image) else self._copy_as_bytes(image)
        shape = (self._height, self._width, *image.shape[2:])
        small: Uint8Array = self._buffers.reserve("small", shape, np.uint8)
        grows = image.shape[0] < self._height or image.shape[1] < self._width
        method = cv2.INTER_LINEAR if grows else cv2.INTER_AREA
        cv2.resize(plain, (self._width, self._height), dst=small, interpolation=method)
        return small

    def _halve(self, image: npt.NDArray[Any], name: str) -> Uint8Array:
        height, width = image.shape[0] // 2, image.shape[1] // 2
        halved: Uint8Array = self._buffers.reserve(name, (height, width, *image.shape[2:]), np.uint8)
        even = image[: 2 * height, : 2 * width]
        if _is_plain(even):
            cv2.resize(even, (width, height), dst=halved, interpolation=cv2.INTER_AREA)
            return halved
        # OpenCV would copy the whole frame first.
        for rows in cut_strips(height, STRIP_PX // (2 * width)):
            strip = self._copy_as_bytes(even[2 * rows.start : 2 * rows.stop])
            cv2.resize(strip, (width, len(strip) // 2), dst=halved[rows], interpolation=cv2.INTER_AREA)
        return halved

    def _copy_as_bytes(self, image: npt.NDArray[Any]) -> Uint8Array:
        copy: Uint8Array = self._buffers.reserve("copy", image.shape, np.uint8)
        if image.dtype == np.uint8:
            np.copyto(copy, image)
            return copy
        samples = self._buffers.reserve("samples", image.shape, np.float32)
        # 65535 is 255 · 257, so white stays white; floating-point samples are in [0, 1].
        factor = 1 / 257 if image.dtype == np.uint16 else 255
        np.multiply(image, np.float32(factor), out=samples, casting="unsafe")
        np.clip(np.rint(samples, out=samples), 0, 255, out=samples)
        np.copyto(copy, samples, casting="unsafe")
        return copy


def shrink(image: npt.NDArray[Any], width: int, height: int) -> Uint8Array:
    """The image at the network's size, uint8.

    Area averaging, so that sensor noise averages out; bilinear along an axis that has to grow. Aspect is not kept: the
    curves are stretched back over the frame, and squashing costs nothing that could be measured (docs/decisions/0009).

    Args:
        image: (H, W) or (H, W, C), any strides: uint8, uint16, or floating point in [0, 1].
    """
    return Shrinker(width, height).shrink(image)


def shrink_channels(image: npt.NDArray[Any], width: int, height: int, channels: int) -> Uint8Array:
    """What a network of so many channels sees of an image, (height, width, channels) uint8.

    Args:
        image: as for `shrink`: (H, W, 3), or (H, W, 4) with near infrared for a network of four channels.
        channels: 1, 3 or 4.
    """
    return select_channels(shrink(image, width, height), channels)


def select_channels(small: Uint8Array, channels: int) -> Uint8Array:
    """The channels of an image that a network of so many sees: of one the mean of the colors, which is grey."""
    if channels != 1:
        return small
    grey: Uint8Array = np.rint(small[..., :3].mean(axis=2, keepdims=True)).astype(np.uint8)
    return grey


def _is_plain(image: npt.NDArray[Any]) -> bool:
    """Whether OpenCV takes the image as it is: bytes, pixels side by side, rows perhaps further apart."""
    pixel_bytes = image.shape[2] if image.ndim == 3 else 1
    return (
        image.dtype == np.uint8
        and image.strides[1:] == (pixel_bytes, 1)[: image.ndim - 1]
        and image.strides[0] >= image.shape[1] * pixel_bytes
    )
