"""Tables of figures as terminal text or Markdown; macros.html shows them on pages."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

EMPTY = "–"


@dataclasses.dataclass(frozen=True)
class Table:
    """Cells of text; the first column names the row, the others hold figures.

    Attributes:
        header: one cell per column.
        rows: as many cells each. A row of one cell is a heading over the rows that follow.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def to_text(self) -> str:
        """Aligned columns: the first to the left, figures to the right."""
        whole = [row for row in (self.header, *self.rows) if len(row) == len(self.header)]
        widths = [max(len(row[column]) for row in whole) for column in range(len(self.header))]
        lines = []
        for row in (self.header, *self.rows):
            figures = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=False)]
            lines.append("  ".join([row[0].ljust(widths[0]), *figures]).rstrip())
        return "\n".join(lines)

    def to_markdown(self) -> str:
        """A GitHub table; headings become rows of their own."""
        rows = [[*row, *[""] * (len(self.header) - len(row))] for row in self.rows]
        rule = ["---", *["---:"] * (len(self.header) - 1)]
        escaped = [[cell.replace("|", "\\|") for cell in row] for row in (self.header, rule, *rows)]
        return "\n".join(f"| {' | '.join(row)} |" for row in escaped)
