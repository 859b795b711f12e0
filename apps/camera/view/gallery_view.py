"""The last shots: a strip of small pictures, and a large one with before and after."""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from kivy.clock import mainthread
from kivy.graphics import Color, Line, Rectangle, SmoothEllipse
from kivy.graphics.texture import Texture
from kivy.input import MotionEvent
from kivy.metrics import dp
from kivy.properties import ListProperty, NumericProperty, ObjectProperty
from kivy.uix.behaviors import ButtonBehavior
from kivy.uix.floatlayout import FloatLayout
from kivy.uix.widget import Widget

from edge_dce.errors import ImageError
from edge_dce.files.pictures import read_image

from ..shots.gallery import SavedShot
from . import texts
from .framing import Framing, View, frame_picture

_decoding = concurrent.futures.ThreadPoolExecutor(1, "decoding")


def load_texture(path: Path, show: Callable[[Texture], None]) -> None:
    """Decode a picture on another thread, then call `show` on Kivy's; not if it cannot be read."""

    @mainthread
    def upload(image: npt.NDArray[np.uint8]) -> None:
        height, width = image.shape[:2]
        texture = Texture.create(size=(width, height), colorfmt="rgb", bufferfmt="ubyte")
        texture.blit_buffer(image.reshape(-1), colorfmt="rgb", bufferfmt="ubyte")
        show(texture)

    def decode() -> None:
        # Somebody may have deleted it, or be writing it by other means.
        with contextlib.suppress(ImageError):
            upload(read_image(path))

    _decoding.submit(decode)


class BeforeAfter(Widget):
    """One photo, left of a line as it was before enhancement; drag the line.

    Attributes:
        shot: the photo, or None.
        split: where the line is, in shares of the picture's width.
    """

    shot = ObjectProperty(None, allownone=True)
    split = NumericProperty(0.5)

    def __init__(self, **properties: Any) -> None:
        super().__init__(**properties)
        with self.canvas:
            self._after_color = Color(1, 1, 1, 0)
            self._after = Rectangle()
            self._before_color = Color(1, 1, 1, 0)
            self._before = Rectangle()
            self._line_color = Color(1, 1, 1, 0)
            self._line = Line(width=dp(1))
            self._grip = SmoothEllipse()
        self._textures: dict[Rectangle, Texture] = {}
        self.bind(shot=self._load, pos=self._place, size=self._place, split=self._place)

    def on_touch_down(self, touch: MotionEvent) -> bool:
        if not self.collide_point(*touch.pos) or self.shot is None:
            return False
        touch.grab(self)
        return self.on_touch_move(touch)

    def on_touch_move(self, touch: MotionEvent) -> bool:
        framing = self._frame()
        if touch.grab_current not in (self, None) or framing is None:
            return False
        self.split = min(max((touch.x - self.x - framing.x) / framing.width, 0.0), 1.0)
        return True

    def on_touch_up(self, touch: MotionEvent) -> bool:
        if touch.grab_current is self:
            touch.ungrab(self)
            return True
        return False

    def _load(self, *_: object) -> None:
        """Until they are decoded nothing is shown."""
        self._textures.clear()
        self._place()
        shot: SavedShot | None = self.shot
        if shot is None or shot.is_video:
            return

        def show(target: Rectangle, texture: Texture) -> None:
            # Another shot may have been chosen meanwhile.
            if self.shot is shot:
                target.texture = self._textures[target] = texture
                self._place()

        for target, path in ((self._after, shot.path), (self._before, shot.before)):
            if path is not None:
                load_texture(path, functools.partial(show, target))

    def _frame(self) -> Framing | None:
        texture = self._textures.get(self._after)
        if texture is None or not self.width or not self.height:
            return None
        return frame_picture(self.size, texture.size, View())

    def _place(self, *_: object) -> None:
        framing = self._frame()
        has_before = framing is not None and self._before in self._textures
        self._after_color.a = float(framing is not None)
        self._before_color.a = self._line_color.a = float(has_before)
        if framing is None:
            return
        x, y = self.x + framing.x, self.y + framing.y
        self._after.pos, self._after.size = (x, y), (framing.width, framing.height)
        # Textures begin with the picture's first row.
        self._after.tex_coords = (0, 1, 1, 1, 1, 0, 0, 0)
        line = x + framing.width * self.split
        self._line.points = (line, y, line, y + framing.height)
        self._grip.pos, self._grip.size = (line - dp(11), y + framing.height / 2 - dp(11)), (dp(22), dp(22))
        if has_before:
            self._before.pos, self._before.size = (x, y), (framing.width * self.split, framing.height)
            self._before.tex_coords = (0, 1, self.split, 1, self.split, 0, 0, 0)


class Thumbnail(ButtonBehavior, Widget):
    """A shot in the strip, or the last one beside the shutter.

    Attributes:
        shot: the shot, or None.
        texture: its small picture, cut to a square by `tex_coords`; None for a video.
    """

    shot = ObjectProperty(None, allownone=True)
    texture = ObjectProperty(None, allownone=True)
    tex_coords = ListProperty([0, 1, 1, 1, 1, 0, 0, 0])

    def on_shot(self, _: object, shot: SavedShot | None) -> None:
        self.texture = None
        if shot is not None and not shot.is_video:
            load_texture(shot.thumbnail or shot.path, lambda texture: self._show(shot, texture))

    def _show(self, shot: SavedShot, texture: Texture) -> None:
        if self.shot is shot:
            framing = frame_picture((1, 1), texture.size, View(is_filling=True))
            left, top, right, bottom = framing.left, framing.top, framing.right, framing.bottom
            self.tex_coords = [left, bottom, right, bottom, right, top, left, top]
            self.texture = texture


class GalleryView(FloatLayout):
    """The whole gallery, over the live view."""

    shot = ObjectProperty(None, allownone=True)
    __events__ = ("on_close",)

    def on_close(self) -> None:
        """Wants to be taken away."""

    def show(self, shots: list[SavedShot]) -> None:
        self.ids.strip.clear_widgets()
        for shot in shots:
            thumbnail = Thumbnail(shot=shot)
            thumbnail.bind(on_release=lambda _, shot=shot: setattr(self, "shot", shot))
            self.ids.strip.add_widget(thumbnail)
        self.shot = shots[0] if shots else None

    def describe(self, shot: SavedShot | None) -> str:
        if shot is None:
            return texts.EMPTY_GALLERY
        if shot.is_video:
            return texts.VIDEO_IN_GALLERY.format(path=shot.path)
        return shot.path.name if shot.before else texts.NO_BEFORE
