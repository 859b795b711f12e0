"""Sound tracks on their way from one file to another: copied, or encoded anew where the container needs that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import av

if TYPE_CHECKING:
    from av.container import OutputContainer

# The sound whose beginning Matroska marks as not to be heard.
_MARKED = frozenset({"libopus", "opus"})
_RATE_HZ = 48_000


class CopiedSound:
    """Packets as they were read.

    Args:
        source: the track that was read.
        has_lead_in: sound from before zero can be kept without being played.

    Raises:
        ValueError: the container cannot hold this sound.
    """

    def __init__(self, container: OutputContainer, source: av.AudioStream, *, has_lead_in: bool) -> None:
        self.stream = container.add_stream_from_template(source)
        self._has_lead_in = has_lead_in or source.codec_context.name in _MARKED

    def pass_on(self, packet: av.Packet[Any]) -> Iterator[av.Packet[Any]]:
        """What to write once this packet was read."""
        if (packet.pts or 0) >= 0 or self._has_lead_in:
            packet.stream = self.stream
            yield packet

    def finish(self) -> Iterator[av.Packet[Any]]:
        """What to write at the end."""
        yield from ()


class EncodedSound:
    """Sound in another codec, in stereo or mono at 48 kHz; used as `CopiedSound`.

    Args:
        codec: FFmpeg's name of the encoder.

    Raises:
        ValueError: this build of FFmpeg does not have it.
    """

    def __init__(self, container: OutputContainer, source: av.AudioStream, codec: str) -> None:
        self._source = source
        layout = "mono" if source.codec_context.layout.nb_channels == 1 else "stereo"
        stream: Any = container.add_stream(codec, rate=_RATE_HZ, layout=layout)
        self.stream: av.AudioStream = stream
        self._resampler, self._kind = self._make_resampler(), ("", "", 0)

    def pass_on(self, packet: av.Packet[Any]) -> Iterator[av.Packet[Any]]:
        """What to write once this packet was read."""
        try:
            frames = self._source.decode(packet)
        except av.FFmpegError:
            # Damaged in one of many ways that decoders name. A moment of silence, as in every player.
            return
        for frame in frames:
            if (frame.pts or 0) >= 0:
                yield from self._encode(frame)

    def finish(self) -> Iterator[av.Packet[Any]]:
        """What to write at the end."""
        yield from self._keep_heard(self.stream.encode(None))

    def _encode(self, frame: av.AudioFrame) -> Iterator[av.Packet[Any]]:
        kind = frame.format.name, frame.layout.name, frame.sample_rate
        if kind != self._kind:
            # Broadcasts change from stereo to more and back.
            self._resampler, self._kind = self._make_resampler(), kind
        for resampled in self._resampler.resample(frame):
            yield from self._keep_heard(self.stream.encode(resampled))

    def _make_resampler(self) -> av.AudioResampler:
        context = self.stream.codec_context
        return av.AudioResampler(format=context.format, layout=context.layout, rate=_RATE_HZ)

    def _keep_heard(self, packets: list[av.Packet[Any]]) -> Iterator[av.Packet[Any]]:
        """Without what an encoder puts before the beginning, for which all else would have to begin later."""
        for packet in packets:
            if (packet.pts or 0) >= 0 or self.stream.codec_context.name in _MARKED:
                yield packet
