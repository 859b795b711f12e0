"""Decoded frames to upright RGB; see `edge_dce.files.video_reader`."""

from __future__ import annotations

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
    from fractions import Fraction

    from av.filter.context import FilterContext

Samples = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]

# libswscale's SWS_BILINEAR | SWS_ACCURATE_RND.
_INTERPOLATION = 0x40002
_LIMITED_RANGE = 1
# AVColorSpace of the file to that of the conversion; others and untagged files are what players take them for, by size.
_MATRICES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}
_BT709, _BT601 = 1, 5
_HD_PX = 720


class FrameConverter:
    """The frames of one video as RGB, all of the first one's size and type.

    Attributes:
        matrix, color_range: how the first frame's colors relate to RGB, in FFmpeg's numbers.
        is_transposed: whether width and height of the file are exchanged in upright frames.
    """

    def __init__(self, name: Path | str, first: av.VideoFrame) -> None:
        self._name = name
        self._turn = _read_turn(first)
        self._size = first.width, first.height
        self._dtype: type[np.uint8 | np.uint16] = np.uint16 if first.format.components[0].bits > 8 else np.uint8
        self.matrix, self.color_range = _find_matrix(first), first.color_range or _LIMITED_RANGE
        self.is_transposed = self._turn.is_transposed

    def convert(self, decoded: av.VideoFrame, spare: list[Samples]) -> Samples:
        """(H, W, 3) RGB, upright, in an array of `spare` if there is one.

        Raises:
            VideoError: a part of the frame is transparent.
        """
        has_alpha = any(component.is_alpha for component in decoded.format.components)
        planar = decoded.reformat(
            width=self._size[0],
            height=self._size[1],
            format=("gbrap" if has_alpha else "gbrp") + ("16le" if self._dtype == np.uint16 else ""),
            # Of this frame: what comes after a change in mid-stream may be of another standard.
            src_colorspace=_find_matrix(decoded),
            src_color_range=decoded.color_range or _LIMITED_RANGE,
            interpolation=_INTERPOLATION,
        )
        green, blue, red, *alpha = (_view(plane, self._dtype) for plane in planar.planes)
        if alpha and alpha[0].min() < np.iinfo(self._dtype).max:
            raise refuse_transparency(self._name)
        planes = [self._turn.apply(plane) for plane in (red, green, blue)]
        frame = spare.pop() if spare else np.empty((*planes[0].shape, 3), self._dtype)
        cv2.merge(planes, dst=frame)
        return frame


class Deinterlacer:
    """Whole frames from those of two fields, one for each, by FFmpeg's filter bwdif; others pass as they are.

    Costs nothing before the first interlaced frame.
    """

    def __init__(self, time_base: Fraction) -> None:
        self.is_at_work = False
        self._time_base = time_base
        self._graph: av.filter.Graph | None = None
        self._kind: tuple[Any, ...] = ()

    def pass_on(self, frame: av.VideoFrame) -> Iterator[av.VideoFrame]:
        """The frames that are finished once this one is known; their times are in the video's time base."""
        self.is_at_work = self.is_at_work or frame.interlaced_frame
        if not self.is_at_work:
            yield frame
            return
        kind = frame.width, frame.height, frame.format.name
        if kind != self._kind:
            yield from self.flush()
            self._graph, self._kind = _make_graph(frame, self._time_base), kind
        if self._graph is not None:
            self._graph.vpush(frame)
            yield from self._pull(self._graph)

    def flush(self) -> Iterator[av.VideoFrame]:
        """The frames that waited for a later one."""
        if self._graph is not None:
            self._graph.vpush(None)
            yield from self._pull(self._graph)
            self._graph, self._kind = None, ()

    def _pull(self, graph: av.filter.Graph) -> Iterator[av.VideoFrame]:
        while True:
            try:
                frame = graph.vpull()
            except (av.BlockingIOError, av.EOFError):
                return
            # The filter counts finer, since it could make a frame of each field.
            factor = (frame.time_base or self._time_base) / self._time_base
            frame.duration = round(frame.duration * factor)
            if frame.pts is not None:
                frame.pts = round(frame.pts * factor)
            yield frame


def refuse_transparency(name: Path | str) -> VideoError:
    """What to raise for a video of which parts are transparent: none of our encoders keeps that."""
    return VideoError(
        f"{name}: has transparent parts, which no video written here can keep; "
        "put it on a background first (ffmpeg's filter overlay)"
    )


def _make_graph(frame: av.VideoFrame, time_base: Fraction) -> av.filter.Graph:
    graph = av.filter.Graph()
    nodes: list[FilterContext] = [
        graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=time_base),
        graph.add("bwdif", "mode=send_frame:deint=interlaced"),
        graph.add("buffersink"),
    ]
    graph.link_nodes(*nodes).configure()
    return graph


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
