"""The README's commands and code run as they stand."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from edge_dce.cli import main

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
SAMPLE = ROOT / "docs" / "pictures" / "night-launch.jpg"


def read_blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def list_commands(program: str) -> list[str]:
    return [line for block in read_blocks("sh") for line in block.splitlines() if line.startswith(program)]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    # Here, because it skips the test where there is no PyAV.
    from tests.edge_dce.enhancing.clips import write_clip

    return write_clip(tmp_path / "clip.mp4")


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    shutil.copy(SAMPLE, tmp_path / "night.jpg")
    (tmp_path / "photos").mkdir()
    shutil.copy(SAMPLE, tmp_path / "photos" / "one.jpg")
    if "clip.mp4" in request.node.name:
        request.getfixturevalue("clip")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("line", list_commands("edge-dce "))
def test_command_of_the_readme_succeeds(line: str, photos: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    words = shlex.split(line.partition("#")[0].partition(">")[0])
    assert main(words[1:]) == 0


def test_python_of_the_readme_runs(photos: Path) -> None:
    for block in read_blocks("python"):
        exec(compile(block, "README.md", "exec"), {})
    assert (photos / "night-bright.jpg").exists()


def test_two_commands_come_first_and_exist() -> None:
    first = [line.split()[1] for line in list_commands("make ")][:2]
    assert first == ["demo", "test"]
    targets = re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(first) <= set(targets)
    assert README.index("make demo") < README.index("edge-dce enhance")


def test_files_that_the_readme_links_are_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("https://") or (ROOT / target).exists(), target
