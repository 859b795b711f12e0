"""Folders of results: one per run or machine, a report per file."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from edge_dce.benchmark.report import Report, read_report
from edge_dce.errors import EdgeDceError
from edge_dce.machine import describe_machine

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
REFERENCE = ROOT / "benchmarks" / "reference"
# Reports of `edge-dce benchmark`, as `run` names them: "venv-1920x1080.json".
REPORTS = "*-[0-9]*x[0-9]*.json"
PEERS = "peers.json"
PIXEL_PATH = "pixel-path.json"
FRAME = "frame.json"
# What processor names carry and nobody says.
_NOISE = re.compile(r"\((?:r|tm)\)|\bprocessor\b|\bcpu\b|@.*|\brev [\d.]+", re.IGNORECASE)


def name_machine(machine: dict[str, Any] | None = None) -> str:
    """A folder's name for a machine as `describe_machine` tells of it (None: of this one).

    "raspberry-pi-5-model-b-4-cores", "intel-xeon-2-cores".
    """
    machine = machine or describe_machine()
    words = re.findall(r"[a-z0-9.]+", _NOISE.sub(" ", str(machine["cpu"])).lower())
    return "-".join([*words, str(machine["cores"]), "cores"])


def read_folder(folder: Path) -> dict[str, Report]:
    """Reports of `edge-dce benchmark` by file name; what else is in the folder is of other kinds.

    Raises:
        EdgeDceError: there is no report in it, or one cannot be read.
    """
    paths = sorted(folder.glob(REPORTS))
    if not paths:
        raise EdgeDceError(f"{folder}: expected results of `python -m benchmarks run`, found none")
    return {path.stem: read_report(path) for path in paths}


def read_peers(folder: Path) -> Report | None:
    """The report of the same networks on other runtimes, where it was measured."""
    return read_report(folder / PEERS) if (folder / PEERS).exists() else None


def read_pixel_path(folder: Path) -> dict[str, Any] | None:
    """What `python -m benchmarks pixel-path` wrote, where it was measured."""
    path = folder / PIXEL_PATH
    try:
        return dict(json.loads(path.read_text())) if path.exists() else None
    except ValueError as error:
        raise EdgeDceError(f"{path}: expected JSON ({error}); measure again") from error


def find_latest() -> Path:
    """The folder of the newest run here, else of the first committed machine.

    Raises:
        EdgeDceError: there is neither.
    """
    folders = [*sorted(RESULTS.glob("*/"), reverse=True), *sorted(REFERENCE.glob("*/"))]
    if not folders:
        raise EdgeDceError(f"{RESULTS}: expected the results of a run, found none; run: python -m benchmarks run")
    return folders[0]
