"""One thing that `edge-dce doctor` has to say."""

from __future__ import annotations

import dataclasses
from typing import Literal

Level = Literal["ok", "warning", "problem"]
# From harmless to grave. A problem keeps pictures from being enhanced; with a warning they are, but something is
# slower than it could be, or a camera or window does not work.
LEVELS: tuple[Level, ...] = ("ok", "warning", "problem")


@dataclasses.dataclass(frozen=True)
class Finding:
    """`found` in a few words, and the line that puts it right: a command wherever one does.

    `name` is stable from release to release, words may change. Only an ok finding comes without a remedy.
    """

    name: str
    level: Level
    found: str
    remedy: str | None = None

    def __post_init__(self) -> None:
        if self.level != "ok" and not self.remedy:
            raise ValueError(f"{self.name}: a {self.level} without a remedy")
