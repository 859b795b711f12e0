"""What every source of frames delivers, and the pace of those that have no sensor to set it."""

from __future__ import annotations

import dataclasses
import time
from typing import Any, Protocol, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

Uint8Array = npt.NDArray[np.uint8]
_Source = TypeVar("_Source", bound="ClosingSource")


@dataclasses.dataclass(frozen=True)
class Frame:
    """One frame, not to be written to: a source may deliver the same array again.

    Attributes:
        image: (H, W, 3) uint8.
        channel_order: "RGB" or "BGR", as the source delivers it.
        time_s: `time.monotonic()` of the exposure where the camera tells, else of the frame's arrival.
        sequence: counts the frames of this source from 0.
        lores: the same moment at a fraction of the size, in the same order, where the camera's own scaler made one.
    """

    image: Uint8Array
    channel_order: str
    time_s: float
    sequence: int
    lores: Uint8Array | None = None

    @property
    def small(self) -> Uint8Array:
        """The smallest there is of this moment: enough for curves and brightness."""
        return self.image if self.lores is None else self.lores


class FrameSource(Protocol):
    """An open camera or a stand-in. Not for use by several threads at once.

    Attributes:
        name: what a person calls it, such as "picamera2:0" or a file's path.
        size: (width, height) in pixels of every frame.
        fps: frames per second that it was asked for, or has.
    """

    name: str
    size: tuple[int, int]
    fps: float

    def read(self) -> Frame | None:
        """Wait for the next frame; None when there are no more, as at the end of a file.

        Raises:
            CameraError: it stopped delivering, because it was unplugged for instance; it must be opened again.
        """
        ...

    def close(self) -> None:
        """Free the camera; fine if it is closed already."""
        ...

    def __enter__(self) -> FrameSource: ...

    def __exit__(self, *_: object) -> None: ...


class ClosingSource:
    """A source's way out of a `with` block."""

    def close(self) -> None:
        """Nothing to free, unless a source says otherwise."""

    def __enter__(self: _Source) -> _Source:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Pace:
    """A steady rate of frames."""

    def __init__(self, fps: float) -> None:
        self._interval_s = 1 / fps
        self._due_s = time.monotonic()

    def wait(self) -> int:
        """Sleep until the next frame is due; returns how many frames were missed since the last call."""
        late_s = time.monotonic() - self._due_s
        if late_s < 0:
            time.sleep(-late_s)
        missed = max(0, int(late_s / self._interval_s))
        self._due_s += (missed + 1) * self._interval_s
        return missed


def to_bytes(image: npt.NDArray[Any]) -> Uint8Array:
    """What OpenCV captured, whose type stubs promise no more than numbers; no copy."""
    return image.astype(np.uint8, copy=False)


def to_eight_bits(frame: npt.NDArray[Any]) -> Uint8Array:
    """Nearest levels of 8 bits, as cameras deliver them; no copy of what has them already."""
    levels: Any = frame if frame.dtype == np.uint8 else cv2.convertScaleAbs(frame, alpha=1 / 257)
    eight_bits: Uint8Array = levels
    return eight_bits
