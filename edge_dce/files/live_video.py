"""A camera's frames to an .mp4 or to another program as they come, each at its own time; needs PyAV, the extra `video`.

For videos that are files already see `edge_dce.enhancing.video`, which keeps their sound and color tags.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import IO, Any, TypeVar

import av
import numpy as np
import numpy.typing as npt
from av.video.frame import PictureType

from edge_dce.errors import OutputError
from edge_dce.files.encoders import STREAM_ENCODERS, Encoders, add_video_stream
from edge_dce.pixels.fitting import fit_size

Uint8Array = npt.NDArray[np.uint8]

# Whole ticks at 24, 25 and 30 frames a second; MPEG-4 takes no more than 65,535.
_TIME_BASE = Fraction(1, 60_000)
# Longer pauses are shortened to this: the container counts times in 31 bits.
_MOST_PAUSE_S = 3600.0

_Encoder = TypeVar("_Encoder", bound="_LiveEncoder")


class _LiveEncoder:
    """Frames through an encoder into a container; to be used in `with`, whose end writes what the encoder still holds.

    Attributes:
        codec: the encoder, None before the first frame.
        frames: how many were written.
        is_complete: whether it was closed as it should be, which needs space on the disk.
        has_lost_reader: whoever read it has gone.
    """

    _verb = "recorded"

    def __init__(
        self,
        target: str | _Pipe,
        encoders: Encoders,
        *,
        shown_as: str,
        container: str,
        container_options: dict[str, str],
        fps: float,
        bits_per_pixel: float,
        keyframe_s: float,
    ) -> None:
        """
        Args:
            target: as PyAV takes it.
            shown_as: the name in errors.
        """
        self.codec: str | None = None
        self.frames = 0
        self.is_complete, self.has_lost_reader = False, False
        self._shown_as, self._encoders, self._fps = shown_as, encoders, fps
        self._bits_per_pixel, self._keyframe_s = bits_per_pixel, keyframe_s
        self._stream: Any = None
        self._start_s, self._last_s, self._last_pts = 0.0, 0.0, -1
        self._keyframe_at_s = -math.inf
        with self._explain():
            # Touches nothing before the first frame.
            self._container = av.open(target, "w", format=container, options=container_options)

    def __enter__(self: _Encoder) -> _Encoder:
        return self

    def __exit__(self, *_: object) -> None:
        with self._explain(), self._container:
            if self._stream is not None:
                self._container.mux(self._stream.encode(None))
        self.is_complete = True

    def write(self, image: Uint8Array, time_s: float, channel_order: str) -> None:
        """Add a frame.

        Args:
            image: (height, width, 3) uint8. One of another size than the first is fitted into that.
            time_s: of a clock that no one sets, such as `time.monotonic`.
            channel_order: "RGB" or "BGR".

        Raises:
            OutputError: there is no encoder, or the file cannot be written.
        """
        # H.264 with its chroma at half the size has no odd sides.
        height, width = (side // 2 * 2 for side in image.shape[:2])
        with self._explain():
            if self._stream is None:
                self._start_s = self._last_s = time_s
                self._stream = add_video_stream(
                    self._container,
                    self._encoders,
                    self._shown_as,
                    size=(width, height),
                    rate=Fraction(round(self._fps)),
                    set_up=self._set_up,
                )
                self.codec = self._stream.codec_context.name
            fitted = fit_size(image[:height, :width], (self._stream.width, self._stream.height))
            rgb = av.VideoFrame.from_ndarray(fitted, format="bgr24" if channel_order == "BGR" else "rgb24")
            frame = rgb.reformat(format="yuv420p")
            frame.pts, frame.time_base = self._advance(time_s), _TIME_BASE
            if time_s >= self._keyframe_at_s + self._keyframe_s:
                frame.pict_type, self._keyframe_at_s = PictureType.I, time_s
            self._container.mux(self._stream.encode(frame))
        self.frames += 1

    def _advance(self, time_s: float) -> int:
        """The frame's time in ticks since the first; always after the last frame's."""
        self._start_s += max(0.0, time_s - self._last_s - _MOST_PAUSE_S)
        self._last_s = time_s
        self._last_pts = max(self._last_pts + 1, round((time_s - self._start_s) / _TIME_BASE))
        return self._last_pts

    def _set_up(self, context: Any) -> None:
        context.time_base = _TIME_BASE
        # Key frames come by time, since a camera in the dark is slower than it was asked to be. No frame waits for a
        # later one, which would shift the times of a fragmented file.
        context.gop_size, context.max_b_frames = max(1, round(self._keyframe_s * self._fps)), 0
        # Not for those that are told a quality.
        context.bit_rate = round(self._bits_per_pixel * context.width * context.height * self._fps)

    @contextlib.contextmanager
    def _explain(self) -> Iterator[None]:
        try:
            yield
        except (av.FFmpegError, OSError) as error:
            self.has_lost_reader |= isinstance(error, BrokenPipeError)
            failure = OutputError(
                f"{self._shown_as}: cannot be {self._verb} ({error.strerror or type(error).__name__})"
            )
        else:
            return
        # No traceback shows an error of FFmpeg's, which may hold a password.
        raise failure from None


class LiveVideo(_LiveEncoder):
    """An .mp4 that grows with every frame."""

    def __init__(
        self,
        path: Path,
        encoders: Encoders,
        *,
        fps: float,
        bits_per_pixel: float = 0.12,
        keyframe_s: float = 2.0,
        is_fragmented: bool = False,
        shown_as: Path | None = None,
    ) -> None:
        """
        Args:
            encoders: the first that this build of FFmpeg can open is taken.
            fps: the camera's, for the encoder's rate control.
            bits_per_pixel: bit rate over pixels a second, for encoders that are not told a quality.
            keyframe_s: the longest time from one key frame to the next.
            is_fragmented: what is written can be played at any moment, also after the plug was pulled; an ordinary
                .mp4 is nothing before it is closed.
            shown_as: the name in errors, where the file gets its own only at the end.
        """
        # Each fragment to the system at once, not when 32 kB have gathered.
        fragmented = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "flush_packets": "1"}
        super().__init__(
            f"file:{path}",
            encoders,
            shown_as=str(shown_as or path),
            container="mp4",
            container_options=fragmented if is_fragmented else {},
            fps=fps,
            bits_per_pixel=bits_per_pixel,
            keyframe_s=keyframe_s,
        )


class LiveStream(_LiveEncoder):
    """H.264 in MPEG-TS for another program, which watches it in this moment."""

    _verb = "sent"

    def __init__(self, pipe: IO[bytes], *, name: str, fps: float) -> None:
        """
        Args:
            pipe: where the other program reads.
            name: for errors.
            fps: the camera's, for the encoder's rate control.
        """
        super().__init__(
            _Pipe(pipe),
            STREAM_ENCODERS,
            shown_as=name,
            container="mpegts",
            # Each frame at once, not when 32 kB have gathered.
            container_options={"flush_packets": "1"},
            fps=fps,
            bits_per_pixel=0.12,
            # Who comes later waits for one.
            keyframe_s=1.0,
        )


class _Pipe:
    """What PyAV writes to. Given a pipe's number it would stop every thread while the pipe is full."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe

    def write(self, data: bytes) -> int:
        left = memoryview(data)
        while left:
            left = left[self._pipe.write(left) :]
        self._pipe.flush()
        return len(data)
