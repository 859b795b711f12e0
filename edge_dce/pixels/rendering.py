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
        ImageError: `out` is not like the image.
    """
    enhanced = np.empty(image.shape, image.dtype) if out is None else out
    if enhanced.shape != image.shape or enhanced.dtype != image.dtype:
        raise ImageError(
            f"expected `out` like the image, {image.shape} {image.dtype}, found {enhanced.shape} {enhanced.dtype}"
        )
    return enhanced
