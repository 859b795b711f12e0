"""Collect what `edge-dce doctor` calls typical, from committed results: `python -m scripts.collect_typical`."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edge_dce.doctor.reference import TYPICAL
from edge_dce.models.catalog import DEFAULT_MODEL

RESULTS = Path(__file__).resolve().parents[1] / "benchmarks" / "reference"
# What the doctor measures with: other runtimes are there to compare with.
_RUNTIMES = ("ai-edge-litert", "tflite-runtime")
_KEPT = ("model", "runtime", "threads", "size")


def collect(results: Path = RESULTS) -> str:
    """The content of typical.json: a row for each result of the default model on a processor."""
    rows = [row for path in sorted(results.glob("*/*.json")) for row in _read_rows(path)]
    return "[\n" + ",\n".join(f" {json.dumps(row)}" for row in rows) + "\n]\n"


def _read_rows(path: Path) -> Iterator[dict[str, Any]]:
    report = json.loads(path.read_text(encoding="utf-8"))
    # Results of another kind lie beside those of `edge-dce benchmark`.
    found = report.get("results", [])
    for result in found if isinstance(found, list) else []:
        if result["model"] == DEFAULT_MODEL and result["runtime"] in _RUNTIMES and "end_to_end_ms" in result:
            median_ms = statistics.median(result["end_to_end_ms"]["values"])
            kept = {key: result[key] for key in _KEPT}
            yield {"cpu": report["machine"]["cpu"], **kept, "end_to_end_ms": round(median_ms, 3)}


def main() -> None:
    TYPICAL.write_text(collect(), encoding="utf-8")


if __name__ == "__main__":
    main()
