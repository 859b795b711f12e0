"""The files of a page, read once, and what all pages have beside their own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# The line between before and after.
SPLIT_LINE = tuple(Path(__file__).parent / name for name in ("split.css", "split.js"))


def read_page(folder: Path, names: Iterable[str]) -> dict[str, tuple[bytes, str]]:
    """Content and its type by address, of files in a page's folder and of `SPLIT_LINE`; index.html is at "/"."""
    files = (*(folder / name for name in names), *SPLIT_LINE)
    return {f"/{path.name}".replace("/index.html", "/"): (path.read_bytes(), _TYPES[path.suffix]) for path in files}
