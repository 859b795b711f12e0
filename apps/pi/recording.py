"""The enhanced stream as an .mp4 that can be played at any moment, also after the plug was pulled."""

from __future__ import annotations

import fractions
import logging
import time
from pathlib import Path
from typing import Any

from apps.pi.consumer import Consumer
from apps.pi.pipeline import Pipeline, Shot, Subscription
from edge_dce.camera.frames import fit_size
from edge_dce.errors import EdgeDceError, OutputError
from edge_dce.output import check_free, check_parent

_log = logging.getLogger(__name__)

_TIME_BASE = fractions.Fraction(1, 90_000)
# The first that this build of FFmpeg can open: Pi 4's hardware, software, and what every build has.
_CODECS = ("h264_v4l2m2m", "libx264", "mpeg4")
_OPTIONS = {"libx264": {"preset": "ultrafast", "tune": "zerolatency", "crf": "23"}}
_BITS_PER_PIXEL = 0.12
_KEYFRAME_S = 2


class Recording(Consumer):
    """Frames as they come, each at its own time."""

    name = "recording"

    def __init__(self, pipeline: Pipeline, pattern: str, *, fps: float) -> None:
        """
        Args:
            pattern: path that may hold strftime fields.
            fps: the camera's, for the encoder's rate control.

        Raises:
            OutputError: the file exists, or there is no folder for it.
            EdgeDceError: PyAV is not installed.
        """
        super().__init__(pipeline)
        try:
            import av
        except ImportError as error:
            raise EdgeDceError("--record needs PyAV; install it with: pip install 'av>=12'") from error
        self._av = av
        self._path = Path(time.strftime(pattern))
        if self._path.suffix.lower() != ".mp4":
            raise OutputError(f"{self._path}: expected a name ending in .mp4")
        check_free(self._path, overwrite=False)
        check_parent(self._path)
        self._fps = fps
        self._frames = 0
        self._codec: str | None = None
        self._trouble: str | None = None

    def run(self) -> None:
        try:
            with self._pipeline.subscribe() as shots:
                self._record(shots)
        except (OSError, self._av.FFmpegError) as error:
            self._trouble = f"{self._path}: {error.strerror or error}"
            _log.error("recording stopped: %s", self._trouble)

    def describe(self) -> dict[str, Any]:
        return {
            "path": str(self._path),
            "codec": self._codec,
            "frames": self._frames,
            "failed": self._trouble is not None,
            "trouble": self._trouble,
        }

    def _wait(self, shots: Subscription) -> Shot | None:
        while self.is_wanted:
            shot = shots.wait(0.5)
            if shot is not None:
                return shot
        return None

    def _record(self, shots: Subscription) -> None:
        shot = self._wait(shots)
        if shot is None:
            return
        height, width = shot.after.shape[:2]
        # H.264 with its chroma at half the size has no odd sides.
        size = width // 2 * 2, height // 2 * 2
        start_s = shot.time_s
        # A fragment is complete as soon as it is written; an ordinary .mp4 is nothing before it is closed.
        options = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
        with self._av.open(str(self._path), "w", format="mp4", options=options) as container:
            stream = self._open_stream(container, size)
            last_pts = -1
            while shot is not None:
                image = fit_size(shot.after[: size[1], : size[0]], size)
                layout = "bgr24" if shot.channel_order == "BGR" else "rgb24"
                frame = self._av.VideoFrame.from_ndarray(image, format=layout).reformat(format="yuv420p")
                frame.time_base = _TIME_BASE
                frame.pts = last_pts = max(last_pts + 1, round((shot.time_s - start_s) / _TIME_BASE))
                container.mux(stream.encode(frame))
                self._frames += 1
                shot = self._wait(shots)
            container.mux(stream.encode(None))

    def _open_stream(self, container: Any, size: tuple[int, int]) -> Any:
        for codec in _CODECS:
            try:
                probe = self._av.CodecContext.create(codec, "w")
                self._set_up(probe, size)
                probe.open()
            except (ValueError, OSError, self._av.FFmpegError):
                continue
            stream = container.add_stream(codec, rate=round(self._fps), options=_OPTIONS.get(codec, {}))
            self._set_up(stream.codec_context, size)
            self._codec = codec
            return stream
        raise OSError(f"FFmpeg has none of the encoders {' '.join(_CODECS)}")

    def _set_up(self, context: Any, size: tuple[int, int]) -> None:
        context.width, context.height = size
        context.pix_fmt = "yuv420p"
        context.time_base = _TIME_BASE
        context.framerate = fractions.Fraction(round(self._fps), 1)
        context.gop_size = max(1, round(_KEYFRAME_S * self._fps))
        context.bit_rate = round(_BITS_PER_PIXEL * size[0] * size[1] * self._fps)
