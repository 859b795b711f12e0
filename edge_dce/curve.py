"""The light-enhancement curve: the exact formula, and the table look-up that applies it fast.

One step is y = x + a·(x² − x) with a in [-1, 1] (Zero-DCE, Guo et al., CVPR 2020, eq. 3; the sign is that of the
authors' code: negative `a` brightens). Eight steps with one `a` per pixel and channel are a function of (a, x) alone,
and x is a byte: so all eight are one look-up in a table of 256 levels of `a` by 256 values of x.

The steps may run on a root axis: u = x^(1/root) takes the steps and y = u^root leaves them. The table hides the cost.
A higher root treats the darkest pixels, which are mostly noise, more gently: at equal brightness of the picture the
noise in it is amplified less (docs/decisions/0006).

Curves are estimated on a small copy of the image and upsampled here, bilinearly with half-pixel centers: cost hardly
depends on the network, and the picture keeps its full resolution.
"""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.errors import ImageError

Uint8Array = npt.NDArray[np.uint8]
Uint16Array = npt.NDArray[np.uint16]
IndexArray = npt.NDArray[np.intp]
FloatArray = npt.NDArray[np.float32]

LEVELS = 256
# Strips of this many pixels keep a strip, its indices and the table in the second-level cache (measured at 1080p:
# 32 strips 7 ms, 16 strips 8 ms, 120 strips 11 ms).
_STRIP_PX = 64 * 1024
# Frames up to 4K keep their buffer for the next frame.
_KEPT_PX = 3840 * 2160
# Square roots of square roots, which every GPU and every quantizer has; powers are neither cheap nor common.
ROOTS = (1, 2, 4)


@dataclasses.dataclass(frozen=True)
class CurveShape:
    """What a network's curves mean: how many steps they make, on which axis.

    Attributes:
        iterations: number of curve steps, from 1 to 64.
        root: 1 (the paper's curve), 2 or 4: the steps are made on the root-th root of the pixel value.

    Raises:
        ValueError: other values than these.
    """

    iterations: int = 8
    root: int = 1

    def __post_init__(self) -> None:
        if type(self.iterations) is not int or not 1 <= self.iterations <= 64:
            raise ValueError(f"expected 1 to 64 iterations, found {self.iterations!r}")
        if type(self.root) is not int or self.root not in ROOTS:
            raise ValueError(f"expected a root of {ROOTS}, found {self.root!r}")


ZERO_DCE = CurveShape()


def apply_exact(
    image: Uint8Array, curves: FloatArray, *, strength: float = 1.0, shape: CurveShape = ZERO_DCE
) -> Uint8Array:
    """Enhance by the formula, in float32: the reference for `LookUp`, many times slower.

    Args:
        image: (H, W, 3) uint8 RGB.
        curves: (h, w, 3) float32 map of `a` in [-1, 1], any size; (h, w, 3·n) are n maps that take turns.
        strength: factor on `a`; 0 leaves the image as it is, 1 is what the network estimated.
        shape: what the curves mean.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    height, width = image.shape[:2]
    maps = [
        cv2.resize(_scale(a, strength), (width, height), interpolation=cv2.INTER_LINEAR)
        for a in np.split(curves, curves.shape[2] // 3, axis=2)
    ]
    u = (image.astype(np.float32) / np.float32(255)) ** np.float32(1 / shape.root)
    for iteration in range(shape.iterations):
        a = maps[iteration % len(maps)]
        u = u + a * (u * u - u)
    enhanced: Uint8Array = np.rint(u**shape.root * np.float32(255)).astype(np.uint8)
    return enhanced


class LookUp:
    """Enhances by table look-up, frame after frame: for frames of one size nothing but the result is allocated.

    `a` is quantized to 256 levels over its own range in the frame, which keeps the result within 2 of 255 levels of
    `apply_exact` at worst and 0.5 on average (3 at worst for a map that spans all of [-1, 1] on a root axis). Not for
    use by several threads at once.
    """

    def __init__(self, *, threads: int = 1, shape: CurveShape = ZERO_DCE) -> None:
        self._shape = shape
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="edge-dce") if threads > 1 else None
        self._indices = [np.empty(0, np.intp) for _ in range(threads)]
        self._levels: Uint16Array = np.empty((0, 0, 3), np.uint16)

    def apply(
        self, image: Uint8Array, curves: FloatArray, *, strength: float = 1.0, out: Uint8Array | None = None
    ) -> Uint8Array:
        """Enhance one image. Arguments and result as `apply_exact`.

        Args:
            out: C-contiguous (H, W, 3) uint8 array that receives the result and is returned; None makes a new one,
                which costs about as much in page faults as a third of the look-up.

        Raises:
            ImageError: `out` is not such an array of the image's shape.
        """
        enhanced = np.empty(image.shape, np.uint8) if out is None else out
        if enhanced.shape != image.shape or enhanced.dtype != np.uint8 or not enhanced.flags.c_contiguous:
            raise ImageError(f"expected a contiguous uint8 `out` of shape {image.shape}, found {enhanced.shape}")
        scaled = _scale(curves, strength)
        low, high = float(scaled.min()), float(scaled.max())
        table = build_table(low, high, self._shape).ravel()
        levels = self._upsample(_quantize(scaled, low, high), *image.shape[:2])
        # Workers draw strips from one iterator (a draw is atomic), so none waits while another has work left.
        strips = iter(_cut_strips(*image.shape[:2]))

        def work(indices: IndexArray) -> None:
            for rows in strips:
                _look_up(table, levels[rows], image[rows], indices, enhanced[rows])

        if self._pool is None:
            work(self._reserve_indices(image)[0])
        else:
            # The work is in numpy calls that release the GIL, so threads run side by side.
            list(self._pool.map(work, self._reserve_indices(image)))
        return enhanced

    def _upsample(self, levels: Uint16Array, height: int, width: int) -> Uint16Array:
        upsampled = self._levels
        if upsampled.shape[:2] != (height, width):
            upsampled = np.empty((height, width, 3), np.uint16)
            # A fresh buffer costs more in page faults than the interpolation itself; video frames share one. That of a
            # larger photo is given back.
            self._levels = upsampled if height * width <= _KEPT_PX else np.empty((0, 0, 3), np.uint16)
        cv2.resize(levels, (width, height), dst=upsampled, interpolation=cv2.INTER_LINEAR)
        return upsampled

    def _reserve_indices(self, image: Uint8Array) -> list[IndexArray]:
        needed = max(1, _STRIP_PX // image.shape[1]) * image.shape[1] * 3
        if self._indices[0].size < needed:
            self._indices = [np.empty(needed, np.intp) for _ in self._indices]
        return self._indices


def _cut_strips(height: int, width: int) -> list[slice]:
    rows = max(1, _STRIP_PX // width)
    return [slice(top, min(top + rows, height)) for top in range(0, height, rows)]


def _look_up(
    table: Uint8Array, levels: Uint16Array, image: Uint8Array, indices: IndexArray, enhanced: Uint8Array
) -> None:
    """One strip; overwrites `levels`."""
    np.bitwise_and(levels, 0xFF00, out=levels)
    np.bitwise_or(levels, image, out=levels)
    if _CV2_TAKES_WIDE_INDICES:
        rows = len(levels)
        cv2.LUT(levels.reshape(rows, -1), table.reshape(1, -1), dst=enhanced.reshape(rows, -1))
        return
    index = indices[: image.size].reshape(image.shape)
    np.copyto(index, levels)
    # "clip" never clips (every uint16 is a valid index); unlike "raise" it writes into `out` without a copy.
    np.take(table, index, out=enhanced, mode="clip")


def _cv2_takes_wide_indices() -> bool:
    try:
        cv2.LUT(np.zeros((1, 1), np.uint16), np.zeros((1, LEVELS * 256), np.uint8))
    except cv2.error:
        return False
    return True


# OpenCV 5 looks up 16-bit indices directly; with earlier ones numpy does, from wider indices, in twice the time.
_CV2_TAKES_WIDE_INDICES = _cv2_takes_wide_indices()


def build_table(low: float, high: float, shape: CurveShape = ZERO_DCE) -> Uint8Array:
    """The curve for every pair of map level and pixel value.

    Args:
        low, high: values of `a` that the levels 0 and 255 stand for.

    Returns:
        (256, 256) uint8: row = level of `a`, column = pixel value.
    """
    a = np.linspace(low, high, LEVELS, dtype=np.float32)[:, np.newaxis]
    axis = (np.arange(256, dtype=np.float32) / np.float32(255)) ** np.float32(1 / shape.root)
    u = np.tile(axis, (LEVELS, 1))
    step = np.empty_like(u)
    for _ in range(shape.iterations):
        np.multiply(u, u, out=step)
        step -= u
        step *= a
        u += step
    np.power(u, shape.root, out=u)
    u *= 255
    table: Uint8Array = np.rint(u, out=u).astype(np.uint8)
    return table


def _scale(curves: FloatArray, strength: float) -> FloatArray:
    scaled: FloatArray = np.clip(curves * np.float32(strength), -1, 1)
    return scaled


def _quantize(curves: FloatArray, low: float, high: float) -> Uint16Array:
    """Map [low, high] so that the upper byte of the uint16 is the nearest level and the lower its fraction.

    Sixteen bits are rounded before upsampling and eight only after it: one rounding that matters instead of two.
    """
    span = high - low
    position = (curves - np.float32(low)) * np.float32((LEVELS - 1) / span) if span > 0 else np.zeros_like(curves)
    # Half a level is added so that dropping the lower byte rounds to nearest; 65535 is the top of uint16.
    return np.minimum(position * 256 + 128, 65535).astype(np.uint16)
