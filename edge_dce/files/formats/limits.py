"""How large a picture may be."""

from __future__ import annotations

import os
from pathlib import Path

from edge_dce.errors import ImageError

# As many as Pillow opens, 178 million: 2 GB while a picture of 8 bits is enhanced.
MOST_PIXELS = 2 * 89_478_485
# The work of cleaning grows with the longer side: a row of 20 million pixels took 8 GB.
MOST_SIDE_PX = 300_000
# Of the largest picture with four channels of 16 bits, and more than a third beside it.
MOST_FILE_BYTES = 2 << 30


def read_file(path: Path) -> bytes:
    """All of a picture's file.

    Raises:
        ImageError: larger than any picture's.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        found = os.fstat(file.fileno()).st_size
        if found > MOST_FILE_BYTES:
            raise ImageError(f"a file of {found >> 30} GB, expected a picture of at most {MOST_FILE_BYTES >> 30} GB")
        return file.read()


def check_size(width: int, height: int, frames: int = 1) -> None:
    """Raise ImageError for a picture, or frames of an animation, too large to be enhanced."""
    if width * height * frames > MOST_PIXELS:
        what = f" in its {frames} frames" if frames > 1 else ""
        raise ImageError(f"larger than {MOST_PIXELS // 1_000_000} megapixels{what}; make it smaller first")
    if max(width, height) > MOST_SIDE_PX:
        raise ImageError(f"{width}x{height} pixels: a side is longer than {MOST_SIDE_PX} pixels; cut it first")
