"""Curve maps as textures that any GPU takes: three samples of ten bits in the four bytes of a texel.

Eight bits would do for a map of narrow range only: with all of [-1, 1] in a map, eight curve steps make 2 of 255 levels
of half a step of it. Ten bits over the map's own range leave 0.6 at worst. Floating-point textures would leave nothing,
but not every phone has them.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
Uint8Array = npt.NDArray[np.uint8]

TOP = 1023


@dataclasses.dataclass(frozen=True)
class PackedCurves:
    """A map of curves, ready for upload.

    Attributes:
        texels: (h, w, 4) uint8: the upper eight bits of red, green and blue, and in alpha the lower two of each, red's
            lowest.
        low: the value of `a` that is stored as 0.
        high: the value of `a` that is stored as `TOP`.
    """

    texels: Uint8Array
    low: float
    high: float

    def make_uniforms(self, strength: float) -> dict[str, Any]:
        """Of `make_curve_piece`, by name."""
        height, width = self.texels.shape[:2]
        return {
            "curves_size": (float(width), float(height)),
            "curves_range": (self.low * strength, self.high * strength),
        }


def pack_curves(curves: FloatArray) -> PackedCurves:
    """Pack an (h, w, 3) map of `a` in [-1, 1]."""
    low, high = float(curves.min()), float(curves.max())
    scaled = curves - np.float32(low)
    scaled *= np.float32(TOP / (high - low) if high > low else 0)
    # Half a step more, so that cutting the fraction off rounds to nearest.
    scaled += np.float32(0.5)
    stored = np.minimum(scaled.astype(np.uint16), TOP)
    texels = np.empty((*curves.shape[:2], 4), np.uint8)
    texels[..., :3] = stored >> 2
    stored &= 3
    texels[..., 3] = stored[..., 0] | stored[..., 1] << 2 | stored[..., 2] << 4
    return PackedCurves(texels, low, high)


def unpack_curves(packed: PackedCurves) -> FloatArray:
    """What the shader reads from the texels; (h, w, 3) float32."""
    upper = packed.texels[..., :3].astype(np.float32) * 4
    lower = (packed.texels[..., 3:] >> np.array([0, 2, 4], np.uint8) & 3).astype(np.float32)
    curves: FloatArray = packed.low + (upper + lower) * np.float32((packed.high - packed.low) / TOP)
    return curves.astype(np.float32)
