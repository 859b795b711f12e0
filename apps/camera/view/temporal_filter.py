"""The filter of `edge_dce.pixels.temporal` on the GPU: from frames in a texture to what is shown of them in another.

Three passes a frame, see `shader`: blocks of 4x4 pixels, the gain of each block, and the pixels' recursive means. The
last two read what they drew for the frame before, so each has two textures in turn.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from kivy.graphics import BindTexture, Callback, Fbo, Rectangle
from kivy.graphics.opengl import GL_BLEND, glDisable, glEnable
from kivy.graphics.texture import Texture

from edge_dce.pixels.noise import NoiseProfile
from edge_dce.pixels.toe import Toe

from .shader import BLOCK_PX, PROFILE_KNOTS, make_block_shader, make_filter_shader, make_gain_shader

# Dither repeats after so many frames, or its numbers would outgrow the GPU's precision.
_DITHER_FRAMES = 64
_CURVES, _PAST, _GAINS, _TOE = 1, 2, 3, 4
_ALL_KEPT = np.full((1, 1, 4), 255, np.uint8)
# Noise of the same variance in each channel gives a channel's from luma's and that of Cr in means of 4x4 pixels: of a
# variance of 1 luma has 0.45 (its weights squared), and Cr 0.43, of which 1/16 is left.
_CHROMA_SHARE = 4 * (0.55 / 0.43) ** 0.5


class TemporalFilter:
    """The frames of one stream, in order, for Kivy's thread.

    Attributes:
        size: (width, height) of what is shown of them.
    """

    def __init__(
        self, frame: Texture, size: tuple[int, int], curves: Texture, enhancement: str, channel_order: str
    ) -> None:
        """
        Args:
            frame: where the frames are.
            size: (width, height) of what is shown of them, the frame's or less.
            curves: what `enhancement` reads.
            enhancement: piece of a shader, see `shader`.
        """
        blocks_size = max(1, size[0] // BLOCK_PX), max(1, size[1] // BLOCK_PX)
        self.size = size
        self._frame = frame
        self._toe = _make_toe_texture((1, 1))
        inputs = {0: frame, _CURVES: curves, _TOE: self._toe}
        self._blocks = _Pass(make_block_shader(enhancement, channel_order), blocks_size, inputs)
        self._gains = [
            _Pass(make_gain_shader(), blocks_size, {0: self._blocks.texture, _PAST: self._blocks.texture})
            for _ in range(2)
        ]
        inputs |= {_PAST: frame, _GAINS: frame}
        self._pixels = [_Pass(make_filter_shader(enhancement, channel_order), size, inputs) for _ in range(2)]
        for now, before in ((0, 1), (1, 0)):
            self._gains[now].bind(_PAST, self._gains[before].texture)
            self._pixels[now].bind(_PAST, self._pixels[before].texture)
            self._pixels[now].bind(_GAINS, self._gains[now].texture)
        self._set(self._blocks, size=_floats(size))
        for gains in self._gains:
            self._set(gains, past=_PAST, blocks_size=_floats(blocks_size))
        for pixels in self._pixels:
            self._set(pixels, past=_PAST, gains=_GAINS)
        self._set(self._blocks, noise_black=0.0, noise_rise=(0.0, 0.0, 0.0, 0.0))
        self.set_toe(None)
        self._count = 0
        self._is_first = True

    @property
    def texture(self) -> Texture:
        """What was made of the last frame."""
        return self._pixels[self._count % 2].texture

    def set_curves(self, curves: Texture, **uniforms: Any) -> None:
        """What the enhancement reads from the next frame on: its texture and its uniforms."""
        for each in (self._blocks, *self._pixels):
            each.bind(_CURVES, curves)
            self._set(each, curves=_CURVES, **uniforms)

    def set_noise(self, noise: NoiseProfile | None) -> None:
        """How noisy frames are from the next one on; None for not known, and then nothing is averaged."""
        levels = [round(255 * knot) for knot in PROFILE_KNOTS]
        channel = np.zeros(len(levels))
        if noise is not None:
            channel = np.hypot(noise.luma, _CHROMA_SHARE * noise.chroma)[levels] / 255
        self._set(self._blocks, noise_black=float(channel[0]), noise_rise=tuple(np.diff(channel).tolist()))

    def set_toe(self, toe: Toe | None) -> None:
        """What is left as dark as it is from the next frame on; None for nothing."""
        texels, own_ramp, own_least = _ALL_KEPT, (0.0, 1.0), 1.0
        if toe is not None:
            color = np.rint(255 * toe.color).astype(np.uint8)
            texels = np.dstack([toe.surroundings, color, color, color])
            own_ramp, own_least = (toe.own_ramp[0] / 255, toe.own_ramp[1] / 255), float(toe.own[0]) / 255
        size = texels.shape[1::-1]
        if self._toe.size != size:
            self._toe = _make_toe_texture(size)
        self._toe.blit_buffer(texels.reshape(-1), colorfmt="rgba", bufferfmt="ubyte")
        for each in (self._blocks, *self._pixels):
            each.bind(_TOE, self._toe)
            self._set(each, toe=_TOE, own_ramp=own_ramp, own_least=own_least)

    def reset(self) -> None:
        """Forget all frames: the next one stays as it is."""
        self._is_first = True

    def advance(self) -> None:
        """Take the frame that is in the texture."""
        self._count += 1
        now = self._count % 2
        self._set(self._gains[now], is_first=float(self._is_first), time_frames=float(self._count % _DITHER_FRAMES))
        self._blocks.draw()
        # Texels are read at their centers, which costs a fraction of interpolating.
        _interpolate(False, self._gains[1 - now].texture, self._pixels[1 - now].texture)
        self._gains[now].draw()
        _interpolate(True, self._gains[now].texture)
        _interpolate(self._frame.size != self.texture.size, self._frame)
        self._pixels[now].draw()
        _interpolate(True, self._frame)
        _interpolate(self._frame.size == self.texture.size, self.texture)
        self._is_first = False

    @staticmethod
    def _set(each: _Pass, **uniforms: Any) -> None:
        for name, value in uniforms.items():
            each.fbo[name] = value


class _Pass:
    """A shader that draws one texture from others."""

    def __init__(self, shader: str, size: tuple[int, int], inputs: dict[int, Texture]) -> None:
        self.fbo = Fbo(size=size)
        self.fbo.shader.fs = shader
        self.texture: Texture = self.fbo.texture
        self.texture.wrap = "clamp_to_edge"
        _interpolate(False, self.texture)
        with self.fbo:
            # Alpha is a value like the others here.
            Callback(lambda _: glDisable(GL_BLEND))
            self._bound = {
                index: BindTexture(texture=texture, index=index) for index, texture in inputs.items() if index
            }
            # The first row stays the first.
            Rectangle(size=size, texture=inputs[0], tex_coords=(0, 0, 1, 0, 1, 1, 0, 1))
            Callback(lambda _: glEnable(GL_BLEND))

    def bind(self, index: int, texture: Texture) -> None:
        self._bound[index].texture = texture

    def draw(self) -> None:
        self.fbo.ask_update()
        self.fbo.draw()


def _make_toe_texture(size: tuple[int, int]) -> Texture:
    texture = Texture.create(size=size, colorfmt="rgba", bufferfmt="ubyte")
    texture.wrap = "clamp_to_edge"
    _interpolate(True, texture)
    return texture


def _interpolate(is_smooth: bool, *textures: Texture) -> None:
    for texture in textures:
        texture.mag_filter = texture.min_filter = "linear" if is_smooth else "nearest"


def _floats(size: tuple[int, ...]) -> tuple[float, ...]:
    return tuple(map(float, size))
