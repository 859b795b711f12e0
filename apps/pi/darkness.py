"""Whether it is dark enough to enhance: brightness with hysteresis, and a fade in between."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

# Of white. Cameras keep to about 0.4 by exposing longer for as long as they can; below this they no longer could.
_DARK_BELOW = 0.25
# Far enough above that no scene is both, and headlights in a dark street do not reach it.
_BRIGHT_ABOVE = 0.35
# A light must stay for that long; a flash or a hand over the lens changes nothing.
_PATIENCE_S = 1.0
_FADE_S = 0.5
_SAMPLED_PX = 128


class Darkness:
    """Judges the frames of one stream, in order."""

    def __init__(self) -> None:
        self.is_dark = True
        self.brightness: float | None = None
        self._share: float | None = None
        self._since_s: float | None = None
        self._last_s = 0.0

    def judge(self, image: npt.NDArray[np.uint8], time_s: float) -> float:
        """How much of the enhancement this frame gets, from 0 (none) to 1.

        Args:
            image: (H, W, 3) uint8, any order of channels.
            time_s: when it was taken, on any clock.
        """
        self.brightness = brightness = measure_brightness(image)
        if self._share is None:
            self.is_dark = brightness < (_DARK_BELOW + _BRIGHT_ABOVE) / 2
            self._share = float(self.is_dark)
            self._last_s = time_s
        contradicts = brightness > _BRIGHT_ABOVE if self.is_dark else brightness < _DARK_BELOW
        if not contradicts:
            self._since_s = None
        elif self._since_s is None:
            self._since_s = time_s
        elif time_s - self._since_s >= _PATIENCE_S:
            self.is_dark = not self.is_dark
            self._since_s = None
        step = (time_s - self._last_s) / _FADE_S
        self._last_s = time_s
        self._share = min(1.0, self._share + step) if self.is_dark else max(0.0, self._share - step)
        return self._share


def measure_brightness(image: npt.NDArray[np.uint8]) -> float:
    """The mean of all samples, of some 128x128 pixels, in [0, 1]."""
    height, width = image.shape[:2]
    drawn = image[:: max(1, height // _SAMPLED_PX), :: max(1, width // _SAMPLED_PX)]
    return float(drawn.mean()) / 255
