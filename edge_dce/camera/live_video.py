"""A camera's frames to an .mp4 as they come, each at its own time; needs PyAV, the extra `video`.

For videos that are files already see `edge_dce.video`, which keeps their sound and color tags.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from edge_dce.camera.frames import fit_size
from edge_dce.errors import OutputError

Uint8Array = npt.NDArray[np.uint8]
# Encoder -> its options, the best first.
Encoders = Mapping[str, Mapping[str, str]]

# Whole ticks at 24, 25 and 30 frames a second; MPEG-4 takes no more than 65,535.
_TIME_BASE = Fraction(1, 60_000)
_BITS_PER_PIXEL = 0.12
_KEYFRAME_S = 2


class LiveVideo:
    """An .mp4 that grows with every frame; to be used in `with`, whose end writes what the encoder still holds.

    Attributes:
        codec: the encoder, None before the first frame.
        frames: how many were written.
    """

    def __init__(self, path: Path, encoders: Encoders, *, fps: float, is_fragmented: bool = False) -> None:
        """
        Args:
            encoders: the first that this build of FFmpeg can open is taken.
            fps: the camera's, for the encoder's rate control.
            is_fragmented: what is written can be played at any moment, also after the plug was pulled; an ordinary
                .mp4 is nothing before it is closed.
        """
        self.codec: str | None = None
        self.frames = 0
        self._path, self._encoders, self._fps = path, encoders, fps
        self._stream: Any = None
        self._start_s, self._last_pts = 0.0, -1
        # Each fragment to the system at once, not when 32 kB have gathered.
        fragmented = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "flush_packets": "1"}
        options = fragmented if is_fragmented else {}
        # Touches no file before the first frame.
        self._container = av.open(f"file:{path}", "w", format="mp4", options=options)

    def __enter__(self) -> LiveVideo:
        return self

    def __exit__(self, *_: object) -> None:
        with self._explain(), self._container:
            if self._stream is not None:
                self._container.mux(self._stream.encode(None))

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
                self._start_s, self._stream = time_s, self._open_stream(width, height)
            fitted = fit_size(image[:height, :width], (self._stream.width, self._stream.height))
            rgb = av.VideoFrame.from_ndarray(fitted, format="bgr24" if channel_order == "BGR" else "rgb24")
            frame = rgb.reformat(format="yuv420p")
            self._last_pts = max(self._last_pts + 1, round((time_s - self._start_s) / _TIME_BASE))
            frame.pts, frame.time_base = self._last_pts, _TIME_BASE
            self._container.mux(self._stream.encode(frame))
        self.frames += 1

    def _open_stream(self, width: int, height: int) -> Any:
        for codec, options in self._encoders.items():
            try:
                probe = av.CodecContext.create(codec, "w")
                self._set_up(probe, width, height)
                probe.open()
            except (ValueError, OSError, av.FFmpegError):
                continue
            stream = self._container.add_stream(codec, rate=round(self._fps), options=dict(options))
            self._set_up(stream.codec_context, width, height)
            self.codec = codec
            return stream
        raise OutputError(
            f"{self._path}: PyAV has none of the encoders {', '.join(self._encoders)}; install another build"
        )

    def _set_up(self, context: Any, width: int, height: int) -> None:
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.time_base = _TIME_BASE
        context.framerate = Fraction(round(self._fps), 1)
        context.gop_size = max(1, round(_KEYFRAME_S * self._fps))
        # Not for those that are told a quality.
        context.bit_rate = round(_BITS_PER_PIXEL * width * height * self._fps)

    @contextlib.contextmanager
    def _explain(self) -> Iterator[None]:
        try:
            yield
        except (av.FFmpegError, OSError) as error:
            raise OutputError(f"{self._path}: cannot be recorded ({error.strerror or error})") from error
