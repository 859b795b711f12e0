"""Folders of pictures: which files are in them, and which belong together."""

from __future__ import annotations

import collections
import dataclasses
import os
from collections.abc import Iterable
from pathlib import Path, PurePath

from edge_dce.errors import EdgeDceError, ImageError, describe_unreadable
from edge_dce.files.pictures import READABLE_SUFFIXES, list_suffixes
from edge_dce.files.signatures import HEAD_BYTES, find_suffix

_LOSSY_SUFFIXES = frozenset({".jfif", ".jpe", ".jpeg", ".jpg"})
# Names that say what a file is, although its first bytes are a picture's: thumbnails that cameras keep of their
# videos, downloads that are not finished, copies that editors make.
_NO_PICTURES = frozenset({".bak", ".crdownload", ".part", ".thm", ".tmp"})
# As many fit on a line or two.
_MOST_KINDS = 12
# What entries that are no files of a suffix are called where there are several.
_PLURALS = {
    "dead link": "dead links",
    "link to a folder": "links to folders",
    "pipe or device": "pipes or devices",
    "subfolder": "subfolders",
    "unreadable subfolder": "unreadable subfolders",
}


@dataclasses.dataclass(frozen=True)
class Listing:
    """What is in a folder.

    Attributes:
        pictures: readable picture files, sorted; links to such files among them.
        dead_links: named like pictures, but what they name is not there.
        left_out: everything else by kind, such as ".txt" or "subfolder", and how often.
        problems: of subfolders that cannot be read, an error each.
    """

    pictures: list[Path] = dataclasses.field(default_factory=list)
    dead_links: list[Path] = dataclasses.field(default_factory=list)
    left_out: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    problems: list[EdgeDceError] = dataclasses.field(default_factory=list)


def find_pictures(folder: str | Path) -> list[Path]:
    """The readable picture files directly inside a folder, sorted by name; hidden files are left out.

    Raises:
        ImageError: not a folder, or no picture in it.
    """
    listing = list_folder(folder)
    if not listing.pictures:
        raise no_pictures(folder, listing.left_out)
    return listing.pictures


def list_folder(folder: str | Path, *, is_recursive: bool = False, without: Path | None = None) -> Listing:
    """Which pictures are in a folder, and how much else.

    A file is a picture by its suffix, and one whose suffix says nothing by its first bytes. Hidden files are left out,
    and counted if they are pictures.

    Args:
        is_recursive: go through subfolders as well, except hidden ones and links.
        without: a folder below that is not looked into.

    Raises:
        ImageError: not a folder, or it cannot be read.
    """
    folder = Path(folder)
    listing = Listing()
    waiting = [folder]
    while waiting:
        path = waiting.pop()
        try:
            entries = sorted(os.scandir(path), key=lambda entry: entry.name)
        except FileNotFoundError:
            raise ImageError(f"{path}: no such folder; check the path") from None
        except OSError as error:
            problem = ImageError(f"{path}: expected a folder of pictures, but it {describe_unreadable(error)}")
            if path == folder:
                raise problem from error
            listing.left_out["unreadable subfolder"] += 1
            listing.problems.append(problem)
            continue
        below = []
        for entry in entries:
            if without is not None and entry.is_dir() and os.path.realpath(entry) == os.path.realpath(without):
                continue
            if is_recursive and entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                below.append(Path(entry))
            else:
                _sort_in(entry, listing)
        waiting += reversed(below)
    return listing


def no_pictures(folder: str | PurePath, left_out: collections.Counter[str]) -> ImageError:
    """The error of a folder that has none."""
    found = f"found {describe_counts(left_out)}" if left_out else "found nothing"
    return ImageError(
        f"{folder}: no pictures in this folder; expected files ending in {list_suffixes(READABLE_SUFFIXES)}, {found}"
    )


def describe_counts(counts: collections.Counter[str]) -> str:
    """What was left out, for people: the most frequent first."""
    by_frequency = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    told = [f"{count} {_PLURALS.get(kind, kind) if count > 1 else kind}" for kind, count in by_frequency[:_MOST_KINDS]]
    others = sum(count for _, count in by_frequency[_MOST_KINDS:])
    return ", ".join([*told, f"{others} of other kinds"] if others else told)


def _sort_in(entry: os.DirEntry[str], listing: Listing) -> None:
    # Of these, unlike those of an entry, links that lead in a circle are neither.
    path, is_hidden = Path(entry), entry.name.startswith(".")
    if path.is_file():
        if is_picture(path):
            if is_hidden:
                listing.left_out["hidden"] += 1
            else:
                listing.pictures.append(path)
        elif not is_hidden:
            listing.left_out[path.suffix.lower() or "without suffix"] += 1
    elif entry.is_symlink() and path.suffix.lower() in READABLE_SUFFIXES and not path.is_dir():
        listing.dead_links.append(path)
    elif not is_hidden:
        listing.left_out[_name_kind(path)] += 1


def _name_kind(path: Path) -> str:
    if path.is_dir():
        return "link to a folder" if path.is_symlink() else "subfolder"
    return "dead link" if path.is_symlink() else "pipe or device"


def is_picture(path: Path) -> bool:
    """Whether a file is a picture: by its suffix, or by its first bytes where the suffix says nothing."""
    suffix = path.suffix.lower()
    if suffix in READABLE_SUFFIXES:
        # Beside each file that it copies to a foreign disk, macOS puts one of its notes, under this name.
        return not path.name.startswith("._")
    if suffix in _NO_PICTURES or path.name.endswith("~"):
        return False
    content = identify(path)
    # With a suffix of its own, a TIFF is another program's file: raw photos, scans of microscopes.
    return content in READABLE_SUFFIXES and not (content == ".tif" and suffix)


def identify(path: Path) -> str | None:
    """The usual suffix of a file's content; None where it is no picture or video, or cannot be read."""
    try:
        with path.open("rb") as file:
            return find_suffix(file.read(HEAD_BYTES))
    except OSError:
        return None


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
