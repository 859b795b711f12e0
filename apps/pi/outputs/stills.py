"""A picture every now and then, written whole or not at all; a full disk pauses it."""

from __future__ import annotations

import logging
import shutil
import time
from pathlib import Path
from typing import Any

from edge_dce.errors import OutputError
from edge_dce.files.output import make_folder, write_file

from ..jpeg import encode_jpeg
from ..pipeline import Pipeline, Shot
from .output import Output

_log = logging.getLogger(__name__)

_QUALITY = 95
# A system whose disk is full to the last byte cannot even log that it is.
_RESERVE_BYTES = 64 * 1024 * 1024
_FRAME_TIMEOUT_S = 1.0


class Stills(Output):
    """JPEGs named by the time of day, such as 20261124-215906.jpg."""

    name = "stills"

    def __init__(
        self, pipeline: Pipeline, folder: Path, *, every_s: float, reserve_bytes: int = _RESERVE_BYTES
    ) -> None:
        """Raises OutputError: the folder cannot be made."""
        super().__init__(pipeline)
        make_folder(folder)
        self._folder = folder
        self._every_s = every_s
        self._reserve_bytes = reserve_bytes
        self._written = 0
        self._newest: str | None = None
        self._trouble: str | None = None

    def run(self) -> None:
        due_s = time.monotonic()
        while self.is_wanted:
            if self._stopping.wait(min(max(0.0, due_s - time.monotonic()), 1.0)):
                return
            if time.monotonic() < due_s:
                continue
            # Asking only now lets the camera's frames pass unenhanced in between.
            with self._pipeline.subscribe() as shots:
                shot = shots.wait(_FRAME_TIMEOUT_S)
            if shot is not None:
                with shot:
                    self._report(self._write(shot))
                # Not from now on: one in ten seconds is six a minute. But no heap of them to make up for a pause.
                due_s = max(due_s + self._every_s, time.monotonic())

    def describe(self) -> dict[str, Any]:
        return {
            "written": self._written,
            "newest": self._newest,
            "paused": self._trouble is not None,
            "trouble": self._trouble,
        }

    def _write(self, shot: Shot) -> str | None:
        """What went wrong, or None."""
        path = self._folder / time.strftime("%Y%m%d-%H%M%S.jpg")
        try:
            free_bytes = shutil.disk_usage(self._folder).free
            if free_bytes < self._reserve_bytes:
                return f"{self._folder}: expected {self._reserve_bytes >> 20} MB free or more, found {free_bytes >> 20}"
            write_file(path, encode_jpeg(shot.after, shot.channel_order, _QUALITY))
        except OutputError as error:
            return str(error)
        except OSError as error:
            return f"{self._folder}: {error.strerror}"
        self._written += 1
        self._newest = path.name
        return None

    def _report(self, trouble: str | None) -> None:
        if (trouble is None) != (self._trouble is None):
            _log.warning("stills paused: %s", trouble) if trouble else _log.warning("stills resumed")
        self._trouble = trouble
