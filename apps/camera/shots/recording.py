"""Video of what the live view shows, at full resolution, written while it is recorded.

It is cleaned as all videos are, on the CPU. That pays for itself: without noise a frame of the night scene is encoded
in a quarter of the time.
"""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from edge_dce.camera import Frame, LatestFrame
from edge_dce.errors import EdgeDceError
from edge_dce.files.encoders import APP_ENCODERS
from edge_dce.files.output import check_free, make_folder
from edge_dce.pixels.cleaner import StreamCleaner
from edge_dce.pixels.look import Look
from edge_dce.pixels.rendering import Rendering
from edge_dce.pixels.strips import StripWorkers

from ..scene_cuts import CutDetector

if TYPE_CHECKING:
    from edge_dce.files.live_video import LiveVideo

FloatArray = npt.NDArray[np.float32]
Image = npt.NDArray[Any]

_FPS = 30.0
_STOP_TIMEOUT_S = 10.0
# That clean; the rest of a phone's cores is for the view and the network.
_THREADS = 2


def can_record() -> bool:
    """Whether PyAV is installed."""
    try:
        import av  # noqa: F401
    except ImportError:
        return False
    return True


@dataclasses.dataclass(frozen=True)
class Moment:
    """How frames are enhanced at some time.

    Attributes:
        open_rendering: of the model; equal for the same model.
        estimate: of the model.
    """

    open_rendering: Callable[[], Rendering]
    estimate: FloatArray
    look: Look


class Recorder:
    """Records a camera's frames with the curves or tone of each moment, on a thread of its own, until it is stopped.

    Frames keep the times at which they were taken: if encoding is too slow for the camera, some are left out, and the
    video still runs at the speed of life.

    Attributes:
        error: in a line what ended the recording, or "".
    """

    def __init__(
        self,
        camera: LatestFrame,
        path: Path,
        *,
        read_moment: Callable[[], Moment | None],
    ) -> None:
        """
        Args:
            path: of the .mp4 file, which appears when the recording is stopped.
            read_moment: how a frame is enhanced now, None for not at all; called on the recording thread.

        Raises:
            OutputError: the file exists or its folder cannot be made.
        """
        check_free(path, overwrite=False)
        make_folder(path.parent)
        self._camera = camera
        self._path = path
        self._unfinished = path.with_name(f".unfinished-{path.name}")
        self._read_moment = read_moment
        self._last_kind: tuple[Any, ...] = ()
        self._cleaner = StreamCleaner(StripWorkers(_THREADS))
        self._cuts = CutDetector()
        self.error = ""
        self._stopping = threading.Event()
        self._video: LiveVideo | None = None
        self._is_saved = False
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def frames(self) -> int:
        """How many were written."""
        return self._video.frames if self._video else 0

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> Path | None:
        """End the recording; the file's path, or None if there is nothing in it."""
        self._stopping.set()
        self._thread.join(_STOP_TIMEOUT_S)
        return self._path if self._is_saved else None

    def _run(self) -> None:
        from edge_dce.files.live_video import LiveVideo

        try:
            with LiveVideo(self._unfinished, APP_ENCODERS, fps=_FPS, shown_as=self._path) as self._video:
                self._record(self._video)
        except (OSError, EdgeDceError) as error:
            self.error = " ".join(str(error).split())
        if self.frames and self._video and self._video.is_complete:
            os.replace(self._unfinished, self._path)  # noqa: PTH105 (one name for both systems)
            self._is_saved = True
        self._unfinished.unlink(missing_ok=True)

    def _record(self, video: LiveVideo) -> None:
        for frame in self._camera.reader().follow(lambda: not self._stopping.is_set()):
            video.write(self._enhance(frame), frame.time_s, frame.channel_order)

    def _enhance(self, frame: Frame) -> Image:
        moment = self._read_moment()
        if moment is None:
            return frame.image
        kind = moment.open_rendering, moment.look
        if self._last_kind[:1] != kind[:1]:
            self._rendering = moment.open_rendering()
        if self._cuts.detect(frame.image) or kind != self._last_kind:
            self._cleaner.begin_anew()
        self._last_kind = kind
        rendering, look, order = self._rendering, moment.look, frame.channel_order

        def render(image: Image, channel_order: str, out: Image | None = None) -> Image:
            return rendering.apply(image, moment.estimate, look=look, out=out, channel_order=channel_order)

        if look.denoise == 0:
            return render(frame.image, order)
        return self._cleaner.run(frame.image, render, look, None, channel_order=order)
