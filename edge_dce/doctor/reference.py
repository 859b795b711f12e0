"""How fast others measured the same on the same processor: committed results of `edge-dce benchmark`.

They come with a checkout, which is what a board is installed from, and are not in the wheel. Nothing is ever estimated:
a processor without results has no reference.
"""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

_RESULTS = Path(__file__).resolve().parent.parent.parent / "benchmarks" / "reference"
# What has to be the same, besides model and processor.
_SAME = ("runtime", "threads", "size")


def find_end_to_end_ms(trial: dict[str, Any], results: Path = _RESULTS) -> float | None:
    """The median of a 1080p frame in the results for the same processor, runtime and threads; None without any.

    Cleaning is not in it.
    """
    return min((ms for path in sorted(results.glob("*/*.json")) for ms in _read_medians_ms(path, trial)), default=None)


def _read_medians_ms(path: Path, trial: dict[str, Any]) -> list[float]:
    wanted = [trial["default"]["model"], *(trial[key] for key in _SAME)]
    try:
        report = json.loads(path.read_text())
        if report["machine"]["cpu"] != trial["cpu"]:
            return []
        return [
            statistics.median(result["end_to_end_ms"]["values"])
            for result in report["results"]
            if [result["model"], *(result[key] for key in _SAME)] == wanted
        ]
    except (OSError, ValueError, KeyError, TypeError):
        # Results of another kind lie beside them.
        return []
