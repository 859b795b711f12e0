"""Cameras and videos on a network, by their address: RTSP, MJPEG and whatever else FFmpeg reads from one."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from edge_dce.camera.frames import ClosingSource, Frame, Pace, to_eight_bits
from edge_dce.camera.handover import Newest
from edge_dce.errors import CameraError, VideoError
from edge_dce.files.address import Address
from edge_dce.pixels.fitting import fit_size

if TYPE_CHECKING:
    from edge_dce.files.remote_video import RemoteVideo

# Frames that are later than this are no hiccup: what comes is slower, or begins anew.
_MOST_LATE_S = 1.0
# A read waits for the network for as long as it likes; whoever closes does not wait for that.
_STOP_TIMEOUT_S = 1.0


class RemoteSource(ClosingSource):
    """An address's video, RGB, upright.

    It is decoded on a thread of its own, as fast as it comes, and the newest frame is delivered: what a slow reader
    leaves would otherwise wait in the network's buffers, and all that follows be late. A recording plays at its own
    rate.
    """

    def __init__(
        self, address: Address, *, size: tuple[int, int] | None = None, fps: float | None = None, loop: bool = True
    ) -> None:
        """
        Args:
            size: (width, height); None takes that of the first frame.
            fps: how many frames a second to deliver at most; None is all that come.
            loop: a recording starts again at its end.

        Raises:
            CameraError: nothing answers there, no video comes, or PyAV is missing.
        """
        self.name = str(address)
        self._decoding = _Decoding(lambda: _open_video(address), loop=loop)
        self.fps = fps or self._decoding.fps
        self._pace = None if fps is None else Pace(fps)
        self._sequence = 0
        self._frames = self._decoding.decoded.reader()
        self._size = size
        try:
            first = self._wait()
        except CameraError:
            self.close()
            raise
        if first is None:
            self.close()
            raise CameraError(f"{self.name}: expected a video, found one without a single frame")
        self.size = first.image.shape[1], first.image.shape[0]
        self._first: Frame | None = first

    def read(self) -> Frame | None:
        if self._pace is not None:
            self._pace.wait()
        first, self._first = self._first, None
        return first or self._wait()

    def close(self) -> None:
        self._decoding.stop()

    def _wait(self) -> Frame | None:
        newest = next(self._frames.follow(), None)
        if newest is None:
            if self._decoding.error is not None:
                raise CameraError(self._decoding.error)
            return None
        try:
            image = to_eight_bits(newest.video.to_rgb(newest.frame))
        except VideoError as error:
            raise CameraError(str(error)) from error
        self._size = self._size or (image.shape[1], image.shape[0])
        frame = Frame(fit_size(image, self._size), "RGB", newest.time_s, self._sequence)
        self._sequence += 1
        return frame


@dataclasses.dataclass(frozen=True)
class _Decoded:
    sequence: int
    frame: Any
    time_s: float
    video: RemoteVideo


class _Decoding:
    """The thread that reads and decodes.

    Attributes:
        decoded: the newest frame.
        fps: of the video.
        error: why no more come, or None where the video ended.
    """

    def __init__(self, open_video: Callable[[], RemoteVideo], *, loop: bool) -> None:
        """Opens the video; raises CameraError."""
        self._open_video, self._loop = open_video, loop
        self.decoded: Newest[_Decoded] = Newest()
        self.error: str | None = None
        self._sequence = 0
        self._stopping = threading.Event()
        video = open_video()
        self.fps = video.fps
        self._thread = threading.Thread(target=self._run, args=(video,), name="network camera", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(_STOP_TIMEOUT_S)

    def _run(self, video: RemoteVideo) -> None:
        try:
            while self._play(video):
                video = self._open_video()
        except (CameraError, VideoError) as error:
            self.error = str(error)
        finally:
            self.decoded.end()

    def _play(self, video: RemoteVideo) -> bool:
        """Decode until told to stop or to the end; whether to begin anew, which brings nothing without a frame.

        Raises:
            VideoError: the connection was lost.
        """
        due = _DueTimes() if video.is_paced else None
        before = self._sequence
        with video:
            while not self._stopping.is_set():
                frame = video.read()
                if frame is None:
                    return self._loop and self._sequence > before
                if due is not None and self._stopping.wait(due.measure_wait_s(frame.time)):
                    break
                self.decoded.put(_Decoded(self._sequence, frame, time.monotonic(), video))
                self._sequence += 1
        return False


class _DueTimes:
    """When frames that come too soon are due."""

    def __init__(self) -> None:
        self._start_s: float | None = None

    def measure_wait_s(self, time_s: float | None) -> float:
        """How long to wait with a frame of this time of the video, in seconds."""
        now_s = time.monotonic()
        if time_s is None:
            return 0.0
        if self._start_s is None or not -_MOST_LATE_S < self._start_s + time_s - now_s < 10 * _MOST_LATE_S:
            self._start_s = now_s - time_s
        return max(0.0, self._start_s + time_s - now_s)


def _open_video(address: Address) -> RemoteVideo:
    try:
        from edge_dce.files.remote_video import RemoteVideo

        return RemoteVideo(address)
    except ImportError as error:
        raise CameraError(f"{address}: addresses need PyAV ({error}); run: pip install 'edge-dce[video]'") from error
    except VideoError as error:
        raise CameraError(str(error)) from None
