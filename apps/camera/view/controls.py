"""The app's buttons, slider and overlays; how they look is in camera.kv."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from kivy.animation import Animation
from kivy.clock import Clock
from kivy.graphics import Color, Mesh, Quad, SmoothLine
from kivy.input import MotionEvent
from kivy.metrics import dp
from kivy.properties import BooleanProperty, ListProperty, NumericProperty, StringProperty
from kivy.uix.behaviors import ButtonBehavior
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.label import Label
from kivy.uix.slider import Slider
from kivy.uix.widget import Widget

from ..histogram import BINS
from ..preferences import MODES, PHOTO
from . import texts
from .icons import ICONS, Arc, Blade

FloatArray = npt.NDArray[np.float32]

_GRID = 24
_TOAST_S = 2.5


class Icon(Widget):
    """A drawn symbol in the middle of the widget.

    Attributes:
        icon: its name in `icons.ICONS`.
        icon_size: its side.
    """

    icon = StringProperty("")
    icon_size = NumericProperty(dp(24))
    icon_color = ListProperty([1, 1, 1, 1])

    def __init__(self, **properties: Any) -> None:
        super().__init__(**properties)
        self._redraw = Clock.create_trigger(self._draw, -1)
        for name in ("icon", "icon_size", "icon_color", "pos", "size"):
            self.fbind(name, self._redraw)
        self._redraw()

    def _draw(self, *_: object) -> None:
        self.canvas.after.clear()
        scale = self.icon_size / _GRID
        left, bottom = self.center_x - self.icon_size / 2, self.center_y - self.icon_size / 2

        def place(points: tuple[float, ...]) -> list[float]:
            origin = (left, bottom)
            return [origin[number % 2] + value * scale for number, value in enumerate(points)]

        with self.canvas.after:
            Color(*self.icon_color)
            for stroke in ICONS.get(self.icon, ()):
                if isinstance(stroke, Blade):
                    Quad(points=place(stroke.points))
                elif isinstance(stroke, Arc):
                    x, y = place((stroke.x, stroke.y))
                    circle = (x, y, stroke.radius * scale, stroke.start, stroke.end)
                    SmoothLine(circle=circle, width=dp(0.9))
                else:
                    SmoothLine(points=place(stroke.points), close=stroke.is_closed, width=dp(0.9))


class IconButton(ButtonBehavior, Icon):
    """A round button; `is_on` gives it the accent."""

    is_on = BooleanProperty(False)


class TextButton(ButtonBehavior, Label):
    """A button of a word or two."""

    is_on = BooleanProperty(False)


class ShutterButton(ButtonBehavior, Widget):
    """Takes the photo.

    Attributes:
        mode: what it does, one of `preferences.MODES`.
        is_recording: it will stop a video.
    """

    mode = StringProperty(PHOTO)
    is_recording = BooleanProperty(False)
    inset = NumericProperty(0)
    side = NumericProperty(0)

    def on_press(self) -> None:
        Animation(inset=dp(4), duration=0.05).start(self)

    def on_release(self) -> None:
        Animation(inset=0, duration=0.12).start(self)


class ModeRow(BoxLayout):
    """Photo, burst or video."""

    mode = StringProperty(PHOTO)

    def __init__(self, **properties: Any) -> None:
        super().__init__(**properties)
        for name in MODES:
            button = TextButton(text=texts.MODES[name])
            button.bind(on_release=lambda _, name=name: setattr(self, "mode", name))
            self.bind(mode=lambda _, mode, button=button, name=name: setattr(button, "is_on", mode == name))
            button.is_on = name == self.mode
            self.add_widget(button)


class StrengthSlider(Slider):
    """Drag to set; a double tap asks for the default, which `on_reset` says."""

    __events__ = ("on_reset", "on_pick")
    is_default = BooleanProperty(True)

    def on_reset(self) -> None:
        """Double-tapped."""

    def on_pick(self, value: float) -> None:
        """Moved by a finger."""

    def on_touch_down(self, touch: MotionEvent) -> bool:
        if self.collide_point(*touch.pos) and touch.is_double_tap and not touch.is_mouse_scrolling:
            self.dispatch("on_reset")
            return True
        is_ours = bool(super().on_touch_down(touch))
        if is_ours and touch.grab_current is None and not touch.is_mouse_scrolling:
            touch.ud[self] = self.value
        return is_ours

    def on_touch_move(self, touch: MotionEvent) -> bool:
        is_ours = bool(super().on_touch_move(touch))
        if touch.grab_current is self:
            self.dispatch("on_pick", self.value)
        return is_ours

    def on_touch_up(self, touch: MotionEvent) -> bool:
        is_ours = bool(super().on_touch_up(touch))
        if touch.grab_current is self and not touch.is_double_tap:
            self.dispatch("on_pick", self.value)
        return is_ours


class HistogramView(Widget):
    """Bars of the enhanced picture's brightness, dark on the left."""

    def show(self, heights: FloatArray | None) -> None:
        self.canvas.after.clear()
        if heights is None:
            return
        pad = dp(6)
        xs = self.x + pad + (self.width - 2 * pad) * np.arange(BINS) / (BINS - 1)
        bottom, room = self.y + pad, self.height - 2 * pad
        vertices: list[float] = []
        for x, height in zip(xs, heights, strict=True):
            vertices += [x, bottom, 0, 0, x, bottom + room * float(height), 0, 0]
        with self.canvas.after:
            Color(1, 1, 1, 0.75)
            Mesh(vertices=vertices, indices=list(range(2 * BINS)), mode="triangle_strip")


class Toast(Label):
    """A message that goes away by itself."""

    def show(self, text: str) -> None:
        self.text, self.text_size = text, (None, None)
        self.texture_update()
        widest = min(dp(420), self.parent.width - dp(64))
        if self.texture_size[0] > widest:
            self.text_size = widest, None
        Animation.cancel_all(self, "opacity")
        self.opacity = 1
        (Animation(duration=_TOAST_S) + Animation(opacity=0, duration=0.4)).start(self)


class Card(BoxLayout):
    """Something over the live view that comes and goes: while it is away, fingers go through it.

    Attributes:
        is_shown: it is there.
    """

    is_shown = BooleanProperty(False)

    def on_touch_down(self, touch: MotionEvent) -> bool:
        return self.is_shown and bool(super().on_touch_down(touch))


class FeedbackBar(Card):
    """Asks about the last photo: dispatches `on_verdict` with the answer."""

    __events__ = ("on_verdict",)

    def on_verdict(self, verdict: str) -> None:
        """Answered."""
