"""The curve as a fragment shader, GLSL ES 1.00: `edge_dce.pixels.curve.apply_exact` on the way to the screen.

The map's texture must be sampled NEAREST: bilinear interpolation is done by hand, because GPUs interpolate 8-bit
textures as coarsely as they like, which eight curve steps turn into up to 4 of 255 levels.
"""

from __future__ import annotations

from edge_dce.pixels.curve import ITERATIONS

from .packing import TOP

# Where red, green and blue are in the frame's texture.
SWIZZLES = {"RGB": "rgb", "BGR": "bgr"}

# Inputs are named as Kivy names them. Loops have constant bounds, as GLSL ES 1.00 wants them.
_SOURCE = """\
#ifdef GL_ES
precision highp float;
#endif

// The frame, and where in it this fragment is: (0, 0) is its first pixel's corner.
uniform sampler2D texture0;
varying vec2 tex_coord0;

// The map, see apps/camera/view/packing.py; texels that count for 0 and {top}, times strength.
uniform sampler2D curves;
uniform vec2 curves_size;
uniform vec2 curves_range;

// Left of the line (right of it where side is -1) the frame stays as it is.
uniform float split;
uniform float side;

vec3 read_curve(vec2 cell) {{
    vec4 texel = floor(texture2D(curves, (cell + 0.5) / curves_size) * 255.0 + 0.5);
    vec3 shifted = floor(texel.a * vec3(1.0, 0.25, 0.0625));
    vec3 stored = texel.rgb * 4.0 + shifted - 4.0 * floor(shifted * 0.25);
    return clamp(mix(curves_range.xxx, curves_range.yyy, stored / {top}), -1.0, 1.0);
}}

// Bilinear, half-pixel centers; beyond the outermost cells the texture's edge goes on.
vec3 interpolate_curve(vec2 place) {{
    vec2 position = place * curves_size - 0.5;
    vec2 cell = floor(position);
    vec2 share = position - cell;
    vec3 upper = mix(read_curve(cell), read_curve(cell + vec2(1.0, 0.0)), share.x);
    vec3 lower = mix(read_curve(cell + vec2(0.0, 1.0)), read_curve(cell + vec2(1.0, 1.0)), share.x);
    return mix(upper, lower, share.y);
}}

void main() {{
    vec3 x = texture2D(texture0, tex_coord0).{swizzle};
    // What a bright neighbor of a black pixel leaves there, an eighth of a level at most, a root would make gray.
    x *= step(vec3(0.0005), x);
    if (side * (tex_coord0.x - split) >= 0.0) {{
        vec3 a = interpolate_curve(tex_coord0);
{into_axis}        for (int i = 0; i < {iterations}; i++) {{
            x += a * (x * x - x);
        }}
{out_of_axis}    }}
    gl_FragColor = vec4(x, 1.0);
}}
"""


_PLAIN_SOURCE = """\
#ifdef GL_ES
precision highp float;
#endif

uniform sampler2D texture0;
varying vec2 tex_coord0;

void main() {{
    gl_FragColor = vec4(texture2D(texture0, tex_coord0).{swizzle}, 1.0);
}}
"""


def make_shader(root: int, channel_order: str = "RGB") -> str:
    """The fragment shader for curves on one root axis and frames of one order of channels, "RGB" or "BGR"."""
    turns = root // 2
    return _SOURCE.format(
        top=f"{TOP}.0",
        swizzle=SWIZZLES[channel_order],
        iterations=ITERATIONS,
        into_axis="        x = sqrt(x);\n" * turns,
        out_of_axis="        x *= x;\n" * turns,
    )


def make_plain_shader(channel_order: str = "RGB") -> str:
    """The fragment shader that shows frames as they are, for a third of the work."""
    return _PLAIN_SOURCE.format(swizzle=SWIZZLES[channel_order])
