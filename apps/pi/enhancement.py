"""Enhances the frames of one stream; model and look may be changed between two frames, from any thread."""

from __future__ import annotations

import logging

import numpy as np
import numpy.typing as npt

from edge_dce.camera import Frame
from edge_dce.enhancer import Enhancer
from edge_dce.errors import EdgeDceError
from edge_dce.pixels.look import Look
from edge_dce.stream import FRAME_BY_FRAME, Smoother, Smoothing, make_thumbnail

from .darkness import Darkness

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

_log = logging.getLogger(__name__)


class Enhancement:
    """The one place that knows how a frame is enhanced.

    Attributes:
        enhancer: of the current model; assign another to swap it.
        look: assign another to change it.
        darkness: decides which frames need enhancing, or None for all.
        error: what the model said of the newest frame if it failed, which then goes out as it came in.
    """

    def __init__(
        self, enhancer: Enhancer, look: Look, *, darkness: Darkness | None = None, smoothing: Smoothing = FRAME_BY_FRAME
    ) -> None:
        self.enhancer = enhancer
        self.look = look
        self._smoothing = smoothing
        self._smoother = Smoother(smoothing)
        self._smoothed: Enhancer | None = None
        self.darkness = darkness
        self.error: str | None = None

    def enhance_into(self, frame: Frame, out: Uint8Array) -> bool:
        """Enhance one frame; False, with `out` untouched, if it should stay as it is."""
        small = frame.image if frame.lores is None else frame.lores
        share = 1.0 if self.darkness is None else self.darkness.judge(small, frame.time_s)
        strength = share * self.look.strength
        if strength == 0:
            return False
        look = Look(strength, self.look.max_brightness, self.look.denoise)
        try:
            enhancer = self.enhancer
            curves = self._next_curves(enhancer, small, frame.channel_order)
            enhancer.apply_curves(frame.image, curves, look, out=out, channel_order=frame.channel_order)
        except EdgeDceError as error:
            # A dark picture is worth more than none.
            self._report(str(error))
            return False
        self._report(None)
        return True

    def _next_curves(self, enhancer: Enhancer, small: Uint8Array, channel_order: str) -> FloatArray:
        if enhancer is not self._smoothed:
            # Maps of two models have nothing in common, and perhaps not even the shape of the curve.
            self._smoothed, self._smoother = enhancer, Smoother(self._smoothing)
        thumbnail = make_thumbnail(small)
        if self._smoother.is_due(thumbnail):
            self._smoother.aim(enhancer.estimate_curves(small, channel_order=channel_order), thumbnail)
        return self._smoother.advance()

    def _report(self, error: str | None) -> None:
        if error != self.error:
            _log.error("enhancement failed: %s", error) if error else _log.info("enhancement works again")
            self.error = error
