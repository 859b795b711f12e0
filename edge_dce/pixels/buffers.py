"""Arrays that are kept from frame to frame: a fresh frame-sized array costs more in page faults than filling it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt


class Buffers:
    """Arrays by name. Not for use by several threads at once."""

    def __init__(self) -> None:
        self._kept: dict[str, npt.NDArray[Any]] = {}

    def reserve(self, name: str, shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """A C-contiguous array of this shape; what it held before, or anything, is still in it.

        Valid until the same name is reserved again.
        """
        size = math.prod(shape)
        kept = self._kept.get(name)
        if kept is None or kept.size < size or kept.dtype != dtype:
            kept = self._kept[name] = np.empty(size, dtype)
        return kept[:size].reshape(shape)
