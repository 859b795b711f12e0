"""Frames and sound to video files; see `edge_dce.files.video_reader`.

Frames are written with the times, color tags and metadata of the file that they come from, as `edge_dce.files.
containers` says; sound packets are copied as they are.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import cv2
import numpy as np

from edge_dce.errors import OutputError, VideoError
from edge_dce.files.containers import CONTAINERS, FLAG_WORDS
from edge_dce.files.encoders import AVI_ENCODERS, FILE_ENCODERS, WEBM_ENCODERS, add_video_stream
from edge_dce.files.frame_rate import check_place, check_rate, choose_rate, choose_time_base
from edge_dce.files.video_reader import Portion, VideoReader, read_tags
from edge_dce.files.video_sound import CopiedSound, EncodedSound

if TYPE_CHECKING:
    from av.video.stream import VideoStream

# libswscale's SWS_BILINEAR: towards YUV it rounds accurately as it is.
_INTERPOLATION = 0x2
# AVColorSpace of a file that holds RGB.
_RGB = 0
# They describe the file that was read, not the one that is written.
_OWN_TAGS = frozenset(
    {"alpha_mode", "compatible_brands", "encoder", "major_brand", "minor_version", "software", "vendor_id"}
)
_MOST_NAMES, _MOST_LETTERS = 12, 60
# Frames a second; FFmpeg finds any common rate where times are irregular.
_MOST_RATE = 120
_OWN_TAG_STARTS = ("_statistics_", "bps", "duration", "number_of_")
# Phones of one maker name the place in their own way; every container has a way of its own.
_APPLE_PLACE, _PLACE = "com.apple.quicktime.location.iso6709", "location"
# QuickTime knows some languages by their names of before 1998 only (ISO 639-2/B).
_MOV_LANGUAGES = {"ces": "cze", "deu": "ger", "ell": "gre", "fra": "fre", "isl": "ice", "nld": "dut", "zho": "chi"}


class VideoWriter:
    """Writes frames, and sound as it was read. To be finished, and closed or used in `with`.

    Args:
        path: the file to write; its suffix says nothing.
        reader: where frames and sound come from.
        target: what the file will be called: gives the container, and a name to messages.

    Attributes:
        left_out: what the reader has and this container cannot hold, in words.
        changes: what was made different, in words.

    Raises:
        VideoError: the container cannot hold the sound.
        OutputError: the file cannot be written.
    """

    def __init__(self, path: Path, reader: VideoReader, target: Path) -> None:
        self._target, self._kind = target, CONTAINERS[target.suffix.lower()]
        self.left_out: list[str] = []
        self.changes: list[str] = []
        self._durations: dict[int, int] = {}
        self._matrix, self._color_range = reader.matrix, reader.color_range
        self._source, self._frames, self._last_s, self._end_s = reader.path, 0, Fraction(0), Fraction(0)
        claims = [reader.video.average_rate, reader.video.guessed_rate]
        base_rate = reader.video.base_rate
        if base_rate and base_rate <= _MOST_RATE:
            # Of which the times of all frames are multiples.
            claims.append(base_rate)
        self._rate = choose_rate(claims, has_times=self._kind.has_times)
        # Kept here, because the container may give its stream another one.
        self._source_base = reader.video.time_base or Fraction(1, 90_000)
        self._time_base = choose_time_base(self._source_base) if self._kind.has_times else 1 / self._rate
        self._last_pts = -1
        self._last_starts_s: dict[int, Fraction] = {}
        self._lost_packets = 0
        tags = self._choose_tags(reader.metadata)
        # FFmpeg's MP4 has either the fields that every player reads, or those of any name.
        options = {"movflags": "use_metadata_tags"} if self._kind.has_free_tags and _has_dotted(tags) else {}
        with self._explain():
            self._container = av.open(f"file:{path}", "w", format=self._kind.format, options=options)
        with contextlib.ExitStack() as stack:
            stack.callback(self._container.close)
            self._container.metadata.update(tags)
            self._video = self._add_video(reader)
            self._sounds = {stream.index: self._add_sound(stream) for stream in reader.sounds}
            self._add_chapters(reader)
            self._begin()
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
            VideoError: the container, which has one rate, has no place for the frame that is near its time.
        """
        with self._explain():
            for packet in portion.sound:
                self._mux_sound(self._sounds[packet.stream_index].pass_on(packet))
            if portion.frame is not None:
                self._mux(self._video.encode(self._convert(portion)))

    def finish(self) -> None:
        """Write what the encoder still holds, and the index. Raises as `write`, and VideoError for impossible times."""
        check_rate(self._source, self._frames, self._last_s, self._end_s)
        with self._explain():
            self._mux(self._video.encode())
            for sound in self._sounds.values():
                self._mux_sound(sound.finish())
            self._container.close()
        if self._lost_packets:
            self.changes.append(f"{self._lost_packets} damaged packets of sound left out")

    def _begin(self) -> None:
        """Write the header now, so that what a container cannot hold shows before any work is done."""
        with self._explain():
            try:
                self._container.start_encoding()
            except av.ArgumentError as error:
                if not self._sounds:
                    raise
                codecs = " and ".join(sorted({sound.stream.codec_context.name for sound in self._sounds.values()}))
                raise self._refuse_sound(codecs) from error

    def _refuse_sound(self, codec: str) -> VideoError:
        return VideoError(f"{self._target}: a {self._target.suffix} cannot hold {codec} sound; write .mkv")

    def _mux(self, packets: list[av.Packet[Any]]) -> None:
        for packet in packets:
            # The encoder forgets how long a frame is shown.
            packet.duration = self._durations.pop(packet.pts or 0, 0)
            self._container.mux_one(packet)

    def _mux_sound(self, packets: Iterator[av.Packet[Any]]) -> None:
        """Write all that is sound: recordings from the air have places that are not, and are worth having."""
        for packet in packets:
            index, starts_s = packet.stream_index, (packet.dts or 0) * packet.time_base
            is_late = packet.pts is not None and packet.dts is not None and packet.pts < packet.dts
            if is_late or starts_s <= self._last_starts_s.get(index, starts_s - 1):
                self._lost_packets += 1
                continue
            self._last_starts_s[index] = starts_s
            try:
                self._container.mux_one(packet)
            except av.InvalidDataError:
                self._lost_packets += 1

    @contextlib.contextmanager
    def _explain(self) -> Iterator[None]:
        try:
            yield
        except av.FFmpegError as error:
            # So say FFmpeg's MP4 and its MPEG-4 encoder to a pause of days.
            if isinstance(error, av.error.PatchWelcomeError) or error.errno == errno.EPERM:
                raise VideoError(
                    f"{self._source}: two frames are further apart than a {self._target.suffix} can tell; write .mkv, "
                    "or get a fresh copy"
                ) from error
            raise OutputError(
                f"{self._target}: cannot be written ({error.strerror}); choose another place or container"
            ) from error

    def _choose_tags(self, metadata: Mapping[str, str]) -> dict[str, str]:
        tags = _without_own(metadata)
        known = self._kind.tags
        place = next((value for name, value in tags.items() if name.lower() == _APPLE_PLACE), "")
        if place and (known is None or _PLACE in known):
            tags.setdefault(_PLACE, place)
        # FFmpeg reads it from an MP4 twice, with its language and without.
        tags = {name: value for name, value in tags.items() if not name.startswith(f"{_PLACE}-")}
        if known is None or (self._kind.has_free_tags and _has_dotted(tags)):
            return tags
        if lost := [name for name in tags if name.lower() not in known]:
            self.left_out.append(f"tags ({_list_names(lost)})")
        return {name: value for name, value in tags.items() if name not in lost}

    def _add_video(self, reader: VideoReader) -> VideoStream:
        source = reader.video
        original, aspect = source.codec_context, source.sample_aspect_ratio

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
            {"avi": AVI_ENCODERS, "webm": WEBM_ENCODERS}.get(self._kind.format, FILE_ENCODERS),
            self._target,
            # Odd sides grow by one.
            size=(reader.width + reader.width % 2, reader.height + reader.height % 2),
            rate=self._rate,
            set_up=set_up,
        )
        stream.time_base = self._time_base
        stream.metadata.update(_without_own(read_tags(source.metadata)))
        stream.disposition = av.stream.Disposition.default
        return stream

    def _add_sound(self, source: av.AudioStream) -> CopiedSound | EncodedSound:
        codec, kind = source.codec_context.name, self._kind
        sound: CopiedSound | EncodedSound | None = None
        if kind.copied_sound is None or codec in kind.copied_sound:
            with contextlib.suppress(ValueError):
                sound = CopiedSound(self._container, source, has_lead_in=kind.has_lead_in)
        if sound is None:
            if not kind.sound_encoder:
                raise self._refuse_sound(codec)
            try:
                sound = EncodedSound(self._container, source, kind.sound_encoder)
            except ValueError as error:
                raise self._refuse_sound(codec) from error
            self.changes.append(f"{codec} sound encoded anew: {self._target.suffix} cannot hold it")
        sound.stream.metadata.update(_without_own(read_tags(source.metadata)))
        sound.stream.disposition = source.disposition
        if kind.format == "mov" and (language := sound.stream.metadata.get("language")):
            sound.stream.metadata["language"] = _MOV_LANGUAGES.get(language, language)
        for flag, words in FLAG_WORDS.items():
            if source.disposition & av.stream.Disposition[flag] and flag not in kind.flags:
                self.left_out.append(f"the mark '{words}' of a sound track")
        return sound

    def _add_chapters(self, reader: VideoReader) -> None:
        chapters = reader.chapters
        if chapters and self._kind.has_chapters:
            self._container.set_chapters(chapters)
        elif chapters:
            self.left_out.append(f"{len(chapters)} chapters")

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
        frame.pts, frame.time_base = self._place(portion), self._time_base
        return frame

    def _place(self, portion: Portion) -> int:
        """The frame's time in units of the file; where it has one rate, the nearest place that is free."""
        # Some files do not tell how long a frame is shown, which matters for the last one.
        duration_s = portion.duration * self._source_base or 1 / self._rate
        self._last_s = portion.pts * self._source_base
        self._end_s = self._last_s + duration_s
        self._frames += 1
        shown = round(self._last_s / self._time_base)
        self._last_pts = max(self._last_pts + 1, shown)
        self._durations[self._last_pts] = round(duration_s / self._time_base)
        if not self._kind.has_times:
            check_place(self._target, self._rate, (self._last_pts - shown) * self._time_base)
        return self._last_pts


def _without_own(metadata: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in metadata.items()
        if name.lower() not in _OWN_TAGS and not name.lower().startswith(_OWN_TAG_STARTS)
    }


def _list_names(names: list[str]) -> str:
    """For a line on a terminal, whatever a file calls its tags."""
    shown = [name if name.isprintable() else ascii(name) for name in names[:_MOST_NAMES]]
    shown = [f"{name[:_MOST_LETTERS]}…" if len(name) > _MOST_LETTERS else name for name in shown]
    return ", ".join(shown + ([f"{len(names) - _MOST_NAMES} more"] if len(names) > _MOST_NAMES else []))


def _has_dotted(tags: Mapping[str, str]) -> bool:
    """Whether there are names such as com.apple.quicktime.make, which phones write."""
    return any("." in name for name in tags)
