"""Good pictures of a view whose light is known: what a network learns to make of a dark one.

The filmic one is a single curve for the whole picture, exposed by the scene: equation 4 of Reinhard et al.,
"Photographic tone reproduction for digital images" (2002). The key that depends on the scene is from Reinhard,
"Parameter estimation for photographic tone reproduction" (2003).

The fused one joins shots of several exposures: Mertens et al., "Exposure Fusion" (2007). It lifts shadows and holds
highlights, and makes all scenes about equally bright, so nights are filmic here too.

The balanced one is half way between the filmic one and the fusion of more shots. Of real sequences it comes nearer to
the fusion of all their shots than either of them does, and scenes differ.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from .sensor import encode_srgb, quantize

FloatArray = npt.NDArray[np.float32]
Uint8Array = npt.NDArray[np.uint8]

# Mean of the logarithm of light, after exposure: of an average scene, and of a night, which stays one.
_KEY, _NIGHT_KEY = 0.19, 0.05
# How far a scene moves its key, in steps of two stops: a dark room with a lamp down, a bright one up.
_SCENE_RANGE = (-0.8, 0.4)
# How much of the curve acts on the largest channel, which keeps hues; the rest on each channel, which pales lamps.
_HUE_SHARE = 0.75
# How much of a smooth step is mixed in: without any, shadows look like haze.
_CONTRAST = 0.3
_BLACK = 1e-5
# Shots to fuse: each so many times as long as the one before it, until the average light is white.
_STEP, _MOST_SHOTS = 3.0, 6
# Of the balanced rendering: shorter shots too, and longer ones until the average light is three times white. Three of
# them at least: with fewer, what is dark in a bright picture would come out darker still.
_WIDE_STEP, _SHORTER_SHOTS, _LEAST_LONGER, _MOST_LONGER, _LONGEST_AVERAGE = 4.0, 3, 3, 6, 3.0


def render(light: FloatArray, *, is_night: bool = False) -> Uint8Array:
    """(H, W, 3) uint8 RGB of linear light, of any scale; what is clipped in `light` becomes white.

    Args:
        is_night: keep it dark: brightened moderately, its sky stays black.
    """
    exposed = light * np.float32(_choose_key(light, is_night) / average_light(light))
    # Below 1.5 the shoulder would turn into a straight line that brightens an even scene to white.
    white = max(float(np.percentile(exposed.max(axis=2), 99.5)), 1.5)
    largest = exposed.max(axis=2, keepdims=True)
    hues: FloatArray = exposed / np.maximum(largest, _BLACK)
    kept_hues = encode_srgb(hues) * _bend(largest, white)
    return quantize(_HUE_SHARE * kept_hues + (1 - _HUE_SHARE) * _bend(exposed, white))


def fuse(light: FloatArray, exposure: float, *, is_night: bool = False) -> Uint8Array:
    """(H, W, 3) uint8 RGB of linear light: the shot of this exposure, and longer ones, fused.

    Args:
        exposure: factor from the light to that of a shot, whose white is 1.
        is_night: `render` it instead.
    """
    if is_night:
        return render(light, is_night=True)
    longest = 1 / average_light(light)
    exposures = [exposure * _STEP**number for number in range(_MOST_SHOTS) if exposure * _STEP**number < longest]
    return quantize(_merge(light, exposures or [exposure]))


def balance(light: FloatArray, exposure: float, *, is_night: bool = False) -> Uint8Array:
    """(H, W, 3) uint8 RGB of linear light: the mean of `render` and of the shots around this exposure, fused.

    Args: as for `fuse`.
    """
    filmic = render(light, is_night=is_night)
    if is_night:
        return filmic
    steps = math.log(_LONGEST_AVERAGE / (average_light(light) * exposure), _WIDE_STEP)
    longer = min(max(math.ceil(steps) - 1, _LEAST_LONGER), _MOST_LONGER)
    fused = _merge(light, [exposure * _WIDE_STEP**number for number in range(-_SHORTER_SHOTS, longer + 1)])
    return quantize(np.asarray((filmic / np.float32(255) + fused) / 2, np.float32))


def _merge(light: FloatArray, exposures: Sequence[float]) -> FloatArray:
    """Shots of these exposures, fused, in [0, 1]."""
    shots = [quantize(encode_srgb(light * np.float32(each))) for each in exposures]
    if len(shots) == 1:
        return np.asarray(shots[0] / np.float32(255), np.float32)
    return np.clip(np.asarray(cv2.createMergeMertens().process(shots), np.float32), 0, 1)


def _render_filmic(light: FloatArray, exposure: float, *, is_night: bool = False) -> Uint8Array:
    return render(light, is_night=is_night)


# By the names that recipes have for them; each takes the light, the exposure of the dark picture, and `is_night`.
RENDERINGS: Mapping[str, Callable[..., Uint8Array]] = {"filmic": _render_filmic, "fused": fuse, "balanced": balance}


def _bend(light: FloatArray, white: float) -> FloatArray:
    """Light to samples in [0, 1]: a shoulder that ends at `white`, the sRGB curve, contrast."""
    encoded = encode_srgb(np.asarray(light * (1 + light / white**2) / (1 + light), np.float32))
    smooth_step = encoded * encoded * (3 - 2 * encoded)
    return encoded + np.float32(_CONTRAST) * (smooth_step - encoded)


def average_light(light: FloatArray) -> float:
    """The mean of the logarithm of linear light, as light."""
    return float(np.exp2(_log_luminance(light).mean()))


def _choose_key(light: FloatArray, is_night: bool) -> float:
    if is_night:
        return _NIGHT_KEY
    logarithm = _log_luminance(light)
    darkest, brightest = np.percentile(logarithm, [1, 99])
    position = (2 * logarithm.mean() - darkest - brightest) / (brightest - darkest + 1)
    return float(_KEY * 4 ** np.clip(position, *_SCENE_RANGE))


def _log_luminance(light: FloatArray) -> FloatArray:
    luminance: FloatArray = light @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    return np.asarray(np.log2(luminance + np.float32(_BLACK)), np.float32)
