"""Enhanced frames as bare bytes on stdout, for other programs."""

from __future__ import annotations

import logging
import sys
from typing import Any

from edge_dce.terminal.console import discard_stdout

from ..pipeline import Pipeline
from .output import Output, to_bgr

_log = logging.getLogger(__name__)


class RawOutput(Output):
    """bgr24, frame after frame, newest only: a slow reader misses some and slows nobody."""

    name = "raw output"

    def __init__(self, pipeline: Pipeline, *, size: tuple[int, int], fps: float) -> None:
        super().__init__(pipeline)
        self._size = size
        self._written = 0
        self._has_ended = False
        _log.info(
            "raw frames; view: ffplay -f rawvideo -pixel_format bgr24 -video_size %dx%d -framerate %g -",
            *size,
            round(fps, 2),
        )

    def run(self) -> None:
        with self._pipeline.subscribe() as shots:
            for shot in shots.follow(lambda: self.is_wanted):
                try:
                    sys.stdout.buffer.write(to_bgr(shot, self._size).data)
                    sys.stdout.buffer.flush()
                except OSError as error:
                    # A reader who has seen enough is the pipe's usual end; nothing more may fail on either.
                    if not isinstance(error, BrokenPipeError):
                        self.report(f"standard output cannot be written ({error.strerror})")
                    discard_stdout()
                    self._has_ended = True
                    return
                self._written += 1

    @property
    def ends_program(self) -> bool:
        return self._has_ended

    def describe(self) -> dict[str, Any]:
        return {"frames": self._written}
