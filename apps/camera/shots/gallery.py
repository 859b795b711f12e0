"""The last shots, newest first."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from .capture import Album

_PHOTO_SUFFIXES, _VIDEO_SUFFIXES = (".jpg",), (".mp4",)


@dataclasses.dataclass(frozen=True)
class SavedShot:
    """A photo or a video.

    Attributes:
        path: of the file.
        before: a small copy of the photo's frame before enhancement, where there is one.
        thumbnail: a small copy of the photo, where there is one.
    """

    path: Path
    before: Path | None
    thumbnail: Path | None

    @property
    def is_video(self) -> bool:
        return self.path.suffix in _VIDEO_SUFFIXES


def list_shots(album: Album, limit: int = 24) -> list[SavedShot]:
    """What is in the album; a missing folder holds nothing."""
    try:
        paths = [path for path in album.pictures.iterdir() if path.suffix in _PHOTO_SUFFIXES + _VIDEO_SUFFIXES]
    except OSError:
        return []
    visible = sorted((path for path in paths if not path.name.startswith(".")), reverse=True)
    return [
        SavedShot(path, _find(album.locate_before(path)), _find(album.locate_thumbnail(path)))
        for path in visible[:limit]
    ]


def _find(path: Path) -> Path | None:
    return path if path.exists() else None
