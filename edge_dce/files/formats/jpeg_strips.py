"""A JPEG encoded strip by strip, by whichever thread has just made the strip.

Each strip is a restart interval (ITU-T T.81, B.2.1 and E.1.4): nothing in it depends on what comes before. So the
pixels come out as of a picture encoded in one piece; the file is a few bytes a strip longer.
"""

from __future__ import annotations

import struct

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.files.formats.jpeg_segments import SCAN, walk_segments

Uint8Array = npt.NDArray[np.uint8]

QUALITIES = range(1, 101)
# Strips are of whole rows of blocks; those of color, of which there is one sample to two by two pixels, are so high.
ROWS = 16
_FRAME, _INTERVAL, _RESTART = 0xC0, 0xDD, 0xD0
_TABLES = (0xDB, 0xC4)
_MOST_SIDE_PX, _MOST_BLOCKS = 65_500, 65_535


class JpegStrips:
    """The strips of one picture. For several threads, each with strips of its own."""

    def __init__(self, image: Uint8Array, quality: int) -> None:
        """Of (H, W, 3) uint8 RGB, that is still being made."""
        self.image = image
        self.quality = quality
        # The first row of each -> how many rows, and a file of them alone.
        self._encoded: dict[int, tuple[int, bytes]] = {}

    def encode(self, rows: slice) -> None:
        """Encode rows that are made: from a multiple of `ROWS`, and as many as every other strip has but the last."""
        # With color at half size, as libjpeg has it; OpenCV before 4.7 has no option that says so.
        options = [cv2.IMWRITE_JPEG_QUALITY, self.quality]
        is_encoded, data = cv2.imencode(".jpg", cv2.cvtColor(self.image[rows], cv2.COLOR_RGB2BGR), options)
        if is_encoded:
            self._encoded[rows.start] = len(self.image[rows]), data.tobytes()

    def join(self, described: bytes) -> bytes | None:
        """The file, or None where strips are missing or cannot be one file.

        Args:
            described: another JPEG, whose application segments and comment are taken.
        """
        height, width = self.image.shape[:2]
        rows, first = self._encoded.get(0, (height, b""))
        interval = -(-width // ROWS) * -(-rows // ROWS)
        expected = {top: min(rows, height - top) for top in range(0, height, rows)}
        is_whole = {top: count for top, (count, _) in self._encoded.items()} == expected
        is_aligned = len(expected) == 1 or rows % ROWS == 0
        if not is_whole or not is_aligned or max(height, width) > _MOST_SIDE_PX or interval > _MOST_BLOCKS:
            return None
        about = [described[place] for marker, place in walk_segments(described) if marker >= 0xE0]
        tables = [first[place] for marker, place in walk_segments(first) if marker in _TABLES]
        header = {marker: first[place] for marker, place in walk_segments(first)}
        frame = header[_FRAME][:5] + struct.pack(">H", height) + header[_FRAME][7:]
        parts = [b"\xff\xd8", *about, *tables, frame, struct.pack(">BBHH", 0xFF, _INTERVAL, 4, interval), header[SCAN]]
        for number, top in enumerate(expected):
            if number:
                parts.append(bytes([0xFF, _RESTART + (number - 1) % 8]))
            parts.append(_take_samples(self._encoded[top][1]))
        return b"".join([*parts, b"\xff\xd9"])


def _take_samples(jpeg: bytes) -> bytes:
    """What is coded, without the segments before it and the marker that ends the file."""
    *_, (_, header) = walk_segments(jpeg)
    return jpeg[header.stop : -2]
