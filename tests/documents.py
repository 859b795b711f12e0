"""README, CONTRIBUTING and docs/ as what can be run of them: blocks of code, and the commands in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
PAGES = (README, *sorted((ROOT / "docs").glob("*.md")))
# The folder of an environment that may stand before a program: "", ".venv/bin/", "../../.venv-app/bin/".
_ENVIRONMENT = r"(?:[\w./-]*\.venv[\w-]*/bin/)?"


def read_blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of one language, in order; in blocks of a shell, a line that goes on is one line."""
    blocks = re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)
    return [block.replace("\\\n", " ") for block in blocks]


def find_commands(text: str, program: str) -> list[str]:
    """What follows a program on the lines of a block, without comments, redirections and pipes.

    Args:
        program: regular expression, such as "edge-dce (?:enhance|info)"; it is part of what is returned.
    """
    pattern = rf"^(?:KERAS_BACKEND=\w+ )?{_ENVIRONMENT}({program}\b.*)$"
    return [re.split(r"\s+[#>|]", line)[0].strip() for line in re.findall(pattern, text, re.MULTILINE)]


def list_commands(program: str) -> list[str]:
    """Every command of a program in the blocks of all pages, each once."""
    texts = (block for page in PAGES for block in read_blocks(page, "sh"))
    return sorted({command for text in texts for command in find_commands(text, program)})


def list_inline_commands(page: Path, program: str) -> list[str]:
    """The commands in running text and tables that are written with their environment, hence in full."""
    return re.findall(rf"`(?:\w+=\w+ )?\.venv[\w-]*/bin/({program}\b[^\n`]*)`", page.read_text())


def list_links(page: Path) -> Iterator[tuple[str, str]]:
    """File and anchor of every relative link; either may be empty."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"[a-z]+:", target):
            file, _, anchor = target.partition("#")
            yield file, anchor


def list_anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    headings = re.findall(r"^#+ +(.*?) *$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
