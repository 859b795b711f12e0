"""What every network sees of an image: the one preprocessing of training, calibration, evaluation and inference."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]


def shrink(image: Uint8Array, width: int, height: int) -> Uint8Array:
    """The image at the network's size.

    Area averaging, so that sensor noise averages out; bilinear along an axis that has to grow. Aspect is not kept: the
    curves are stretched back over the frame.
    """
    grows = image.shape[0] < height or image.shape[1] < width
    resized = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR if grows else cv2.INTER_AREA)
    return resized.astype(np.uint8, copy=False)


def normalize(image: Uint8Array) -> FloatArray:
    """A (height, width, 3) uint8 image as (1, height, width, 3) float32 in [0, 1]: what networks are trained on."""
    tensor: FloatArray = image[np.newaxis].astype(np.float32) / np.float32(255)
    return tensor
