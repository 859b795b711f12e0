"""The tone as a fragment shader, GLSL ES 1.00: `edge_dce.pixels.tone.apply_exact` on the way to the screen.

Curves are a texture of 256 texels: of red, green and blue, and in alpha the shared one. It is sampled LINEAR, which
GPUs do coarsely, but exactly at the levels that a frame holds; in between lie only fragments between two pixels.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from edge_dce.pixels.levels import round_to_levels
from edge_dce.pixels.tone import decode, follow_curve

from .shader import SWIZZLES

FloatArray = npt.NDArray[np.float32]
Uint8Array = npt.NDArray[np.uint8]

_LEVELS: FloatArray = np.arange(256, dtype=np.float32) / np.float32(255)

_ENHANCE = """
// Of 256 texels: the curves of red, green and blue, and the shared one.
uniform sampler2D curves;
uniform vec3 matrix_red;
uniform vec3 matrix_green;
uniform vec3 matrix_blue;
uniform float hue_share;

vec4 read_curves(float x) {
    return texture2D(curves, vec2((x * 255.0 + 0.5) / 256.0, 0.5));
}

vec3 enhance(vec3 x, vec2 place) {
    float highest = max(x.r, max(x.g, x.b));
    vec3 curved = vec3(read_curves(x.r).r, read_curves(x.g).g, read_curves(x.b).b);
    vec3 scaled = x * (read_curves(highest).a / max(highest, 0.0001));
    vec3 color = mix(curved, scaled, hue_share);
    return clamp(vec3(dot(matrix_red, color), dot(matrix_green, color), dot(matrix_blue, color)), 0.0, 1.0);
}
"""

_SHOW = """\
#ifdef GL_ES
precision highp float;
#endif

varying vec2 tex_coord0;
uniform sampler2D texture0;
// Left of the line (right of it where side is -1) the frame stays as it is.
uniform float split;
uniform float side;
%s
void main() {
    vec3 color = texture2D(texture0, tex_coord0).%s;
    if (side * (tex_coord0.x - split) >= 0.0) {
        color = enhance(color, tex_coord0);
    }
    gl_FragColor = vec4(color, 1.0);
}
"""


@dataclasses.dataclass(frozen=True)
class PackedTone:
    """A tone, ready for upload.

    Attributes:
        texels: (1, 256, 4) uint8.
        uniforms: by name.
    """

    texels: Uint8Array
    uniforms: dict[str, float | tuple[float, float, float]]


def pack_tone(numbers: FloatArray, strength: float) -> PackedTone:
    """Pack the numbers of `edge_dce.pixels.tone` at a strength."""
    tone = decode(numbers, strength)
    curves = np.stack([follow_curve(_LEVELS, values) for values in tone.values], axis=-1)
    red, green, blue = ((float(row[0]), float(row[1]), float(row[2])) for row in tone.matrix)
    uniforms: dict[str, float | tuple[float, float, float]] = {
        "matrix_red": red,
        "matrix_green": green,
        "matrix_blue": blue,
        "hue_share": tone.hue_share,
    }
    return PackedTone(round_to_levels(curves)[np.newaxis], uniforms)


def make_tone_piece() -> str:
    """Enhancement by a tone: `vec3 enhance(vec3 color, vec2 place)` and what it reads."""
    return _ENHANCE


def make_tone_shader(channel_order: str = "RGB") -> str:
    """The fragment shader for a tone and frames of one order of channels, "RGB" or "BGR"."""
    return _SHOW % (make_tone_piece(), SWIZZLES[channel_order])
