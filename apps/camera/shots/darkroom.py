"""Where photos are made: frames are taken when the shutter is pressed, and enhanced and saved afterwards."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import itertools
import time
from collections.abc import Callable

from edge_dce.camera import Frame, LatestFrame
from edge_dce.enhancer import Enhancer
from edge_dce.errors import CameraError
from edge_dce.pixels.look import Look

from ..work_thread import WorkThread
from .capture import Album, Photo, take_photo

_BURST_TIMEOUT_S = 3.0


class Darkroom:
    """Makes one photo after another, with a model of its own, because an enhancer is for one thread."""

    def __init__(self, thread: WorkThread, album: Album, open_model: Callable[[str], Enhancer]) -> None:
        """
        Args:
            thread: where the work is done.
            open_model: by name or path; raises ModelError and RuntimeMissingError.
        """
        self._thread = thread
        self._album = album
        self._open_model = open_model
        self._enhancer: tuple[str, Enhancer] | None = None

    def take_photo(
        self, camera: LatestFrame | None, look: Look, *, model: str, frames: int, keeps_original: bool
    ) -> concurrent.futures.Future[Photo]:
        """A photo of this moment, or a burst of several frames from now on.

        Returns:
            At once; its result raises CameraError where there is no frame, and as `capture.take_photo`.
        """
        first = None if camera is None else camera.newest

        def work() -> Photo:
            if camera is None or first is None:
                raise CameraError("photo not taken: the camera delivers no picture; check it, or choose another")
            taken = [first, *_collect(camera, first, frames - 1)]
            return take_photo(taken, self._find_enhancer(model), look, self._album, keeps_original=keeps_original)

        return self._thread.submit(work)

    def _find_enhancer(self, model: str) -> Enhancer:
        if self._enhancer is None or self._enhancer[0] != model:
            self._enhancer = model, self._open_model(model)
        return self._enhancer[1]


def _collect(camera: LatestFrame, first: Frame, count: int) -> list[Frame]:
    """The next frames, each copied, as far as they come in time."""
    end_s = time.monotonic() + _BURST_TIMEOUT_S
    following = camera.reader(after=first.sequence).follow(lambda: time.monotonic() < end_s)
    return [dataclasses.replace(frame, image=frame.image.copy()) for frame in itertools.islice(following, count)]
