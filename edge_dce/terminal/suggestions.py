"""What somebody may have meant by a name that is none."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def find_alike(word: str, names: Iterable[str]) -> list[str]:
    """The names that begin with the word, else the one nearest to it; none where nothing is near."""
    known = list(names)
    return [name for name in known if name.startswith(word)] or difflib.get_close_matches(word, known, 1)
