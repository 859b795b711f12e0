"""JPEGs as viewers and files get them."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

# The format could count to 65,535; libjpeg stops here.
_MOST_SIDE = 65_500


def encode_jpeg(image: npt.NDArray[np.uint8], channel_order: str, quality: int) -> bytes:
    """A JPEG, 4:2:0, of a (H, W, 3) uint8 image; made smaller if it is longer than JPEGs can be."""
    longest = max(image.shape[:2])
    if longest > _MOST_SIDE:
        height, width = (max(1, side * _MOST_SIDE // longest) for side in image.shape[:2])
        image = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    blue_first = image if channel_order == "BGR" else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    is_encoded, data = cv2.imencode(".jpg", blue_first, (cv2.IMWRITE_JPEG_QUALITY, quality))
    # OpenCV says False only for arguments that it does not take.
    assert is_encoded
    return data.tobytes()
