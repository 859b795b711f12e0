"""A thread that does something with shots, and whose trouble is its own: the camera and the streams go on."""

from __future__ import annotations

import abc
import logging
import threading
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.camera.frames import to_bytes
from edge_dce.errors import EdgeDceError
from edge_dce.pixels.fitting import fit_size

from ..pipeline import Pipeline, Shot

_log = logging.getLogger(__name__)

_STOP_TIMEOUT_S = 5.0


class Output(abc.ABC):
    """An output: a thread that takes shots until it is stopped.

    Attributes:
        name: what messages and /stats.json call it.
        trouble: what keeps it from its work, or None.
        deaths: how often its thread was found to have ended by a fault of the program's own.
    """

    name: str

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.trouble: str | None = None
        self.deaths = 0

    def start(self) -> None:
        """Start the thread; again after it has died."""
        self._thread = threading.Thread(target=self.run, name=self.name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish what is begun."""
        self._stopping.set()
        if self._thread is not None and self._thread.is_alive():
            self._thread.join(_STOP_TIMEOUT_S)

    @property
    def is_wanted(self) -> bool:
        """Whether to go on."""
        return not self._stopping.is_set() and not self._pipeline.is_finished

    @property
    def has_died(self) -> bool:
        """Whether the thread has ended though it is wanted."""
        is_alive = self._thread is None or self._thread.is_alive()
        return not is_alive and self.is_wanted and not self.ends_program

    @property
    def ends_program(self) -> bool:
        """Whether the program should end too, because whoever this was for has gone."""
        return False

    def report(self, trouble: str | None) -> None:
        """Say that there is trouble, or that it is over."""
        if (trouble is None) != (self.trouble is None):
            _log.warning("%s paused: %s", self.name, trouble) if trouble else _log.warning("%s resumed", self.name)
        self.trouble = trouble

    @abc.abstractmethod
    def run(self) -> None:
        """The thread's work, until it is not wanted any more."""

    @abc.abstractmethod
    def describe(self) -> dict[str, Any]:
        """Its part of /stats.json."""


def to_bgr(shot: Shot, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """A shot as a reader was told that it comes: contiguous, blue first, of this (width, height).

    A camera that came back may deliver another size.
    """
    image = fit_size(shot.after, size)
    if shot.channel_order != "BGR":
        image = to_bytes(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    return np.ascontiguousarray(image)


def require_pyav(option: str) -> None:
    """Raise EdgeDceError, for the option of an output, where PyAV is not installed."""
    try:
        import edge_dce.files.live_video  # noqa: F401
    except ImportError as error:
        raise EdgeDceError(f"{option} needs PyAV ({error}); run: pip install 'edge-dce[video]'") from error
