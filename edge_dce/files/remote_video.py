"""A video from a network, decoded as it comes; needs PyAV, the extra `video`.

What is opened is decided by `edge_dce.files.address`: no file of this machine, whatever a server answers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av

from edge_dce.errors import VideoError
from edge_dce.files.address import SCHEMES, Address
from edge_dce.files.containers import DEMUXERS
from edge_dce.files.video_frames import Deinterlacer, FrameConverter, Samples

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

# To connect, and to learn what comes; then from one packet to the next. Longer than any exposure at night.
_PATIENCE_S = 10.0
# What cameras and servers send besides the kinds of files; the last ones are the sound that playlists name.
_DEMUXERS = f"{DEMUXERS},flv,hls,live_flv,mjpeg,mpjpeg,rtsp,aac,ac3,eac3,mp3,webvtt"
_OPTIONS = {
    "format_whitelist": _DEMUXERS,
    # A lost packet of UDP smears the picture until the next key frame.
    "rtsp_flags": "prefer_tcp",
}
# They come in pieces of several seconds, each at once.
_IN_PIECES = frozenset({"hls"})
_DEFAULT_FPS = 30.0
_RTSP = frozenset({"rtsp", "rtsps"})


class RemoteVideo:
    """The frames of an address's main video. To be closed, or used in `with`, by the thread that reads.

    Attributes:
        fps: what it says of itself, or 30.
        is_recorded: it has a beginning and an end, and comes as fast as it is asked for.
        is_paced: whether frames have to wait for their time, because they come sooner.

    Raises:
        VideoError: nothing answers there, or no video. No message holds more of the address than may be shown.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        options = _OPTIONS | {"protocol_whitelist": _find_protocols(address)}
        with self._explain("cannot be opened"):
            self._container: InputContainer = av.open(address.text, options=options, timeout=_PATIENCE_S)
        with contextlib.ExitStack() as stack:
            stack.callback(self.close)
            self._video = self._find_video()
            rate = float(self._video.average_rate or 0)
            # Some streams tell no rate, some nonsense.
            self.fps = rate if 1 <= rate <= 240 else _DEFAULT_FPS
            self.is_recorded = bool(self._container.duration) and address.scheme not in _RTSP
            self.is_paced = self.is_recorded or self._container.format.name in _IN_PIECES
            # Decoding whole frames side by side would hold each back by as many as there are threads.
            self._video.thread_type = "AUTO" if self.is_paced else "SLICE"
            self._deinterlacer = Deinterlacer(self._video.time_base or Fraction(1, 90_000))
            self._frames = self._decode()
            self._converter: FrameConverter | None = None
            stack.pop_all()

    def __enter__(self) -> RemoteVideo:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave; fine if that was done already."""
        self._container.close()

    def read(self) -> av.VideoFrame | None:
        """The next frame; None at the end of a recording. Waits for it, for ten seconds at most.

        Raises:
            VideoError: nothing came within that time, or the connection was lost.
        """
        with self._explain("stopped delivering frames"):
            frame = next(self._frames, None)
        if frame is None and not self.is_recorded:
            raise VideoError(f"{self._address}: the stream ended")
        return frame

    def to_rgb(self, frame: av.VideoFrame) -> Samples:
        """A frame that was read as (H, W, 3) RGB, upright, uint8, or uint16 where the stream has more than 8 bits.

        May be called on another thread than the rest, and after `close`.
        """
        if self._converter is None:
            self._converter = FrameConverter(str(self._address), frame)
        return self._converter.convert(frame, [])

    def _find_video(self) -> VideoStream:
        videos = [each for each in self._container.streams.video if each.codec_context is not None]
        if not videos:
            raise VideoError(f"{self._address}: expected a video, found a stream without one")
        return videos[0]

    def _decode(self) -> Iterator[av.VideoFrame]:
        for packet in self._container.demux(self._video):
            # Networks lose and damage packets; the next key frame mends the picture.
            with contextlib.suppress(av.InvalidDataError):
                for frame in self._video.decode(packet):
                    yield from self._deinterlacer.pass_on(frame)

    @contextlib.contextmanager
    def _explain(self, what: str) -> Iterator[None]:
        try:
            yield
        except (av.FFmpegError, OverflowError) as error:
            failure = VideoError(f"{self._address}: {what} ({_find_reason(error)}); check the address and the network")
        else:
            return
        # No traceback shows an error of FFmpeg's, which holds the whole address.
        raise failure from None


def _find_protocols(address: Address) -> str:
    if address.protocols is None or address.host is None:
        raise VideoError(
            f"{address}: expected an address such as rtsp://name:password@host:554/path, of one of "
            f"{' '.join(SCHEMES)}, with / in a password written %2F"
        )
    return address.protocols


def _find_reason(error: Any) -> str:
    if isinstance(error, av.ExitError):
        return f"nothing came for {_PATIENCE_S:.0f} s"
    if isinstance(error, av.InvalidDataError):
        return "no video that is understood"
    # FFmpeg's word for a kind that is not on the list.
    return "no kind of video that is read" if isinstance(error, ValueError) else str(getattr(error, "strerror", error))
