"""Attack for as long as it is told to: `python -m tests.attack --minutes 10`."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import sys
import time
from pathlib import Path

from edge_dce.files.output import write_file
from edge_dce.version import VERSION
from tests.attack.kinds import KINDS, start_attack
from tests.attack.record import Record, format_record

# Of one kind, before the next has its turn.
_TURN = 50


def attack(kinds: list[str], seed: int, *, first: int, minutes: float, most: int | None, folder: Path) -> Record:
    """Go round the kinds until the time is up, and keep and print each fault."""
    tried, faults = dict.fromkeys(kinds, 0), dict.fromkeys(kinds, 0)
    end_s = time.monotonic() + 60 * minutes
    with contextlib.ExitStack() as stack:
        attacks = {kind: stack.enter_context(start_attack(kind, seed)) for kind in kinds}
        for kind in itertools.cycle(kinds):
            for _ in range(_TURN):
                if time.monotonic() > end_s or tried[kind] == most:
                    break
                fault = attacks[kind].find_fault(first + tried[kind])
                tried[kind] += 1
                if fault is not None:
                    faults[kind] += 1
                    print(f"{kind} {fault.number}: kept in {fault.keep(folder)}\n{fault.found[-2000:]}\n", flush=True)
            if time.monotonic() > end_s or all(number == most for number in tried.values()):
                break
    return Record(VERSION, seed, minutes, tried, faults)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="default: another one every time")
    parser.add_argument("--kind", action="append", choices=KINDS, help="may be repeated (default: all)")
    parser.add_argument("--case", type=int, metavar="N", help="try this case alone; needs the --seed that it was of")
    parser.add_argument("--keep", type=Path, default=Path("out/attack"), metavar="DIR", help="where faults are kept")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers; replaces an existing file")
    arguments = parser.parse_args()
    kinds = arguments.kind or list(KINDS)
    first, most = (0, None) if arguments.case is None else (arguments.case, 1)
    record = attack(kinds, arguments.seed, first=first, minutes=arguments.minutes, most=most, folder=arguments.keep)
    print(format_record(record))
    if arguments.json:
        write_file(arguments.json, record.to_json().encode(), overwrite=True)
    return 1 if any(record.faults.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
