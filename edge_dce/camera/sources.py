"""From what a person writes, such as "usb:0" or a path, to an open source of frames: one entry for each kind.

A new camera is a module with a `FrameSource`, and a `SourceKind` in `_kinds` below. What only some devices have joins
from outside by `register`, as the cameras of a phone do in the app.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import re
from collections.abc import Callable, Collection
from pathlib import Path

from edge_dce.camera.devices import Picamera2Source, UsbSource, list_usb_devices
from edge_dce.camera.frames import FrameSource
from edge_dce.camera.recorded import PicturesSource, VideoFileSource
from edge_dce.camera.remote import RemoteSource
from edge_dce.camera.synthetic import SyntheticSource
from edge_dce.errors import CameraError
from edge_dce.files.address import Address, hide_password, is_address
from edge_dce.files.pictures import READABLE_SUFFIXES

AUTO, SYNTHETIC = "auto", "synthetic"
_CAMERA_SIZE = 1280, 720
_CAMERA_FPS = 30.0


@dataclasses.dataclass(frozen=True)
class Camera:
    """One of this device's cameras, to choose from.

    Attributes:
        source: as `open_source` takes it.
        is_front: it looks at whoever holds the device, who expects a mirror.
        has_torch: a light of its own, to be switched on.
    """

    source: str
    is_front: bool = False
    has_torch: bool = False


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What `open_source` was asked for; its arguments of the same names."""

    size: tuple[int, int] | None
    fps: float | None
    loop: bool

    @property
    def camera_size(self) -> tuple[int, int]:
        """For what has no size of its own."""
        return self.size or _CAMERA_SIZE

    @property
    def camera_fps(self) -> float:
        """For what has no rate of its own."""
        return self.fps or _CAMERA_FPS


@dataclasses.dataclass(frozen=True)
class SourceKind:
    """One entry of the registry.

    Attributes:
        name: such as "usb"; it also stands for any source of this kind.
        usage: how such a source is written, for help and messages.
        accepts: whether a text means a source of this kind.
        open: opens what a text means; raises CameraError.
        find: the cameras of this kind that there seem to be, the one for most photos first.
        is_camera: "auto" tries it.
    """

    name: str
    usage: str
    accepts: Callable[[str], bool]
    open: Callable[[str, Wanted], FrameSource]
    find: Callable[[], list[Camera]] = list
    is_camera: bool = False


def register(kind: SourceKind, *, instead_of: Collection[str] = ()) -> None:
    """Add a kind of source before all others, in the place of those that this device does not have.

    Args:
        instead_of: the names of those.
    """
    gone = {kind.name, *instead_of}
    _kinds[:] = [kind, *(other for other in _kinds if other.name not in gone)]


def describe_sources() -> str:
    """What `open_source` takes, in a line."""
    *others, last = [AUTO, *(kind.usage for kind in _kinds)]
    return f"{', '.join(others)}, or {last}"


def list_cameras() -> list[Camera]:
    """Those that there seem to be, the one for most photos first; the synthetic scene is always the last."""
    return [camera for kind in _kinds for camera in kind.find()]


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


def open_source(
    text: str = AUTO, *, size: tuple[int, int] | None = None, fps: float | None = None, loop: bool = True
) -> FrameSource:
    """Open a source of frames.

    Args:
        text: "auto" (Raspberry Pi's camera, else a USB one), "picamera2" or "picamera2:1", "usb" (the first that
            delivers pictures), "usb:0" or "/dev/video0", "synthetic", an address such as "rtsp://camera/stream", or a
            path: a video file, a picture, a folder.
        size: (width, height) wanted; None is 1280x720 for cameras and what the file has for files. A USB camera
            delivers what comes nearest: see the source's `size`.
        fps: frames per second wanted; None is 30 for cameras and what it has for a file or an address.
        loop: whether a video file starts again at its end.

    Raises:
        CameraError: it cannot be opened.
    """
    wanted = Wanted(size, fps, loop)
    if text == AUTO:
        return _open_any_camera(wanted)
    for kind in _kinds:
        if kind.accepts(text):
            return kind.open(text, wanted)
    raise CameraError(f"{hide_password(text)}: no such source; expected {describe_sources()}")


def accepts_form(form: str) -> Callable[[str], bool]:
    """For `SourceKind.accepts`: whether a text is wholly of this form, a regular expression."""
    return lambda text: re.fullmatch(form, text) is not None


def _open_any_camera(wanted: Wanted) -> FrameSource:
    reasons = []
    for kind in _kinds:
        if kind.is_camera:
            try:
                return kind.open(kind.name, wanted)
            except CameraError as error:
                reasons.append(str(error))
    raise CameraError(f"no camera found ({'; '.join(reasons)}); connect one, or use the source '{SYNTHETIC}'")


def _open_picamera2(text: str, wanted: Wanted) -> FrameSource:
    number = text.partition(":")[2]
    return Picamera2Source(int(number or 0), size=wanted.camera_size, fps=wanted.camera_fps)


def _find_picamera2() -> list[Camera]:
    return [] if importlib.util.find_spec("picamera2") is None else [Camera("picamera2:0")]


def _open_usb(text: str, wanted: Wanted) -> FrameSource:
    number = text.removeprefix("/dev/video").removeprefix("usb").removeprefix(":")
    devices = [int(number)] if number else list_usb_devices()
    if not devices:
        raise CameraError("usb: there is no /dev/video node; plug a camera in")
    # A camera may have several nodes, of which the first delivers pictures and others something else.
    for device in devices[:-1]:
        with contextlib.suppress(CameraError):
            return UsbSource(device, size=wanted.camera_size, fps=wanted.camera_fps)
    return UsbSource(devices[-1], size=wanted.camera_size, fps=wanted.camera_fps)


def _find_usb() -> list[Camera]:
    return [Camera(f"usb:{number}") for number in list_usb_devices()]


def _open_synthetic(_: str, wanted: Wanted) -> FrameSource:
    return SyntheticSource(size=wanted.camera_size, fps=wanted.camera_fps)


def _open_address(text: str, wanted: Wanted) -> FrameSource:
    return RemoteSource(Address(text), size=wanted.size, fps=wanted.fps, loop=wanted.loop)


def _open_video(text: str, wanted: Wanted) -> FrameSource:
    return VideoFileSource(Path(text), size=wanted.size, fps=wanted.fps, loop=wanted.loop)


def _open_pictures(text: str, wanted: Wanted) -> FrameSource:
    return PicturesSource(Path(text), size=wanted.size, fps=wanted.fps)


def _is_pictures(text: str) -> bool:
    path = Path(text)
    return path.is_dir() or (path.suffix.lower() in READABLE_SUFFIXES and path.exists())


def _is_video(text: str) -> bool:
    return Path(text).exists() and not _is_pictures(text)


# "auto" tries those that are cameras in this order.
_kinds = [
    SourceKind(
        "picamera2",
        "picamera2[:N]",
        accepts_form(r"picamera2(:\d+)?"),
        _open_picamera2,
        _find_picamera2,
        is_camera=True,
    ),
    SourceKind("usb", "usb[:N]", accepts_form(r"usb(:\d+)?|/dev/video\d+"), _open_usb, _find_usb, is_camera=True),
    SourceKind(SYNTHETIC, SYNTHETIC, accepts_form(SYNTHETIC), _open_synthetic, lambda: [Camera(SYNTHETIC)]),
    SourceKind("address", "an address such as rtsp://HOST/PATH", is_address, _open_address),
    SourceKind("video", "a video file", _is_video, _open_video),
    SourceKind("pictures", "a picture or folder of pictures", _is_pictures, _open_pictures),
]
