"""Which of FFmpeg's encoders write our videos, and how one is opened: no build of FFmpeg has all of them.

Needs PyAV, which is imported when the first stream is added.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from edge_dce.errors import OutputError

# Encoder -> its options, the best first.
Encoders = Mapping[str, Mapping[str, str]]

# For files, which wait. x264's own scale; 20 is where enhanced noise stops turning into blocks. Presets measured at
# 1080p on 2 cores: the next faster one, superfast, takes a quarter less time and almost twice the bits; the next slower
# one 1.7 times the time.
FILE_ENCODERS: Encoders = {"libx264": {"crf": "20", "preset": "veryfast"}}
# For files of other containers than MP4 and Matroska: quality 2 of 31 in MPEG-4's scale, in units of FFmpeg's lambda;
# VP9's 24 of 63 looks like x264's 20, at the speed that its makers mean for live pictures.
AVI_ENCODERS: Encoders = {"mpeg4": {"flags": "qscale", "global_quality": str(2 * 118)}}
WEBM_ENCODERS: Encoders = {
    "libvpx-vp9": {"crf": "24", "b": "0", "deadline": "realtime", "cpu-used": "6", "row-mt": "1"}
}
# For the camera script, whose board has much else to do: Pi 4's hardware, software, and what every build has.
BOARD_ENCODERS: Encoders = {
    "h264_v4l2m2m": {},
    "libx264": {"preset": "ultrafast", "tune": "zerolatency", "crf": "23"},
    "mpeg4": {},
}
# For other programs that watch, which all take H.264.
STREAM_ENCODERS: Encoders = {name: options for name, options in BOARD_ENCODERS.items() if name != "mpeg4"}
# For the app: software, and what Android has; the last is in every build of PyAV.
APP_ENCODERS: Encoders = {**FILE_ENCODERS, "h264_mediacodec": {}, "mpeg4": {}}


def add_video_stream(
    container: Any,
    encoders: Encoders,
    name: Path | str,
    *,
    size: tuple[int, int],
    rate: Fraction,
    set_up: Callable[[Any], None],
) -> Any:
    """Add a stream in 4:2:0 with 8 bits, which plays everywhere, to an open container.

    Args:
        encoders: the first that this build of FFmpeg has, and that takes what is asked for, is taken.
        name: of what is written, for the message.
        size: (width, height), both even: 4:2:0 has one color sample for two by two pixels.
        rate: frames per second, for the encoder's rate control.
        set_up: gives a codec context what else it needs, a time base at least.

    Raises:
        OutputError: there is no such encoder.
    """
    import av

    reasons = []
    for codec, options in encoders.items():
        try:
            # A stream cannot be taken out of a container again, so a context without one tries first.
            probe = av.CodecContext.create(codec, "w")
            probe.options = dict(options)
            _set_up(probe, size, rate, set_up)
            probe.open()
        except (ValueError, OSError, av.FFmpegError) as error:
            reasons.append(f"{codec}: {error}")
            continue
        stream = container.add_stream(codec, rate=rate, options=dict(options))
        _set_up(stream.codec_context, size, rate, set_up)
        return stream
    raise OutputError(
        f"{name}: no encoder takes {size[0]}x{size[1]} ({'; '.join(reasons)}); use another size or build of PyAV"
    )


def _set_up(context: Any, size: tuple[int, int], rate: Fraction, set_up: Callable[[Any], None]) -> None:
    context.width, context.height, context.pix_fmt, context.framerate = *size, "yuv420p", rate
    set_up(context)
