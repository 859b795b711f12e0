"""Folders of pictures: which files are in them, and which belong together."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from edge_dce.errors import ImageError
from edge_dce.files.pictures import READABLE_SUFFIXES, list_suffixes

_LOSSY_SUFFIXES = frozenset({".jpg", ".jpeg"})


def find_pictures(folder: str | Path) -> list[Path]:
    """The readable picture files directly inside a folder, sorted by name; hidden files are left out.

    Raises:
        ImageError: not a folder, or no picture in it.
    """
    folder = Path(folder)
    try:
        paths = sorted(
            path
            for path in folder.iterdir()
            if path.suffix.lower() in READABLE_SUFFIXES and not path.name.startswith(".") and path.is_file()
        )
    except FileNotFoundError:
        raise ImageError(f"{folder}: no such folder; check the path") from None
    except OSError as error:
        raise ImageError(
            f"{folder}: expected a folder of pictures, but it cannot be read ({error.strerror})"
        ) from error
    if not paths:
        raise ImageError(
            f"{folder}: no pictures in this folder; expected files ending in {list_suffixes(READABLE_SUFFIXES)}"
        )
    return paths


def match_pairs(low_folder: Path, high_folder: Path) -> list[tuple[Path, Path]]:
    """Every picture of one folder with the picture of the same name in the other.

    Raises:
        ImageError: a folder is missing or empty, or a picture has no partner.
    """
    low = find_pictures(low_folder)
    high = {path.name: path for path in find_pictures(high_folder)}
    for path in low:
        if path.name not in high:
            raise ImageError(f"{path}: expected ground truth named {path.name} in {high_folder}, found none")
    return [(path, high[path.name]) for path in low]


def warn_of_lossy(pairs: Iterable[tuple[Path, Path]]) -> list[str]:
    """The warning that figures computed from these files deserve, or none."""
    if any(path.suffix.lower() in _LOSSY_SUFFIXES for pair in pairs for path in pair):
        return ["lossy pairs: JPEG changes PSNR; compare lossless files"]
    return []
