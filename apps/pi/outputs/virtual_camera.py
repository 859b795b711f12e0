"""The enhanced stream as a camera of this machine, for video calls and every other program that opens a webcam."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edge_dce.errors import EdgeDceError, OutputError

from ..pipeline import Pipeline
from .output import Output, to_bgr

ANY = "auto"


class VirtualCamera(Output):
    """A device of the kernel module v4l2loopback, fed by pyvirtualcam."""

    name = "virtual camera"

    def __init__(self, pipeline: Pipeline, device: str, *, size: tuple[int, int], fps: float) -> None:
        """
        Args:
            device: such as "/dev/video10"; "auto" is the first that is free.
            size: (width, height) of the camera's frames.

        Raises:
            EdgeDceError: pyvirtualcam is not installed.
            OutputError: there is no such device.
        """
        super().__init__(pipeline)
        try:
            import pyvirtualcam
        except ImportError as error:
            raise EdgeDceError(
                f"--virtual-camera needs pyvirtualcam ({error}); run: pip install 'edge-dce[virtual-camera]'"
            ) from error
        # The device's own format has one color sample for two by two pixels.
        self._size = width, height = size[0] // 2 * 2, size[1] // 2 * 2
        try:
            self._camera = pyvirtualcam.Camera(
                width, height, fps, fmt=pyvirtualcam.PixelFormat.BGR, device=None if device == ANY else device
            )
        except RuntimeError as error:
            reason = str(error).partition("\n")[0]
            raise OutputError(
                f"{device}: no virtual camera ({reason}); `edge-dce doctor` says how to get one"
            ) from error
        self._frames = 0

    def run(self) -> None:
        with self._pipeline.subscribe() as shots:
            for shot in shots.follow(lambda: self.is_wanted):
                self._show(to_bgr(shot, self._size))

    def _show(self, image: npt.NDArray[np.uint8]) -> None:
        try:
            self._camera.send(image)
        except RuntimeError as error:
            self.report(f"{self._camera.device} takes no frame ({error})")
        else:
            self.report(None)
            self._frames += 1

    def stop(self) -> None:
        super().stop()
        self._camera.close()

    def describe(self) -> dict[str, Any]:
        return {"device": self._camera.device, "frames": self._frames, "failed": self.trouble is not None}
