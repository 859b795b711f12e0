"""Attack for as long as it is told to: `python -m tests.attack --minutes 10`."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import sys
import time
from pathlib import Path

from tests.attack.kinds import KINDS, start_attack

# Of one kind, before the next has its turn.
_TURN = 50


def attack(kinds: list[str], seed: int, *, first: int, seconds: float, most: int | None, folder: Path) -> int:
    """Go round the kinds until the time is up; how many faults were found, each of which is kept and printed."""
    tried, faults = dict.fromkeys(kinds, 0), dict.fromkeys(kinds, 0)
    end_s = time.monotonic() + seconds
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
    for kind in kinds:
        print(f"{kind:8}  {tried[kind]:7d} tried  {faults[kind]:4d} faults")
    print(f"seed {seed}, cases from {first} on")
    return sum(faults.values())


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="default: another one every time")
    parser.add_argument("--kind", action="append", choices=KINDS, help="may be repeated (default: all)")
    parser.add_argument("--case", type=int, metavar="N", help="try this case alone; needs the --seed that it was of")
    parser.add_argument("--keep", type=Path, default=Path("out/attack"), metavar="DIR", help="where faults are kept")
    arguments = parser.parse_args()
    kinds = arguments.kind or list(KINDS)
    first, most = (0, None) if arguments.case is None else (arguments.case, 1)
    seconds = arguments.minutes * 60
    faults = attack(kinds, arguments.seed, first=first, seconds=seconds, most=most, folder=arguments.keep)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
