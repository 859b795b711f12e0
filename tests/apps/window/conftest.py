"""A real Kivy window without a screen: Mesa draws into memory."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator

import pytest

# Kivy reads all of these when it is first imported.
os.environ |= {
    "KIVY_NO_ARGS": "1",
    "KIVY_NO_FILELOG": "1",
    "KIVY_NO_CONSOLELOG": "1",
    "KIVY_HOME": tempfile.mkdtemp(prefix="kivy-"),
    "SDL_VIDEODRIVER": "offscreen",
    # Mesa's software renderer otherwise interpolates textures in eight bits.
    "GALLIVM_PERF": "no_aos_sampling",
}


@pytest.fixture(scope="session", autouse=True)
def window() -> Iterator[object]:
    from kivy.config import Config

    for provider, _ in list(Config.items("input")):
        Config.remove_option("input", provider)
    Config.set("graphics", "maxfps", "0")
    from kivy.base import EventLoop
    from kivy.core.window import Window

    EventLoop.ensure_window()
    EventLoop.start()
    yield Window
    EventLoop.stop()


def pump(frames: int = 1) -> None:
    """Let Kivy handle events and draw so many frames."""
    from kivy.base import EventLoop

    for _ in range(frames):
        EventLoop.idle()


def pump_until(condition: Callable[[], object], timeout_s: float = 20.0) -> None:
    """Let Kivy run until the condition holds; fails if it does not within the time."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, f"not within {timeout_s} s"
        pump()
