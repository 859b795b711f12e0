"""The source archive is enough to test the device package."""

import subprocess
from pathlib import Path

import pytest

from edge_dce.version import VERSION
from tests.packaging.installation import Installation

# Timings, and two hundred damaged models: as much time again as all the rest.
LEFT_OUT = ("tests/edge_dce/benchmark", "tests/edge_dce/models/test_damaged_models.py")


@pytest.fixture(scope="module")
def unpacked(archives: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    subprocess.run(["tar", "-xzf", archives / f"edge_dce-{VERSION}.tar.gz"], cwd=folder, check=True)
    return folder / f"edge_dce-{VERSION}"


def test_device_tests_pass_from_the_source_archive(unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    installation = Installation(tmp_path_factory.mktemp("device"))
    installation.install(f"{unpacked}[litert,test]")
    options = [f"--ignore={path}" for path in LEFT_OUT]
    child = installation.run("python", "-m", "pytest", "-q", "tests/edge_dce", *options, cwd=unpacked)
    assert " passed" in installation.check(child)
