"""A synthetic clip to measure on: a night photo, panned, with sensor noise of its own in every frame, and a tone."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from edge_dce.files.pictures import read_image

RATE = 30
_SOUND_RATE = 48_000
_PAN_PX = 2
_NOISE_SD = 3.0
# So many different fields of noise take turns.
_NOISE_FIELDS = 4


def write_clip(path: Path, photo: Path, *, size: tuple[int, int], frames: int) -> None:
    """Write an MP4 of `frames` frames, 30 a second, H.264 in 8 bits with AAC sound.

    Raises:
        ImageError: the photo cannot be read.
    """
    width, height = size
    scene = cv2.resize(read_image(photo), (width + _PAN_PX * frames, height)).astype(np.float32)
    random = np.random.default_rng(2001)
    noise = [random.normal(0, _NOISE_SD, (height, width, 3)).astype(np.float32) for _ in range(_NOISE_FIELDS)]
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=RATE, options={"crf": "23", "preset": "veryfast"})
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        sound = container.add_stream("aac", rate=_SOUND_RATE)
        for number in range(frames):
            left = _PAN_PX * number
            samples = scene[:, left : left + width] + noise[number % _NOISE_FIELDS]
            frame = av.VideoFrame.from_ndarray(np.clip(samples, 0, 255).astype(np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            container.mux(video.encode(frame))
            container.mux(sound.encode(_make_tone(number)))
        container.mux(video.encode())
        container.mux(sound.encode())


def _make_tone(number: int) -> av.AudioFrame:
    """The sound of one frame."""
    count = _SOUND_RATE // RATE
    time = np.arange(number * count, (number + 1) * count)
    wave = (2000 * np.sin(2 * np.pi * 220 / _SOUND_RATE * time)).astype(np.int16)
    tone = av.AudioFrame.from_ndarray(np.repeat(wave[np.newaxis], 2, axis=1), "s16", "stereo")
    tone.sample_rate, tone.pts = _SOUND_RATE, number * count
    return tone
