"""A camera that a test plugs in and out."""

from __future__ import annotations

import time

import numpy as np

from edge_dce.camera.frames import ClosingSource, Frame, Pace
from edge_dce.errors import CameraError


class Plug:
    """The cable, and the scene in front of it.

    Attributes:
        is_in: frames come.
        opened: how often a camera was opened here.
    """

    def __init__(self, image: np.ndarray, *, fps: float = 30.0, channel_order: str = "RGB") -> None:
        self.image = image
        self.fps = fps
        self.channel_order = channel_order
        self.is_in = True
        self.opened = 0

    def open(self, source: str = "fake", size: tuple[int, int] | None = None) -> PluggedCamera:
        if not self.is_in:
            raise CameraError("fake: not plugged in")
        self.opened += 1
        return PluggedCamera(self)


class PluggedCamera(ClosingSource):
    """Delivers the scene at its rate for as long as the plug is in."""

    name = "fake"

    def __init__(self, plug: Plug) -> None:
        self.size = plug.image.shape[1], plug.image.shape[0]
        self.fps = plug.fps
        self._plug = plug
        self._pace = Pace(plug.fps)
        self._sequence = 0

    def read(self) -> Frame:
        self._pace.wait()
        if not self._plug.is_in:
            raise CameraError("fake: stopped delivering frames; check its plug")
        frame = Frame(self._plug.image, self._plug.channel_order, time.monotonic(), self._sequence)
        self._sequence += 1
        return frame


def make_night(width: int = 320, height: int = 240, seed: int = 0) -> np.ndarray:
    """A dark scene with a lamp and noise: (H, W, 3) uint8."""
    random = np.random.default_rng(seed)
    across, down = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    light = 12 + 8 * across + 120 * np.exp(-((across - 0.4) ** 2 + (down + 0.3) ** 2) / 0.01)
    noisy = light[..., np.newaxis] * np.array([1.0, 0.9, 0.7]) + random.normal(0, 3, (height, width, 3))
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
