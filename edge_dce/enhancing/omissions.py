"""What results do not hold of their sources, said once for each kind and not for each file."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePath

from edge_dce.terminal.console import say


class Omissions:
    """Gathers what is left out, and tells it."""

    def __init__(self) -> None:
        self._files: dict[str, list[PurePath]] = {}
        self._counts: Counter[str] = Counter()

    def note(self, source: PurePath, left_out: Counter[str]) -> None:
        """Remember what is left out of a file, by kind, and how often."""
        for kind, count in left_out.items():
            self._files.setdefault(kind, []).append(source)
            self._counts[kind] += count

    def tell(self) -> None:
        """Say it on stderr, a line for each kind."""
        for line in self.list_lines():
            say(line)

    def list_lines(self) -> list[str]:
        """A line for each kind, such as "scan.tif: left out: further pages (4)"."""
        lines = []
        for kind, files in self._files.items():
            count = self._counts[kind]
            of = str(files[0]) if len(files) == 1 else f"{len(files)} files"
            lines.append(f"{of}: left out: {describe_omission(kind, count, len(files))}")
        return lines


def describe_omission(kind: str, count: int, files: int = 1) -> str:
    """What is left out of some files, such as "further pages (4)"."""
    # Kinds in the plural are counted, the others are there or not.
    return f"{kind} ({count})" if kind.endswith("s") or count > files else kind
