"""Video files to RGB frames; see `edge_dce.enhancing.video` for what is done with them.

Rotation is applied, as for photos: the network sees the scene upright, and so does every player, also those that ignore
the rotation tag.

Colors go through planar RGB with accurate rounding: FFmpeg's fast conversion is off by -0.7 of 255 levels on average,
which enhancement would amplify to several in the dark. Of clips of more than 8 bits the network and the curves see all
of them: in the dark ten bits hold four times as many levels as eight, and after enhancement eight suffice.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.errors import VideoError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

Samples = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]

# libswscale's SWS_BILINEAR | SWS_ACCURATE_RND.
_INTERPOLATION = 0x40002
_LIMITED_RANGE = 1
# AVColorSpace of the file to that of the conversion; others and untagged files are what players take them for, by size.
_MATRICES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}
_BT709, _BT601 = 1, 5
_HD_PX = 720
# A Matroska file that ends so much earlier than it says has been cut off.
_CUT_OFF_SECONDS = 1.0


@dataclasses.dataclass
class Portion:
    """What lies between two frames of a file.

    Attributes:
        frame: (H, W, 3) RGB, upright, uint8, or uint16 where the file has more than 8 bits; None after the last.
        pts, duration: of the frame, in units of the video's time base.
        sound: packets that come before the frame in the file.
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
        matrix, color_range: how the file's colors relate to RGB, in FFmpeg's numbers.
        expected_frames: how many there may be, for a progress bar; None where the file does not tell.

    Raises:
        VideoError: the file is missing, no video, damaged or cut off.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._explain():
            # Protocols, and playlists that name other files, stay closed, whatever the name or the content says.
            self._container = av.open(f"file:{path}", options={"protocol_whitelist": "file"})
        with contextlib.ExitStack() as stack:
            stack.callback(self._container.close)
            self.video = self._find_video()
            # Of a codec that FFmpeg does not know nothing can be written down.
            self.sounds = [each for each in self._container.streams.audio if each.codec_context is not None]
            self._check_whole()
            self.expected_frames = _expect_frames(self._container, self.video)
            self._spare: list[Samples] = []
            self._turn: _Turn | None = None
            self._portions = self._read_portions()
            self._first: Portion | None = next(self._portions)
            if self._first.frame is None:
                raise VideoError(f"{path}: expected a video, found a file without a single frame")
            self.height, self.width = self._first.frame.shape[:2]
            stack.pop_all()

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    @property
    def metadata(self) -> dict[str, str]:
        """What the file says about itself: title, date, place."""
        return dict(self._container.metadata)

    @property
    def turns_sideways(self) -> bool:
        """Whether width and height of the file are exchanged in upright frames."""
        return self._turn is not None and self._turn.is_transposed

    def read(self) -> Portion | None:
        """The next frame and the sound before it; None after the last portion, which has no frame.

        Raises:
            VideoError: the file is damaged or cut off here.
        """
        if self._first is not None:
            portion, self._first = self._first, None
            return portion
        return next(self._portions, None)

    def give_back(self, frame: Samples) -> None:
        """Let a frame that nobody needs any more be overwritten by a later one."""
        self._spare.append(frame)

    @contextlib.contextmanager
    def _explain(self) -> Iterator[None]:
        try:
            yield
        except av.FFmpegError as error:
            if isinstance(error, (FileNotFoundError, IsADirectoryError, PermissionError)):
                raise VideoError(f"{self.path}: cannot be read ({error.strerror}); check the path") from error
            raise VideoError(
                f"{self.path}: damaged or unsupported video ({error.strerror}); get a fresh copy"
            ) from error

    def _find_video(self) -> VideoStream:
        for stream in self._container.streams.video:
            # Cover art is a video stream of one picture.
            if not stream.disposition & av.stream.Disposition.attached_pic:
                stream.thread_type = "AUTO"
                return stream
        raise VideoError(f"{self.path}: expected a video, found a file without a video stream")

    def _read_portions(self) -> Iterator[Portion]:
        sound: list[av.Packet[Any]] = []
        end_s, last_pts = 0.0, None
        with self._explain():
            for packet in self._container.demux(self.video, *self.sounds):
                if packet.dts is None and packet.stream is not self.video:
                    continue
                end_s = max(end_s, _end_s(packet))
                if packet.stream is not self.video:
                    sound.append(packet)
                    continue
                for frame in self.video.decode(packet):
                    # Encoders want times that grow; a file that repeats one is not worth refusing.
                    pts = frame.pts if frame.pts is not None else frame.dts or 0
                    last_pts = pts if last_pts is None else max(pts, last_pts + 1)
                    yield Portion(self._convert(frame), last_pts, frame.duration or 0, sound)
                    sound = []
            self._check_end(end_s)
        yield Portion(None, 0, 0, sound)

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
        if self._turn is None:
            self._turn = _read_turn(decoded)
            self._size = decoded.width, decoded.height
            self.matrix = _find_matrix(decoded)
            self.color_range = decoded.color_range or _LIMITED_RANGE
        is_deep = decoded.format.components[0].bits > 8
        planar = decoded.reformat(
            # A video that changes its size on the way keeps that of its first frame.
            width=self._size[0],
            height=self._size[1],
            format="gbrp16le" if is_deep else "gbrp",
            src_colorspace=self.matrix,
            src_color_range=self.color_range,
            interpolation=_INTERPOLATION,
        )
        dtype = np.uint16 if is_deep else np.uint8
        green, blue, red = (_view(plane, dtype) for plane in planar.planes)
        planes = [self._turn.apply(plane) for plane in (red, green, blue)]
        frame = self._spare.pop() if self._spare else np.empty((*planes[0].shape, 3), dtype)
        cv2.merge(planes, dst=frame)
        return frame


@dataclasses.dataclass(frozen=True)
class _Turn:
    """How to bring a plane upright: exchange rows and columns, then mirror."""

    is_transposed: bool = False
    is_mirrored: bool = False
    is_upside_down: bool = False

    def apply(self, plane: Any) -> Any:
        """The (H, W) plane, upright."""
        if self.is_transposed:
            plane = cv2.transpose(plane)
        if self.is_mirrored or self.is_upside_down:
            axis = -1 if self.is_mirrored and self.is_upside_down else int(self.is_mirrored)
            plane = cv2.flip(plane, axis)
        return plane


def _find_matrix(frame: av.VideoFrame) -> int:
    return _MATRICES.get(frame.colorspace, _BT709 if min(frame.width, frame.height) >= _HD_PX else _BT601)


def _view(plane: Any, dtype: type[np.uint8 | np.uint16]) -> Samples:
    """(height, width) samples of a plane, without a copy; its rows may be longer than its width."""
    samples: Any = np.frombuffer(plane, dtype)
    rows: Samples = samples.reshape(plane.height, -1)[:, : plane.width]
    return rows


def _read_turn(frame: av.VideoFrame) -> _Turn:
    """From the display matrix: (x, y) goes to (a·x + c·y, b·x + d·y), a b u c d v x y w as nine 32-bit numbers."""
    matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return _Turn()
    a, b, _, c, d = (int(number) for number in np.frombuffer(matrix, np.int32)[:5])
    # Rotations by other angles than quarter turns exist on paper only; the nearest one is taken.
    if abs(b) + abs(c) > abs(a) + abs(d):
        return _Turn(is_transposed=True, is_mirrored=c < 0, is_upside_down=b < 0)
    return _Turn(is_mirrored=a < 0, is_upside_down=d < 0)


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
