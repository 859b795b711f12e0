"""Write the man page of `edge-dce` and its completions for shells, from its parsers: `make command-files`.

docs/decisions/0018 says why what it writes is kept in docs/command.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterator
from pathlib import Path

import shtab
from argparse_manpage.manpage import Manpage

import apps.camera.__main__
import apps.photos.options
import apps.pi.options
import converters.cli
import training.cli
from edge_dce import cli
from edge_dce.version import VERSION

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "command"
MAN_PAGE = "edge-dce.1"
# Shell -> the name under which it looks for completions.
COMPLETIONS = {"bash": "edge-dce.bash", "fish": "edge-dce.fish", "zsh": "_edge-dce"}
# Lines are broken where they are shown, not here.
_COLUMNS = "10000"


def describe() -> dict[str, str]:
    """Name -> content of every file in FOLDER."""
    os.environ["COLUMNS"] = _COLUMNS
    parser = build_whole_parser()
    mark_paths(parser)
    return {MAN_PAGE: write_man_page(parser)} | {
        name: shtab.complete(parser, shell) for shell, name in COMPLETIONS.items()
    }


def build_whole_parser() -> argparse.ArgumentParser:
    """The parser of `edge-dce`, with those of the programs behind its doors."""
    parser = cli.build_parser()
    find_commands(parser).update(
        live=apps.pi.options.build_parser("edge-dce live"),
        web=apps.photos.options.build_parser("edge-dce web"),
        camera=apps.camera.__main__.build_parser("edge-dce camera"),
        train=training.cli.build_parser("edge-dce train"),
        evaluate=find_commands(training.cli.build_parser("edge-dce"))["evaluate"],
        convert=converters.cli.build_parser("edge-dce convert"),
    )
    return parser


def find_commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Name -> parser of a parser's commands; changing it changes them. Empty for a parser without."""
    return next((action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction)), {})


def mark_paths(parser: argparse.ArgumentParser) -> None:
    """Let shells complete the names of files and folders where a command takes them."""
    for action in list_actions(parser):
        shown = str(action.metavar)
        if "DIR" in shown and "FILE" not in shown:
            action.complete = shtab.DIRECTORY
        elif action.type is Path or any(word in shown for word in ("FILE", "INPUT", "MODEL")):
            action.complete = shtab.FILE


def list_actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """The options and arguments of a parser and of all its commands."""
    yield from parser._actions
    for command in find_commands(parser).values():
        yield from list_actions(command)


def write_man_page(parser: argparse.ArgumentParser) -> str:
    """The page in roff."""
    page = Manpage(parser, format="single-commands-section")
    # The day of the writing would make every page another one.
    page.date, page.source, page.manual, page.description = "", f"edge-dce {VERSION}", "edge-dce", parser.description
    # Text that starts like a request, as in ".keras file", is none.
    return re.sub(r"^(?=\.(?!SH|SS|TH|TP|B |RS|RE)|')", r"\\&", str(page), flags=re.MULTILINE)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in describe().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
