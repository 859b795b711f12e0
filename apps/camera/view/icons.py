"""The app's icons as strokes on a grid of 24 by 24, origin at the lower left: sharp at any size, and no files."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Arc:
    """Part of a circle, in degrees clockwise from the top."""

    x: float
    y: float
    radius: float
    start: float = 0.0
    end: float = 360.0


@dataclasses.dataclass(frozen=True)
class Path:
    """A line from point to point: x0, y0, x1, y1, ..."""

    points: tuple[float, ...]
    is_closed: bool = False


@dataclasses.dataclass(frozen=True)
class Blade:
    """A filled triangle or quadrangle."""

    points: tuple[float, ...]


Stroke = Arc | Path | Blade


def _rays(x: float, y: float, near: float, far: float) -> tuple[Path, ...]:
    slanted = 0.7071
    directions = ((1, 0), (slanted, slanted), (0, 1), (-slanted, slanted))
    both = [(sign * dx, sign * dy) for dx, dy in directions for sign in (1, -1)]
    return tuple(Path((x + near * dx, y + near * dy, x + far * dx, y + far * dy)) for dx, dy in both)


ICONS: dict[str, tuple[Stroke, ...]] = {
    "split": (
        Path((3, 5, 3, 19, 21, 19, 21, 5), True),
        Path((12, 3, 12, 21)),
        Blade((12, 5, 21, 5, 21, 19, 12, 19)),
    ),
    "histogram": (
        Path((4, 4, 20, 4)),
        Path((6, 5, 6, 10)),
        Path((10, 5, 10, 18)),
        Path((14, 5, 14, 14)),
        Path((18, 5, 18, 8)),
    ),
    "torch": (Path((13, 21, 5, 11, 11, 11, 10, 3, 19, 14, 12.5, 14), True),),
    "settings": (
        Path((3, 18, 8, 18)),
        Path((13, 18, 21, 18)),
        Arc(10.5, 18, 2.3),
        Path((3, 12, 13, 12)),
        Path((18, 12, 21, 12)),
        Arc(15.5, 12, 2.3),
        Path((3, 6, 6, 6)),
        Path((11, 6, 21, 6)),
        Arc(8.5, 6, 2.3),
    ),
    "switch": (
        Arc(12, 12, 8, -70, 70),
        Arc(12, 12, 8, 110, 250),
        Path((16.5, 16.2, 20, 14.4, 21.6, 18)),
        Path((7.5, 7.8, 4, 9.6, 2.4, 6)),
    ),
    "sun": (Arc(12, 12, 4), *_rays(12, 12, 7, 9.5)),
    "moon": (Arc(12, 12, 8, 95, 355), Arc(17.2, 17.2, 6.2, 178, 272)),
    "close": (Path((6, 6, 18, 18)), Path((6, 18, 18, 6))),
    "play": (Blade((8, 5, 19, 12, 8, 19, 8, 12)),),
    "check": (Path((5, 12, 10, 6.5, 19, 17)),),
    "enhance": (Path((4, 4, 14, 14)), *_rays(17, 17, 2.2, 4.4)),
}
