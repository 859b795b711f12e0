"""The live view: the frame and its curves or tone as two textures, and the fingers that split, zoom and compare."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from kivy.clock import Clock
from kivy.graphics import BindTexture, Callback, Color, Line, Rectangle, RenderContext, SmoothEllipse
from kivy.graphics.opengl import GL_BLEND, glDisable, glEnable
from kivy.graphics.texture import Texture
from kivy.input import MotionEvent
from kivy.metrics import dp
from kivy.properties import BooleanProperty, NumericProperty
from kivy.uix.widget import Widget

from edge_dce.pixels.noise import NoiseProfile
from edge_dce.pixels.toe import Toe

from ..scene_cuts import CutDetector
from .framing import Framing, View, frame_picture, limit_view, measure_picture, zoom_about
from .packing import pack_curves
from .shader import make_curve_piece, make_filtered_shader, make_plain_shader, make_shader
from .temporal_filter import TemporalFilter
from .tone_shader import make_tone_piece, pack_tone

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

_HOLD_S = 0.3
# A filter of another size is five shaders compiled anew; until then the picture is stretched.
_RESIZE_S = 0.25
_SLIP_DP = 12
_GRIP_DP = 28
_WHEEL_FACTOR = 1.2
_NOTHING_ENHANCED, _ALL_ENHANCED = 2.0, -1.0
# Leaves every frame as it is.
_NO_CURVES = np.zeros((1, 1, 3), np.float32)


class Preview(Widget):
    """Shows frames, enhanced on the GPU; the frame is uploaded once and its pixels are not touched by the CPU.

    Attributes:
        strength: as of `Look`.
        is_enhancing: off shows the frame as it is.
        is_denoising: what is enhanced is averaged over time.
        is_comparing: true while a finger rests on the picture, which shows the frame as it is.
        is_split: with a line, left of which the frame is as it is.
        split: where the line is, in shares of the picture's width on the screen.
        is_mirrored: left and right are exchanged, as people expect of a camera that looks at them.
    """

    strength = NumericProperty(1.0)
    is_enhancing = BooleanProperty(True)
    is_denoising = BooleanProperty(False)
    is_comparing = BooleanProperty(False)
    is_split = BooleanProperty(False)
    split = NumericProperty(0.5)
    is_mirrored = BooleanProperty(False)

    def __init__(self, **properties: Any) -> None:
        super().__init__(**properties)
        self.view = View()
        self._frame_texture: Texture | None = None
        self._order = "RGB"
        self._root = 1
        self._is_tone = False
        self._estimate: FloatArray = _NO_CURVES
        self._uniforms: dict[str, Any] = {}
        self._fingers: list[MotionEvent] = []
        self._dragged: MotionEvent | None = None
        self._resize_filter = Clock.create_trigger(self._choose_shader, _RESIZE_S)
        self._hold = Clock.create_trigger(self._compare, _HOLD_S)
        self._filter: TemporalFilter | None = None
        self._noise: NoiseProfile | None = None
        self._toe: Toe | None = None
        self._cuts = CutDetector()
        self._surface = RenderContext(use_parent_projection=True, use_parent_modelview=True)
        with self._surface:
            # The picture is opaque, and blending it costs an eighth of all drawing.
            Callback(lambda _: glDisable(GL_BLEND))
            self._bound = BindTexture(texture=_make_curve_texture((1, 1)), index=1)
            self._filtered = BindTexture(texture=self._bound.texture, index=2)
            self._rectangle = Rectangle(size=(0, 0))
            Callback(lambda _: glEnable(GL_BLEND))
        self.canvas.add(self._surface)
        with self.canvas.after:
            self._line_color = Color(1, 1, 1, 0)
            self._line = Line(width=dp(1))
            self._grip = SmoothEllipse(size=(0, 0))
            self._arrow_color = Color(0, 0, 0, 0)
            self._arrows = [Line(width=dp(1.2), cap="round", joint="round") for _ in range(2)]
        redraw = self._place
        self.bind(pos=redraw, size=redraw, split=redraw, is_split=redraw, is_mirrored=redraw)
        self.bind(is_comparing=redraw, is_enhancing=self._choose_shader, is_denoising=self._choose_shader)
        self.bind(strength=self._change_strength)
        self._upload_estimate()
        self._choose_shader()

    @property
    def frame_size(self) -> tuple[int, int] | None:
        """(width, height) of the frames shown, or None before the first."""
        return None if self._frame_texture is None else self._frame_texture.size

    def show_frame(self, image: Uint8Array, channel_order: str = "RGB") -> None:
        """Show an (H, W, 3) frame."""
        height, width = image.shape[:2]
        is_other = channel_order != self._order or self.frame_size != (width, height)
        self._order = channel_order
        if self.frame_size != (width, height):
            texture = Texture.create(size=(width, height), colorfmt="rgba", bufferfmt="ubyte")
            self._texels = np.empty((height, width, 4), np.uint8)
            texture.mag_filter = texture.min_filter = "linear"
            texture.wrap = "clamp_to_edge"
            self._frame_texture = texture
            self.view = View(is_filling=self.view.is_filling)
        assert self._frame_texture is not None
        # OpenGL pads pixels of three bytes itself, at many times the cost.
        cv2.cvtColor(image, cv2.COLOR_RGB2RGBA, dst=self._texels)
        self._frame_texture.blit_buffer(self._texels.reshape(-1), colorfmt="rgba", bufferfmt="ubyte")
        if is_other:
            self._choose_shader()
        if self._filter is not None:
            if self._cuts.detect(image):
                self.begin_anew()
            self._advance()
        self._surface.ask_update()

    def show_curves(self, curves: FloatArray, root: int) -> None:
        """Use an (h, w, 3) map on this root axis from now on; the same array as the last time costs nothing."""
        self._use(curves, root, is_tone=False)

    def show_tone(self, numbers: FloatArray) -> None:
        """Use the tone of these numbers from now on; the same array as the last time costs nothing."""
        self._use(numbers, 1, is_tone=True)

    def show_noise(self, noise: NoiseProfile | None) -> None:
        """How noisy frames are from now on; without it nothing is averaged. The same object costs nothing."""
        if noise is not self._noise:
            self._noise = noise
            if self._filter is not None:
                self._filter.set_noise(noise)

    def show_toe(self, toe: Toe | None) -> None:
        """What is left dark from now on, while noise is taken away. The same object costs nothing."""
        if toe is not self._toe:
            self._toe = toe
            if self._filter is not None:
                self._filter.set_toe(toe)

    def begin_anew(self) -> None:
        """The next frame has nothing to do with those before."""
        if self._filter is not None:
            self._filter.reset()

    def reset_view(self) -> None:
        """The whole frame again, or as much as fills the area."""
        self.view = View(is_filling=self.view.is_filling)
        self._place()

    def _use(self, estimate: FloatArray, root: int, *, is_tone: bool) -> None:
        is_other_kind = (is_tone, root) != (self._is_tone, self._root)
        if estimate is self._estimate and not is_other_kind:
            return
        self._estimate, self._root, self._is_tone = estimate, root, is_tone
        self._upload_estimate()
        if is_other_kind:
            self._choose_shader()

    def _make_piece(self) -> str:
        return make_tone_piece() if self._is_tone else make_curve_piece(self._root)

    def _choose_shader(self, *_: object) -> None:
        self._filter = None
        if self.is_enhancing and self.is_denoising and self._frame_texture is not None:
            frame = self._frame_texture
            size = self._measure_picture()
            self._filter = TemporalFilter(frame, size, self._bound.texture, self._make_piece(), self._order)
            self._filter.set_noise(self._noise)
            self._filter.set_toe(self._toe)
            self._set_uniforms()
            self._advance()
            self._filter.reset()
        self._place()

    def _show(self) -> None:
        """Choose what is drawn, and how: one texture as it is costs a fraction of the other ways."""
        is_plain = not self.is_enhancing or self.is_comparing
        if is_plain:
            shader = make_plain_shader(self._order)
        elif self._filter is None:
            shader = make_shader(self._make_piece(), self._order)
        else:
            shader = make_filtered_shader(self._order) if self._shows_line else make_plain_shader()
        if self._surface.shader.fs != shader:
            self._surface.shader.fs = shader
        shown = self._frame_texture
        if self._filter is not None:
            self._filtered.texture = self._filter.texture
            if not (is_plain or self._shows_line):
                shown = self._filter.texture
        if shown is not self._rectangle.texture:
            place = self._rectangle.tex_coords
            self._rectangle.texture = shown
            # Another texture brings its own.
            self._rectangle.tex_coords = place

    def _advance(self) -> None:
        assert self._filter is not None
        self._filter.advance()
        self._show()

    def _change_strength(self, *_: object) -> None:
        self._upload_estimate()
        if self._filter is not None:
            # What was shown until now is no mean of what should be seen now.
            self._filter.reset()
            self._advance()
            self._filter.reset()

    def _upload_estimate(self) -> None:
        if self._is_tone:
            tone = pack_tone(self._estimate, self.strength)
            texels, self._uniforms = tone.texels, tone.uniforms
        else:
            curves = pack_curves(self._estimate)
            texels, self._uniforms = curves.texels, curves.make_uniforms(self.strength)
        size = texels.shape[1::-1]
        if self._bound.texture.size != size:
            self._bound.texture = _make_curve_texture(size)
        self._bound.texture.blit_buffer(texels.reshape(-1), colorfmt="rgba", bufferfmt="ubyte")
        self._set_uniforms()

    def _set_uniforms(self) -> None:
        if self._filter is not None:
            self._filter.set_curves(self._bound.texture, **self._uniforms)
        for name, value in self._uniforms.items():
            self._surface[name] = value
        self._surface["curves"], self._surface["filtered"] = 1, 2
        self._surface.ask_update()

    def _frame_picture(self) -> Framing | None:
        return None if self.frame_size is None else frame_picture(self.size, self.frame_size, self.view)

    def _measure_picture(self) -> tuple[int, int]:
        assert self.frame_size is not None
        return measure_picture(self.size, self.frame_size, self.view)

    def _place(self, *_: object) -> None:
        framing = self._frame_picture()
        if framing is None or not framing.width or not framing.height:
            return
        if self._filter is not None and self._filter.size != self._measure_picture():
            self._resize_filter()
        self._rectangle.pos = self.x + framing.x, self.y + framing.y
        self._rectangle.size = framing.width, framing.height
        left, right = (framing.right, framing.left) if self.is_mirrored else (framing.left, framing.right)
        self._show()
        # From the lower left corner, counterclockwise; the frame's first row is at v = 0.
        top, bottom = framing.top, framing.bottom
        self._rectangle.tex_coords = (left, bottom, right, bottom, right, top, left, top)
        self._surface["side"] = -1.0 if self.is_mirrored and self._shows_line else 1.0
        if self._shows_line:
            self._surface["split"] = left + (right - left) * self.split
        else:
            self._surface["split"] = _NOTHING_ENHANCED if self.is_comparing else _ALL_ENHANCED
        self._place_line(framing)
        self._surface.ask_update()

    @property
    def _shows_line(self) -> bool:
        return self.is_split and self.is_enhancing and not self.is_comparing

    def _place_line(self, framing: Framing) -> None:
        x = self._line_x(framing)
        y, radius, tip = self.y + framing.y + framing.height / 2, dp(13), dp(3)
        self._line_color.a, self._arrow_color.a = (0.9, 0.8) if self._shows_line else (0, 0)
        self._line.points = (x, self.y + framing.y, x, self.y + framing.y + framing.height)
        self._grip.pos, self._grip.size = (x - radius, y - radius), (2 * radius, 2 * radius)
        for arrow, sign in zip(self._arrows, (-1, 1), strict=True):
            near, far = x + sign * tip, x + sign * 2.2 * tip
            arrow.points = (near, y + tip * 1.2, far, y, near, y - tip * 1.2)

    def _line_x(self, framing: Framing) -> float:
        return float(self.x + framing.x + framing.width * self.split)

    # Fingers.

    def on_touch_down(self, touch: MotionEvent) -> bool:
        if super().on_touch_down(touch):
            return True
        if not self.collide_point(*touch.pos) or self._frame_picture() is None:
            return False
        if touch.is_mouse_scrolling:
            self._zoom(_WHEEL_FACTOR if touch.button == "scrolldown" else 1 / _WHEEL_FACTOR, touch.pos)
            return True
        touch.grab(self)
        self._fingers.append(touch)
        if len(self._fingers) > 1:
            self._stop_comparing()
        elif touch.is_double_tap:
            self.view = View(is_filling=not self.view.is_filling if self.view.zoom == 1 else self.view.is_filling)
            self._place()
        elif self._is_on_line(touch):
            self._dragged = touch
        else:
            self._hold()
        return True

    def on_touch_move(self, touch: MotionEvent) -> bool:
        framing = self._frame_picture()
        if touch.grab_current is not self or framing is None:
            return bool(super().on_touch_move(touch))
        if touch is self._dragged:
            self.split = min(max((touch.x - self.x - framing.x) / framing.width, 0.0), 1.0)
        elif len(self._fingers) == 2:
            self._pinch(touch)
        elif math.dist(touch.pos, touch.opos) > dp(_SLIP_DP) and not self.is_comparing:
            self._hold.cancel()
            self._pan(touch, framing)
        return True

    def on_touch_up(self, touch: MotionEvent) -> bool:
        if touch.grab_current is not self:
            return bool(super().on_touch_up(touch))
        touch.ungrab(self)
        self._fingers = [finger for finger in self._fingers if finger is not touch]
        self._dragged = None
        self._stop_comparing()
        return True

    def _is_on_line(self, touch: MotionEvent) -> bool:
        framing = self._frame_picture()
        return framing is not None and self._shows_line and abs(touch.x - self._line_x(framing)) <= dp(_GRIP_DP)

    def _compare(self, *_: object) -> None:
        self.is_comparing = True

    def _stop_comparing(self) -> None:
        self._hold.cancel()
        self.is_comparing = False

    def _pinch(self, moved: MotionEvent) -> None:
        other = next(finger for finger in self._fingers if finger is not moved)
        before, now = (max(math.dist(point, other.pos), 1.0) for point in (moved.ppos, moved.pos))
        self._zoom(now / before, ((moved.x + other.x) / 2, (moved.y + other.y) / 2))

    def _pan(self, touch: MotionEvent, framing: Framing) -> None:
        assert self.frame_size is not None
        across = touch.dx / framing.width * (framing.right - framing.left) * (-1 if self.is_mirrored else 1)
        down = -touch.dy / framing.height * (framing.bottom - framing.top)
        center = self.view.center[0] - across, self.view.center[1] - down
        self.view = limit_view(self.size, self.frame_size, dataclasses.replace(self.view, center=center))
        self._place()

    def _zoom(self, factor: float, point: tuple[float, float]) -> None:
        assert self.frame_size is not None
        inside = point[0] - self.x, point[1] - self.y
        if self.is_mirrored:
            inside = self.width - inside[0], inside[1]
        self.view = zoom_about(self.size, self.frame_size, self.view, factor, inside)
        self._place()


def _make_curve_texture(size: tuple[int, int]) -> Texture:
    texture = Texture.create(size=size, colorfmt="rgba", bufferfmt="ubyte")
    texture.mag_filter = texture.min_filter = "nearest"
    texture.wrap = "clamp_to_edge"
    return texture
