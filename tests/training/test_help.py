"""What the command line says about itself."""

import pytest

from training.cli import build_parser

SCREEN_COLUMNS, SCREEN_LINES = 80, 24


def test_list_of_commands_fits_on_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(SCREEN_COLUMNS))
    lines = build_parser().format_help().splitlines()
    assert len(lines) <= SCREEN_LINES
    assert max(map(len, lines)) <= SCREEN_COLUMNS


@pytest.mark.parametrize(
    ("command", "takes_panoramas"), [("fit", True), ("sweep", True), ("split", False), ("evaluate", False)]
)
def test_kinds_of_data_are_those_that_the_command_takes(
    command: str, takes_panoramas: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args([command, "--help"])
    kinds = " ".join(capsys.readouterr().out.split()).partition("Kinds, see docs/training.md:")[2].partition(" -")[0]
    assert "photos, video" in kinds
    assert ("panoramas" in kinds) == takes_panoramas


def test_count_that_is_none_says_what_was_expected(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args(["fit", "--epochs", "x"])
    assert "--epochs: expected a whole number, found 'x'" in capsys.readouterr().err
