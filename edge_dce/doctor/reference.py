"""How fast others measured the same on the same processor: medians of committed results of `edge-dce benchmark`.

typical.json holds them, so that the wheel has them too; `python -m scripts.collect_typical` makes it of
benchmarks/reference. Nothing is ever estimated: a processor without results has no reference.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TYPICAL = Path(__file__).with_name("typical.json")
# What has to be the same, besides the model.
_SAME = ("cpu", "runtime", "threads", "size")


def find_end_to_end_ms(trial: dict[str, Any], typical: Path = TYPICAL) -> float | None:
    """The median of a 1080p frame in the results for the same processor, runtime and threads; None without any.

    Cleaning is not in it.
    """
    wanted = [trial["default"]["model"], *(trial[key] for key in _SAME)]
    rows = json.loads(typical.read_text(encoding="utf-8"))
    same = (row for row in rows if [row["model"], *(row[key] for key in _SAME)] == wanted)
    return min((float(row["end_to_end_ms"]) for row in same), default=None)
