"""What the command line says about itself."""

import pytest

from training.cli import build_parser

SCREEN_COLUMNS, SCREEN_LINES = 80, 24


def test_list_of_commands_fits_on_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(SCREEN_COLUMNS))
    lines = build_parser().format_help().splitlines()
    assert len(lines) <= SCREEN_LINES
    assert max(map(len, lines)) <= SCREEN_COLUMNS
