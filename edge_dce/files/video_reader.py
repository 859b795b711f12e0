"""Video files to RGB frames; see `edge_dce.enhancing.video` for what is done with them.

Rotation is applied, as for photos: the network sees the scene upright, and so does every player, also those that ignore
the rotation tag. Frames of two fields are made whole, and all times are on one clock that starts at zero.

Colors go through planar RGB with accurate rounding: FFmpeg's fast conversion is off by -0.7 of 255 levels on average,
which enhancement would amplify to several in the dark. Of clips of more than 8 bits the network and the curves see all
of them: in the dark ten bits hold four times as many levels as eight, and after enhancement eight suffice.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av

from edge_dce.errors import VideoError, describe_unreadable
from edge_dce.files.containers import DEMUXERS, JUMPING_FORMATS, RAW_FORMATS
from edge_dce.files.video_clock import LEAD_IN_S, Clock
from edge_dce.files.video_frames import Deinterlacer, FrameConverter, Samples, refuse_transparency

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.container.core import Chapter
    from av.stream import Stream
    from av.video.stream import VideoStream

# A Matroska file that ends so much earlier than it says has been cut off.
_CUT_OFF_SECONDS = 1.0
_OPTIONS = {
    # Protocols, and playlists that name other files, stay closed, whatever the name or the content says.
    "protocol_whitelist": "file",
    "format_whitelist": DEMUXERS,
}
# What frames carry besides their pixels, and H.264 of 8 bits as written here does not.
_FRAME_EXTRAS = {
    "A53_CC": "captions in the picture",
    "DOVI_METADATA": "Dolby Vision",
    "DYNAMIC_HDR_PLUS": "HDR10+ levels",
    "MASTERING_DISPLAY_METADATA": "HDR10 levels",
    "SPHERICAL": "the mark of a panorama",
    "STEREO3D": "the mark of 3D",
}
_TRACK_NAMES = {"attachment": "attachment", "data": "data track", "subtitle": "subtitle track", "video": "video track"}


@dataclasses.dataclass
class Portion:
    """What lies between two frames of a file.

    Attributes:
        frame: (H, W, 3) RGB, upright, uint8, or uint16 where the file has more than 8 bits; None after the last.
        pts, duration: of the frame, in units of the video's time base, from the beginning of the file.
        sound: packets that come before the frame in the file, on the same clock.
    """

    frame: Samples | None
    pts: int
    duration: int
    sound: list[av.Packet[Any]]


class VideoReader:
    """The frames of a file's main video, with its sound, in order. To be closed, or used in `with`.

    Attributes:
        path: the file.
        width, height: of the frames, upright, in pixels.
        expected_frames: how many there may be, for a progress bar; None where the file does not tell.

    Raises:
        VideoError: the file is missing, no video, damaged or cut off, or has transparent parts.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._explain():
            # Tags that are not UTF-8 come as they are, to be read by `_read_text`.
            self._container = av.open(f"file:{path}", options=_OPTIONS, metadata_errors="surrogateescape")
        with contextlib.ExitStack() as stack:
            stack.callback(self._container.close)
            self._refuse_raw()
            self.video = self._find_video()
            # Of a codec that FFmpeg does not know nothing can be written down.
            self.sounds = [each for each in self._container.streams.audio if each.codec_context is not None]
            delivered = {self.video.index, *(sound.index for sound in self.sounds)}
            self._other_tracks = Counter(
                _name_track(stream) for stream in self._container.streams if stream.index not in delivered
            )
            self._check_whole()
            self.expected_frames = _expect_frames(self._container, self.video)
            self._origin_s = _find_origin_s(self.video, self.sounds)
            self._clock = Clock(
                self._origin_s, self.video.index, bridges_gaps=self._container.format.name in JUMPING_FORMATS
            )
            self._deinterlacer = Deinterlacer(self.video.time_base or Fraction(1, 90_000))
            self._damaged = 0
            self._frame_extras: list[str] = []
            self._spare: list[Samples] = []
            self._converter: FrameConverter | None = None
            self._portions = self._read_portions()
            self._first: Portion | None = next(self._portions)
            if self._first.frame is None:
                raise VideoError(f"{path}: expected a video, found a file without a single frame")
            self.height, self.width = self._first.frame.shape[:2]
            stack.pop_all()

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; fine if it is closed already."""
        self._container.close()

    @property
    def metadata(self) -> dict[str, str]:
        """What the file says about itself: title, date, place."""
        return read_tags(self._container.metadata)

    @property
    def chapters(self) -> list[Chapter]:
        """The file's chapters, on the clock of the frames."""
        chapters = self._container.chapters()
        for chapter in chapters:
            shift = round(self._origin_s / (chapter["time_base"] or 1))
            chapter["start"], chapter["end"] = max(0, chapter["start"] - shift), max(0, chapter["end"] - shift)
            chapter["metadata"] = read_tags(chapter["metadata"])
        return chapters

    @property
    def matrix(self) -> int:
        """How the file's colors relate to RGB: FFmpeg's number of the matrix."""
        return self._known.matrix

    @property
    def color_range(self) -> int:
        """Which levels are black and white: FFmpeg's number."""
        return self._known.color_range

    @property
    def turns_sideways(self) -> bool:
        """Whether width and height of the file are exchanged in upright frames."""
        return self._known.is_transposed

    @property
    def left_out(self) -> list[str]:
        """What the file has and this reader does not deliver, in words."""
        tracks = [f"{count} {name}{'s' if count > 1 else ''}" for name, count in self._other_tracks.items()]
        return tracks + self._frame_extras

    @property
    def changes(self) -> list[str]:
        """What was made different, in words; complete after the last frame."""
        changes = []
        if self._deinterlacer.is_at_work:
            changes.append("deinterlaced: each frame of two fields became one whole frame")
        if self._damaged:
            changes.append(f"{self._damaged} damaged frame{'s' if self._damaged > 1 else ''} left out")
        if jumps := self._clock.jumps:
            changes.append(f"its clock jumps {'once' if jumps == 1 else f'{jumps} times'}: what follows was joined on")
        return changes

    def read(self) -> Portion | None:
        """The next frame and the sound before it; None after the last portion, which has no frame.

        Raises:
            VideoError: the file is damaged or cut off here, or has transparent parts.
        """
        if self._first is not None:
            portion, self._first = self._first, None
            return portion
        return next(self._portions, None)

    def read_frame(self) -> Samples | None:
        """The next frame, for those who want no sound; None after the last. Raises as `read`."""
        portion = self.read()
        return None if portion is None else portion.frame

    def give_back(self, frame: Samples) -> None:
        """Let a frame that nobody needs any more be overwritten by a later one."""
        self._spare.append(frame)

    @property
    def _known(self) -> FrameConverter:
        if self._converter is None:
            raise ValueError(f"{self.path}: no frame was read yet")
        return self._converter

    @contextlib.contextmanager
    def _explain(self) -> Iterator[None]:
        try:
            yield
        except av.FFmpegError as error:
            if isinstance(error, (FileNotFoundError, IsADirectoryError, PermissionError)):
                raise VideoError(f"{self.path}: {describe_unreadable(error)}") from error
            # FFmpeg's word for a kind of file that is not on the list.
            reason = "no kind of video that is read" if isinstance(error, ValueError) else error.strerror
            raise VideoError(f"{self.path}: damaged or unsupported video ({reason}); get a fresh copy") from error
        except OverflowError as error:
            raise VideoError(f"{self.path}: damaged video (impossible times); get a fresh copy") from error

    def _refuse_raw(self) -> None:
        name = self._container.format.name
        if name in RAW_FORMATS:
            raise VideoError(
                f"{self.path}: a raw {name} stream, which has no times; put it into a file that has them: "
                f"ffmpeg -framerate 30 -i {self.path.name} -c copy {self.path.stem}-timed.mp4"
            )

    def _find_video(self) -> VideoStream:
        # Cover art is a video stream of one picture. Of a codec that FFmpeg does not know nothing can be shown.
        pictures = av.stream.Disposition.attached_pic | av.stream.Disposition.timed_thumbnails
        videos = [
            each
            for each in self._container.streams.video
            if each.codec_context is not None and not each.disposition & pictures
        ]
        if not videos:
            raise VideoError(f"{self.path}: expected a video, found a file without a video stream")
        # Beside the one that players show there may be a small one for the camera's own display.
        best = max(videos, key=lambda each: (bool(each.disposition & av.stream.Disposition.default), _count_px(each)))
        if best.metadata.get("alpha_mode") == "1":
            raise refuse_transparency(self.path)
        best.thread_type = "AUTO"
        return best

    def _read_portions(self) -> Iterator[Portion]:
        sound: list[av.Packet[Any]] = []
        end_s, last_pts, next_pts = 0.0, None, 0
        with self._explain():
            for packet in self._demux():
                if packet.dts is None and packet.stream is not self.video:
                    continue
                end_s = max(end_s, _end_s(packet))
                has_own_time = self._clock.set(packet)
                if packet.stream is not self.video:
                    sound += [packet] if has_own_time and _is_heard(packet) else []
                    continue
                for frame in self._decode(packet):
                    told = frame.pts if frame.pts is not None else frame.dts
                    # MPEG program streams tell the times of some frames only.
                    pts = next_pts if told is None else told
                    if pts < 0:
                        continue
                    # Encoders want times that grow; a file that repeats one is not worth refusing.
                    last_pts = pts if last_pts is None else max(pts, last_pts + 1)
                    next_pts = last_pts + (frame.duration or 0)
                    yield Portion(self._convert(frame), last_pts, frame.duration or 0, sound)
                    sound = []
            self._check_end(end_s)
        yield Portion(None, 0, 0, sound)

    def _demux(self) -> Iterator[av.Packet[Any]]:
        """All packets in order, and one of each track without content, for which its decoder gives the rest."""
        # Behind those PyAV stumbles over tracks that appeared on the way, as broadcasts have them.
        with contextlib.suppress(IndexError):
            yield from self._container.demux(self.video, *self.sounds)

    def _decode(self, packet: av.Packet[Any]) -> Iterator[av.VideoFrame]:
        try:
            frames = self.video.decode(packet)
        except av.InvalidDataError:
            # Recordings from the air have such places; what comes after is worth having, as in every player.
            self._damaged += 1
            return
        for frame in frames:
            yield from self._deinterlacer.pass_on(frame)
        # The packet after the last, which is empty.
        if not packet.size:
            yield from self._deinterlacer.flush()

    def _check_whole(self) -> None:
        """The index of an MP4 or MOV tells how long the file should be, before any work is done."""
        index = self.video.index_entries
        if "mov" in self._container.format.name and len(index):
            expected, found = index[len(index) - 1].pos + index[len(index) - 1].size, self.path.stat().st_size
            if found < expected:
                raise VideoError(f"{self.path}: cut off at {found} of {expected} bytes or more; get a fresh copy")

    def _check_end(self, end_s: float) -> None:
        duration_s = (self._container.duration or 0) / av.time_base
        if "matroska" in self._container.format.name and end_s < duration_s - _CUT_OFF_SECONDS:
            raise VideoError(f"{self.path}: cut off at {end_s:.1f} of {duration_s:.1f} s; get a fresh copy")

    def _convert(self, decoded: av.VideoFrame) -> Samples:
        if self._converter is None:
            self._converter = FrameConverter(self.path, decoded)
            side_data: list[Any] = list(decoded.side_data)
            kinds = {each.type.name for each in side_data}
            self._frame_extras = [words for kind, words in _FRAME_EXTRAS.items() if kind in kinds]
        return self._converter.convert(decoded, self._spare)


def read_tags(metadata: dict[str, str]) -> dict[str, str]:
    """Names and values as text, also where they are not UTF-8: such files come from Windows, hence its code page."""
    return {_read_text(name): _read_text(value) for name, value in metadata.items()}


def _read_text(text: str) -> str:
    data = text.encode("utf-8", "surrogateescape")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _find_origin_s(video: VideoStream, sounds: list[av.AudioStream]) -> Fraction:
    """What the file calls its beginning: what FFmpeg calls its start, but for the lead-in of sound."""
    starts = {
        each.index: each.start_time * (each.time_base or Fraction(1))
        for each in (video, *sounds)
        if each.start_time is not None
    }
    if not starts:
        return Fraction(0)
    origin_s = min(starts.values())
    is_lead_in = -LEAD_IN_S <= origin_s < 0 <= starts.get(video.index, Fraction(-1))
    return Fraction(0) if is_lead_in else origin_s


def _is_heard(packet: av.Packet[Any]) -> bool:
    """Whether sound is played, or is what a decoder needs right before that."""
    start = packet.pts if packet.pts is not None else packet.dts or 0
    if start * packet.time_base < -LEAD_IN_S:
        return False
    # What an edit list cut out of the middle.
    return start < 0 or not packet.is_discard


def _name_track(stream: Stream) -> str:
    if stream.disposition & av.stream.Disposition.attached_pic:
        return "cover picture"
    # Sound is only left out where FFmpeg does not know its codec.
    return _TRACK_NAMES.get(stream.type, f"unknown {stream.type} track")


def _count_px(video: VideoStream) -> int:
    return int(video.codec_context.width * video.codec_context.height)


def _expect_frames(container: InputContainer, video: VideoStream) -> int | None:
    if video.frames:
        return video.frames
    if container.duration and video.average_rate:
        return max(1, round(container.duration / av.time_base * video.average_rate))
    return None


def _end_s(packet: av.Packet[Any]) -> float:
    if packet.pts is None or packet.time_base is None:
        return 0.0
    return float((packet.pts + (packet.duration or 0)) * packet.time_base)
