"""The kinds of attack, and how one case of each is made, tried and kept."""

from __future__ import annotations

import contextlib
import dataclasses
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from tests.apps.pi.running_camera import RunningCamera, run_camera
from tests.attack import attempt, clips, http_requests, models, pictures
from tests.attack.case import Case

KINDS = ("pictures", "clips", "models", "cards", "http")
_MAKERS = {
    "pictures": (pictures.make_seeds, pictures.make_case),
    "clips": (clips.make_seeds, clips.make_case),
    "models": (models.make_seeds, models.make_model_case),
    "cards": (models.make_seeds, models.make_card_case),
}
# The server keeps what its buffers and caches have grown to.
_MOST_GROWTH_BYTES = 150 * 1024 * 1024
_GROWTH_EVERY = 500


@dataclasses.dataclass(frozen=True)
class Fault:
    """
    Attributes:
        files: what was tried, by name.
        found: what came of it.
    """

    kind: str
    seed: int
    number: int
    files: dict[str, bytes]
    found: str

    def keep(self, folder: Path) -> Path:
        """Write the files to a folder of their own, which is returned."""
        target = folder / f"{self.kind}-{self.seed}-{self.number}"
        target.mkdir(parents=True, exist_ok=True)
        for name, data in (self.files | {"found.txt": self.found.encode("utf-8", "backslashreplace")}).items():
            (target / name).write_bytes(data)
        return target


class Attack(Protocol):
    """Tries one case after the other."""

    def find_fault(self, number: int) -> Fault | None:
        """What case `number` does that it should not."""


@contextlib.contextmanager
def start_attack(kind: str, seed: int) -> Iterator[Attack]:
    if kind == "http":
        flags = ("--token", http_requests.TOKEN, "--fps", "60")
        with run_camera(*flags) as guarded, run_camera("--fps", "60") as open_to_all:
            yield _ServerAttack(seed, (guarded, open_to_all))
    else:
        with attempt.Victim() as victim:
            yield _FileAttack(kind, seed, victim)


def _make_chance(kind: str, seed: int, number: int) -> random.Random:
    return random.Random(f"{seed}:{kind}:{number}")


class _FileAttack:
    def __init__(self, kind: str, seed: int, victim: attempt.Victim) -> None:
        self._kind, self._seed, self._victim = kind, seed, victim
        make_seeds, self._make_case = _MAKERS[kind]
        self._seeds = make_seeds()

    def find_fault(self, number: int) -> Fault | None:
        case: Case = self._make_case(self._seeds, _make_chance(self._kind, self._seed, number))
        found = attempt.find_fault(case, self._victim)
        if found is None:
            return None
        return Fault(self._kind, self._seed, number, case.files, f"edge-dce {' '.join(case.argv)}\n{found}")


class _ServerAttack:
    def __init__(self, seed: int, cameras: tuple[RunningCamera, ...]) -> None:
        self._seed, self._cameras = seed, cameras
        self._first_bytes: dict[int, int] = {}

    def find_fault(self, number: int) -> Fault | None:
        chance = _make_chance("http", self._seed, number)
        camera = chance.choice(self._cameras)
        request = http_requests.make_request(chance)
        found = http_requests.find_fault(request, camera, chance) or self._find_growth(number, camera)
        return Fault("http", self._seed, number, {"request.bin": request}, found) if found else None

    def _find_growth(self, number: int, camera: RunningCamera) -> str | None:
        if number % _GROWTH_EVERY != _GROWTH_EVERY - 1:
            return None
        now_bytes = camera.stats(http_requests.TOKEN)["system"]["rss_bytes"]
        first_bytes = self._first_bytes.setdefault(camera.port, now_bytes)
        growth_bytes = now_bytes - first_bytes
        return f"memory grew by {growth_bytes >> 20} MB" if growth_bytes > _MOST_GROWTH_BYTES else None
