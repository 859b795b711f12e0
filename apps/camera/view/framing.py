"""Where on the screen which part of the frame is shown: zoom, pan, fit or fill."""

from __future__ import annotations

import dataclasses

MAX_ZOOM = 8.0


@dataclasses.dataclass(frozen=True)
class Framing:
    """What part of a frame fills what part of an area.

    Attributes:
        x, y, width, height: of the picture in the area, in its pixels, from its lower left corner.
        left, top, right, bottom: of the part of the frame that is seen there, in shares of its sides, from its first
            pixel.
    """

    x: float
    y: float
    width: float
    height: float
    left: float
    top: float
    right: float
    bottom: float


@dataclasses.dataclass(frozen=True)
class View:
    """What a person chose to see.

    Attributes:
        zoom: 1 shows the whole frame (or fills the area, see `is_filling`), up to `MAX_ZOOM`.
        center: point of the frame, in shares of its sides from its first pixel, that is in the middle.
        is_filling: the frame covers the whole area, and what sticks out is cut off.
    """

    zoom: float = 1.0
    center: tuple[float, float] = (0.5, 0.5)
    is_filling: bool = False


def frame_picture(area: tuple[float, float], frame: tuple[int, int], view: View) -> Framing:
    """Place a frame of (width, height) pixels in an area of (width, height) pixels, its aspect kept."""
    choose = max if view.is_filling else min
    scale = choose(area[0] / frame[0], area[1] / frame[1]) * view.zoom
    (x, width, left, right), (y, height, top, bottom) = (
        _place(side, pixels * scale, center) for side, pixels, center in zip(area, frame, view.center, strict=True)
    )
    return Framing(x, y, width, height, left, top, right, bottom)


def measure_picture(area: tuple[float, float], frame: tuple[int, int], view: View) -> tuple[int, int]:
    """(width, height) in which a frame is worth working on: that on the screen, or its own where that is less.

    A zoomed view counts as the frame's own size, so that a finger that zooms does not change it all the time.
    """
    if min(area) <= 0:
        return frame
    whole = frame_picture(area, frame, view)
    width = round(whole.width / (whole.right - whole.left))
    height = round(whole.height / (whole.bottom - whole.top))
    return (width, height) if view.zoom == 1 and 0 < width < frame[0] and height > 0 else frame


def limit_view(area: tuple[float, float], frame: tuple[int, int], view: View) -> View:
    """The nearest view that shows no emptiness beside a frame that could fill it."""
    zoom = min(max(view.zoom, 1.0), MAX_ZOOM)
    framing = frame_picture(area, frame, dataclasses.replace(view, zoom=zoom))
    middle = (framing.left + framing.right) / 2, (framing.top + framing.bottom) / 2
    return dataclasses.replace(view, zoom=zoom, center=middle)


def zoom_about(
    area: tuple[float, float], frame: tuple[int, int], view: View, factor: float, point: tuple[float, float]
) -> View:
    """Zoom by a factor so that what is at `point` (pixels of the area, from its lower left corner) stays there."""
    before = frame_picture(area, frame, view)
    wanted = limit_view(area, frame, dataclasses.replace(view, zoom=view.zoom * factor))
    after = frame_picture(area, frame, wanted)
    shift = tuple(now - then for now, then in zip(locate(after, point), locate(before, point), strict=True))
    center = wanted.center[0] - shift[0], wanted.center[1] - shift[1]
    return limit_view(area, frame, dataclasses.replace(wanted, center=center))


def locate(framing: Framing, point: tuple[float, float]) -> tuple[float, float]:
    """The point of the frame, in shares of its sides, that is at a pixel of the area."""
    across = (point[0] - framing.x) / framing.width
    down = 1 - (point[1] - framing.y) / framing.height
    return (
        framing.left + across * (framing.right - framing.left),
        framing.top + down * (framing.bottom - framing.top),
    )


def _place(side: float, length: float, center: float) -> tuple[float, float, float, float]:
    """Start and length on the screen, start and end in the frame, along one axis."""
    if length <= side:
        return (side - length) / 2, length, 0.0, 1.0
    share = side / length
    start = min(max(center - share / 2, 0.0), 1 - share)
    return 0.0, side, start, start + share
