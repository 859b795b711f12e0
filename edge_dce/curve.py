"""The light-enhancement curve: the exact formula, and the table look-up that applies it fast.

One step is y = x + a·(x² − x) with a in [-1, 1] (Zero-DCE, Guo et al., CVPR 2020, eq. 3; the sign is that of the
authors' code: negative `a` brightens). Eight steps with one `a` per pixel and channel are a function of (a, x) alone,
and x is a byte: so all eight are one look-up in a table of 256 levels of `a` by 256 values of x.

Curves are estimated on a small copy of the image and upsampled here, bilinearly with half-pixel centers: cost hardly
depends on the network, and the picture keeps its full resolution.
"""

from __future__ import annotations

from concurrent.futures import Executor

import cv2
import numpy as np
import numpy.typing as npt

Uint8Array = npt.NDArray[np.uint8]
Uint16Array = npt.NDArray[np.uint16]
FloatArray = npt.NDArray[np.float32]

ITERATIONS = 8
LEVELS = 256
# Strips of this many pixels keep a strip, its indices and the table in the second-level cache (measured at 1080p:
# 32 strips 7 ms, 16 strips 8 ms, 120 strips 11 ms).
_STRIP_PX = 64 * 1024


def apply_exact(
    image: Uint8Array, curves: FloatArray, *, strength: float = 1.0, iterations: int = ITERATIONS
) -> Uint8Array:
    """Enhance by the formula, in float32: the reference for `apply`, about ten times slower.

    Args:
        image: (H, W, 3) uint8 RGB.
        curves: (h, w, 3) float32 map of `a` in [-1, 1], any size.
        strength: factor on `a`; 0 leaves the image as it is, 1 is what the network estimated.
        iterations: number of curve steps.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    height, width = image.shape[:2]
    a = cv2.resize(_scale(curves, strength), (width, height), interpolation=cv2.INTER_LINEAR)
    x = image.astype(np.float32) / np.float32(255)
    for _ in range(iterations):
        x = x + a * (x * x - x)
    return np.rint(x * np.float32(255)).astype(np.uint8)


def apply(
    image: Uint8Array,
    curves: FloatArray,
    *,
    strength: float = 1.0,
    iterations: int = ITERATIONS,
    pool: Executor | None = None,
) -> Uint8Array:
    """Enhance by table look-up. Arguments and result as `apply_exact`; strips run in `pool` where one is given.

    `a` is quantized to 256 levels over its own range in this frame, which keeps the result within 2 of 255 levels of
    `apply_exact` at worst and 0.5 on average.
    """
    scaled = _scale(curves, strength)
    low, high = float(scaled.min()), float(scaled.max())
    table = build_table(low, high, iterations=iterations).ravel()
    height, width = image.shape[:2]
    levels = cv2.resize(_quantize(scaled, low, high), (width, height), interpolation=cv2.INTER_LINEAR)
    levels = levels.astype(np.uint16, copy=False)
    enhanced = np.empty((height, width, 3), np.uint8)
    strip_rows = max(1, _STRIP_PX // width)

    def look_up(top: int) -> None:
        rows = slice(top, top + strip_rows)
        index = levels[rows]
        index &= 0xFF00
        index |= image[rows]
        # "clip" never clips (every uint16 is a valid index); unlike "raise" it writes into `out` without a copy.
        np.take(table, index, out=enhanced[rows], mode="clip")

    # The work is in numpy calls that release the GIL, so threads run side by side.
    spread = map if pool is None else pool.map
    for _ in spread(look_up, range(0, height, strip_rows)):
        pass
    return enhanced


def build_table(low: float, high: float, *, iterations: int = ITERATIONS) -> Uint8Array:
    """The curve for every pair of map level and pixel value.

    Args:
        low, high: values of `a` that the levels 0 and 255 stand for.

    Returns:
        (256, 256) uint8: row = level of `a`, column = pixel value.
    """
    a = np.linspace(low, high, LEVELS)[:, np.newaxis]
    x = np.linspace(0.0, 1.0, 256)[np.newaxis, :]
    for _ in range(iterations):
        x = x + a * (x * x - x)
    return np.rint(x * 255).astype(np.uint8)


def _scale(curves: FloatArray, strength: float) -> FloatArray:
    scaled = np.clip(curves * np.float32(strength), -1, 1)
    return scaled.astype(np.float32, copy=False)


def _quantize(curves: FloatArray, low: float, high: float) -> Uint16Array:
    """Map [low, high] so that the upper byte of the uint16 is the nearest level and the lower its fraction.

    Sixteen bits are rounded before upsampling and eight only after it: one rounding that matters instead of two.
    """
    span = high - low
    position = (curves - np.float32(low)) * np.float32((LEVELS - 1) / span) if span > 0 else np.zeros_like(curves)
    # Half a level is added so that dropping the lower byte rounds to nearest; 65535 is the top of uint16.
    return np.minimum(position * 256 + 128, 65535).astype(np.uint16)
