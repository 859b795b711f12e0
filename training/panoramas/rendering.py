"""A good picture of a view whose light is known: what a network learns to make of a dark one.

One curve for the whole picture, since that is what the network can give back: a global filmic curve, exposed by the
scene. The curve is equation 4 of Reinhard et al., "Photographic tone reproduction for digital images" (2002). The key
that depends on the scene is from Reinhard, "Parameter estimation for photographic tone reproduction" (2003).
"""

from __future__ import annotations

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


def render(light: FloatArray, *, is_night: bool = False) -> Uint8Array:
    """(H, W, 3) uint8 RGB of linear light, of any scale; what is clipped in `light` becomes white.

    Args:
        is_night: keep it dark: brightened moderately, its sky stays black.
    """
    exposed = light * np.float32(_choose_key(light, is_night) / _average(light))
    # Below 1.5 the shoulder would turn into a straight line that brightens an even scene to white.
    white = max(float(np.percentile(exposed.max(axis=2), 99.5)), 1.5)
    largest = exposed.max(axis=2, keepdims=True)
    hues: FloatArray = exposed / np.maximum(largest, _BLACK)
    kept_hues = encode_srgb(hues) * _bend(largest, white)
    return quantize(_HUE_SHARE * kept_hues + (1 - _HUE_SHARE) * _bend(exposed, white))


def _bend(light: FloatArray, white: float) -> FloatArray:
    """Light to samples in [0, 1]: a shoulder that ends at `white`, the sRGB curve, contrast."""
    encoded = encode_srgb(np.asarray(light * (1 + light / white**2) / (1 + light), np.float32))
    smooth_step = encoded * encoded * (3 - 2 * encoded)
    return encoded + np.float32(_CONTRAST) * (smooth_step - encoded)


def _average(light: FloatArray) -> float:
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
