"""How the user wants the enhanced picture to look: settings that need no other network."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from edge_dce.errors import LookError

FloatArray = npt.NDArray[np.float32]

MAX_STRENGTH = 1.5
# The shoulder below starts at 2·limit - 1, which must not be below black.
LEAST_MAX_BRIGHTNESS = 0.5


@dataclasses.dataclass(frozen=True)
class Look:
    """Settings of one enhancement.

    Attributes:
        strength: factor on the curves: 0 leaves the image as it is, 1 is what the network estimated, up to 1.5.
        max_brightness: what enhancement may brighten to, from 0.5 to 1 (white): protects highlights. What is brighter
            in the input stays as it is.
        denoise: from 0 (off) to 1: how much of the noise that brightening amplified is smoothed away again.

    Raises:
        LookError: a value out of its range.
    """

    strength: float = 1.0
    max_brightness: float = 1.0
    denoise: float = 0.0

    def __post_init__(self) -> None:
        _check("a strength", self.strength, 0, MAX_STRENGTH)
        _check("a max_brightness", self.max_brightness, LEAST_MAX_BRIGHTNESS, 1)
        _check("a denoise", self.denoise, 0, 1)


def protect_highlights(enhanced: FloatArray, original: FloatArray, max_brightness: float) -> None:
    """Bend `enhanced`, in place, so that it brightens nothing beyond `max_brightness`; both hold values in [0, 1].

    With m for `max_brightness`, values above k = 2m - 1 take the shoulder y - (y - k)² / (4(1 - m)): it leaves the
    straight line with slope 1, reaches m at y = 1 with slope 0, and so keeps the order of values. Where the original
    is brighter than that it wins, so nothing gets darker.
    """
    if max_brightness < 1:
        # A network may darken on purpose; that is not the shoulder's to undo.
        floor = np.minimum(original, enhanced)
        excess = np.maximum(enhanced - np.float32(2 * max_brightness - 1), 0)
        enhanced -= excess * excess / np.float32(4 * (1 - max_brightness))
        np.maximum(enhanced, floor, out=enhanced)


def _check(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise LookError(f"expected {name} from {low} to {high}, found {value}")


PLAIN = Look()
