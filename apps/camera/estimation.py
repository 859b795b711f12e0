"""Curves or tones for a live view, on a thread of their own: the newest frame first, smoothed in time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.camera import Frame, LatestFrame
from edge_dce.camera.frames import to_bytes
from edge_dce.enhancer import Enhancer
from edge_dce.errors import EdgeDceError
from edge_dce.pixels.cleaning import shrink_for_cleaning
from edge_dce.pixels.noise import NoiseProfile, estimate_noise
from edge_dce.pixels.toe import Toe, find_toe, follow_light, measure_light
from edge_dce.stream import Stream

from .diagnostics import RateMeter

FloatArray = npt.NDArray[np.float32]
Uint8Array = npt.NDArray[np.uint8]

_STOP_TIMEOUT_S = 2.0
# After each estimate. A camera of 30 frames a second still gets one for each, and a faster one leaves time to the view.
_REST_S = 0.01
# Noise changes with the light and the camera's gain, which do so slowly.
_NOISE_INTERVAL_S = 1.0
# What is black moves with the camera, but a pixel that is clearly lit needs no toe to say so.
_TOE_INTERVAL_S = 0.1
_TO_LUMA = {"RGB": cv2.COLOR_RGB2GRAY, "BGR": cv2.COLOR_BGR2GRAY}


class Estimator:
    """Estimates how to enhance a camera's frames until it is stopped; the view never waits for it.

    Attributes:
        interval_s: the least time between two estimates; may be set at any time.
        rate: estimates per second.
        took_ms: how long the last one took.
        root, contract: of the model, as its enhancer has them.
        open_rendering: makes what applies its estimates, for any thread.
    """

    def __init__(
        self,
        camera: LatestFrame,
        enhancer: Enhancer,
        *,
        on_error: Callable[[str], None] | None = None,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        """
        Args:
            enhancer: from now on the new thread's alone.
            on_error: told, on the new thread, that the model failed on a frame; estimation ends with that.
            on_end: called last on the new thread.
        """
        self.interval_s = 0.0
        self.rate = RateMeter()
        self.took_ms = 0.0
        self.root, self.contract = enhancer.root, enhancer.contract
        self.open_rendering = enhancer.open_rendering
        self._camera = camera
        self._stream = Stream(enhancer)
        self._on_error = on_error
        self._on_end = on_end
        self._current: FloatArray = self._stream.advance()
        self._sampled: Uint8Array | None = None
        self._noise: NoiseProfile | None = None
        self._noise_due_s = 0.0
        self._toe: Toe | None = None
        self._toe_due_s = 0.0
        self._light: tuple[float | None, float] = (None, 0.0)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="estimation", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns soon even if the network does not."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_TIMEOUT_S)

    def advance(self) -> FloatArray:
        """The estimate of the next frame that is shown, not to be written to; the same array if it is the same."""
        self._current = self._stream.advance()
        return self._current

    @property
    def current(self) -> FloatArray:
        """The estimate that `advance` returned last, for any thread."""
        return self._current

    @property
    def sampled(self) -> Uint8Array | None:
        """A small RGB copy of the frame that was estimated last, for a histogram; not to be written to."""
        return self._sampled

    @property
    def noise(self) -> NoiseProfile | None:
        """Of the camera's frames; another object whenever it was measured anew."""
        return self._noise

    @property
    def toe(self) -> Toe | None:
        """Of the camera's frames; another object whenever it was found anew."""
        return self._toe

    def _run(self) -> None:
        try:
            self._estimate()
        finally:
            self._on_end()

    def _estimate(self) -> None:
        for frame in self._camera.reader().follow(lambda: not self._stopping.is_set()):
            start = time.perf_counter()
            try:
                is_new = self._stream.estimate(frame.small, channel_order=frame.channel_order)
            except EdgeDceError as error:
                if self._on_error is not None:
                    self._on_error(str(error))
                return
            if is_new:
                self.took_ms = (time.perf_counter() - start) * 1e3
                self.rate.tick()
                self._sampled = _sample(frame.small, frame.channel_order)
                self._measure_noise(frame)
                self._find_toe(frame)
                self._stopping.wait(max(self.interval_s, _REST_S))

    def _measure_noise(self, frame: Frame) -> None:
        # The camera's own scaler averages noise away, so it is the whole frame's that is measured.
        now_s = time.monotonic()
        if now_s >= self._noise_due_s:
            self._noise_due_s = now_s + _NOISE_INTERVAL_S
            self._noise = estimate_noise(frame.image, channel_order=frame.channel_order)

    def _find_toe(self, frame: Frame) -> None:
        now_s = time.monotonic()
        if self._noise is not None and now_s >= self._toe_due_s:
            self._toe_due_s = now_s + _TOE_INTERVAL_S
            luma = to_bytes(cv2.cvtColor(shrink_for_cleaning(frame.small), _TO_LUMA[frame.channel_order]))
            before, then_s = self._light
            light = follow_light(measure_light(luma, self._noise), before, now_s - then_s)
            self._light = light, now_s
            self._toe = find_toe(luma, self._noise, light=light)


def _sample(image: Uint8Array, channel_order: str) -> Uint8Array:
    """Every n-th pixel is enough for a histogram."""
    step = max(1, min(image.shape[:2]) // 128)
    drawn = image[::step, ::step]
    return to_bytes(cv2.cvtColor(drawn, cv2.COLOR_BGR2RGB)) if channel_order == "BGR" else drawn.copy()
