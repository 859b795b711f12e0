"""The pictures or frames of one source, cleaned behind the curve: what stays from one to the next is here."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from edge_dce.pixels.buffers import Buffers
from edge_dce.pixels.cleaning import Cleaning, clean, measure_slope, plan_cleaning, shrink_for_cleaning, weaken
from edge_dce.pixels.look import Look
from edge_dce.pixels.noise import NoiseProfile, assume_noise, estimate_noise
from edge_dce.pixels.strips import StripWorkers
from edge_dce.pixels.temporal import TemporalFilter
from edge_dce.pixels.toe import follow_light

Image = npt.NDArray[Any]

# The noise of a camera changes with its exposure, which takes half a second to settle.
_FRAMES_A_MEASUREMENT = 15
# Of most cameras; how fast light is followed.
_FRAME_S = 1 / 30


class Render(Protocol):
    """Applies a picture's curve to an image of the same view, of any size."""

    def __call__(self, image: Image, channel_order: str, out: Image | None = None) -> Image:
        """The enhanced image, in `out` or a new array."""


class Cleaner(ABC):
    """Cleans the pictures of one source. Not for use by several threads at once."""

    def __init__(self, workers: StripWorkers) -> None:
        self._workers = workers
        self._buffers = Buffers()

    def run(
        self,
        image: Image,
        render: Render,
        look: Look,
        out: Image | None,
        *,
        channel_order: str,
        noise: Future[NoiseProfile] | None = None,
        finish: Callable[[slice], object] | None = None,
    ) -> Image:
        """Enhance and clean one image.

        Args:
            image: (H, W, 3 or 4) of `channel_order`, uint8, uint16 or floating point in [0, 1].
            look: what `render` does; its denoise is not 0.
            out: array like the image, or the image itself, that receives the result and is returned; None makes one.
            noise: what `measure` returned for the image; None measures it beside the rendering.
            finish: see `edge_dce.pixels.cleaning.clean`; not called for an image that needs no cleaning.
        """

        def enhance_small(colors: Image) -> Image:
            return render(colors, channel_order[:3])

        small = shrink_for_cleaning(image)
        slope = measure_slope(small, enhance_small)

        def plan() -> Cleaning | None:
            # `noise` was begun before this, so where one thread does both it is there.
            profile = self._find_noise(image, look, channel_order) if noise is None else noise.result()
            return plan_cleaning(small, slope, profile, channel_order=channel_order, follow_light=self._follow_light)

        # Neither measurement nor plan can be shared among threads, so the picture is rendered beside them.
        planned = self._workers.begin(plan)
        try:
            bright = self._buffers.reserve("bright", image.shape, image.dtype)
            render(image, channel_order, bright)
        finally:
            # It reads the image, which is the caller's again once this has returned or failed.
            wait([planned])
        cleaning = planned.result()
        cleaned = np.empty(image.shape, image.dtype) if out is None else out
        if cleaning is None:
            np.copyto(cleaned, bright)
            return cleaned
        cleaning = self._average(bright[..., :3], cleaning)
        clean(
            image,
            bright,
            cleaning,
            cleaned,
            channel_order=channel_order,
            workers=self._workers,
            max_brightness=look.max_brightness,
            finish=finish,
        )
        return cleaned

    def measure(self, image: Image, look: Look, *, channel_order: str) -> Future[NoiseProfile]:
        """Begin to measure the noise of the next image that `run` gets, beside what the calling thread does next.

        Where there is no other thread it is measured at once. Of a stream it counts as the frame that `run` then gets.

        Args:
            image: as of `run`; it may not change before the result is there.
            look: its denoise is not 0.
        """
        return self._workers.begin(functools.partial(self._find_noise, image, look, channel_order))

    def _find_noise(self, image: Image, look: Look, channel_order: str) -> NoiseProfile:
        if isinstance(look.denoise, float | int):
            return assume_noise(look.denoise)
        return self._measure(image, channel_order)

    @abstractmethod
    def _measure(self, image: Image, channel_order: str) -> NoiseProfile:
        """The noise of the image, found by any thread."""

    @abstractmethod
    def _follow_light(self, light: float) -> float:
        """The light of the source, when the image's is this; found by any thread."""

    @abstractmethod
    def _average(self, bright: Image, cleaning: Cleaning) -> Cleaning:
        """Average the noise of an enhanced image, in place, with that of its predecessors; what is left to be done."""


class PictureCleaner(Cleaner):
    """Cleans pictures that have nothing to do with each other."""

    def _measure(self, image: Image, channel_order: str) -> NoiseProfile:
        return estimate_noise(image, channel_order=channel_order)

    def _follow_light(self, light: float) -> float:
        return light

    def _average(self, bright: Image, cleaning: Cleaning) -> Cleaning:
        return cleaning


class StreamCleaner(Cleaner):
    """Cleans the frames of one camera or video, in order."""

    def __init__(self, workers: StripWorkers) -> None:
        super().__init__(workers)
        self._temporal_filter = TemporalFilter(workers)
        self._noise: NoiseProfile | None = None
        self._age_frames = 0
        self._light: float | None = None

    def begin_anew(self) -> None:
        """Forget all frames: the next one shows another scene, or shows it otherwise."""
        self._temporal_filter.reset()
        self._noise = None
        self._light = None

    def _measure(self, image: Image, channel_order: str) -> NoiseProfile:
        if self._noise is None or self._age_frames >= _FRAMES_A_MEASUREMENT:
            self._noise, self._age_frames = estimate_noise(image, channel_order=channel_order), 0
        self._age_frames += 1
        return self._noise

    def _follow_light(self, light: float) -> float:
        self._light = follow_light(light, self._light, _FRAME_S)
        return self._light

    def _average(self, bright: Image, cleaning: Cleaning) -> Cleaning:
        if bright.dtype.kind != "u":
            return cleaning
        return weaken(cleaning, self._temporal_filter.apply(bright, cleaning.samples, bright))
