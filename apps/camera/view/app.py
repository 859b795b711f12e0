"""The app itself: window, keys, and what happens when it goes to the background."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kivy.app import App
from kivy.clock import mainthread
from kivy.core.window import Window
from kivy.lang import Builder, parser

from edge_dce.camera import FrameSource, open_source
from edge_dce.camera.sources import SYNTHETIC

from ..device import Folders, is_android
from ..session import Session
from ..thermal import BATTERY_STEPS

# Their names are used in camera.kv.
from . import controls, gallery_view, preview, settings_view, texts  # noqa: F401
from .screen import CameraScreen

_PORTRAIT_SIZE = 720, 1280


class CameraApp(App):
    """Attributes:
    session: all of the app that needs no window.
    """

    title = texts.APP

    def __init__(self, folders: Folders, *, camera: str | None = None, **options: Any) -> None:
        """
        Args:
            camera: to start with, instead of the last one used.
            options: of `Session`.
        """
        super().__init__()
        self.session = Session(folders, **{"open_camera": open_upright, **_choose_options(), **options})
        self._camera = camera
        self._is_stopped = False

    def load_kv(self, filename: str | None = None) -> bool:
        path = str(Path(__file__).with_name("camera.kv"))
        if path not in Builder.files:
            # What `#:import` does; that would have to know under which name this package was installed.
            parser.global_idmap["texts"] = texts
            Builder.load_file(path)
        return True

    def build(self) -> CameraScreen:
        Window.clearcolor = 0, 0, 0, 1
        Window.bind(on_key_down=self._press_key, on_minimize=self.on_pause, on_restore=self.on_resume)
        return CameraScreen(self.session)

    def on_start(self) -> None:
        if is_android():
            from ..android.phone import ask_for_permissions

            ask_for_permissions(mainthread(self._open))
        else:
            self._open()

    def _open(self) -> None:
        if self._camera is not None and self._camera != self.session.preferences.camera:
            self.session.change(camera=self._camera)
        else:
            self.session.open()

    def on_pause(self, *_: object) -> bool:
        self.session.pause()
        return True

    def on_resume(self, *_: object) -> None:
        self.session.open()

    def on_stop(self) -> None:
        # Kivy says it twice where `stop` ended the loop.
        if self._is_stopped:
            return
        self._is_stopped = True
        Window.unbind(on_key_down=self._press_key, on_minimize=self.on_pause, on_restore=self.on_resume)
        self.root.stop()
        self.session.close()

    def _press_key(self, _: object, key: int, *__: object) -> bool:
        """Space takes the photo; Escape (Android's back) leaves an overlay, and otherwise the app."""
        if key == ord(" "):
            self.root.press_shutter()
            return True
        return key == 27 and bool(self.root.close_overlay())


def _choose_options() -> dict[str, Any]:
    """Of the session, as this kind of device wants them."""
    if not is_android():
        return {}
    from ..android.phone import leave_thread, read_battery_temperature_c

    return {
        "read_temperature_c": read_battery_temperature_c,
        "thermal_steps": BATTERY_STEPS,
        "leave_thread": leave_thread,
    }


def open_upright(source: str, *, size: tuple[int, int] | None) -> FrameSource:
    """The night scene has the window's orientation; cameras have their own."""
    if source == SYNTHETIC and size is None and Window.height > Window.width:
        size = _PORTRAIT_SIZE
    return open_source(source, size=size)
