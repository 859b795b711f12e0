"""How many frames a second a clip has: what its file claims is not always so, and not always possible."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

from edge_dce.errors import VideoError

# No camera that writes files of video is faster. Matroska counts milliseconds, and so do the lengths of MP4 and MOV:
# a clip whose frames are shorter could end up without a duration.
MOST_FPS = 1000
# Where a file tells nothing that can be. Encoders want to know; the times of the frames do not depend on it.
_USUAL_FPS = Fraction(30)
# MPEG-4 Part 2 counts with 16 bits.
_MOST_UNITS = 65_535
# Finer units tell nothing about pictures; VP9's encoder takes 10**9, and in an MP4 a frame lasts 2**31 units at most.
_MOST_UNITS_PER_S, _USUAL_BASE = 1_000_000, Fraction(1, 90_000)
# More is seen: pictures may come 125 ms after their sound (ITU-R BT.1359).
_MOST_LATE_S = Fraction(1, 8)


def choose_rate(claims: Iterable[Fraction | None], *, has_times: bool) -> Fraction:
    """Frames per second for an encoder.

    Args:
        claims: what the file tells, the average first.
        has_times: each frame has a time of its own, so that an average will do; else all get a place at this rate.
    """
    possible = [rate for rate in claims if rate and 0 < rate <= MOST_FPS]
    if not possible:
        return _USUAL_FPS
    return possible[0] if has_times else 1 / (1 / max(possible)).limit_denominator(_MOST_UNITS)


def choose_time_base(source_base: Fraction) -> Fraction:
    """The unit of time, in seconds, of an encoder whose frames have times of their own."""
    return source_base if source_base.denominator <= _MOST_UNITS_PER_S else _USUAL_BASE


def check_rate(source: Path, frames: int, last_s: Fraction, end_s: Fraction) -> None:
    """Raise VideoError where so many frames, the last from `last_s` to `end_s`, are more than any camera takes."""
    if frames - 1 > MOST_FPS * last_s or frames > MOST_FPS * end_s:
        raise VideoError(
            f"{source}: {frames} frame{'s' * (frames > 1)} in {float(end_s):.2g} s, expected at most {MOST_FPS} a "
            "second; its times are damaged, get a fresh copy"
        )


def check_place(target: Path, rate: Fraction, late_s: Fraction) -> None:
    """Raise VideoError where a frame got a place so long after its time, in a file that has one rate."""
    if late_s > _MOST_LATE_S:
        raise VideoError(
            f"{target}: its frames would be shown late, because some come faster than {float(rate):.4g} a second, the "
            f"one rate that a {target.suffix} can have; write .mkv"
        )
