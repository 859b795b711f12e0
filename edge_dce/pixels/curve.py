"""The light-enhancement curve: the exact formula, and the table that holds it.

One step is y = x + a·(x² − x) with a in [-1, 1] (Zero-DCE, Guo et al., CVPR 2020, eq. 3; the sign is that of the
authors' code: negative `a` brightens). Eight steps with one `a` per pixel and channel are a function of (a, x) alone,
and x is a byte: so all eight are one look-up in a table of 256 levels of `a` by 256 values of x.

The steps may run on a root axis: u = x^(1/root) takes the steps and y = u^root leaves them. The table hides the cost.
A higher root treats the darkest pixels, which are mostly noise, more gently: at equal brightness of the picture the
noise in it is amplified less (docs/decisions/0006).

Curves are estimated on a small copy of the image and upsampled bilinearly with half-pixel centers: cost hardly
depends on the network, and the picture keeps its full resolution.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.pixels.look import PLAIN, Look, protect_highlights

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

LEVELS = 256
# Square roots of square roots, which every GPU and every quantizer has; powers are neither cheap nor common.
ROOTS = (1, 2, 4)
# The paper's number of steps.
ITERATIONS = 8


def check_root(root: Any) -> int:
    """`root`, if it is one of `ROOTS`.

    Raises:
        ValueError: it is not.
    """
    if type(root) is not int or root not in ROOTS:
        raise ValueError(f"expected a root of {ROOTS}, found {root!r}")
    return root


def apply_exact(image: Uint8Array, curves: FloatArray, *, look: Look = PLAIN, root: int = 1) -> Uint8Array:
    """Enhance by the formula, in float32: the reference for `edge_dce.pixels.curve_table`, many times slower.

    Args:
        image: (H, W, C) uint8, RGB or of other channels.
        curves: (h, w, C) float32 map of `a` in [-1, 1], any size; (h, w, C·n) are n maps that take turns.
        look: its strength is a factor on `a`; denoise is no matter of the curve and is left to `Enhancer`.
        root: one of `ROOTS`: the steps are made on the root-th root of the pixel value.

    Returns:
        (H, W, C) uint8.
    """
    height, width = image.shape[:2]
    maps = [
        cv2.resize(np.clip(a * np.float32(look.strength), -1, 1), (width, height), interpolation=cv2.INTER_LINEAR)
        for a in np.split(curves, curves.shape[2] // image.shape[2], axis=2)
    ]
    x = image.astype(np.float32) / np.float32(255)
    # Powers, where the table takes square roots: the reference shares the steps alone.
    y = take_steps(x ** np.float32(1 / root), maps) ** root
    protect_highlights(y, x, look.max_brightness)
    enhanced: Uint8Array = np.rint(y * np.float32(255)).astype(np.uint8)
    return enhanced


def _multiply_by_itself(x: Any) -> Any:
    return x * x


def take_steps(
    x: Any,
    maps: Sequence[Any],
    *,
    root: int = 1,
    sqrt: Callable[[Any], Any] = np.sqrt,
    square: Callable[[Any], Any] = _multiply_by_itself,
) -> Any:
    """y of `x` in [0, 1], for the arrays of any library: numpy's, or the tensors of Keras.

    Args:
        maps: of `a`, each of a shape that broadcasts with `x`; where there are fewer than steps, they take turns.
        root: as in `apply_exact`.
        sqrt, square: the library's of an array. A product, the default, is an operator that every runtime has.
    """
    for _ in range(root // 2):
        x = sqrt(x)
    for iteration in range(ITERATIONS):
        x = x + maps[iteration % len(maps)] * (square(x) - x)
    for _ in range(root // 2):
        x = square(x)
    return x


def take_steps_in_place(x: FloatArray, a: FloatArray, root: int, work: FloatArray) -> None:
    """As `take_steps` with the same `a` in every step: `x` becomes y; `work` is of its shape and overwritten."""
    for _ in range(root // 2):
        np.sqrt(x, out=x)
    for _ in range(ITERATIONS):
        np.multiply(x, x, out=work)
        work -= x
        work *= a
        x += work
    for _ in range(root // 2):
        np.multiply(x, x, out=x)


class CurveTable:
    """The curve for every pair of a level of `a` and a pixel value; making it anew allocates nothing.

    Attributes:
        samples: (256, 256) uint8: row = level of `a`, column = pixel value.
    """

    def __init__(self, root: int = 1) -> None:
        self.samples: Uint8Array = np.empty((LEVELS, 256), np.uint8)
        self._root = root
        self._values = np.arange(256, dtype=np.float32) / np.float32(255)
        self._y = np.empty((LEVELS, 256), np.float32)
        self._work = np.empty_like(self._y)
        # Equal to nothing, so that the first table is made.
        self._made_of: tuple[float, float, float, bool] = (math.nan, math.nan, math.nan, False)

    def fill(self, low: float, high: float, *, max_brightness: float = 1.0, with_identity: bool = False) -> None:
        """Make `samples` for levels of `a` evenly spaced from `low` (row 0) to `high` (the last row).

        Args:
            with_identity: row 255 returns the pixel value itself, for channels that are not to be changed (alpha);
                `high` is then row 254.
        """
        made_of = (low, high, max_brightness, with_identity)
        if made_of == self._made_of:
            return
        self._made_of = made_of
        levels = LEVELS - 1 if with_identity else LEVELS
        y, work = self._y[:levels], self._work[:levels]
        np.copyto(y, self._values)
        take_steps_in_place(y, np.linspace(low, high, levels, dtype=np.float32)[:, np.newaxis], self._root, work)
        protect_highlights(y, self._values, max_brightness)
        y *= 255
        np.copyto(self.samples[:levels], np.rint(y, out=y), casting="unsafe")
        self.samples[levels:] = np.arange(256, dtype=np.uint8)
