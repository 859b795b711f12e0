"""Tables of figures as terminal text, Markdown or HTML: one content, three forms."""

from __future__ import annotations

import dataclasses
import html
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

    def to_html(self, *, strong: int | None = None) -> str:
        """A <table>; names are escaped. `strong` is the number of the row that matters most."""
        lines = ["<table>", f"<thead><tr>{_cells(self.header, 'th')}</tr></thead>", "<tbody>"]
        for number, row in enumerate(self.rows):
            if len(row) < len(self.header):
                lines.append(f'<tr class="heading"><th colspan="{len(self.header)}">{html.escape(row[0])}</th></tr>')
            else:
                opening = '<tr class="strong">' if number == strong else "<tr>"
                lines.append(f"{opening}{_cells(row, 'td')}</tr>")
        return "\n".join([*lines, "</tbody>", "</table>"])


def _cells(row: Sequence[str], tag: str) -> str:
    return "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row)
