"""The cameras of this device, to switch between, and how each is opened."""

from __future__ import annotations

import dataclasses
import importlib.util

from edge_dce.camera import FrameSource, open_source
from edge_dce.camera.devices import list_usb_devices

from .device import is_android

SYNTHETIC = "synthetic"


@dataclasses.dataclass(frozen=True)
class Camera:
    """One of them.

    Attributes:
        source: as `open_camera` takes it.
        is_front: it looks at whoever holds the device, who expects a mirror.
        has_torch: a light of its own, to be switched on.
    """

    source: str
    is_front: bool = False
    has_torch: bool = False


def list_cameras() -> list[Camera]:
    """Those that there seem to be, the one for most photos first; the synthetic scene is always the last."""
    found: list[Camera] = []
    if is_android():
        from .android.phone import list_android_cameras

        found += list_android_cameras()
    elif importlib.util.find_spec("picamera2") is not None:
        found.append(Camera("picamera2:0"))
    found += [Camera(f"usb:{number}") for number in list_usb_devices()]
    return [*found, Camera(SYNTHETIC)]


def find_camera(source: str) -> Camera:
    """What is known of a source; nothing but its name of those that are not listed, such as files."""
    return next((camera for camera in list_cameras() if camera.source == source), Camera(source))


def next_camera(source: str) -> Camera:
    """The one after this in the list, around its end."""
    cameras = list_cameras()
    sources = [camera.source for camera in cameras]
    # "auto" took the first.
    place = sources.index(source) if source in sources else 0
    return cameras[(place + 1) % len(cameras)]


def open_camera(source: str, size: tuple[int, int] | None = None) -> FrameSource:
    """Raises CameraError: see `edge_dce.camera.open_source`."""
    if is_android():
        from .android.phone import open_android_camera

        if source == "auto" or source.startswith("android:"):
            return open_android_camera(source, size)
    return open_source(source, size=size)
