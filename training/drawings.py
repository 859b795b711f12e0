"""What networks return, drawn for people."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.pixels.tone import KNOTS, decode, follow_curve

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

# Dark to bright in even steps of lightness, also for the color-blind.
_COLORS = cv2.COLORMAP_VIRIDIS
_PAPER, _DIAGONAL = (24, 24, 24), (96, 96, 96)
# Red, green and blue that are seen on black, and the shared curve in white.
_CURVE_COLORS = ((232, 96, 88), (96, 200, 104), (96, 144, 240), (240, 240, 240))


@dataclasses.dataclass(frozen=True)
class Drawings:
    """What a network returned for several pictures.

    Attributes:
        title: what one drawing shows.
        note: how to read it.
        images: (height, width, 3) uint8 RGB each.
        scale: the values at the dark and the bright end of the colors, where colors are values.
    """

    title: str
    note: str
    images: Sequence[Uint8Array]
    scale: tuple[float, float] | None = None

    @property
    def gradient(self) -> str:
        """The colors of the scale from its dark to its bright end, as CSS names them."""
        stops = _color(np.linspace(0, 255, 9).astype(np.uint8).reshape(1, -1))[0]
        return ", ".join(f"rgb({red} {green} {blue})" for red, green, blue in stops)


def draw_curve_maps(outputs: Sequence[FloatArray], sizes: Sequence[tuple[int, int]]) -> Drawings:
    """Curve maps (h, w, 3 · maps), each at the (height, width) of its picture."""
    strengths = [measure_strength(each) for each in outputs]
    low = min((float(strength.min()) for strength in strengths), default=0.0)
    high = max((float(strength.max()) for strength in strengths), default=0.0)
    return Drawings(
        "curve map",
        "A curve map shows how strongly one step brightens each place: −a, averaged over maps and colors.",
        [draw_strength(strength, low, high, size) for strength, size in zip(strengths, sizes, strict=True)],
        (low, high),
    )


def draw_tones(outputs: Sequence[FloatArray], sizes: Sequence[tuple[int, int]]) -> Drawings:
    """Tones of (N,) numbers, each at the (height, width) of its picture."""
    return Drawings(
        "curves",
        "The curves of red, green and blue, and in white the shared one: from black on the left to white on the right, "
        "what becomes of it from bottom to top.",
        [_draw_curves(numbers, size) for numbers, size in zip(outputs, sizes, strict=True)],
    )


def measure_strength(curves: FloatArray) -> FloatArray:
    """How strongly each place is brightened per step: the mean of −a over maps and colors, (h, w) in [-1, 1]."""
    strength: FloatArray = -curves.mean(axis=2)
    return strength


def draw_strength(strength: FloatArray, low: float, high: float, size: tuple[int, int]) -> Uint8Array:
    """A map as (height, width, 3) uint8 RGB of `size`: `low` is the color map's dark end, `high` its bright end."""
    levels = np.clip((strength - low) / max(high - low, 1e-6) * 255, 0, 255).astype(np.uint8)
    # Nearest, so that the map is seen at the resolution it has.
    resized = cv2.resize(levels, size[::-1], interpolation=cv2.INTER_NEAREST)
    return _color(resized.astype(np.uint8, copy=False))


def _color(levels: Uint8Array) -> Uint8Array:
    colored: Uint8Array = cv2.cvtColor(cv2.applyColorMap(levels, _COLORS), cv2.COLOR_BGR2RGB).astype(np.uint8)
    return colored


def _draw_curves(numbers: FloatArray, size: tuple[int, int]) -> Uint8Array:
    height, width = size
    drawing = np.full((height, width, 3), _PAPER, np.uint8)
    cv2.line(drawing, (0, height - 1), (width - 1, 0), _DIAGONAL, 1, cv2.LINE_AA)
    x = np.linspace(0, 1, 4 * len(KNOTS), dtype=np.float32)
    for values, color in zip(decode(numbers).values, _CURVE_COLORS, strict=True):
        points = np.stack([x * (width - 1), (1 - follow_curve(x, values)) * (height - 1)], axis=1)
        line = [np.rint(points).astype(np.int32)]
        cv2.polylines(drawing, line, isClosed=False, color=color, thickness=1 + width // 300, lineType=cv2.LINE_AA)
    return drawing
