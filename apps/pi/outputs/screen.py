"""The enhanced stream on the screen of a console: a Raspberry Pi without a desktop, or a small display on its pins."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.errors import OutputError
from edge_dce.pixels.fitting import fit_size

from ..pipeline import Pipeline
from .output import Output

Uint8Array = npt.NDArray[np.uint8]

_DEVICE = Path("/dev/fb0")
_FACTS = Path("/sys/class/graphics/fb0")
_TO_FRAMEBUFFER = {
    (32, "RGB"): cv2.COLOR_RGB2BGRA,
    (32, "BGR"): cv2.COLOR_BGR2BGRA,
    (16, "RGB"): cv2.COLOR_RGB2BGR565,
    (16, "BGR"): cv2.COLOR_BGR2BGR565,
}


class Screen(Output):
    """Writes to a framebuffer of 16 or 32 bits per pixel."""

    name = "screen"

    def __init__(self, pipeline: Pipeline, *, device: Path = _DEVICE, facts: Path = _FACTS) -> None:
        """
        Args:
            facts: the folder in which the kernel describes the device.

        Raises:
            OutputError: there is no screen, or it may not be written to.
        """
        super().__init__(pipeline)
        try:
            width, height = (int(side) for side in (facts / "virtual_size").read_text().split(","))
            self._bits = int((facts / "bits_per_pixel").read_text())
            stride = int((facts / "stride").read_text())
            with device.open("r+b") as opened:
                memory = mmap.mmap(opened.fileno(), stride * height)
        except (OSError, ValueError) as error:
            raise OutputError(f"{device}: no screen to draw on ({error}); open the web page instead") from error
        if (self._bits, "RGB") not in _TO_FRAMEBUFFER:
            raise OutputError(
                f"{device}: expected 16 or 32 bits per pixel, found {self._bits}; use the web page instead"
            )
        self._size = width, height
        rows: Uint8Array = np.frombuffer(memory, np.uint8).reshape(height, stride)
        self._pixels = rows[:, : width * self._bits // 8]
        self._shown = 0

    def run(self) -> None:
        with self._pipeline.subscribe() as shots:
            for shot in shots.follow(lambda: self.is_wanted):
                drawn = cv2.cvtColor(fit_size(shot.after, self._size), _TO_FRAMEBUFFER[self._bits, shot.channel_order])
                self._pixels[:] = drawn.reshape(len(self._pixels), -1)
                self._shown += 1

    def describe(self) -> dict[str, Any]:
        return {"frames": self._shown, "width": self._size[0], "height": self._size[1]}
