"""Enhanced frames as H.264 in MPEG-TS on stdout, for other programs: a hundredth of the bytes of raw frames."""

from __future__ import annotations

import logging
import sys
from typing import Any

from edge_dce.errors import OutputError
from edge_dce.terminal.console import discard_stdout

from ..pipeline import Pipeline
from .output import Output, require_pyav

_log = logging.getLogger(__name__)


class TransportStream(Output):
    """Newest frame only, each at its own time: a slow reader misses some, and what it gets is never old."""

    name = "transport stream"

    def __init__(self, pipeline: Pipeline, *, fps: float) -> None:
        """
        Args:
            fps: the camera's, for the encoder's rate control.

        Raises:
            EdgeDceError: PyAV is not installed.
        """
        super().__init__(pipeline)
        require_pyav("--mpegts")
        self._fps = fps
        self._frames = 0
        self._codec: str | None = None
        self._has_ended = False
        _log.info("MPEG-TS; view: ffplay -fflags nobuffer -flags low_delay -")

    def run(self) -> None:
        from edge_dce.files.live_video import LiveStream

        stream = LiveStream(sys.stdout.buffer, name="standard output", fps=self._fps)
        try:
            with self._pipeline.subscribe() as shots, stream:
                for shot in shots.follow(lambda: self.is_wanted):
                    stream.write(shot.after, shot.time_s, shot.channel_order)
                    self._frames += 1
                    if self._codec is None:
                        self._codec = stream.codec
                        _log.info("transport stream: H.264 by %s", self._codec)
        except OutputError as error:
            # A reader who has seen enough is the pipe's usual end; nothing more may fail on either.
            if not stream.has_lost_reader:
                self.report(str(error))
            discard_stdout()
            self._has_ended = True

    @property
    def ends_program(self) -> bool:
        return self._has_ended

    def describe(self) -> dict[str, Any]:
        return {"codec": self._codec, "frames": self._frames}
