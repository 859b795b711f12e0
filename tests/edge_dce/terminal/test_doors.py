"""Commands whose programs live in other packages: `edge-dce live` and its kin."""

import argparse
import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from edge_dce.cli import build_parser, main
from edge_dce.errors import EdgeDceError
from edge_dce.terminal.doors import DOORS, Door

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
def main(argv, *, prog):
    print(prog, argv)
    return 7
"""
# A terminal of the usual size, less the line with the next prompt.
SCREEN_LINES, SCREEN_COLUMNS = 23, 80


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Door:
    """A door whose program prints what it gets and returns 7."""
    (tmp_path / "house.py").write_text(PROGRAM)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "house", raising=False)
    return Door("open", "tell the arguments", program="house", extra="house", needs=("json",))


def test_program_gets_the_rest_of_the_command_line_as_it_is(
    door: Door, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(DOORS, door.name, door)
    rest = ["--help", "-x", "--", "--debug", "enhance"]
    assert main(["open", *rest]) == 7
    assert capfd.readouterr().out == f"edge-dce open {rest}\n"


def test_door_to_one_command_of_a_program_passes_its_name_on(
    door: Door, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(DOORS, door.name, dataclasses.replace(door, is_part=True))
    assert main(["open", "x"]) == 7
    assert capfd.readouterr().out == "edge-dce ['open', 'x']\n"


def test_what_is_missing_is_named_with_the_line_that_brings_it(door: Door) -> None:
    door = dataclasses.replace(door, needs=("json", "no_such_module"))
    with pytest.raises(
        EdgeDceError, match=r"^expected no_such_module for 'open', found none; run: pip install 'edge-dce\[house\]'$"
    ):
        door.open(argparse.Namespace(rest=[]))


def test_program_that_is_missing_itself_is_named(door: Door) -> None:
    door = dataclasses.replace(door, program="no_such_house.door")
    with pytest.raises(EdgeDceError, match="expected no_such_house for 'open'"):
        door.open(argparse.Namespace(rest=[]))


@pytest.mark.parametrize("when", ["", "    "], ids=["at its start", "when it runs"])
def test_what_only_a_part_of_the_program_needs_is_named_too(door: Door, tmp_path: Path, when: str) -> None:
    (tmp_path / "house.py").write_text(f"def main(argv, *, prog):\n    pass\n{when}import no_such_module.part")
    with pytest.raises(EdgeDceError, match=r"expected no_such_module for 'open', found none; run: pip install"):
        door.open(argparse.Namespace(rest=[]))


@pytest.mark.parametrize("code", ["import house.no_such_room", "from json import no_such_name"])
def test_what_breaks_inside_the_program_is_not_called_missing(door: Door, tmp_path: Path, code: str) -> None:
    (tmp_path / "house.py").write_text(code)
    with pytest.raises(EdgeDceError, match=r"broken \(.*no_such.*\); run: edge-dce doctor"):
        door.open(argparse.Namespace(rest=[]))


def test_help_lists_every_command_on_one_screen() -> None:
    command = [sys.executable, "-m", "edge_dce", "--help"]
    environment = os.environ | {"COLUMNS": str(SCREEN_COLUMNS), "NO_COLOR": "1"}
    shown = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    assert len(shown.splitlines()) <= SCREEN_LINES
    commands = [
        "enhance",
        "benchmark",
        "info",
        "models",
        "doctor",
        "live",
        "web",
        "camera",
        "train",
        "evaluate",
        "convert",
    ]
    assert re.findall(r"^    ([a-z]+)  +\S", shown, re.MULTILINE) == commands


def test_every_door_is_a_command_and_its_extra_an_extra() -> None:
    described = (ROOT / "pyproject.toml").read_text()
    for name, door in DOORS.items():
        assert build_parser().parse_args([name]).command == door.open
        assert f"\n{door.extra} = [" in described
