"""Both archives, made from the tracked files alone."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.installation import Installation

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source archive and the wheel, which is built from the unpacked source archive."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode != 0:
        pytest.skip("needs a git checkout")
    sources = tmp_path_factory.mktemp("sources")
    for name in filter(None, listed.stdout.split("\0")):
        # A file that was deleted and not committed yet is still listed.
        if (ROOT / name).is_file():
            (sources / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, sources / name)
    folder = tmp_path_factory.mktemp("archives")
    command: list[str | Path] = [sys.executable, "-m", "build", "--outdir", folder, sources]
    Installation.check(subprocess.run(command, capture_output=True, text=True))
    return folder


@pytest.fixture(scope="session")
def wheel(archives: Path) -> Path:
    (wheel,) = archives.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The wheel without any extra."""
    installation = Installation(tmp_path_factory.mktemp("bare"))
    installation.install(str(wheel))
    return installation
