"""Screenshots on the sample photo for README and docs: `python -m tests.apps.window.take_screenshots desktop DIR`."""

from __future__ import annotations

import itertools
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

# Sets what Kivy reads on import.
from tests.apps.window.conftest import pump, pump_until  # isort: skip
from edge_dce.files.pictures import Picture, read_picture, write_picture
from tests.edge_dce.camera.plugged_camera import Plug

ROOT = Path(__file__).resolve().parents[3]
SAMPLE = ROOT / "docs" / "pictures" / "night-launch.jpg"
# Name: window in pixels, pixels per point.
SCREENS = {"portrait": ((824, 1784), 2), "landscape": ((1784, 824), 2), "desktop": ((1120, 680), 1)}
_HASTE_S = 1.5
_NOISES = 16


def cut(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """The middle of an image, in the aspect of width to height."""
    rows, columns = image.shape[:2]
    wanted_columns = min(columns, rows * width // height)
    wanted_rows = min(rows, columns * height // width)
    top, left = (rows - wanted_rows) // 2, (columns - wanted_columns) // 2
    return np.ascontiguousarray(image[top : top + wanted_rows, left : left + wanted_columns])


def darken(image: np.ndarray, seed: int = 0) -> np.ndarray:
    """The same scene with a sixth of the light, and a small sensor's noise: a camera at night."""
    linear = (image / 255) ** 2.2 / 6
    noise = np.random.default_rng(seed).normal(0, 1.5, image.shape)
    return np.clip(np.rint(linear ** (1 / 2.2) * 255 + noise), 0, 255).astype(np.uint8)


class NoisyPlug(Plug):
    """A camera whose noise is another in every frame."""

    def __init__(self, scene: np.ndarray) -> None:
        self._frames = itertools.cycle([darken(scene, seed) for seed in range(_NOISES)])
        super().__init__(next(self._frames))

    @property
    def image(self) -> np.ndarray:
        return next(self._frames)

    @image.setter
    def image(self, _: np.ndarray) -> None:
        """The scene is what it was in the beginning."""


def wait(seconds: float) -> None:
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        pump()


def main(name: str, folder: Path) -> None:
    from kivy.config import Config

    for provider, _ in list(Config.items("input")):
        Config.remove_option("input", provider)
    Config.set("graphics", "multisamples", "0")
    from kivy.base import EventLoop
    from kivy.core.window import Window
    from kivy.metrics import Metrics

    size, density = SCREENS[name]
    Metrics.density = density
    EventLoop.ensure_window()
    EventLoop.start()
    Window.size = size

    from apps.camera.device import Folders
    from apps.camera.view.app import CameraApp

    is_portrait = size[1] > size[0]
    plug = NoisyPlug(cut(read_picture(SAMPLE).image, *((9, 16) if is_portrait else (16, 9))))
    with tempfile.TemporaryDirectory() as private:
        app = CameraApp(Folders(Path(private) / "pictures", Path(private) / "app"), open_camera=plug.open)
        app.load_kv()
        app.root = app.build()
        Window.add_widget(app.root)
        app.dispatch("on_start")
        app.session.change(is_split=True, shows_histogram=True, shows_diagnostics=name == "desktop")
        app.root._follow_preferences()
        pump_until(lambda: app.session.status.state == "live" and app.root.ids.preview._estimate.any())
        wait(_HASTE_S)
        steps = {
            "live": lambda: None,
            "photo": app.root.press_shutter,
            "gallery": app.root.show_gallery,
            "settings": app.root.show_settings,
        }
        for step, act in steps.items():
            act()
            wait(_HASTE_S)
            texture = app.root.export_as_image().texture
            pixels = np.frombuffer(texture.pixels, np.uint8).reshape(texture.height, texture.width, 4)[..., :3]
            path = folder / f"camera-{name}-{step}.jpg"
            write_picture(Picture(np.ascontiguousarray(pixels)), path, overwrite=True)
            print(path)
        Window.remove_widget(app.root)
        app.dispatch("on_stop")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
