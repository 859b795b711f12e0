"""Names by the time of day that never name a file that is there: two within a second, or an hour that comes twice."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Iterator
from pathlib import Path

from edge_dce.errors import OutputError
from edge_dce.files.output import make_folder

# Fields that stand for others, some of which hold a slash.
_COMPOSITE = {"%D": "%m/%d/%y", "%F": "%Y-%m-%d", "%R": "%H:%M", "%T": "%H:%M:%S"}
_FIELD = re.compile(r"%[-_0^#]?.")
_NUMBERS = frozenset("CGHIMSUVWYdegjklmsuwy")


class DatedName:
    """A path that may hold strftime fields. Where it is taken, -2, -3 and so on stand before the suffix."""

    def __init__(self, pattern: str) -> None:
        self.pattern = Path(_FIELD.sub(lambda field: _COMPOSITE.get(field.group(), field.group()), pattern))

    def find_free(self) -> Path:
        """A path of now that nothing has. Its folder is made where the time is part of the folder's name.

        Raises:
            OutputError: the folder cannot be made, or the pattern makes no name.
        """
        try:
            path = Path(time.strftime(str(self.pattern)))
        except ValueError as error:
            raise OutputError(f"{self.pattern}: expected strftime fields such as %Y%m%d ({error})") from error
        if "%" in str(self.pattern.parent):
            make_folder(path.parent)
        names = itertools.chain([path], (path.with_stem(f"{path.stem}-{number}") for number in itertools.count(2)))
        return next(name for name in names if not name.is_symlink() and not name.exists())

    def list_paths(self) -> Iterator[Path]:
        """The files that this pattern has named so far."""
        *folders, name = self.pattern.parts
        found = [Path()]
        for part in folders:
            found = [inner for folder in found for inner in _list_matches(folder, part)]
        stem, suffix = Path(name).stem, Path(name).suffix
        for folder in found:
            expected = re.compile(f"{_to_expression(stem)}(-[0-9]+)?{re.escape(suffix)}")
            yield from (path for path in _list(folder) if expected.fullmatch(path.name) and path.is_file())


def _list_matches(folder: Path, part: str) -> list[Path]:
    if "%" not in part:
        return [folder / part]
    expected = re.compile(_to_expression(part))
    return [path for path in _list(folder) if expected.fullmatch(path.name) and path.is_dir()]


def _list(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _to_expression(pattern: str) -> str:
    parts, end = [], 0
    for field in _FIELD.finditer(pattern):
        parts.append(re.escape(pattern[end : field.start()]))
        kind = field.group()[-1]
        parts.append("%" if kind == "%" else "[0-9 ]+" if kind in _NUMBERS else "[^/]+")
        end = field.end()
    return "".join([*parts, re.escape(pattern[end:])])
