"""A camera is added with one module and one entry: here the module is this one, and both programs open it by name."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from apps.camera.device import Folders
from apps.camera.session import LIVE, Session
from apps.pi.program import main
from edge_dce.camera import Frame, open_source, sources
from edge_dce.camera.frames import ClosingSource
from edge_dce.camera.sources import Camera, SourceKind, Wanted, accepts_form, find_camera, list_cameras, next_camera
from edge_dce.errors import CameraError


class ToyCamera(ClosingSource):
    """Delivers as many gray frames as its number says."""

    def __init__(self, frames: int, *, size: tuple[int, int], fps: float) -> None:
        if not frames:
            raise CameraError("toy:0: has no frames")
        self.name, self.size, self.fps = f"toy:{frames}", size, fps
        self._frames, self._sequence = frames, 0

    def read(self) -> Frame | None:
        if self._sequence == self._frames:
            return None
        time.sleep(1 / self.fps)
        frame = Frame(np.full((*self.size[::-1], 3), 20, np.uint8), "RGB", time.monotonic(), self._sequence)
        self._sequence += 1
        return frame


def open_toy(text: str, wanted: Wanted) -> ToyCamera:
    number = text.partition(":")[2]
    return ToyCamera(int(number or 0), size=wanted.camera_size, fps=wanted.camera_fps)


TOY = SourceKind(
    "toy", "toy[:N]", accepts_form(r"toy(:\d+)?"), open_toy, lambda: [Camera("toy:9", has_torch=True)], is_camera=True
)


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    # A copy, so that the toy is gone afterwards.
    monkeypatch.setattr(sources, "_kinds", list(sources._kinds))
    sources.register(TOY, instead_of=("picamera2", "usb"))


def test_camera_script_opens_it_by_its_name(tmp_path: Path) -> None:
    flags = ["--source", "toy:20", "--size", "64x48", "--once", "--http", "off", "--stills", str(tmp_path)]
    assert main(flags) == 0
    assert len(list(tmp_path.glob("*.jpg"))) == 1


def test_camera_app_opens_it_by_its_name(tmp_path: Path) -> None:
    session = Session(Folders(tmp_path, tmp_path), size=(64, 48), read_temperature_c=lambda: None)
    session.change(camera="toy:1000")
    deadline_s = time.monotonic() + 20
    while session.status.state != LIVE or (frame := session.next_frame()) is None:
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    session.close()
    assert frame.image.shape == (48, 64, 3)


def test_it_is_listed_and_known(tmp_path: Path) -> None:
    assert [camera.source for camera in list_cameras()] == ["toy:9", "synthetic"]
    assert find_camera("toy:9").has_torch
    assert next_camera("auto").source == "synthetic"
    assert next_camera("synthetic").source == "toy:9"


def test_help_and_messages_name_it() -> None:
    with pytest.raises(
        CameraError, match=r"expected auto, toy\[:N\], synthetic, an address such as rtsp://HOST/PATH, a video file"
    ):
        open_source("nothing-here")


def test_auto_tries_it_and_tells_why_not() -> None:
    told = r"no camera found \(toy:0: has no frames\); connect one, or use the source 'synthetic'"
    with pytest.raises(CameraError, match=told):
        open_source("auto")


def test_registering_again_replaces_the_entry() -> None:
    sources.register(TOY)
    assert [kind.name for kind in sources._kinds].count("toy") == 1
