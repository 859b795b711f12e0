"""Small video clips for tests, made with PyAV itself. Importing this skips a test module where there is no PyAV."""

from __future__ import annotations

import platform
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

if platform.machine() == "armv7l":
    pytest.importorskip("av", reason="PyAV has no wheels for armv7l")
import av

TIME_BASE = Fraction(1, 12800)
# Irregular, as phones in the dark deliver them.
VARIABLE_PTS = (0, 512, 1024, 1600, 1700, 2900, 3412, 5000, 5512, 6024)
SOUND_RATE = 16_000


def make_frame(number: int, width: int, height: int) -> np.ndarray:
    """A dark picture, darkest at its lower right, with a bright red mark in the upper left corner."""
    rows, columns = np.linspace(40, 10, height), np.linspace(1, 0.5, width)
    image = (rows[:, np.newaxis] * columns)[..., np.newaxis] * np.array([1.0, 0.9, 0.7]) + number
    image[: height // 4, : width // 4] = (200, 30, 30)
    return image.astype(np.uint8)


def write_clip(
    path: Path,
    *,
    size: tuple[int, int] = (96, 64),
    pts: tuple[int, ...] = VARIABLE_PTS,
    sound: str | None = "aac",
    pix_fmt: str = "yuv420p",
    codec: str = "libx264",
    tags: dict[str, int] | None = None,
    format_name: str | None = None,
    options: dict[str, str] | None = None,
    codec_options: dict[str, str] | None = None,
    metadata: dict[str, str] | None = None,
    metadata_encoding: str = "utf-8",
    encoder_base: Fraction = TIME_BASE,
    paint: Callable[[int, int, int], np.ndarray] = make_frame,
) -> Path:
    """A clip of near lossless quality.

    Args:
        size: width and height in pixels, even for 4:2:0.
        pts: when each frame is shown, in units of 1/12800 s.
        sound: codec of a second of sound, or None.
        tags: color_range, colorspace, color_primaries, color_trc in FFmpeg's numbers.
        options, codec_options: of the container, and of the encoder.
        encoder_base: the encoder's own unit of time, for those that know a few only.
        paint: gives the RGB picture of a number, width and height.
    """
    width, height = size
    tags = tags or {}
    ordinary = {"crf": "1", "preset": "ultrafast"} if codec == "libx264" else {}
    with av.open(
        str(path), "w", format=format_name, options=options or {}, metadata_encoding=metadata_encoding
    ) as container:
        container.metadata.update({"title": "a clip"} if metadata is None else metadata)
        video = container.add_stream(codec, rate=25, options={**ordinary, **(codec_options or {})})
        video.width, video.height, video.pix_fmt = width, height, pix_fmt
        video.codec_context.time_base = encoder_base
        for name, value in tags.items():
            setattr(video.codec_context, name, value)
        speaker = container.add_stream(sound, rate=SOUND_RATE) if sound else None
        for number, shown_at in enumerate(pts):
            rgb = av.VideoFrame.from_ndarray(paint(number, width, height), format="rgb24")
            rgb.colorspace = tags.get("colorspace", 5)
            frame = rgb.reformat(
                format=pix_fmt,
                dst_colorspace={6: 5}.get(tags.get("colorspace", 5), tags.get("colorspace", 5)),
                dst_color_range=tags.get("color_range", 1),
            )
            frame.pts, frame.time_base = shown_at, TIME_BASE
            container.mux(video.encode(frame))
        container.mux(video.encode())
        if speaker is not None:
            _write_sound(container, speaker)
    return path


def _write_sound(container: av.container.OutputContainer, speaker: av.AudioStream) -> None:
    wave = (3000 * np.sin(np.arange(SOUND_RATE) / 9)).astype(np.int16)
    for start in range(0, SOUND_RATE, 1000):
        frame = av.AudioFrame.from_ndarray(np.repeat(wave[np.newaxis, start : start + 1000], 2, 1), "s16", "stereo")
        frame.sample_rate, frame.pts = SOUND_RATE, start
        container.mux(speaker.encode(frame))
    container.mux(speaker.encode(None))


def write_sound_only(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        _write_sound(container, container.add_stream("aac", rate=SOUND_RATE))
    return path


def trim_clip(whole: Path, path: Path, cut_s: Fraction) -> Path:
    """Cut the beginning off an MP4 as phones do: by an edit list, with all packets left where they are."""
    with av.open(str(whole)) as source, av.open(str(path), "w") as target:
        streams = {each.index: target.add_stream_from_template(each, opaque=True) for each in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                shift = round(cut_s / packet.time_base)
                packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
                packet.stream = streams[packet.stream_index]
                target.mux(packet)
    return path


def turn_clip(path: Path, *, a: int, b: int, c: int, d: int) -> None:
    """Set the rotation of an MP4, as a phone does: (x, y) is shown at (a·x + c·y, b·x + d·y)."""
    data = bytearray(path.read_bytes())
    # 40 bytes of other fields come before the matrix in a track header of version 0 (ISO/IEC 14496-12, 8.3.2).
    start = data.index(b"tkhd") + 4 + 40
    data[start : start + 36] = np.array([a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30], ">i4").tobytes()
    path.write_bytes(data)


def read_frames(path: Path) -> list[np.ndarray]:
    """RGB frames as stored, rotation not applied."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def read_pts(path: Path) -> list[Fraction]:
    """When each frame is shown, in seconds."""
    with av.open(str(path)) as container:
        return [frame.pts * frame.time_base for frame in container.decode(video=0)]


def read_sound(path: Path) -> list[tuple[Fraction, bytes]]:
    """Time in seconds and content of every packet of the first sound track."""
    with av.open(str(path)) as container:
        packets = container.demux(container.streams.audio[0])
        return [(packet.pts * packet.time_base, bytes(packet)) for packet in packets if packet.dts is not None]
