"""The man page and the completions of the command: up to date, and understood by those who read them."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.describe_command import COMPLETIONS, FOLDER, MAN_PAGE, build_whole_parser, describe, find_commands

COMPLETE = """
source "$1"; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
"$(complete -p edge-dce | sed 's/.*-F \\([^ ]*\\).*/\\1/')"
printf '%s\\n' "${COMPREPLY[@]}"
"""


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"needs {program}")


def complete(*words: str) -> list[str]:
    """What bash offers where the last of `words` is being typed."""
    command: list[str | Path] = ["bash", "-c", COMPLETE, "bash", FOLDER / COMPLETIONS["bash"], *words]
    child = subprocess.run(command, capture_output=True, text=True, check=True)
    assert child.stderr == ""
    return child.stdout.split()


# Before Python 3.11 argparse adds to the help of a switch what it is by default.
@pytest.mark.skipif(sys.version_info < (3, 11), reason="written by Python 3.11 or later")
@pytest.mark.parametrize("name", [MAN_PAGE, *COMPLETIONS.values()])
def test_file_is_what_the_parsers_say(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # `describe` sets it for good.
    monkeypatch.setenv("COLUMNS", "80")
    assert (FOLDER / name).read_text(encoding="utf-8") == describe()[name], "run: make command-files"


@needs("groff")
def test_man_page_is_typeset_without_warnings() -> None:
    command: list[str | Path] = ["groff", "-man", "-Tutf8", "-ww", FOLDER / MAN_PAGE]
    child = subprocess.run(command, capture_output=True, text=True, check=True)
    assert child.stderr == ""
    shown = re.sub(r".\x08|\x1b\[\d*m", "", child.stdout)
    for name, command_parser in find_commands(build_whole_parser()).items():
        assert f"edge-dce {name}" in shown
        for inner in find_commands(command_parser):
            assert f"edge-dce {name} {inner}" in shown


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["edge-dce", "enh"], ["enhance"]),
        (["edge-dce", "live", "--so"], ["--source"]),
        (["edge-dce", "train", "fit", "--rec"], ["--recipe"]),
        (["edge-dce", "evaluate", "--spl"], ["--split"]),
        (["edge-dce", "convert", "--precision", "fl"], ["float32", "float16"]),
    ],
)
def test_bash_completes_commands_options_and_choices(words: list[str], offered: list[str]) -> None:
    assert complete(*words) == offered


def test_bash_completes_names_of_files(tmp_path: Path) -> None:
    (tmp_path / "night.jpg").touch()
    assert complete("edge-dce", "enhance", f"{tmp_path}/ni") == [f"{tmp_path}/night.jpg"]


@pytest.mark.parametrize("shell", [pytest.param(shell, marks=needs(shell)) for shell in COMPLETIONS])
def test_completion_is_a_valid_script(shell: str) -> None:
    child = subprocess.run([shell, "-n", FOLDER / COMPLETIONS[shell]], capture_output=True, text=True)
    assert (child.returncode, child.stderr) == (0, "")
