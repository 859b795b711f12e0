"""Which frames of a stream are enhanced, how much, and what happens when the model fails."""

from __future__ import annotations

import logging

import numpy as np
import numpy.typing as npt

from edge_dce.camera import Frame
from edge_dce.errors import EdgeDceError
from edge_dce.stream import Stream

from .darkness import Darkness

Uint8Array = npt.NDArray[np.uint8]

_log = logging.getLogger(__name__)


class Enhancement:
    """The frames of a camera through a stream.

    Attributes:
        stream: its model and look may be changed between two frames, from any thread.
        darkness: decides which frames need enhancing, or None for all.
        error: what the model said of the newest frame if it failed, which then goes out as it came in.
    """

    def __init__(self, stream: Stream, *, darkness: Darkness | None = None) -> None:
        self.stream = stream
        self.darkness = darkness
        self.error: str | None = None

    def enhance_into(self, frame: Frame, out: Uint8Array) -> bool:
        """Enhance one frame; False, with `out` untouched, if it should stay as it is."""
        share = 1.0 if self.darkness is None else self.darkness.judge(frame.small, frame.time_s)
        if share * self.stream.look.strength == 0:
            return False
        try:
            self.stream.enhance_into(
                frame.image, out, small=frame.small, share=share, channel_order=frame.channel_order
            )
        except EdgeDceError as error:
            # A dark picture is worth more than none.
            self._report(str(error))
            return False
        self._report(None)
        return True

    def _report(self, error: str | None) -> None:
        if error != self.error:
            _log.error("enhancement failed: %s", error) if error else _log.info("enhancement works again")
            self.error = error
