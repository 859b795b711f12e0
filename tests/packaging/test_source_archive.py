"""The source archive is enough to test the device package."""

import subprocess
from pathlib import Path

import pytest

from edge_dce.version import VERSION
from tests.packaging.conftest import ROOT
from tests.packaging.installation import Installation

# Those that take no time: `make test` has just run all of them on the same files, twice.
ROOMS = ("pixels", "files/formats", "terminal", "test_enhancer.py", "test_compatibility.py")


@pytest.fixture(scope="module")
def unpacked(archives: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    subprocess.run(["tar", "-xzf", archives / f"edge_dce-{VERSION}.tar.gz"], cwd=folder, check=True)
    return folder / f"edge_dce-{VERSION}"


def test_archive_holds_every_tracked_file_but_hidden_ones(unpacked: Path) -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    # A file that was deleted and not committed yet is still listed.
    tracked = [name for name in listed.stdout.splitlines() if (ROOT / name).is_file() and not name.startswith(".")]
    assert [name for name in tracked if not (unpacked / name).is_file()] == []


def test_device_tests_pass_from_the_source_archive(unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    installation = Installation(tmp_path_factory.mktemp("device"))
    installation.install(f"{unpacked}[litert,test]")
    rooms = [f"tests/edge_dce/{room}" for room in ROOMS]
    # Every test can be imported; the quick ones are run.
    for arguments in (["--collect-only", "tests/edge_dce"], rooms):
        child = installation.run("python", "-m", "pytest", "-q", *arguments, cwd=unpacked)
        installation.check(child)
    assert " passed" in child.stdout
