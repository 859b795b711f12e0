"""Whether a frame shows another scene than the one before, so that nothing of that should be left in the picture."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edge_dce.pixels.smoothing import STEADY, make_thumbnail, measure_change

FloatArray = npt.NDArray[np.float32]
Uint8Array = npt.NDArray[np.uint8]

# A cut shows in so many pixels on a side.
_CUT_PX = 128


class CutDetector:
    """Looks at the frames of one stream, in order."""

    def __init__(self) -> None:
        self._thumbnail: FloatArray | None = None

    def detect(self, frame: Uint8Array) -> bool:
        """Whether there is a cut between the last frame and this, (H, W, 3)."""
        step = max(1, min(frame.shape[:2]) // _CUT_PX)
        before, self._thumbnail = self._thumbnail, make_thumbnail(frame[::step, ::step])
        return before is not None and measure_change(before, self._thumbnail) >= STEADY.cut_change
