"""Touches as a person makes them."""

from __future__ import annotations

from kivy.tests.common import UnitTestTouch
from kivy.uix.widget import Widget

from tests.apps.window.conftest import pump


def tap(widget: Widget, *, twice: bool = False) -> None:
    """Touch the middle of a widget; as the second tap of a double one with `twice`."""
    finger = UnitTestTouch(*widget.to_window(*widget.center))
    finger.is_double_tap = twice
    finger.touch_down()
    pump()
    finger.touch_up()
    pump()


def drag(start: tuple[float, float], end: tuple[float, float], steps: int = 4) -> None:
    """Put a finger down and move it before lifting it."""
    finger = UnitTestTouch(*start)
    finger.touch_down()
    for step in range(1, steps + 1):
        share = step / steps
        finger.touch_move(start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share)
        pump()
    finger.touch_up()
    pump()
