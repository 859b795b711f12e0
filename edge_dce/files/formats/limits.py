"""How large a picture may be."""

from __future__ import annotations

from edge_dce.errors import ImageError

# As many as Pillow opens, 178 million: 2 GB while a picture of 8 bits is enhanced.
MOST_PIXELS = 2 * 89_478_485
# The work of cleaning grows with the longer side: a row of 20 million pixels took 8 GB.
MOST_SIDE_PX = 300_000


def check_size(width: int, height: int, frames: int = 1) -> None:
    """Raise ImageError for a picture, or frames of an animation, too large to be enhanced."""
    if width * height * frames > MOST_PIXELS:
        what = f" in its {frames} frames" if frames > 1 else ""
        raise ImageError(f"larger than {MOST_PIXELS // 1_000_000} megapixels{what}; make it smaller first")
    if max(width, height) > MOST_SIDE_PX:
        raise ImageError(f"{width}x{height} pixels: a side is longer than {MOST_SIDE_PX} pixels; cut it first")
