"""What only an Android phone has: its cameras with torch and two sides, its permissions, its battery's temperature.

Cameras are opened through `android.hardware.Camera`, which every phone still has and which delivers frames without a
surface to look at. Nothing here can be tried without a phone except against stand-ins, see docs/android.md.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from jnius import JavaException, PythonJavaClass, autoclass, detach, java_method

from edge_dce.camera import Frame, FrameSource
from edge_dce.camera.frames import ClosingSource, to_bytes
from edge_dce.camera.sources import Camera, SourceKind, Wanted, accepts_form, register
from edge_dce.errors import CameraError

_TIMEOUT_S = 5.0
_BUFFERS = 3
_ROTATIONS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
# Any number: the texture is never drawn, but without one there is no preview and so no frame.
_TEXTURE = 10


def list_android_cameras() -> list[Camera]:
    """All cameras of the phone: those on the back, which have the torch, first."""
    hardware = autoclass("android.hardware.Camera")
    sides = [(_read_info(number).facing, number) for number in range(hardware.getNumberOfCameras())]
    front = autoclass("android.hardware.Camera$CameraInfo").CAMERA_FACING_FRONT
    found = [Camera(f"android:{number}", facing == front, facing != front) for facing, number in sides]
    return sorted(found, key=lambda camera: camera.is_front)


def register_android_cameras() -> None:
    """Let `edge_dce.camera.open_source` open them: "android" is the first, "android:N" one of them."""
    kind = SourceKind(
        "android", "android[:N]", accepts_form(r"android(:\d+)?"), _open, list_android_cameras, is_camera=True
    )
    # A phone has neither: its /dev/video nodes are not for apps.
    register(kind, instead_of=("picamera2", "usb"))


class AndroidCamera(ClosingSource):
    """One camera, upright whichever way the phone is held; BGR."""

    def __init__(self, number: int, *, size: tuple[int, int], read_rotation: Callable[[], int] | None = None) -> None:
        """
        Args:
            size: wanted; the nearest one that the camera has is taken, longer side first.
            read_rotation: how far the screen is turned, in degrees; None asks the phone.

        Raises:
            CameraError: it cannot be opened, because another app has it or the person did not allow it.
        """
        self.name, self.fps = f"android:{number}", 30.0
        self._read_rotation = read_rotation or _read_screen_rotation
        self._info = _read_info(number)
        self._arrived = threading.Condition()
        self._newest: bytes | None = None
        self._sequence = 0
        self._is_open = True
        callback = _PreviewCallback(self._take)
        _callbacks.append(callback)
        try:
            self._camera = autoclass("android.hardware.Camera").open(number)
            self._parameters = self._camera.getParameters()
            self._width, self._height = self._configure(size)
            self._surface = autoclass("android.graphics.SurfaceTexture")(_TEXTURE)
            self._camera.setPreviewTexture(self._surface)
            for _ in range(_BUFFERS):
                # NV21: a byte of luma for each pixel, two of color for each four.
                self._camera.addCallbackBuffer(bytes(self._width * self._height * 3 // 2))
            self._camera.setPreviewCallbackWithBuffer(callback)
            self._camera.startPreview()
        except JavaException as error:
            raise CameraError(
                f"{self.name}: cannot be opened ({str(error).splitlines()[0]}); "
                "close other camera apps, or allow the camera in the phone's settings"
            ) from error
        is_turned = self._find_turn() % 180 != 0
        self.size = (self._height, self._width) if is_turned else (self._width, self._height)

    def read(self) -> Frame:
        with self._arrived:
            if not self._arrived.wait_for(lambda: self._newest is not None, _TIMEOUT_S):
                raise CameraError(f"{self.name}: stopped delivering frames; another app may have taken it")
            data, self._newest = self._newest, None
        assert data is not None
        planes = np.frombuffer(data, np.uint8).reshape(self._height * 3 // 2, self._width)
        image, turn = cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_NV21), self._find_turn()
        upright = to_bytes(cv2.rotate(image, _ROTATIONS[turn]) if turn else image)
        frame = Frame(upright, "BGR", time.monotonic(), self._sequence)
        self._sequence += 1
        return frame

    def set_torch(self, is_on: bool) -> None:
        """Raises CameraError: the camera has no torch."""
        try:
            self._parameters.setFlashMode("torch" if is_on else "off")
            self._camera.setParameters(self._parameters)
        except JavaException as error:
            raise CameraError(f"{self.name}: its flashlight cannot be switched; try again") from error

    def close(self) -> None:
        self._is_open = False
        self._camera.setPreviewCallbackWithBuffer(None)
        self._camera.stopPreview()
        self._camera.release()
        # Android ends an app whose thread ends while it is still known to Java.
        detach()

    def _configure(self, size: tuple[int, int]) -> tuple[int, int]:
        wanted = max(size) * min(size)
        offered = [(each.width, each.height) for each in self._parameters.getSupportedPreviewSizes().toArray()]
        width, height = min(offered, key=lambda each: abs(each[0] * each[1] - wanted))
        self._parameters.setPreviewSize(width, height)
        focus_modes = self._parameters.getSupportedFocusModes()
        if focus_modes is not None and focus_modes.contains("continuous-picture"):
            self._parameters.setFocusMode("continuous-picture")
        self._camera.setParameters(self._parameters)
        return width, height

    def _take(self, data: Any) -> None:
        """On a thread of Android's."""
        with self._arrived:
            self._newest = data.tostring()
            self._arrived.notify_all()
        # Refused by a camera that is being closed at this moment.
        with contextlib.suppress(JavaException):
            if self._is_open:
                self._camera.addCallbackBuffer(data)

    def _find_turn(self) -> int:
        """Degrees clockwise that make the sensor's picture upright; android.hardware.Camera.setDisplayOrientation."""
        is_front = self._info.facing == autoclass("android.hardware.Camera$CameraInfo").CAMERA_FACING_FRONT
        return int(self._info.orientation + self._read_rotation() * (1 if is_front else -1)) % 360


class _PreviewCallback(PythonJavaClass):
    __javainterfaces__ = ("android/hardware/Camera$PreviewCallback",)
    # A thread that left Java and comes back has no class loader of its own.
    __javacontext__ = "system"

    def __init__(self, take: Callable[[Any], None]) -> None:
        super().__init__()
        self._take = take

    @java_method("([BLandroid/hardware/Camera;)V")
    def onPreviewFrame(self, data: Any, camera: Any) -> None:  # noqa: N802 (Java's name)
        self._take(data)


# Java may be about to call one whose camera is closed; freed, it would take the whole app with it.
_callbacks: list[_PreviewCallback] = []


def ask_for_permissions(then: Callable[[], None]) -> None:
    """Ask the person for the camera, and up to Android 10 for the folder of photos, which newer ones give unasked.

    `then` is called on another thread, whatever the answer.
    """
    from android.permissions import Permission, request_permissions

    request_permissions([Permission.CAMERA, Permission.WRITE_EXTERNAL_STORAGE], lambda *_: then())


def read_battery_temperature_c() -> float | None:
    """What every phone tells, and feels like in the hand."""
    activity = autoclass("org.kivy.android.PythonActivity").mActivity
    wanted = autoclass("android.content.IntentFilter")(autoclass("android.content.Intent").ACTION_BATTERY_CHANGED)
    status = activity.registerReceiver(None, wanted)
    tenths = status.getIntExtra("temperature", 0) if status is not None else 0
    return tenths / 10 if tenths > 0 else None


def leave_thread() -> None:
    """To be called at the end of each thread that used Java."""
    detach()


def _open(text: str, wanted: Wanted) -> FrameSource:
    number = text.partition(":")[2]
    cameras = [number] if number else [camera.source.partition(":")[2] for camera in list_android_cameras()]
    if not cameras:
        raise CameraError("android: expected a camera on this device, found none")
    return AndroidCamera(int(cameras[0]), size=wanted.camera_size)


def _read_info(number: int) -> Any:
    info = autoclass("android.hardware.Camera$CameraInfo")()
    autoclass("android.hardware.Camera").getCameraInfo(number, info)
    return info


def _read_screen_rotation() -> int:
    activity = autoclass("org.kivy.android.PythonActivity").mActivity
    return 90 * int(activity.getWindowManager().getDefaultDisplay().getRotation())
