"""The parser of every command line: wrong usage is told in one line, which says what to do.

Imports the standard library alone, as `edge-dce doctor` does.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from edge_dce.terminal.console import say
from edge_dce.terminal.suggestions import find_alike

# A message that holds one of these says already what is expected.
_ADVISING = ("; ", ", found ", "(choose from ")
# A shorter word of one dash is a letter and its value, or two letters.
_LEAST_WORD = 3
_HELP = ("-h", "--help")


class CommandParser(argparse.ArgumentParser):
    """An ArgumentParser, its commands' parsers too, without the usage above an error and with a hint at a misspelling.

    It leaves no words to others: `parse_known_args`, which parsers of commands are called by, knows all or exits.
    Messages show no value of an unknown option, nor an address, which may hold a password.
    """

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> tuple[Any, list[str]]:  # type: ignore[override]
        """As of an ArgumentParser; exits with status 2 for words that it does not know."""
        words = list(sys.argv[1:] if args is None else args)
        self._check(words)
        known, rest = super().parse_known_args(words, namespace)
        for word in rest:
            if word != "--":
                self._refuse(word)
        return known, []

    def error(self, message: str) -> NoReturn:
        """Say on one line what is wrong, and exit with status 2."""
        advice = "" if any(text in message for text in _ADVISING) else f"; see: {self.prog} --help"
        self._stop(f"{message}{advice}")

    def _check(self, words: Sequence[str]) -> None:
        """Refuse what argparse would not name, or take for something else."""
        commands = self._list_commands()
        if any(word in _HELP for word in words):
            return
        for word in words:
            if word == "--":
                return
            if _is_option(word):
                if not self._knows(word):
                    self._refuse(word)
            elif commands:
                # What follows is for the parser of the command.
                if word not in commands:
                    self._suggest(f"unknown command '{word}'", word, commands)
                return

    def _refuse(self, word: str) -> NoReturn:
        if not _is_option(word):
            shown = "an address" if ":" in word or "@" in word else f"'{word}'"
            self._stop(f"unexpected argument: {shown}; see: {self.prog} --help")
        name = word.partition("=")[0]
        self._suggest(f"unknown option '{name}'", name, [option for option in self._list_options() if option[1] == "-"])

    def _suggest(self, fault: str, word: str, candidates: Sequence[str]) -> NoReturn:
        names = {candidate.lstrip("-"): candidate for candidate in candidates}
        bare = word.lstrip("-")
        near: list[str] = []
        # A letter alone is near to anything.
        if len(bare) >= _LEAST_WORD:
            near = find_alike(bare, names)
        hint = f"did you mean {names[near[0]]}? " if near else ""
        self._stop(f"{fault}; {hint}see: {self.prog} --help")

    def _knows(self, word: str) -> bool:
        name = word.partition("=")[0]
        options = list(self._list_options())
        if name in options:
            return True
        if word.startswith("--"):
            return self.allow_abbrev and any(option.startswith(name) for option in options)
        # "-output x" would be read as "-o utput".
        is_long = len(name) > _LEAST_WORD and any(option.startswith(f"-{name}") for option in options)
        return not is_long and name[:2] in options

    def _list_options(self) -> Iterator[str]:
        for action in self._actions:
            yield from action.option_strings

    def _list_commands(self) -> list[str]:
        actions = [action for action in self._actions if isinstance(action, argparse._SubParsersAction)]
        return [name for action in actions for name in action.choices]

    def _stop(self, message: str) -> NoReturn:
        say(f"{self.prog}: error: {message}")
        self.exit(2)


def _is_option(word: str) -> bool:
    """As argparse judges: not "-", which is a pipe, no negative number, and no name with a space in it."""
    return len(word) > 1 and word[0] == "-" and word[1] not in ".0123456789" and " " not in word.partition("=")[0]
