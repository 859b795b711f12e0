"""Estimates of a stream, smoothed over time: no flicker, and no waiting for the light.

Two frames of one scene get slightly different maps of curves, or numbers of a tone, and rendering amplifies the
difference until it flickers. So what is shown approaches the newest estimate exponentially, by the same share in every
frame however often the network runs. Pixels are never mixed, so nothing smears.

How fast it approaches depends on what the scene does, which thumbnails of the frames tell (see `measure_change`): it
hurries after a leap from one estimate to the next, and when the one that is shown, along with which a thumbnail is
smoothed, lags too far behind on a slow change; haste, once there, dies away slowly. A scene cut or a lamp switched on
is shown in the same frame, and five frames after any leap of light the thumbnail has less than 0.005 to go, which is
half of one in 255 levels in a scene that averages ten.

A map of curves has to be where the light is. A tone has no place: what counts for it is how much of the frame has which
brightness, so thumbnails are compared with their cells in order of it. For light that comes or goes that is the same
number; where a camera turns it is not, and haste in every frame of a turn would show the flicker of single estimates.
A cut to a scene of like light is told by place still, from twice the change on: one in thirty photos that follow each
other has less, and no frame of a phone in a hand has more.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

THUMBNAIL_PX = 16
# So many pixels on a side make a thumbnail: enough that sensor noise averages out, few enough to cost little.
_SAMPLED_PX = 256
# A change by place, in `cut_change`, that no camera makes by turning.
_MOST_BY_TURNING = 2.0
# Per frame; without it the rest of a small leap of light would take as long as in a still scene.
_KEPT_HASTE = 0.9
_NO_CURVES: FloatArray = np.zeros((1, 1, 3), np.float32)


@dataclasses.dataclass(frozen=True)
class Smoothing:
    """How estimates follow each other.

    Attributes:
        time_constant_frames: in a still scene 63 % of a difference is made up in so many frames; 0 smooths nothing.
        every_frames: the network runs at least once in so many frames, and whenever the scene has changed.
        still_change: up to this change of the light from one estimate to the next it counts as constant.
        lag_change: up to this change of it the shown estimate may lag behind without haste.
        cut_change: from this change of it on the newest estimate is shown at once; by place, also for a tone, the scene
            is another one from there on.

    Raises:
        ValueError: other values than these can be.
    """

    time_constant_frames: float = 10.0
    every_frames: int = 1
    still_change: float = 0.005
    lag_change: float = 0.03
    cut_change: float = 0.06

    def __post_init__(self) -> None:
        if not self.time_constant_frames >= 0:
            raise ValueError(f"expected a time constant of 0 or more frames, found {self.time_constant_frames}")
        if self.every_frames < 1:
            raise ValueError(f"expected every_frames of 1 or more, found {self.every_frames}")
        if not 0 <= self.still_change <= self.lag_change < self.cut_change:
            raise ValueError(f"expected 0 <= still_change <= lag_change < cut_change, found {self}")

    def share(self, leap: float, lag: float, before: float) -> float:
        """What part of the way to the newest estimate one frame goes, in [0, 1].

        Args:
            leap: change from the estimate before the newest to the newest, in the frame that first sees it; 0 after.
            lag: change from what is shown to the newest estimate.
            before: the share of the frame before.
        """
        if not self.time_constant_frames:
            return 1.0
        calm = -math.expm1(-1 / self.time_constant_frames)
        haste = max(
            (leap - self.still_change) / (self.cut_change - self.still_change),
            (lag - self.lag_change) / (self.cut_change - self.lag_change),
            0.0,
        )
        return max(calm + (1 - calm) * min(haste, 1.0), _KEPT_HASTE * before)


STEADY = Smoothing()
FRAME_BY_FRAME = Smoothing(time_constant_frames=0, every_frames=1)


@dataclasses.dataclass(frozen=True)
class _Moment:
    """An estimate and the light that it stands for, a thumbnail; its arrays are never written to again."""

    estimate: FloatArray
    light: FloatArray


@dataclasses.dataclass(frozen=True)
class _NewestMoment(_Moment):
    """An estimate as it came: with the thumbnail of its frame, and what changed since the one before.

    Attributes:
        leap: of the light.
        turn: by place.
    """

    thumbnail: FloatArray
    leap: float
    turn: float


class Smoother:
    """The estimate of one stream.

    `is_due` and `aim` may be called on another thread than `advance`.

    Attributes:
        has_cut: whether the scene of the last `advance` was another than the one before, or its light.
    """

    def __init__(self, smoothing: Smoothing = STEADY, *, neutral: FloatArray = _NO_CURVES) -> None:
        """
        Args:
            neutral: the estimate that changes nothing, see `Rendering`.
        """
        self._smoothing = smoothing
        self._neutral = neutral
        self._newest: _NewestMoment | None = None
        self._shown: _Moment | None = None
        self._approached: _NewestMoment | None = None
        self._age_frames = 0
        self._share = 0.0
        self.has_cut = False

    def is_due(self, thumbnail: FloatArray) -> bool:
        """Whether the network should run on the frame of this thumbnail."""
        newest = self._newest
        if newest is None or self._age_frames >= self._smoothing.every_frames:
            return True
        return measure_change(thumbnail, newest.thumbnail) > self._smoothing.still_change

    def aim(self, estimate: FloatArray, thumbnail: FloatArray) -> None:
        """Approach this estimate from now on; the arrays must not be written to any more.

        Args:
            estimate: float32, as `Enhancer.estimate` returns it: of one axis for a tone, of three for a map.
            thumbnail: of the frame that it was estimated on, by `make_thumbnail`; as many channels in each call.
        """
        light = _sort_cells(thumbnail) if estimate.ndim == 1 else thumbnail
        before, leap, turn = self._newest, 0.0, 0.0
        if before is not None:
            leap, turn = measure_change(light, before.light), measure_change(thumbnail, before.thumbnail)
        # One assignment, so that a thread in `advance` sees the old moment or the new one.
        self._newest = _NewestMoment(estimate, light, thumbnail, leap, turn)

    def advance(self) -> FloatArray:
        """The estimate of the next frame, not to be written to; the same array as long as nothing changes.

        Before the first `aim` it is the neutral one.
        """
        newest, shown = self._newest, self._shown
        if newest is None:
            return self._neutral
        leap = turn = 0.0
        if newest is not self._approached:
            self._approached, self._age_frames = newest, 0
            leap, turn = newest.leap, newest.turn
        self._age_frames += 1
        self.has_cut = False
        if shown is None or shown is newest or shown.estimate.shape != newest.estimate.shape:
            self._shown = newest
            return newest.estimate
        lag, cut = measure_change(newest.light, shown.light), self._smoothing.cut_change
        self._share = self._smoothing.share(leap, lag, self._share)
        self.has_cut = max(lag, turn) >= cut
        is_at_once = lag >= cut or turn >= _MOST_BY_TURNING * cut
        self._shown = newest if is_at_once else _mix(shown, newest, self._share)
        return self._shown.estimate


def _mix(shown: _Moment, newest: _Moment, share: float) -> _Moment:
    step = np.float32(share)
    return _Moment(
        shown.estimate + step * (newest.estimate - shown.estimate),
        shown.light + step * (newest.light - shown.light),
    )


def _sort_cells(thumbnail: FloatArray) -> FloatArray:
    """The cells in order of their brightness, each channel by itself: the distance of two such thumbnails is the least
    that moving light about leaves (Wasserstein's, of order one)."""
    return np.sort(thumbnail.reshape(-1, thumbnail.shape[-1]), axis=0).reshape(thumbnail.shape)


def make_thumbnail(frame: npt.NDArray[Any]) -> FloatArray:
    """(16, 16, C) float32 in [0, 1]: square roots of the means over the cells of a 16x16 grid.

    On the root axis a change in the dark, where curves are steep, counts for more than one in the light.

    Args:
        frame: (H, W, C) uint8, uint16, or floating point in [0, 1]; some 256x256 of its pixels are looked at.
    """
    height, width = frame.shape[:2]
    drawn = frame[:: max(1, height // _SAMPLED_PX), :: max(1, width // _SAMPLED_PX)].astype(np.float32)
    if frame.dtype.kind == "u":
        drawn /= np.float32(np.iinfo(frame.dtype).max)
    cells = cv2.resize(drawn, (THUMBNAIL_PX, THUMBNAIL_PX), interpolation=cv2.INTER_AREA)
    thumbnail: FloatArray = np.sqrt(cells, out=cells)
    return thumbnail


def measure_change(thumbnail: FloatArray, other: FloatArray) -> float:
    """How different two frames are lit: the mean absolute difference of their thumbnails, in [0, 1]."""
    return float(cv2.norm(thumbnail, other, cv2.NORM_L1)) / thumbnail.size
