"""Frame-sized arrays that are used again as soon as nobody holds them."""

from __future__ import annotations

import sys

import numpy as np
import numpy.typing as npt

# A fresh 1080p frame costs 4 ms in page faults, a third of what enhancing it costs.
_KEPT = 8


class FramePool:
    """Arrays of one shape at a time. For use by one thread; those who get the arrays may be on any."""

    def __init__(self) -> None:
        self._kept: list[npt.NDArray[np.uint8]] = []

    def take(self, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
        """An array that nobody else refers to, with anything in it; given back by dropping every reference to it."""
        if self._kept and self._kept[0].shape != shape:
            self._kept.clear()
        for index in range(len(self._kept)):
            # The list's and getrefcount's own; whoever looks at a frame, or at a view of one, holds another.
            if sys.getrefcount(self._kept[index]) == 2:
                return self._kept[index]
        array = np.empty(shape, np.uint8)
        if len(self._kept) < _KEPT:
            self._kept.append(array)
        return array
