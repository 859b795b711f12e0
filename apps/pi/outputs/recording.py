"""The enhanced stream as an .mp4 that can be played at any moment, also after the plug was pulled.

How recordings are written is decided here; `edge_dce.files.live_video` writes them.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import time
from pathlib import Path
from typing import Any

from edge_dce.errors import EdgeDceError, OutputError
from edge_dce.files.encoders import BOARD_ENCODERS
from edge_dce.files.output import check_free, check_parent

from ..pipeline import Pipeline
from .output import Output

_log = logging.getLogger(__name__)

# A fragment ends before each key frame: so much at most is lost when the plug is pulled.
_KEYFRAME_S = 2.0


class Recording(Output):
    """Frames as they come, each at its own time."""

    name = "recording"

    def __init__(self, pipeline: Pipeline, pattern: str, *, fps: float) -> None:
        """
        Args:
            pattern: path that may hold strftime fields.
            fps: the camera's, for the encoder's rate control.

        Raises:
            OutputError: the file exists, or there is no folder for it.
            EdgeDceError: PyAV is not installed.
        """
        super().__init__(pipeline)
        try:
            from edge_dce.files.live_video import LiveVideo
        except ImportError as error:
            raise EdgeDceError(f"--record needs PyAV ({error}); run: pip install 'edge-dce[video]'") from error
        self._path = Path(time.strftime(pattern))
        if self._path.suffix.lower() != ".mp4":
            raise OutputError(f"{self._path}: expected a name ending in .mp4")
        check_free(self._path, overwrite=False)
        check_parent(self._path)
        self._open = functools.partial(
            LiveVideo, self._path, BOARD_ENCODERS, fps=fps, keyframe_s=_KEYFRAME_S, is_fragmented=True
        )
        self._video: LiveVideo | None = None
        self._trouble: str | None = None

    def run(self) -> None:
        try:
            with self._pipeline.subscribe() as shots, contextlib.ExitStack() as stack:
                for shot in shots.follow(lambda: self.is_wanted):
                    # Not before: a camera that delivers nothing leaves no file.
                    self._video = self._video or stack.enter_context(self._open())
                    self._video.write(shot.after, shot.time_s, shot.channel_order)
        except OutputError as error:
            self._trouble = str(error)
            _log.error("recording stopped: %s", self._trouble)

    def describe(self) -> dict[str, Any]:
        return {
            "path": str(self._path),
            "codec": self._video and self._video.codec,
            "frames": self._video.frames if self._video else 0,
            "failed": self._trouble is not None,
            "trouble": self._trouble,
        }
