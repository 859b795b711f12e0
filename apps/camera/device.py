"""Which kind of device this is, and where it keeps things."""

from __future__ import annotations

import dataclasses
import os
import sys
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Folders:
    """Where the app keeps things.

    Attributes:
        pictures: photos and videos, for everyone to see.
        private: settings, answers and small copies of photos.
    """

    pictures: Path
    private: Path

    @property
    def settings(self) -> Path:
        return self.private / "settings.json"

    @property
    def feedback(self) -> Path:
        return self.private / "feedback.json"

    @property
    def copies(self) -> Path:
        return self.private / "copies"


def is_android() -> bool:
    """Before Python 3.13 `sys.platform` is "linux" there too; python-for-android sets this always."""
    return "ANDROID_ARGUMENT" in os.environ


def find_folders() -> Folders:
    """The usual places of this system: Pictures/edge-dce, and the user's folder for data of programs."""
    if is_android():
        # Apps may write media of their own there without a permission; other apps and the gallery see them.
        return Folders(Path("/storage/emulated/0/Pictures/edge-dce"), Path(os.environ["ANDROID_PRIVATE"]))
    home = Path.home()
    if sys.platform == "darwin":
        private = home / "Library" / "Application Support"
    else:
        private = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    return Folders(home / "Pictures" / "edge-dce", private / "edge-dce-camera")
