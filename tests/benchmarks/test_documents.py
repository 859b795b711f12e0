"""The workshop's commands in README, CONTRIBUTING and docs/ are commands that exist."""

import argparse
import re
import shlex
from pathlib import Path

import pytest

import benchmarks.cli
import converters.cli
import training.cli
from tests.documents import PAGES, ROOT, list_commands, list_inline_commands, read_blocks

TRAINING = training.cli.build_parser()
CONVERTERS = converters.cli.build_parser()
PROGRAM = "(?:edge-dce (?:train|evaluate|convert)|python -m (?:training|converters|benchmarks))"
PARSERS: dict[str, tuple[argparse.ArgumentParser, list[str]]] = {
    # Command -> the parser behind it, and what the command says by its name.
    "edge-dce train": (TRAINING, []),
    "edge-dce evaluate": (TRAINING, ["evaluate"]),
    "edge-dce convert": (CONVERTERS, []),
    "python -m training": (TRAINING, []),
    "python -m converters": (CONVERTERS, []),
    "python -m benchmarks": (benchmarks.cli._build_parser(), []),
}


def gather_commands() -> list[str]:
    inline = {command for page in (*PAGES, ROOT / "CONTRIBUTING.md") for command in list_inline_commands(page, PROGRAM)}
    return sorted({*list_commands(PROGRAM), *inline})


@pytest.mark.parametrize("command", gather_commands())
def test_command_of_the_documents_is_understood(command: str) -> None:
    name = re.match(PROGRAM, command)
    assert name is not None
    parser, first = PARSERS[name[0]]
    parser.parse_args([*first, *shlex.split(command.removeprefix(name[0]))])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_recipes_in_yaml_are_yaml(page: Path) -> None:
    # The workshop's linter brings it; a device has no use for it.
    yaml = pytest.importorskip("yaml")
    for block in read_blocks(page, "yaml"):
        assert isinstance(yaml.safe_load(block), dict)
