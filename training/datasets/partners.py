"""Which files of two folders show the same scene, told by their names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from edge_dce.errors import ImageError
from edge_dce.files.folders import find_pictures

# What names of partners differ in, and nothing else: low00001.png and normal00001.png.
_SIDES = re.compile(r"(?<![a-z])(low|dark|input|normal|high|bright|target|label|gt|expert_?[a-e])(?![a-z])")
_NAMED = 3


def match_names(low_folder: Path, high_folder: Path) -> list[tuple[Path, Path]]:
    """Every dark picture with its partner: names count without their endings and without words such as "low".

    Raises:
        ImageError: a folder is missing or empty, two names of one folder mean the same, or a picture has no partner.
    """
    low, high = (_key(find_pictures(folder)) for folder in (low_folder, high_folder))
    missing = [path.name for key, path in low.items() if key not in high]
    if missing:
        unused = [path.name for key, path in high.items() if key not in low]
        raise ImageError(
            f"{low_folder}: expected a partner in {high_folder} for each of {len(low)} pictures, found none for "
            f"{_list(missing)}; without a dark picture are {_list(unused)}; give partners the same names"
        )
    return [(path, high[key]) for key, path in low.items()]


def _key(paths: Sequence[Path]) -> dict[str, Path]:
    keys: dict[str, Path] = {}
    for path in paths:
        key = _SIDES.sub("", path.stem.lower()).strip("_- ")
        if key in keys:
            raise ImageError(f"{path}: means the same as {keys[key].name} beside it; rename one")
        keys[key] = path
    return keys


def _list(names: Sequence[str]) -> str:
    if not names:
        return "none"
    shown = ", ".join(names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED} more"
