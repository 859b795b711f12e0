"""All of the app that needs no window: camera, curves, photos, recording and what is kept of them.

Nothing here waits on the caller's thread: cameras and models are opened, and photos made, on others. Whoever draws asks
`next_frame` and `curves` as often as it likes, and `status` for what to tell.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import datetime
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from edge_dce.camera import Frame, FrameSource, LatestFrame, open_source
from edge_dce.camera.handover import Reader
from edge_dce.enhancer import Enhancer
from edge_dce.errors import CameraError, EdgeDceError, OutputError
from edge_dce.pixels.look import AUTO, Look
from edge_dce.pixels.noise import NoiseProfile
from edge_dce.pixels.toe import Toe

from . import models, thermal
from .device import Folders
from .diagnostics import Diagnostics, RateMeter
from .estimation import Estimator
from .histogram import measure_histogram
from .preferences import BURST, read_preferences, write_preferences
from .shots.capture import Album, Photo, name_by_time
from .shots.darkroom import Darkroom
from .shots.feedback import Answer, FeedbackError, FeedbackLog, suggest_strength
from .shots.recording import Moment, Recorder
from .work_thread import WorkThread

FloatArray = npt.NDArray[np.float32]

OPENING, LIVE, NO_CAMERA, LOST, PAUSED = "opening", "live", "no camera", "lost", "paused"


class CameraOpener(Protocol):
    """Opens a source; raises CameraError."""

    def __call__(self, source: str, /, *, size: tuple[int, int] | None) -> FrameSource: ...


@dataclasses.dataclass(frozen=True)
class Status:
    """What the camera is doing, and in a line what is wrong, if anything is."""

    state: str
    message: str = ""


class Session:
    """One run of the app.

    Attributes:
        preferences: what is set now; changed by `change`.
        album: where photos go.
        model_error: in a line why nothing is enhanced, or "".
        streams: how many began so far: another camera or another model makes pictures that continue no others.
    """

    def __init__(
        self,
        folders: Folders,
        *,
        size: tuple[int, int] | None = None,
        open_camera: CameraOpener = open_source,
        open_model: Callable[[str], Enhancer] = models.open_model,
        read_temperature_c: Callable[[], float | None] = thermal.read_chip_temperature_c,
        thermal_steps: tuple[tuple[float, float], ...] = thermal.CHIP_STEPS,
        leave_thread: Callable[[], None] = lambda: None,
    ) -> None:
        """
        Args:
            size: (width, height) to ask cameras for; None leaves it to them.
            thermal_steps: what the temperatures mean, see `thermal`.
            leave_thread: called at the end of each piece of work on another thread.
        """
        self.preferences = read_preferences(folders.settings)
        self.album = Album(folders.pictures, folders.copies)
        self.model_error = ""
        self.streams = 0
        self._folders = folders
        self._size = size
        self._open_camera = open_camera
        self._open_model = open_model
        self._leave_thread = leave_thread
        self._read_temperature_c = read_temperature_c
        self._is_saved = True
        self._status = Status(PAUSED)
        self._camera: LatestFrame | None = None
        self._source: FrameSource | None = None
        self._estimator: Estimator | None = None
        self._recorder: Recorder | None = None
        self._governor = thermal.ThermalGovernor(thermal_steps)
        self._temperature_c: float | None = None
        self._view_rate = RateMeter()
        self._latency_ms = 0.0
        self._view: Reader[Frame] | None = None
        # One opens cameras and models, in the order asked for; one makes photos.
        self._opener = WorkThread("opening", leave_thread=leave_thread)
        self._finishing = WorkThread("photos", leave_thread=leave_thread)
        self._darkroom = Darkroom(self._finishing, self.album, open_model)
        self.feedback = _open_feedback(folders.feedback)

    # Preferences.

    def change(self, **fields: Any) -> None:
        """Change preferences, and open another camera or model where these changed; `save` keeps them."""
        before, self.preferences = self.preferences, dataclasses.replace(self.preferences, **fields)
        if self.preferences == before:
            return
        self._is_saved = False
        if self.preferences.camera != before.camera:
            self.open()
        elif self.preferences.model != before.model:
            self._opener.submit(self._start_estimator)

    def save(self) -> None:
        """Keep what was changed since the last time.

        Raises:
            OutputError: it cannot be written.
        """
        if not self._is_saved:
            # Whatever happens, once: a full disk is not told of twice a second.
            self._is_saved = True
            write_preferences(self.preferences, self._folders.settings)

    @property
    def model_folder(self) -> Path:
        """Where people put models of their own."""
        return self.album.pictures / "models"

    @property
    def default_strength(self) -> float:
        """What the answers about photos ask for."""
        return suggest_strength(self.feedback.answers)

    @property
    def strength(self) -> float:
        """What is set, or else the default."""
        return self.default_strength if self.preferences.strength is None else self.preferences.strength

    @property
    def look(self) -> Look:
        """Of photos and of the live view."""
        return Look(self.strength, denoise=AUTO if self.preferences.is_denoising else 0)

    # Camera.

    @property
    def status(self) -> Status:
        camera = self._camera
        if self._status.state == LIVE and camera is not None and not camera.is_live:
            return Status(LOST, camera.status)
        return self._status

    def open(self) -> None:
        """Open the camera and the model that are set; `status` tells how it goes."""
        self._status = Status(OPENING)
        self._opener.submit(self._reopen)

    def pause(self) -> None:
        """Free the camera, and stop all work."""
        self._opener.submit(lambda: self._close(Status(PAUSED)))

    def close(self) -> None:
        """End everything; photos being made are finished first."""
        with contextlib.suppress(OutputError):
            self.save()
        self._opener.submit(lambda: self._close(Status(PAUSED))).result()
        self._opener.close()
        self._finishing.close()

    def next_frame(self) -> Frame | None:
        """The newest frame, or None if it was returned already; does not wait."""
        view = self._view
        frame = None if view is None else view.wait(timeout_s=0)
        if frame is not None:
            self._view_rate.tick()
            self._latency_ms = (time.monotonic() - frame.time_s) * 1e3
        return frame

    def curves(self) -> tuple[FloatArray, int, str] | None:
        """The estimate for the frame that `next_frame` just returned, the root and contract of the model, if any."""
        estimator = self._estimator
        return None if estimator is None else (estimator.advance(), estimator.root, estimator.contract)

    def noise(self) -> NoiseProfile | None:
        """Of the camera's frames; None before it is measured, and the same object until it is measured anew."""
        estimator = self._estimator
        return None if estimator is None else estimator.noise

    def toe(self) -> Toe | None:
        """What of the camera's frames is left dark, if anything is; the same object until it is found anew."""
        estimator = self._estimator
        return None if estimator is None else estimator.toe

    def read_histogram(self) -> FloatArray | None:
        """Of the enhanced picture, see `measure_histogram`; None before the first frame."""
        estimator = self._estimator
        if estimator is None or estimator.sampled is None:
            return None
        return measure_histogram(estimator.sampled, estimator.current, estimator.open_rendering(), self.strength)

    def read_diagnostics(self) -> Diagnostics:
        estimator = self._estimator
        return Diagnostics(
            view_fps=self._view_rate.read_hz(),
            map_fps=estimator.rate.read_hz() if estimator else 0.0,
            latency_ms=self._latency_ms,
            estimate_ms=estimator.took_ms if estimator else 0.0,
            temperature_c=self._temperature_c,
            interval_s=self._governor.interval_s,
        )

    def count(self) -> tuple[int, int]:
        """How many frames were returned and maps estimated since the camera was opened."""
        estimator = self._estimator
        return self._view_rate.count, estimator.rate.count if estimator else 0

    def watch_temperature(self) -> None:
        """To be called every few seconds: a warm device gets fewer maps."""
        self._temperature_c = self._read_temperature_c()
        interval_s = self._governor.update(self._temperature_c)
        estimator = self._estimator
        if estimator is not None:
            estimator.interval_s = interval_s

    def set_torch(self, is_on: bool) -> None:
        """Raises CameraError: the camera refuses, or has none."""
        switch = getattr(self._source, "set_torch", None)
        if switch is None:
            raise CameraError("this camera has no torch")
        switch(is_on)

    # Photos and video.

    def take_photo(self) -> concurrent.futures.Future[Photo]:
        """A photo of this moment (or a burst from now on), by what is set now.

        Returns:
            At once; its result raises as `Darkroom.take_photo`'s.
        """
        preferences = self.preferences
        return self._darkroom.take_photo(
            self._camera,
            self.look,
            model=preferences.model,
            frames=preferences.burst_frames if preferences.mode == BURST else 1,
            keeps_original=preferences.keeps_original,
        )

    @property
    def is_recording(self) -> bool:
        """Until it is stopped, or ends because the camera or the disk does; `stop_recording` tells the outcome."""
        return self._recorder is not None and self._recorder.is_running

    def start_recording(self) -> None:
        """Raises CameraError: no camera is running. OutputError: the folder cannot be written to."""
        camera = self._camera
        if camera is None:
            raise CameraError("video not saved: the camera delivers no picture; check it, or choose another")
        path = self.album.pictures / f"{name_by_time(datetime.datetime.now())}.mp4"
        recorder = Recorder(camera, path, read_moment=self._read_moment)
        recorder.start()
        self._recorder = recorder

    def stop_recording(self) -> concurrent.futures.Future[Path]:
        """The video's path, in a while; its result raises CameraError where nothing was saved."""
        recorder, self._recorder = self._recorder, None

        def work() -> Path:
            if recorder is None or (path := recorder.stop()) is None:
                raise CameraError((recorder and recorder.error) or "video not saved: nothing was recorded")
            return path

        return self._finishing.submit(work)

    def answer(self, photo: Photo, verdict: str) -> None:
        """Keep what a person said about a photo.

        Raises:
            OutputError: it cannot be kept.
        """
        self.feedback.add(
            Answer(
                verdict=verdict,
                strength=photo.strength,
                brightness_before=photo.brightness_before,
                brightness_after=photo.brightness_after,
                model=Path(self.preferences.model).stem,
                time=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
            )
        )

    def export_feedback(self) -> Path:
        """Write the answers beside the photos; the file's path.

        Raises:
            OutputError: it cannot be written.
        """
        path = self.album.pictures / f"feedback-{name_by_time(datetime.datetime.now())}.json"
        self.feedback.export(path)
        return path

    # On other threads.

    def _reopen(self) -> None:
        self._close(Status(OPENING))
        source = self.preferences.camera
        camera = LatestFrame(lambda: self._open_source(source))
        try:
            camera.start()
        except CameraError as error:
            self._status = Status(NO_CAMERA, str(error))
            return
        self._camera, self._view = camera, camera.reader()
        self.streams += 1
        self._status = Status(LIVE)
        self._start_estimator()

    def _open_source(self, source: str) -> FrameSource:
        self._source = self._open_camera(source, size=self._size)
        return self._source

    def _start_estimator(self) -> None:
        camera, old = self._camera, self._estimator
        if camera is None:
            return
        try:
            estimator = Estimator(
                camera,
                self._open_model(self.preferences.model),
                on_error=self._note_model_error,
                on_end=self._leave_thread,
            )
        except EdgeDceError as error:
            self._note_model_error(str(error))
            return
        if old is not None:
            old.stop()
        self.model_error = ""
        estimator.interval_s = self._governor.interval_s
        estimator.start()
        self._estimator = estimator
        self.streams += 1

    def _close(self, status: Status) -> None:
        camera, estimator, recorder = self._camera, self._estimator, self._recorder
        self._camera = self._view = self._estimator = None
        if recorder is not None:
            recorder.stop()
        if camera is not None:
            camera.stop()
        if estimator is not None:
            estimator.stop()
        self._status = status

    def _note_model_error(self, message: str) -> None:
        self.model_error = message

    def _read_moment(self) -> Moment | None:
        estimator = self._estimator
        if estimator is None:
            return None
        return Moment(estimator.open_rendering, estimator.current, self.look)


def _open_feedback(path: Path) -> FeedbackLog:
    try:
        return FeedbackLog(path)
    except FeedbackError:
        # Not worth refusing to start; the damaged file is kept for whoever wants to mend it.
        path.replace(path.with_suffix(".damaged.json"))
        return FeedbackLog(path)
