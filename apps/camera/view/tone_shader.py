"""The tone as a piece of the view's shaders (see `shader`): `edge_dce.pixels.tone.apply_exact` in GLSL ES 1.00.

Curves are a texture of 1021 texels, four from each level of a frame to the next: of red, green and blue, and in alpha
the shared one. So it may be sampled NEAREST, as a map of curves is; between levels lie only fragments between pixels.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from edge_dce.pixels.levels import round_to_levels
from edge_dce.pixels.tone import decode, follow_curve

FloatArray = npt.NDArray[np.float32]
Uint8Array = npt.NDArray[np.uint8]

_TOP = 4 * 255
_LEVELS: FloatArray = np.arange(_TOP + 1, dtype=np.float32) / np.float32(_TOP)

_ENHANCE = """
// Of {texels} texels: the curves of red, green and blue, and the shared one.
uniform sampler2D curves;
uniform vec3 matrix_red;
uniform vec3 matrix_green;
uniform vec3 matrix_blue;
uniform float hue_share;

vec4 read_curves(float x) {{
    return texture2D(curves, vec2((x * {top}.0 + 0.5) / {texels}.0, 0.5));
}}

// The same at all places.
vec3 enhance(vec3 x, vec2 place) {{
    vec4 red = read_curves(x.r);
    vec4 green = read_curves(x.g);
    vec4 blue = read_curves(x.b);
    // The shared curve is monotone, so its highest value is that of the highest channel.
    float lifted = max(red.a, max(green.a, blue.a));
    float highest = max(x.r, max(x.g, x.b));
    vec3 scaled = x * (lifted / max(highest, 0.0001));
    vec3 color = mix(vec3(red.r, green.g, blue.b), scaled, mix(hue_share, 1.0, highest * highest));
    return clamp(vec3(dot(matrix_red, color), dot(matrix_green, color), dot(matrix_blue, color)), 0.0, 1.0);
}}
"""


@dataclasses.dataclass(frozen=True)
class PackedTone:
    """A tone, ready for upload.

    Attributes:
        texels: (1, 1021, 4) uint8.
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
    """Enhancement by a tone."""
    return _ENHANCE.format(top=_TOP, texels=_TOP + 1)
