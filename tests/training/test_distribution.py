"""Two workers on one machine learn what one would, and go on after a kill.

The engine is that of KERAS_BACKEND, for this process and for the workers alike.
"""

import contextlib
import dataclasses
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.training.lol_folder import write_lol
from tests.training.train_tiny import TINY
from training import distribution
from training.cli import main
from training.dataset import Batches, Shard
from training.distribution import Team, _pack
from training.fitting import fit
from training.history import read_history
from training.run import STATE_FILES, Run
from training.worker import DistributionError, Worker, meet

ROOT = Path(__file__).resolve().parents[2]
Child = subprocess.Popen[bytes]
# A worker that waits longer than this waits for ever.
PATIENCE_S = 180


@pytest.fixture(scope="module")
def lol(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # Three pictures for validation, which two workers cannot share evenly.
    return write_lol(tmp_path_factory.mktemp("lol"), 43)


@pytest.fixture
def launch(lol: Path) -> Iterator[Callable[[Run, Path], list[Child]]]:
    """Starts two workers on a run, their output in a folder; none outlives the test."""
    started: list[Child] = []

    def start_two(run: Run, logs: Path) -> list[Child]:
        addresses = ",".join(f"127.0.0.1:{port}" for port in find_free_ports(2))
        command = [sys.executable, "-m", "tests.training.train_tiny", "fit", "--data", str(lol)]
        command += ["--recipe", TINY.name, "--out", str(run.folder), "--worker"]
        logs.mkdir()
        for index in range(2):
            with (logs / f"{index}.txt").open("wb") as log:
                started.append(subprocess.Popen([*command, f"{index}/{addresses}"], cwd=ROOT, stdout=log, stderr=log))
        return started[-2:]

    yield start_two
    for worker in started:
        worker.kill()
        worker.wait()


def find_free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as open_sockets:
        sockets = [open_sockets.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def wait_until(happened: Callable[[], bool], workers: list[Child], logs: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        said = "\n".join(log.read_text() for log in sorted(logs.iterdir()))
        assert time.monotonic() < deadline, said
        # A last look, for what a worker said just before its end.
        assert any(worker.poll() is None for worker in workers) or happened(), said
        time.sleep(0.02)


def knows_its_own_name() -> bool:
    try:
        socket.getaddrinfo(socket.gethostname(), None)
    except socket.gaierror:
        return False
    return True


@pytest.mark.skipif(
    keras.backend.backend() == "jax" and not knows_its_own_name(),
    reason="gloo, which connects jax's CPUs, needs a machine whose own name has an address",
)
def test_two_workers_killed_and_started_again_have_the_losses_of_one(
    lol: Path, tmp_path: Path, launch: Callable[[Run, Path], list[Child]]
) -> None:
    alone, shared = Run(tmp_path / "alone"), Run(tmp_path / "shared")
    before, after = tmp_path / "before", tmp_path / "after"
    chief, other = launch(shared, before)
    wait_until(shared.checkpoint_path.exists, [chief, other], before)
    other.kill()
    # The chief must say so, not wait for ever for an answer; jax then takes a minute to end (docs/distributed.md).
    wait_until(lambda: "start all of them again" in (before / "0.txt").read_text(), [chief], before)
    chief.kill()
    assert len(read_history(shared.folder).epochs) < TINY.epochs

    chief, other = launch(shared, after)
    fit(lol, TINY, alone, verbose=0)
    for worker in (chief, other):
        assert worker.wait(PATIENCE_S) == 0, (after / "0.txt").read_text()
    assert f"Epoch 1/{TINY.epochs}" not in (after / "0.txt").read_text()
    one, two = read_history(alone.folder), read_history(shared.folder)
    assert one.epochs == two.epochs == list(range(1, TINY.epochs + 1))
    for part in ("training", "validation"):
        losses, expected = getattr(two, part), getattr(one, part)
        assert losses.keys() == expected.keys()
        for name in expected:
            # The same sums in another order: float32 rounds each by up to 6e-8 of it, and 24 steps of Adam carry it on.
            # History keeps six digits. Losses near zero are differences of means near 0.1, hence the floor.
            assert losses[name] == pytest.approx(expected[name], rel=1e-4, abs=1e-7), name


def test_shards_of_a_batch_together_are_the_batch() -> None:
    low = np.random.default_rng(1).integers(0, 255, (9, 32, 32, 3)).astype(np.uint8)
    (whole,) = Batches(low, low, TINY)[1]
    shards = [Batches(low, low, TINY, shard=Shard(index, 2))[1][0] for index in range(2)]
    assert [len(shard) for shard in shards] == [2, 2]
    np.testing.assert_array_equal(np.concatenate(shards), whole)


@pytest.mark.parametrize("text", ["0", "0/a:1", "2/a:1,b:2", "x/a:1,b:2", "0/a:1,b", "0/a:1,:2"])
def test_worker_that_is_none_is_one_line(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", "--data", str(tmp_path), "--out", str(tmp_path / "run"), "--worker", text]) == 1
    error = capsys.readouterr().err
    assert error.startswith("training: error: --worker: expected INDEX/HOST:PORT,HOST:PORT")
    assert error.count("\n") == 1


def test_worker_knows_its_place() -> None:
    assert Worker.parse("1/a:1,[::1]:2") == Worker(1, ("a:1", "[::1]:2"))


def test_worker_unlike_its_chief_stops(lol: Path, tmp_path: Path) -> None:
    recipe = dataclasses.replace(TINY, epochs=1)
    fit(lol, recipe, Run(tmp_path / "chief"), verbose=0)

    class Second(Team):
        shard = Shard(1, 2)

        def _broadcast(self, content: bytes) -> bytes:
            return _pack(tmp_path / "chief", STATE_FILES)

    mine = Run(tmp_path / "mine")
    with pytest.raises(DistributionError, match=r"found others .*seed 2001, now 7.*; give all workers the same"):
        fit(lol, dataclasses.replace(recipe, seed=7), mine, team=Second())
    with pytest.raises(DistributionError, match=r"found others .*other pictures"):
        fit(write_lol(tmp_path / "other", 42), recipe, mine, team=Second())
    assert not (tmp_path / "mine").exists()


def test_workers_meet_whoever_comes_first() -> None:
    addresses = tuple(f"127.0.0.1:{port}" for port in find_free_ports(3))
    with ThreadPoolExecutor() as pool:
        late = [pool.submit(meet, Worker(index, addresses), patience_s=20) for index in (2, 1)]
        time.sleep(0.1)
        with pytest.raises(DistributionError, match="cannot listen"), socket.create_server(("", 0)) as taken:
            meet(Worker(0, (f"127.0.0.1:{taken.getsockname()[1]}", *addresses[1:])))
        meet(Worker(0, addresses), patience_s=20)
        assert [each.result() for each in late] == [None, None]


@pytest.mark.parametrize(("index", "found"), [(0, r"found none at 1 \(127\.0\.0\.1:"), (1, "start worker 0 there")])
def test_worker_whose_others_do_not_come_gives_up(index: int, found: str) -> None:
    addresses = tuple(f"127.0.0.1:{port}" for port in find_free_ports(2))
    with pytest.raises(DistributionError, match=found):
        meet(Worker(index, addresses), patience_s=0.1)


def test_machine_without_an_address_for_its_name_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "nowhere.invalid")
    with pytest.raises(DistributionError, match=r"own name 'nowhere\.invalid' to have an address"):
        distribution._check_own_name()


def test_batch_that_the_devices_cannot_share_is_an_error(lol: Path, tmp_path: Path) -> None:
    team = Team()
    team.devices = 3
    with pytest.raises(DistributionError, match="3 devices can share evenly, found 4 pictures"):
        fit(lol, TINY, Run(tmp_path / "run"), team=team)
    assert not (tmp_path / "run").exists()
