"""A thread that does something with shots, and whose trouble is its own: the camera and the streams go on."""

from __future__ import annotations

import abc
import threading
from typing import Any

from ..pipeline import Pipeline

_STOP_TIMEOUT_S = 5.0


class Output(abc.ABC):
    """An output: a thread that takes shots until it is stopped."""

    name: str

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self.run, name=self.name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Finish what is begun."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_TIMEOUT_S)

    @property
    def is_wanted(self) -> bool:
        """Whether to go on."""
        return not self._stopping.is_set() and not self._pipeline.is_finished

    @property
    def ends_program(self) -> bool:
        """Whether the program should end too, because whoever this was for has gone."""
        return False

    @abc.abstractmethod
    def run(self) -> None:
        """The thread's work, until it is not wanted any more."""

    @abc.abstractmethod
    def describe(self) -> dict[str, Any]:
        """Its part of /stats.json."""
