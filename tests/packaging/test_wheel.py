"""What the wheel holds and says of itself, and what it does where nothing but it is installed."""

import re
import subprocess
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

from edge_dce.terminal.doors import DOORS, Door
from edge_dce.version import VERSION
from tests.packaging.conftest import ROOT
from tests.packaging.installation import Installation

# Import name -> folder: docs/decisions/0017.
FOLDERS = {"edge_dce": "edge_dce"} | {f"edge_dce_{folder}": folder for folder in ("training", "converters", "apps")}
# Tracked beside the modules, and of use in a checkout alone.
CHECKOUT_ONLY = re.compile(r"training/results/.*|apps/camera/android/.*|apps/pi/container/.*|apps/web/.*")
# A wheel of models and text; more would be something that slipped in.
MOST_BYTES = 1_500_000


# Of programs that tell what they take without their extra: something that needs it.
WORK = {
    "train": ("fit", "--data", "dark", "--out", "run"),
    "evaluate": ("run", "--data", "dark"),
    "convert": ("tiny.keras", "--evaluation", "dark", "-o", "models"),
}


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    """Every file of the wheel, without the folder that describes it."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        return message_from_bytes(archive.read(f"edge_dce-{VERSION}.dist-info/METADATA"))


def test_wheel_holds_every_tracked_file_of_its_packages_and_no_other(names: set[str]) -> None:
    expected = set()
    for package, folder in FOLDERS.items():
        listed = subprocess.run(["git", "ls-files", folder], cwd=ROOT, capture_output=True, text=True, check=True)
        for name in listed.stdout.splitlines():
            if (ROOT / name).is_file() and not CHECKOUT_ONLY.fullmatch(name):
                expected.add(package + name.removeprefix(folder))
    assert {name for name in names if ".data/" not in name} == expected


def test_wheel_stays_small(wheel: Path) -> None:
    assert wheel.stat().st_size < MOST_BYTES


def test_description_links_to_nothing_but_other_sites(metadata: Message) -> None:
    assert metadata["Description-Content-Type"] == "text/markdown"
    description = metadata.get_payload()
    assert isinstance(description, str)
    assert "edge-dce enhance" in description
    assert [link for link in re.findall(r"\]\(([^)]*)\)", description) if not re.match("https?://", link)] == []


def test_description_keeps_the_text_of_links_into_the_checkout(metadata: Message) -> None:
    description = str(metadata.get_payload())
    for text, target in re.findall(r"(?<!!)\[([^\]]*)\]\(([^)]*)\)", (ROOT / "README.md").read_text()):
        assert text in description, target


def test_every_extra_of_a_door_is_one_of_the_wheel(metadata: Message) -> None:
    assert {door.extra for door in DOORS.values()} <= set(metadata.get_all("Provides-Extra", []))


def test_names_as_common_as_those_of_the_folders_are_left_to_others(bare: Installation) -> None:
    names = [*FOLDERS, "apps", "converters", "training", "benchmarks", "tests", "setup", "scripts"]
    code = f"import importlib.util as u; print(*(n for n in {names} if u.find_spec(n)))"
    assert bare.check(bare.run("python", "-c", code)).split() == list(FOLDERS)


@pytest.mark.parametrize("door", DOORS.values(), ids=lambda door: door.name)
def test_command_that_is_not_installed_says_in_one_line_what_brings_it(bare: Installation, door: Door) -> None:
    child = bare.run("edge-dce", door.name, *WORK.get(door.name, ()))
    assert (child.returncode, child.stdout) == (1, "")
    start, _, remedy = child.stderr.partition("; run: ")
    assert re.fullmatch(rf"edge-dce: error: expected \w+ for '{door.name}', found none", start)
    assert remedy == f"pip install 'edge-dce[{door.extra}]'\n"


def test_help_needs_no_extra(bare: Installation) -> None:
    shown = bare.check(bare.run("edge-dce", "--help"))
    assert set(DOORS) <= set(shown.split())


@pytest.mark.parametrize("name", WORK)
def test_help_of_the_workshop_needs_no_extra(bare: Installation, name: str) -> None:
    assert bare.check(bare.run("edge-dce", name, "--help")).startswith(f"usage: edge-dce {name} ")


def test_what_needs_a_checkout_says_so_in_one_line(bare: Installation) -> None:
    child = bare.run("python", "-m", "edge_dce_apps.demo", "-o", "folder")
    assert (child.returncode, child.stdout) == (1, "")
    assert re.fullmatch(r"\w+: error: expected a checkout .*\n", child.stderr)


def test_man_finds_the_page_of_the_command(bare: Installation) -> None:
    assert (bare.share / "man" / "man1" / "edge-dce.1").is_file()


@pytest.mark.parametrize(
    "path",
    [
        "bash-completion/completions/edge-dce.bash",
        "fish/vendor_completions.d/edge-dce.fish",
        "zsh/site-functions/_edge-dce",
    ],
)
def test_completions_are_where_the_shell_looks(bare: Installation, path: str) -> None:
    assert (bare.share / path).is_file()
