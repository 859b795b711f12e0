"""Frames and sound to video files; see `edge_dce.files.video_reader`.

Frames are written as H.264 with the times, color tags and metadata of the file that they come from; sound packets are
copied as they are.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import cv2
import numpy as np

from edge_dce.errors import OutputError, VideoError
from edge_dce.files.encoders import FILE_ENCODERS, add_video_stream
from edge_dce.files.video_reader import Portion, VideoReader

if TYPE_CHECKING:
    from av.video.stream import VideoStream

_FORMATS = {".m4v": "mp4", ".mkv": "matroska", ".mov": "mov", ".mp4": "mp4"}
# libswscale's SWS_BILINEAR: towards YUV it rounds accurately as it is.
_INTERPOLATION = 0x2
# AVColorSpace of a file that holds RGB.
_RGB = 0
# They describe the file that was read, not the one that is written.
_OWN_METADATA = frozenset({"compatible_brands", "encoder", "major_brand", "minor_version"})


class VideoWriter:
    """Writes frames as H.264, and sound as it was read. To be finished, and closed or used in `with`.

    Args:
        path: the file to write; its suffix says nothing.
        reader: where frames and sound come from.
        target: what the file will be called: gives the container, and a name to messages.

    Raises:
        VideoError: the container cannot hold the sound.
        OutputError: the file cannot be written.
    """

    def __init__(self, path: Path, reader: VideoReader, target: Path) -> None:
        self._target = target
        self._durations: dict[int, int] = {}
        self._matrix, self._color_range = reader.matrix, reader.color_range
        # Kept here, because the container may give its stream another one.
        self._time_base = reader.video.time_base or Fraction(1, 90_000)
        with self._explain():
            self._container = av.open(f"file:{path}", "w", format=_FORMATS[target.suffix.lower()])
        with contextlib.ExitStack() as stack:
            stack.callback(self._container.close)
            self._container.metadata.update(_without_own(reader.metadata))
            self._video = self._add_video(reader)
            self._sounds = {stream.index: self._add_sound(stream) for stream in reader.sounds}
            stack.pop_all()

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(self, *_: object) -> None:
        # Without frames there is no header, and what is closed before it is finished gets thrown away anyway.
        with contextlib.suppress(av.FFmpegError, ValueError):
            self._container.close()

    def write(self, portion: Portion) -> None:
        """Write a frame and the sound before it.

        Raises:
            OutputError: the disk is full, for instance.
        """
        with self._explain():
            for packet in portion.sound:
                packet.stream = self._sounds[packet.stream_index]
                self._container.mux_one(packet)
            if portion.frame is not None:
                self._durations[portion.pts] = portion.duration
                self._mux(self._video.encode(self._convert(portion)))

    def finish(self) -> None:
        """Write what the encoder still holds, and the index. Raises as `write`."""
        with self._explain():
            self._mux(self._video.encode())
            self._container.close()

    def _mux(self, packets: list[av.Packet[Any]]) -> None:
        for packet in packets:
            # The encoder forgets how long a frame is shown, which matters for the last one.
            packet.duration = self._durations.pop(packet.pts or 0, 0)
            self._container.mux_one(packet)

    @contextlib.contextmanager
    def _explain(self) -> Iterator[None]:
        try:
            yield
        except av.FFmpegError as error:
            raise OutputError(
                f"{self._target}: cannot be written ({error.strerror}); choose another place or container"
            ) from error

    def _add_video(self, reader: VideoReader) -> VideoStream:
        source = reader.video
        original, aspect = source.codec_context, source.codec_context.sample_aspect_ratio

        def set_up(context: Any) -> None:
            context.time_base = self._time_base
            if aspect:
                context.sample_aspect_ratio = 1 / aspect if reader.turns_sideways else aspect
            context.color_range = original.color_range
            context.color_primaries = original.color_primaries
            context.color_trc = original.color_trc
            context.colorspace = original.colorspace if original.colorspace != _RGB else self._matrix

        stream: VideoStream = add_video_stream(
            self._container,
            FILE_ENCODERS,
            self._target,
            # Odd sides grow by one.
            size=(reader.width + reader.width % 2, reader.height + reader.height % 2),
            rate=source.average_rate or source.guessed_rate or Fraction(30),
            set_up=set_up,
        )
        stream.time_base = self._time_base
        stream.metadata.update(_without_own(source.metadata))
        return stream

    def _add_sound(self, source: av.AudioStream) -> av.AudioStream:
        try:
            stream = self._container.add_stream_from_template(source)
        except ValueError as error:
            raise VideoError(
                f"{self._target}: a {self._target.suffix} cannot hold {source.codec_context.name} sound; write .mkv"
            ) from error
        stream.metadata.update(_without_own(source.metadata))
        return stream

    def _convert(self, portion: Portion) -> av.VideoFrame:
        image: Any = portion.frame
        height, width = image.shape[:2]
        if height % 2 or width % 2:
            image = cv2.copyMakeBorder(image, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
        rgb = av.VideoFrame.from_numpy_buffer(image, format="rgb48le" if image.dtype == np.uint16 else "rgb24")
        rgb.colorspace = self._matrix
        frame = rgb.reformat(
            format="yuv420p",
            dst_colorspace=self._matrix,
            dst_color_range=self._color_range,
            interpolation=_INTERPOLATION,
        )
        frame.pts, frame.time_base = portion.pts, self._time_base
        return frame


def _without_own(metadata: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in metadata.items() if name not in _OWN_METADATA}
