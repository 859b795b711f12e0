"""What an attack tried and found, as docs/reliability.md shows it: `python -m tests.attack.record` prints it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

COMMITTED = Path(__file__).with_name("record.json")
SCHEMA = 1


@dataclasses.dataclass(frozen=True)
class Record:
    """
    Attributes:
        version: of edge-dce.
        tried, faults: by kind.
    """

    version: str
    seed: int
    minutes: float
    tried: dict[str, int]
    faults: dict[str, int]

    def to_json(self) -> str:
        return json.dumps({"schema": SCHEMA} | dataclasses.asdict(self), indent=1) + "\n"


def read_record(path: Path) -> Record:
    """What --json wrote."""
    fields = json.loads(path.read_text())
    del fields["schema"]
    return Record(**fields)


def format_record(record: Record) -> str:
    """One line for each kind."""
    lines = [f"{kind:8}  {tried:7d} tried  {record.faults[kind]:4d} faults" for kind, tried in record.tried.items()]
    return "\n".join([*lines, f"version {record.version}, seed {record.seed}, {record.minutes:g} minutes"])


if __name__ == "__main__":
    print(format_record(read_record(COMMITTED)))
