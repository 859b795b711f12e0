"""A hundred cases of each kind, always the same ones; `make attack` tries others for as long as it is told to."""

import pytest

from tests.attack.kinds import KINDS, start_attack
from tests.attack.record import COMMITTED, format_record, read_record
from tests.documents import ROOT

_SEED, _CASES = 1, 100


@pytest.mark.parametrize("kind", list(KINDS))
def test_nothing_hostile_does_harm(kind: str) -> None:
    if kind == "clips":
        pytest.importorskip("av", reason="clips need PyAV")
    with start_attack(kind, _SEED) as attack:
        faults = [fault for number in range(_CASES) if (fault := attack.find_fault(number)) is not None]
    found = "\n".join(f"{kind} {fault.number} (seed {_SEED}): {fault.found[-1000:]}" for fault in faults)
    assert not faults, found


def test_documented_record_is_the_committed_one() -> None:
    assert format_record(read_record(COMMITTED)) in (ROOT / "docs" / "reliability.md").read_text()
