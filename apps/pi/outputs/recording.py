"""The enhanced stream as .mp4 files that can be played at any moment, also after the plug was pulled.

How recordings are written is decided here; `edge_dce.files.live_video` writes them.
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_dce.camera.handover import Reader
from edge_dce.errors import OutputError
from edge_dce.files.encoders import BOARD_ENCODERS
from edge_dce.files.output import check_parent

from ..pipeline import Pipeline, Shot
from .naming import DatedName
from .output import Output, require_pyav
from .reserve import RESERVE_BYTES, find_shortage
from .retention import Keep, Retention

if TYPE_CHECKING:
    from edge_dce.files.live_video import LiveVideo

# A fragment ends before each key frame: so much at most is lost when the plug is pulled.
_KEYFRAME_S = 2.0
_LOOK_S = 1.0
_PAUSE_S = 5.0
# With a limit, the files are parts of it: what is still being written cannot go.
_MOST_FILE_S = 3600.0
_FILES_PER_LIMIT = 8


class Recording(Output):
    """Frames as they come, each at its own time."""

    name = "recording"

    def __init__(
        self,
        pipeline: Pipeline,
        pattern: str,
        *,
        fps: float,
        keep: Keep | None = None,
        reserve_bytes: int = RESERVE_BYTES,
    ) -> None:
        """
        Args:
            pattern: path that may hold strftime fields.
            fps: the camera's, for the encoder's rate control.
            keep: how much to keep of the files that the pattern names; None for all.
            reserve_bytes: left free on the disk.

        Raises:
            OutputError: no .mp4, or there is no folder for it.
            EdgeDceError: PyAV is not installed.
        """
        super().__init__(pipeline)
        require_pyav("--record")
        from edge_dce.files.live_video import LiveVideo

        self._name = DatedName(pattern)
        if self._name.pattern.suffix.lower() != ".mp4":
            raise OutputError(f"{pattern}: expected a name ending in .mp4")
        self._path = self._name.find_free()
        check_parent(self._path)
        self._make_video: Callable[[Path], LiveVideo] = functools.partial(
            LiveVideo, encoders=BOARD_ENCODERS, fps=fps, keyframe_s=_KEYFRAME_S, is_fragmented=True
        )
        self._keep, self._retention = keep, Retention(keep, self._name) if keep else None
        self._reserve_bytes = reserve_bytes
        self._codec: str | None = None
        self._frames = 0
        self._look_at_s = 0.0

    def run(self) -> None:
        while self.is_wanted:
            # Frames pass unenhanced as long as there is no room for them.
            trouble = find_shortage(self._path.parent, self._reserve_bytes) or self._record()
            if trouble is not None:
                self.report(trouble)
                self._stopping.wait(_PAUSE_S)

    def describe(self) -> dict[str, Any]:
        return {
            "path": str(self._path),
            "codec": self._codec,
            "frames": self._frames,
            "deleted": self._retention.deleted if self._retention else 0,
            "failed": self.trouble is not None,
            "trouble": self.trouble,
        }

    def _record(self) -> str | None:
        """File after file. What went wrong, or None if no more are wanted."""
        trouble = None
        try:
            with self._pipeline.subscribe() as shots:
                while self.is_wanted and trouble is None:
                    trouble = self._record_file(shots)
        except OutputError as error:
            return str(error)
        return trouble

    def _record_file(self, shots: Reader[Shot]) -> str | None:
        """One file, as long as it may be. Why no other may follow, or None.

        Raises:
            OutputError: it cannot be written.
        """
        start_s = time.monotonic()
        with contextlib.ExitStack() as stack:
            video: LiveVideo | None = None
            for shot in shots.follow(lambda: self.is_wanted):
                # Not before: a camera that delivers nothing leaves no file.
                if video is None:
                    video = stack.enter_context(self._open())
                video.write(shot.after, shot.time_s, shot.channel_order)
                self._codec = video.codec
                self._frames += 1
                self.report(None)
                if time.monotonic() >= self._look_at_s:
                    self._look_at_s = time.monotonic() + _LOOK_S
                    if self._retention is not None:
                        self._retention.prune(self._path)
                    shortage = find_shortage(self._path.parent, self._reserve_bytes)
                    if shortage is not None or self._is_long_enough(start_s):
                        return shortage
        return None

    @contextlib.contextmanager
    def _open(self) -> Iterator[LiveVideo]:
        self._path = self._name.find_free()
        try:
            # Taken at once: another recorder may look for a name in this very moment.
            self._path.touch(exist_ok=False)
        except OSError as error:
            raise OutputError(f"{self._path}: cannot be recorded ({error.strerror})") from error
        try:
            with self._make_video(self._path) as video:
                yield video
        finally:
            with contextlib.suppress(OSError):
                if self._path.stat().st_size == 0:
                    self._path.unlink()

    def _is_long_enough(self, start_s: float) -> bool:
        if self._keep is None:
            return False
        if time.monotonic() > start_s + _MOST_FILE_S:
            return True
        with contextlib.suppress(OSError):
            most_bytes = self._keep.size_bytes
            return most_bytes is not None and self._path.stat().st_size > most_bytes / _FILES_PER_LIMIT
        return False
