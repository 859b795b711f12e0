"""One clock for all that a file plays: it starts at zero and never jumps.

Recordings from the air begin at any hour of their sender's clock, and files joined by copying jump where the next one
begins. Both are brought onto a clock of their own, as FFmpeg's program does by default; FFmpeg's libraries do not.
"""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import av

# Sound up to so long before the first picture is what a decoder needs to begin with, and no sound of its own.
LEAD_IN_S = Fraction(1, 10)
# Packets of one track are in order; encoders that are off by less are no jump. Both as in FFmpeg's program.
_BACK_S = Fraction(1, 10)
_FORWARD_S = 10
# Tracks lie side by side in a file, hardly ever further apart than this.
_APART_S = 1


@dataclasses.dataclass
class _Track:
    part: int
    first_s: Fraction
    delay_s: Fraction = Fraction(0)
    last_s: Fraction | None = None
    step_s: Fraction = Fraction(0)
    end_s: Fraction = Fraction(0)
    is_joining: bool = False


class Clock:
    """The shift from the times of a file to those from zero on, part by part of a file that was joined.

    Args:
        origin_s: what the file calls its beginning.
        video_index: of the track whose packets are all kept.
        bridges_gaps: whether a jump forward is a fault of the clock, and not a pause.
    """

    def __init__(self, origin_s: Fraction, video_index: int, *, bridges_gaps: bool) -> None:
        self._video_index, self._bridges_gaps = video_index, bridges_gaps
        # Of each part: what to add to its times, and when it begins after that.
        self._parts = [(-origin_s, Fraction(0))]
        self._tracks: dict[int, _Track] = {}

    @property
    def jumps(self) -> int:
        """How many were bridged so far."""
        return len(self._parts) - 1

    def set(self, packet: av.Packet[Any]) -> bool:
        """Give a packet its times on this clock; to be called with every packet of a track, in order.

        Returns:
            Whether its time is its own: False where most of it lies before the end of its track's part before.
        """
        shown = packet.pts if packet.pts is not None else packet.dts
        if shown is None:
            return True
        base = packet.time_base
        shown_s = shown * base
        # The order of decoding: pictures are shown in another one, which is no jump.
        told_s = None if packet.dts is None else packet.dts * base
        track = self._tracks.setdefault(packet.stream_index, _Track(self.jumps, shown_s + self._parts[-1][0]))
        if told_s is not None:
            if track.last_s is not None and self._jumps(track, told_s):
                self._begin_part(track, shown_s)
                track.is_joining = True
            elif track.last_s is not None and told_s > track.last_s:
                track.step_s = told_s - track.last_s
            track.last_s = told_s
        # Some files do not tell how long a frame is shown: as long as the one before.
        shift_s, duration_s = self._parts[track.part][0], packet.duration * base if packet.duration else track.step_s
        if track.is_joining:
            # Tracks of a part begin a little apart, so one of them may overlap its own end.
            overlap_s = max(Fraction(0), track.end_s - (shown_s + shift_s))
            if 2 * overlap_s > duration_s and packet.stream_index != self._video_index:
                return False
            track.delay_s, track.is_joining = overlap_s, False
        shift_s += track.delay_s
        shift = round(shift_s / base)
        track.end_s = max(track.end_s, shown_s + shift_s + duration_s)
        # Only what the file tells: FFmpeg takes a time that is missing for one to be worked out.
        if packet.pts is not None:
            packet.pts += shift
        if packet.dts is not None:
            packet.dts += shift
        return True

    def _jumps(self, track: _Track, told_s: Fraction) -> bool:
        last_s = track.last_s or Fraction(0)
        if told_s < last_s - _BACK_S or (self._bridges_gaps and told_s > last_s + _FORWARD_S):
            return True
        # A track that had ended early, or paused, follows the others into their new part.
        is_behind = track.part < self.jumps
        return is_behind and told_s + self._parts[track.part][0] < self._parts[track.part + 1][1] - _APART_S

    def _begin_part(self, track: _Track, shown_s: Fraction) -> None:
        track.part += 1
        if track.part > self.jumps:
            start_s = self._find_start_s(track)
            self._parts.append((start_s - shown_s, start_s))

    def _find_start_s(self, track: _Track) -> Fraction:
        """Where a new part begins on this clock, of which this track's packet is the first that is known."""
        end_s = max(each.end_s for each in self._tracks.values())
        video = self._tracks.get(self._video_index, track)
        if end_s - video.end_s > _APART_S:
            return end_s
        # Pictures go on without a gap; sound begins as far from them as it did in the beginning.
        return video.end_s + (track.first_s - video.first_s)
