"""Frames in time: a model on the frames of one video or camera.

Its estimates are smoothed (`edge_dce.pixels.smoothing`); where a look asks for denoise, noise is averaged over frames
too (`edge_dce.pixels.temporal`).

The parts of a `Stream` may live on different threads: one calls `estimate` with the newest frame, one shows frames and
calls `advance`.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_dce.enhancer import Enhancer
from edge_dce.pixels.cleaner import StreamCleaner
from edge_dce.pixels.look import PLAIN, Look
from edge_dce.pixels.smoothing import STEADY, Smoother, Smoothing, make_thumbnail

FloatArray = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class _SmoothedModel:
    """A model, the smoothing of its estimates, and the cleaning of its frames."""

    enhancer: Enhancer
    smoother: Smoother
    cleaner: StreamCleaner


class Stream:
    """The frames of one video or camera, in order.

    `advance` may be called on another thread than the rest, which is for one thread. Raises as the enhancer does.

    Attributes:
        enhancer: of the current model. Another may be assigned on any thread: it enhances the next frame, as if the
            stream began there, because estimates of two models have nothing in common, perhaps not even their shape.
        look: another may be assigned on any thread, and counts from the next frame on.
    """

    def __init__(self, enhancer: Enhancer, *, look: Look = PLAIN, smoothing: Smoothing = STEADY) -> None:
        self.enhancer = enhancer
        self.look = look
        self._smoothing = smoothing
        self._smoothed = self._begin(enhancer)
        self._last_kind: tuple[Any, ...] = ()
        self._channel_order = "RGB"

    def estimate(self, frame: npt.NDArray[Any], *, channel_order: str = "RGB") -> bool:
        """Run the network on the newest frame if that is due; whether it ran.

        Args:
            frame: (H, W, 3); a smaller copy of what is shown will do.
        """
        enhancer, smoothed = self.enhancer, self._smoothed
        if enhancer is not smoothed.enhancer or channel_order != self._channel_order:
            smoothed = self._begin(enhancer)
        # Thumbnails of two orders cannot be compared.
        self._channel_order = channel_order
        thumbnail = make_thumbnail(frame)
        is_due = smoothed.smoother.is_due(thumbnail)
        if is_due:
            smoothed.smoother.aim(enhancer.estimate(frame, channel_order=channel_order), thumbnail)
        # Only now, so that a thread in `advance` never meets a model without an estimate.
        self._smoothed = smoothed
        return is_due

    def advance(self) -> FloatArray:
        """The estimate of the next frame that is shown, as `Smoother.advance`."""
        return self._smoothed.smoother.advance()

    def next_estimate(self, frame: npt.NDArray[Any], *, channel_order: str = "RGB") -> FloatArray:
        """The smoothed estimate of the next frame, not to be written to."""
        self.estimate(frame, channel_order=channel_order)
        return self.advance()

    def enhance_into(
        self,
        frame: npt.NDArray[Any],
        out: npt.NDArray[Any],
        *,
        small: npt.NDArray[Any] | None = None,
        share: float = 1.0,
        channel_order: str = "RGB",
    ) -> None:
        """Enhance the next frame into an array like it, or into itself.

        If the look asks for denoise, frames of 8 or 16 bits are filtered over time. That begins anew with a scene cut,
        and with a frame of another size or type, another model or another look.

        Args:
            small: the same moment at a fraction of the size, for the network.
            share: how much of the look's strength this frame gets, from 0 to 1.
        """
        look = self.look
        kind = look, frame.shape, frame.dtype, channel_order
        is_other_kind, self._last_kind = kind != self._last_kind, kind
        if share != 1:
            look = dataclasses.replace(look, strength=share * look.strength)
        estimate = self.next_estimate(frame if small is None else small, channel_order=channel_order)
        smoothed = self._smoothed
        if is_other_kind or smoothed.smoother.has_cut:
            smoothed.cleaner.begin_anew()
        smoothed.enhancer.apply(frame, estimate, look, out=out, channel_order=channel_order, cleaner=smoothed.cleaner)

    def _begin(self, enhancer: Enhancer) -> _SmoothedModel:
        smoother = Smoother(self._smoothing, neutral=enhancer.neutral)
        return _SmoothedModel(enhancer, smoother, StreamCleaner(enhancer.workers))
