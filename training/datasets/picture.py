"""One picture to learn from, as every kind of data set gives it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class DarkPicture:
    """A low-light picture to learn from, and the normal-light picture of the same scene where there is one.

    Attributes:
        low, high: the files.
        scene: pictures of one scene stay together when some are held out; None is a scene of its own.
        part: "test" or "train" where the data set itself says so.
        weight: how often it is shown, relative to others.
    """

    low: Path
    high: Path | None
    scene: str | None = None
    part: str | None = None
    weight: float = 1.0


@dataclasses.dataclass(frozen=True)
class Pair(DarkPicture):
    """A low-light picture and the normal-light picture of the same scene."""

    high: Path


def name_pictures(pictures: Sequence[DarkPicture]) -> list[str]:
    """Names without endings, each once: the files' own, numbered where two sets or scenes have one name."""
    names = [picture.low.stem for picture in pictures]
    if len(set(names)) == len(names):
        return names
    return [f"{number:05}-{name}" for number, name in enumerate(names)]
