"""The fragment shaders of the live view, GLSL ES 1.00, put together from pieces.

Enhancement is one piece, `vec3 enhance(vec3 color, vec2 place)`, which every shader that needs it takes as text:
`make_curve_piece` has that of `edge_dce.pixels.curve.apply_exact`, `tone_shader` that of a tone. What it reads is the
texture `curves`, and uniforms of its own.

The map's texture must be sampled NEAREST: bilinear interpolation is done by hand, because GPUs interpolate 8-bit
textures as coarsely as they like, which eight curve steps turn into up to 4 of 255 levels.

The filter over time is that of `edge_dce.pixels.temporal`, in three passes (docs/decisions/0021-the-view-over-time.md).
"""

from __future__ import annotations

import itertools

from edge_dce.pixels.curve import ITERATIONS

from .packing import TOP

# Of the frame's pixels, on each side, in one of the filter's blocks.
BLOCK_PX = 4
# Of 255 levels: a standard deviation that is stored as a whole 1.
_WHITE_SIGMA = 64
# The least share that a new frame gets: what is left of the noise has 1/20 of its variance then.
_LEAST_GAIN = 3 / 32
# Of the variance of a pixel's noise, what the mean of a block may differ by: more than the 1/16 of white noise, as a
# camera's is coarser. And what rounding adds, in levels of 255 squared.
_BLOCK_NOISE_SHARE = 0.16
_ROUNDING_VARIANCE = 1.0
# How much more than that counts for, in a gain that goes to 1.
_MOTION_FACTOR = 16.0
# Of the same variance, what a pixel may differ by: dark noise has long tails, and stripes that move within a block do
# not change its mean.
_PIXEL_NOISE_SHARE = 10.0
# Brightness at which a noise profile has its values, see `make_block_shader`.
PROFILE_KNOTS = (0.0, 4 / 255, 16 / 255, 64 / 255, 1.0)

# Where red, green and blue are in the frame's texture.
_SWIZZLES = {"RGB": "rgb", "BGR": "bgr"}

# Inputs are named as Kivy names them. Loops have constant bounds, as GLSL ES 1.00 wants them.
_HEAD = """\
#ifdef GL_ES
precision highp float;
#endif

varying vec2 tex_coord0;
uniform sampler2D texture0;
"""

# The frame is texture0; (0, 0) is its first pixel's corner.
_FRAME = """
vec3 read_frame(vec2 place) {{
    return texture2D(texture0, place).{swizzle};
}}
"""

_CURVE = """
// The map, see apps/camera/view/packing.py; texels that count for 0 and {top}, times strength.
uniform sampler2D curves;
uniform vec2 curves_size;
uniform vec2 curves_range;

vec3 read_curve(vec2 cell) {{
    vec4 texel = texture2D(curves, (cell + 0.5) / curves_size);
    vec3 shifted = floor((texel.a * 255.0 + 0.25) * vec3(1.0, 0.25, 0.0625));
    vec3 stored = texel.rgb * 1020.0 + shifted - 4.0 * floor(shifted * 0.25);
    return clamp(curves_range.x + stored * ((curves_range.y - curves_range.x) / {top}), -1.0, 1.0);
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

vec3 enhance(vec3 x, vec2 place) {{
    vec3 a = interpolate_curve(place);
    // What a bright neighbor of a black pixel leaves there, an eighth of a level at most, a root would make gray.
    x *= step(vec3(0.0005), x);
{into_axis}    for (int i = 0; i < {iterations}; i++) {{
        x += a * (x * x - x);
    }}
{out_of_axis}    return x;
}}
"""

# Left of the line (right of it where side is -1) the frame stays as it is.
_SPLIT = """
uniform float split;
uniform float side;

bool is_before(vec2 place) {
    return side * (place.x - split) < 0.0;
}
"""

_SHOW = """
void main() {
    vec3 color = read_frame(tex_coord0);
    if (!is_before(tex_coord0)) {
        color = enhance(color, tex_coord0);
    }
    gl_FragColor = vec4(color, 1.0);
}
"""

_SHOW_PLAIN = """
void main() {
    gl_FragColor = vec4(read_frame(tex_coord0), 1.0);
}
"""

_SHOW_FILTERED = """
uniform sampler2D filtered;

void main() {
    vec3 color = is_before(tex_coord0) ? read_frame(tex_coord0) : texture2D(filtered, tex_coord0).rgb;
    gl_FragColor = vec4(color, 1.0);
}
"""

# The mean of 4x4 pixels, read as four of 2x2 that the GPU interpolates, enhanced; its luma, a color difference, and the
# noise there.
_BLOCK = """
// Of what is filtered, in pixels.
uniform vec2 size;
// The input's noise in black, and by how much more it rises between the knots of the profile.
uniform float noise_black;
uniform vec4 noise_rise;

void main() {{
    vec4 reach = vec4(1.0, 1.0, -1.0, 0.0) / size.xyxy;
    vec3 before = read_frame(tex_coord0 + reach.xy) + read_frame(tex_coord0 - reach.xy);
    before += read_frame(tex_coord0 + reach.zy) + read_frame(tex_coord0 - reach.zy);
    before *= 0.25;
    vec2 kept = find_kept(before, tex_coord0);
    vec3 after = fade(before, enhance(before, tex_coord0), kept);
    vec4 passed = clamp((dot(before, vec3(1.0 / 3.0)) - vec4({starts})) * vec4({slopes}), 0.0, 1.0);
    float noise = noise_black + dot(noise_rise, passed);
    vec3 spread = enhance(before + noise, tex_coord0) - enhance(max(before - noise, 0.0), tex_coord0);
    float sigma = 0.5 * kept.x * length(spread) * inversesqrt(3.0);
    float luma = dot(after, vec3(1.0 / 3.0));
    gl_FragColor = vec4(luma, 0.5 + 0.5 * (after.r - after.b), sigma * 255.0 / {white_sigma}.0, 1.0);
}}
"""

# As in `edge_dce.pixels.toe`.
_TOE = """
// How much of enhancement, and of color, the surroundings leave to a place; stretched over the picture.
uniform sampler2D toe;
// Luma up to which a pixel has no more than that, and from which it has all, and how much it always has.
uniform vec2 own_ramp;
uniform float own_least;

const vec3 LUMA = vec3(0.299, 0.587, 0.114);

vec2 find_kept(vec3 before, vec2 place) {
    vec2 kept = texture2D(toe, place).rg;
    float own = mix(own_least, 1.0, smoothstep(own_ramp.x, own_ramp.y, dot(before, LUMA)));
    return vec2(max(kept.x, own), kept.y);
}

vec3 fade(vec3 before, vec3 after, vec2 kept) {
    return mix(before, mix(vec3(dot(after, LUMA)), after, kept.y), kept.x);
}
"""

# A value between two levels becomes one of them, in time and place as often as it is near to it.
_ROUND = """
uniform float time_frames;

vec2 round_evenly(vec2 levels) {
    vec2 place = gl_FragCoord.xy + 5.588238 * time_frames;
    float threshold = fract(52.9829189 * fract(dot(place, vec2(0.06711056, 0.00583715))));
    return floor(levels + 0.001 + 0.998 * threshold) / 255.0;
}
"""

# texture0 holds the blocks of this frame; `past` has their recursive means, and in alpha the gain of the frame before,
# which is also what variance that left, as a share of the noise's.
_GAIN = """
uniform sampler2D past;
uniform vec2 blocks_size;
uniform float is_first;

float measure_change(vec2 place) {{
    vec2 difference = texture2D(texture0, place).rg - texture2D(past, place).rg;
    return dot(difference * difference, vec2(3.0, 2.0));
}}

void main() {{
    vec4 block = texture2D(texture0, tex_coord0);
    vec4 old = texture2D(past, tex_coord0);
    vec3 across = vec3(1.0 / blocks_size, 0.0);
    float change = measure_change(tex_coord0) + measure_change(tex_coord0 + across.xz)
        + measure_change(tex_coord0 - across.xz) + measure_change(tex_coord0 + across.zy)
        + measure_change(tex_coord0 - across.zy);
    float sigma = block.b * {white_sigma}.0;
    float variance = sigma * sigma + 0.000001;
    float excess = change * 255.0 * 255.0 / 15.0 - {rounding_variance} - {noise_share} * variance * (1.0 + old.a);
    float uncertain = old.a + {motion_factor} * max(excess, 0.0) / variance;
    // Less of less noise would be rounded away: it is the noise that carries the state from level to level.
    float least = max({least_gain}, 0.5 / max(sigma, 0.5));
    float gain = max(max(uncertain / (1.0 + uncertain), least), is_first);
    gl_FragColor = vec4(round_evenly(255.0 * mix(old.rg, block.rg, gain)), block.b, gain);
}}
"""

_FILTER = """
uniform sampler2D past;
uniform sampler2D gains;

void main() {{
    vec3 before = read_frame(tex_coord0);
    vec3 color = fade(before, enhance(before, tex_coord0), find_kept(before, tex_coord0));
    vec3 old = texture2D(past, tex_coord0).rgb;
    vec4 block = texture2D(gains, tex_coord0);
    // What no noise explains has moved, even if the block's mean has not.
    vec3 difference = color - old;
    float variance = block.b * block.b * {white_variance} + 0.00001;
    float excess = dot(difference, difference) / (3.0 * variance) - {pixel_noise_share} * (1.0 + block.a);
    float uncertain = 2.0 * max(excess, 0.0);
    color = mix(old, color, max(block.a, uncertain / (1.0 + uncertain)));
    gl_FragColor = vec4(floor(color * 255.0 + 0.5) / 255.0, 1.0);
}}
"""


def make_curve_piece(root: int) -> str:
    """Enhancement with curves on one root axis."""
    turns = root // 2
    return _CURVE.format(
        top=f"{TOP}.0",
        iterations=ITERATIONS,
        into_axis="    x = sqrt(x);\n" * turns,
        out_of_axis="    x *= x;\n" * turns,
    )


def make_shader(enhancement: str, channel_order: str = "RGB") -> str:
    """Shows frames of one order of channels, "RGB" or "BGR", enhanced by a piece such as `make_curve_piece`'s."""
    return _HEAD + _read_frame(channel_order) + enhancement + _SPLIT + _SHOW


def make_plain_shader(channel_order: str = "RGB") -> str:
    """Shows frames as they are, for a third of the work."""
    return _HEAD + _read_frame(channel_order) + _SHOW_PLAIN


def make_filtered_shader(channel_order: str = "RGB") -> str:
    """Shows what the filter made of the frame, beside the frame."""
    return _HEAD + _read_frame(channel_order) + _SPLIT + _SHOW_FILTERED


def make_block_shader(enhancement: str, channel_order: str = "RGB") -> str:
    """The first pass of the filter: means of enhanced blocks, and the standard deviation of a pixel's noise in them.

    That is the profile's at the block's brightness, as far as enhancement spreads it there.
    """
    steps = [high - low for low, high in itertools.pairwise(PROFILE_KNOTS)]
    main = _BLOCK.format(
        white_sigma=_WHITE_SIGMA,
        starts=", ".join(f"{knot:.5f}" for knot in PROFILE_KNOTS[:-1]),
        slopes=", ".join(f"{1 / step:.5f}" for step in steps),
    )
    return _HEAD + _read_frame(channel_order) + enhancement + _TOE + main


def make_gain_shader() -> str:
    """The second pass: the recursive means of the blocks, their noise, and in alpha what share a new frame gets."""
    main = _GAIN.format(
        white_sigma=_WHITE_SIGMA,
        rounding_variance=_ROUNDING_VARIANCE,
        noise_share=_BLOCK_NOISE_SHARE,
        motion_factor=_MOTION_FACTOR,
        least_gain=_LEAST_GAIN,
    )
    return _HEAD + _ROUND + main


def make_filter_shader(enhancement: str, channel_order: str = "RGB") -> str:
    """The third pass: each pixel's recursive mean."""
    main = _FILTER.format(white_variance=(_WHITE_SIGMA / 255) ** 2, pixel_noise_share=_PIXEL_NOISE_SHARE)
    return _HEAD + _read_frame(channel_order) + enhancement + _TOE + main


def _read_frame(channel_order: str) -> str:
    return _FRAME.format(swizzle=_SWIZZLES[channel_order])
