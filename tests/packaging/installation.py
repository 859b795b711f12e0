"""Environments that hold nothing of this checkout, into which its archives are installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

# What would let a child see this checkout, or this environment's packages.
_HIDDEN = ("PYTHONPATH", "PYTHONHOME", "PYTHONSAFEPATH", "VIRTUAL_ENV")


class Installation:
    """A virtual environment, and a folder outside any checkout in which its programs run.

    Attributes:
        folder: where programs run.
        environ: of the programs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "work"
        self.folder.mkdir()
        self._venv = folder / "venv"
        subprocess.run([sys.executable, "-m", "venv", self._venv], check=True)
        self.environ = {name: value for name, value in os.environ.items() if name not in _HIDDEN} | {
            "PATH": f"{self._venv / 'bin'}:{os.environ['PATH']}",
            "NO_COLOR": "1",
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }

    @property
    def bin(self) -> Path:
        """Where the programs are."""
        return self._venv / "bin"

    @property
    def share(self) -> Path:
        """Where man pages and completions are."""
        return self._venv / "share"

    def install(self, *requirements: str) -> None:
        """Install by pip."""
        self.check(self.run("pip", "install", "--quiet", "--disable-pip-version-check", *requirements))

    def run(self, program: str, *arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run one of its programs, or that at an absolute path, to the end."""
        command: list[str | Path] = [self.bin / program, *arguments]
        return subprocess.run(command, cwd=cwd or self.folder, env=self.environ, capture_output=True, text=True)

    @staticmethod
    def check(child: subprocess.CompletedProcess[str]) -> str:
        """What a program printed that must succeed."""
        assert child.returncode == 0, f"{child.args}:\n{child.stdout}\n{child.stderr}"
        return child.stdout
