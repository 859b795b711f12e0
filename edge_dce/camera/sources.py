"""From what a person writes, such as "usb:0" or a path, to an open source of frames."""

from __future__ import annotations

import contextlib
from pathlib import Path

from edge_dce.camera.devices import Picamera2Source, UsbSource, list_usb_devices
from edge_dce.camera.frames import FrameSource
from edge_dce.camera.recorded import PicturesSource, VideoFileSource
from edge_dce.camera.synthetic import SyntheticSource
from edge_dce.errors import CameraError
from edge_dce.files.pictures import READABLE_SUFFIXES

SOURCES = "auto, picamera2[:N], usb[:N], synthetic, or a video file, picture or folder of pictures"
_CAMERA_SIZE = 1280, 720
_CAMERA_FPS = 30.0


def open_source(
    text: str = "auto", *, size: tuple[int, int] | None = None, fps: float | None = None, loop: bool = True
) -> FrameSource:
    """Open a source of frames.

    Args:
        text: "auto" (Raspberry Pi's camera, else a USB one), "picamera2" or "picamera2:1", "usb" (the first that
            delivers pictures), "usb:0" or "/dev/video0", "synthetic", or a path: a video file, a picture, a folder.
        size: (width, height) wanted; None is 1280x720 for cameras and what the file has for files. A USB camera
            delivers what comes nearest: see the source's `size`.
        fps: frames per second wanted; None is 30 for cameras and what the file has for files.
        loop: whether a video file starts again at its end.

    Raises:
        CameraError: it cannot be opened.
    """
    camera_size, camera_fps = size or _CAMERA_SIZE, fps or _CAMERA_FPS
    kind, _, number = text.partition(":")
    if text == "auto":
        return _open_any_camera(camera_size, camera_fps)
    if kind == "synthetic" and not number:
        return SyntheticSource(size=camera_size, fps=camera_fps)
    if kind == "picamera2" and (number.isdecimal() or text == kind):
        return Picamera2Source(int(number or 0), size=camera_size, fps=camera_fps)
    if text == "usb":
        return _open_any_usb(camera_size, camera_fps)
    node = text.removeprefix("/dev/video") if text.startswith("/dev/video") else number if kind == "usb" else ""
    if node.isdecimal():
        return UsbSource(int(node), size=camera_size, fps=camera_fps)
    path = Path(text)
    if not path.exists():
        raise CameraError(f"{text}: no such source; expected {SOURCES}")
    if path.is_dir() or path.suffix.lower() in READABLE_SUFFIXES:
        return PicturesSource(path, size=size, fps=fps)
    return VideoFileSource(path, size=size, fps=fps, loop=loop)


def _open_any_camera(size: tuple[int, int], fps: float) -> FrameSource:
    try:
        return Picamera2Source(0, size=size, fps=fps)
    except CameraError as error:
        no_pi_camera = error
    try:
        return _open_any_usb(size, fps)
    except CameraError as no_usb_camera:
        message = f"no camera found: {no_pi_camera}; {no_usb_camera}; or use the source 'synthetic'"
        raise CameraError(message) from None


def _open_any_usb(size: tuple[int, int], fps: float) -> FrameSource:
    devices = list_usb_devices()
    if not devices:
        raise CameraError("usb: there is no /dev/video node; plug a camera in")
    # A camera may have several nodes, of which the first delivers pictures and others something else.
    for device in devices[:-1]:
        with contextlib.suppress(CameraError):
            return UsbSource(device, size=size, fps=fps)
    return UsbSource(devices[-1], size=size, fps=fps)
