"""Real cameras: Raspberry Pi's through picamera2, USB ones through V4L2 and OpenCV."""

from __future__ import annotations

import concurrent.futures
import contextlib
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.camera.frames import ClosingSource, Frame, to_bytes
from edge_dce.errors import CameraError

Uint8Array = npt.NDArray[np.uint8]

# Longer than any exposure at night, shorter than patience.
_TIMEOUT_S = 5.0
# Twice the network's side is enough for curves and brightness, and all that Pi 4's second scaler output is good for.
_LORES_SIDE_PX = 256
_DEVICES = Path("/dev")
# Nodes above are codecs and the image processor of a Raspberry Pi.
_USB_NODES = 10
# What picamera2 and libcamera raise for a camera that is missing, busy or gone.
_PICAMERA2_ERRORS = (
    IndexError,
    OSError,
    RuntimeError,
    ValueError,
    concurrent.futures.CancelledError,
    # On Python 3.10 not yet the built-in TimeoutError.
    concurrent.futures.TimeoutError,
)


class Picamera2Source(ClosingSource):
    """A camera on the ribbon cable. Its "RGB888" has blue first in memory, so frames are BGR and need no conversion.

    The second output of the camera's scaler becomes `Frame.lores`: YUV 4:2:0, the one format that it has on every
    board, in the BT.601 that OpenCV takes it for.
    """

    def __init__(self, number: int, *, size: tuple[int, int], fps: float) -> None:
        """Raises CameraError: no picamera2, no such camera, or another program has it."""
        self.name = f"picamera2:{number}"
        # The scaler makes even sides only.
        self.size = width, height = size[0] // 2 * 2, size[1] // 2 * 2
        self.fps = fps
        self._sequence = 0
        self._lores_size = _choose_lores_size(width, height)
        picamera2, libcamera = _import_picamera2()
        interval_us = round(1e6 / fps)
        try:
            self._camera = picamera2.Picamera2(number)
        except _PICAMERA2_ERRORS as error:
            raise CameraError(f"{self.name}: cannot be opened ({_first_line(error)}); {_ADVICE}") from error
        try:
            self._camera.configure(
                self._camera.create_video_configuration(
                    main={"size": self.size, "format": "RGB888"},
                    lores={"size": self._lores_size, "format": "YUV420"},
                    colour_space=libcamera.ColorSpace.Smpte170m(),
                    controls={"FrameDurationLimits": (interval_us, interval_us)},
                )
            )
            self._camera.start()
        except _PICAMERA2_ERRORS as error:
            self.close()
            raise CameraError(
                f"{self.name}: cannot deliver {width}x{height} at {fps:g} fps ({_first_line(error)}); try another size"
            ) from error

    def read(self) -> Frame:
        try:
            request = self._camera.capture_request(wait=_TIMEOUT_S)
            try:
                image, planes = request.make_array("main"), request.make_array("lores")
                sensor_time_ns = request.get_metadata().get("SensorTimestamp", 0)
            finally:
                request.release()
        except _PICAMERA2_ERRORS as error:
            raise CameraError(f"{self.name}: stopped delivering frames ({_first_line(error)}); {_ADVICE}") from error
        width, height = self._lores_size
        # Rows are padded; the padding is easier to cut off after the conversion.
        lores = to_bytes(cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420))[:height, :width]
        frame = Frame(image, "BGR", _to_monotonic_s(sensor_time_ns), self._sequence, lores)
        self._sequence += 1
        return frame

    def close(self) -> None:
        # A camera that is gone may refuse to be closed.
        with contextlib.suppress(*_PICAMERA2_ERRORS):
            # A request that timed out is still waiting, and closing would wait for it.
            self._camera.cancel_all_and_flush()
            self._camera.close()


class UsbSource(ClosingSource):
    """A V4L2 camera, BGR. It delivers what it has: ask `size` after opening."""

    def __init__(self, device: int, *, size: tuple[int, int], fps: float) -> None:
        """Raises CameraError: no such camera, no permission, or another program has it."""
        self.name = f"usb:{device}"
        self.fps = fps
        self._sequence = 0
        node = _DEVICES / f"video{device}"
        if not node.exists():
            raise CameraError(f"{self.name}: there is no {node}; plug the camera in, or choose another source")
        self._capture = cv2.VideoCapture(device, cv2.CAP_V4L2)
        # Uncompressed, USB 2 carries no more than 640x480 at full rate.
        self._capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
        self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
        self._capture.set(cv2.CAP_PROP_FPS, fps)
        # Frames wait in the driver's buffers; fewer buffers, less delay.
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 2)
        is_there, image = self._capture.read()
        if not is_there:
            self.close()
            raise CameraError(
                f"{self.name}: {node} delivers no picture; another program may be using it, or you may not be in the "
                f"group 'video'"
            )
        self.size = image.shape[1], image.shape[0]

    def read(self) -> Frame:
        # Returns False after at most 10 s of silence (OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT), at once when unplugged.
        is_there, image = self._capture.read()
        if not is_there:
            raise CameraError(f"{self.name}: stopped delivering frames; check its plug")
        frame = Frame(to_bytes(image), "BGR", time.monotonic(), self._sequence)
        self._sequence += 1
        return frame

    def close(self) -> None:
        self._capture.release()


def list_usb_devices() -> list[int]:
    """Numbers of the /dev/video nodes that may be USB cameras; not all nodes of a camera deliver pictures."""
    return [number for number in range(_USB_NODES) if (_DEVICES / f"video{number}").exists()]


_ADVICE = "check the ribbon cable and `rpicam-hello --list-cameras`"


def _import_picamera2() -> tuple[Any, Any]:
    try:
        # Their own packaging system installs them, and type information they have none.
        import libcamera  # type: ignore[import-not-found]
        import picamera2  # type: ignore[import-not-found]
    except ImportError as error:
        raise CameraError(
            f"picamera2 cannot be imported ({_first_line(error)}); on Raspberry Pi OS: sudo apt install "
            "python3-picamera2, and make the environment with: python3 -m venv --system-site-packages"
        ) from error
    return picamera2, libcamera


def _choose_lores_size(width: int, height: int) -> tuple[int, int]:
    divisor = max(1, min(width, height) // _LORES_SIDE_PX)
    return width // divisor // 2 * 2, height // divisor // 2 * 2


def _to_monotonic_s(sensor_time_ns: int) -> float:
    """libcamera counts from boot; that is `time.monotonic()` unless the machine slept or the driver counts its own."""
    now_s = time.monotonic()
    sensor_time_s = sensor_time_ns / 1e9
    return sensor_time_s if now_s - 2 * _TIMEOUT_S < sensor_time_s <= now_s else now_s


def _first_line(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
