"""The workshop's commands in README, CONTRIBUTING and docs/ are commands that exist."""

import re
import shlex
from pathlib import Path

import pytest

import benchmarks.cli
import converters.cli
import training.cli

ROOT = Path(__file__).resolve().parents[2]
PARSERS = {
    "training": training.cli.build_parser(),
    "converters": converters.cli.build_parser(),
    "benchmarks": benchmarks.cli._build_parser(),
}


def list_commands() -> list[str]:
    pages = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md"))
    text = "\n".join(page.read_text() for page in pages)
    return sorted(set(re.findall(r"\.venv[\w-]*/bin/python -m ((?:training|converters|benchmarks) [^\n`]*)", text)))


@pytest.mark.parametrize("command", list_commands())
def test_command_of_the_documents_is_understood(command: str) -> None:
    package, *words = shlex.split(command)
    PARSERS[package].parse_args(words)
