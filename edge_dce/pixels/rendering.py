"""What all renderings have in common: how that which a network estimates becomes a picture."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from edge_dce.errors import ImageError
from edge_dce.pixels.look import PLAIN, Look

FloatArray = npt.NDArray[np.float32]


class Rendering(Protocol):
    """One for each contract of networks that enhance. Not for use by several threads at once.

    An estimate is a float32 array that can be averaged with another, as smoothing over time does. Its colors are in the
    order RGB, whatever the image's are.
    """

    @property
    def neutral(self) -> FloatArray:
        """The estimate that changes nothing; not to be written to."""

    def read(self, output: FloatArray) -> FloatArray:
        """The estimate in a network's output without its batch; overwritten by the next call."""

    def check(self, estimate: FloatArray) -> None:
        """Raise ImageError unless it has the shape of an estimate."""

    def apply(
        self,
        image: npt.NDArray[Any],
        estimate: FloatArray,
        *,
        look: Look = PLAIN,
        out: npt.NDArray[Any] | None = None,
        channel_order: str = "RGB",
    ) -> npt.NDArray[Any]:
        """Enhance one image.

        Args:
            image: (H, W, 3), any strides; of (H, W, 4) the fourth channel stays as it is. uint8, uint16, or floating
                point in [0, 1].
            look: strength and max_brightness; denoise is left to `Enhancer`.
            out: array like the image, any strides, that receives the result and is returned; the image itself will do.
                None makes a new one, which costs about as much in page faults as a third of the enhancement.
            channel_order: "RGB", "BGR", "RGBA" or "BGRA".

        Raises:
            ImageError: `out` is not such an array.
        """


def prepare_result(image: npt.NDArray[Any], out: npt.NDArray[Any] | None) -> npt.NDArray[Any]:
    """`out`, or a new array like the image.

    Raises:
        ImageError: as `check_out`.
    """
    if out is None:
        return np.empty(image.shape, image.dtype)
    check_out(image, out)
    return out


def check_out(image: npt.NDArray[Any], out: npt.NDArray[Any]) -> None:
    """Raise ImageError unless the result of `image` can be written into `out`: the image itself, or no part of it."""
    if not isinstance(out, np.ndarray):
        raise ImageError(f"expected a numpy array as `out`, found {type(out).__name__}")
    if out.shape != image.shape or out.dtype != image.dtype:
        raise ImageError(f"expected `out` like the image, {image.shape} {image.dtype}, found {out.shape} {out.dtype}")
    if not out.flags.writeable:
        raise ImageError("expected `out` that can be written, found a read-only array; hand over a copy")
    if any(side > 1 and not stride for side, stride in zip(out.shape, out.strides, strict=True)):
        raise ImageError("expected `out` with a place for each sample, found one that repeats some; hand over a copy")
    if not _is_same(image, out) and _may_overlap(image, out):
        raise ImageError("expected the image itself as `out` or none of its samples, found a part; hand over a copy")


def _is_same(image: npt.NDArray[Any], out: npt.NDArray[Any]) -> bool:
    return image.ctypes.data == out.ctypes.data and image.strides == out.strides


def _may_overlap(image: npt.NDArray[Any], out: npt.NDArray[Any]) -> bool:
    if not np.may_share_memory(image, out):
        return False
    try:
        return np.shares_memory(image, out, max_work=10_000)  # type: ignore[arg-type]
    except RuntimeError:
        # Too hard to tell for strides like these.
        return True
