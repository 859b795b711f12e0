"""Frame-sized arrays that are lent, given back and lent again."""

from __future__ import annotations

import threading

import numpy as np
import numpy.typing as npt

Uint8Array = npt.NDArray[np.uint8]

# A fresh 1080p frame costs 4 ms in page faults, a third of what enhancing it costs.
_KEPT = 8


class Loan:
    """One array of a pool, for as long as anybody holds it; whoever borrowed it is the first.

    Attributes:
        image: (H, W, 3) uint8; may be overwritten as soon as it is released.
    """

    def __init__(self, pool: FramePool, image: Uint8Array) -> None:
        self.image = image
        self._pool = pool
        self._holders = 1

    def hold(self) -> None:
        """For one more holder; somebody must be holding it at this moment."""
        with self._pool.lock:
            assert self._holders, "held after it was given back"
            self._holders += 1

    def release(self) -> None:
        """To be called once by each holder: the last one gives the array back."""
        with self._pool.lock:
            assert self._holders, "released more often than held"
            self._holders -= 1
            if not self._holders:
                self._pool.take_back(self.image)


class FramePool:
    """Arrays of one shape at a time, for any thread.

    A loan that is never released costs an array, which is not lent again; nobody sees one that is being overwritten.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._free: list[Uint8Array] = []

    def lend(self, shape: tuple[int, ...]) -> Loan:
        """An array that nobody holds, with anything in it."""
        with self.lock:
            while self._free:
                image = self._free.pop()
                if image.shape == shape:
                    return Loan(self, image)
        return Loan(self, np.empty(shape, np.uint8))

    def take_back(self, image: Uint8Array) -> None:
        """For `Loan`, under the lock."""
        if len(self._free) < _KEPT:
            self._free.append(image)
