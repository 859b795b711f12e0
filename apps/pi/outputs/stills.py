"""A picture every now and then, written whole or not at all; a full disk pauses it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from edge_dce.errors import OutputError
from edge_dce.files.output import make_folder, write_file

from ..jpeg import encode_jpeg
from ..pipeline import Pipeline, Shot
from .naming import DatedName
from .output import Output
from .reserve import RESERVE_BYTES, find_shortage
from .retention import Keep, Retention

_QUALITY = 95
_FRAME_TIMEOUT_S = 1.0


class Stills(Output):
    """JPEGs named by the time of day, such as 20261124-215906.jpg."""

    name = "stills"

    def __init__(
        self,
        pipeline: Pipeline,
        folder: Path,
        *,
        every_s: float,
        keep: Keep | None = None,
        reserve_bytes: int = RESERVE_BYTES,
    ) -> None:
        """
        Args:
            keep: how much to keep of the stills in this folder; None for all.
            reserve_bytes: left free on the disk.

        Raises:
            OutputError: the folder cannot be made.
        """
        super().__init__(pipeline)
        make_folder(folder)
        self._folder = folder
        self._name = DatedName(f"{str(folder).replace('%', '%%')}/%Y%m%d-%H%M%S.jpg")
        self._retention = Retention(keep, self._name) if keep else None
        self._every_s = every_s
        self._reserve_bytes = reserve_bytes
        self._written = 0
        self._newest: str | None = None

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
                    self.report(self._write(shot))
                # Not from now on: one in ten seconds is six a minute. But no heap of them to make up for a pause.
                due_s = max(due_s + self._every_s, time.monotonic())

    def describe(self) -> dict[str, Any]:
        return {
            "written": self._written,
            "newest": self._newest,
            "deleted": self._retention.deleted if self._retention else 0,
            "paused": self.trouble is not None,
            "trouble": self.trouble,
        }

    def _write(self, shot: Shot) -> str | None:
        """What went wrong, or None."""
        if self._retention is not None:
            self._retention.prune()
        shortage = find_shortage(self._folder, self._reserve_bytes)
        if shortage is not None:
            return shortage
        try:
            path = self._name.find_free()
            write_file(path, encode_jpeg(shot.after, shot.channel_order, _QUALITY))
        except OutputError as error:
            return str(error)
        self._written += 1
        self._newest = path.name
        return None
