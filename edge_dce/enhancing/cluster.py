"""Many pictures on many machines: Ray Data hands them to worker processes, each of which keeps its network loaded.

Only names travel: each worker reads its pictures and writes the results itself, from and to folders or stores that all
of them see. When a worker dies, another one takes over what it was at. What had been written by then is there already,
so nothing is lost and nothing written twice.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import multiprocessing
import pickle
import socket
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType

from edge_dce.enhancer import load
from edge_dce.enhancing.batch import JobResult
from edge_dce.enhancing.jobs import Job
from edge_dce.enhancing.workers import AUTO, CLIENT, LOCAL, Task, drive
from edge_dce.errors import EdgeDceError, ModelError, describe_unreadable
from edge_dce.files.objects import Place
from edge_dce.files.pictures import DEFAULT_QUALITY
from edge_dce.models.catalog import DEFAULT_MODEL, find_model
from edge_dce.pixels.look import PLAIN, Look
from edge_dce.version import VERSION

# Handed to a worker at a time: small enough to be spread evenly, and few to do again when a worker dies. After that its
# pictures are tried one by one.
_BATCH = 16
_CONNECT_S = 5
# How soon an interruption shows.
_POLL_S = 0.2
# A cluster of this machine ends in two seconds or three.
_GRACE_S = 8


class Cluster:
    """Worker processes of Ray, to be used in `with`.

    Args:
        address: "local" (processes of this machine, which end with the block), "auto", "host:port" or
            "ray://host:port", as `ray.init` takes them.
        model, contract: as `edge_dce.load` takes them. The file is sent to the workers.
        threads: of each worker, which takes as many cores.

    Raises:
        EdgeDceError: Ray is not installed, or nothing answers at the address.
        ModelError, RuntimeMissingError: as `edge_dce.load`.
    """

    def __init__(
        self,
        address: str,
        *,
        model: str | Path = DEFAULT_MODEL,
        threads: int | None = None,
        contract: str | None = None,
    ) -> None:
        self._model = find_model(model)
        self._threads = threads or 1
        self._contract = contract
        self._address = address
        _check_address(address)
        if importlib.util.find_spec("ray") is None:
            raise EdgeDceError("expected Ray for --cluster, found none; run: pip install 'edge-dce[cluster]'")
        # What is wrong with the model shall show here, and not in each worker.
        load(self._model, threads=self._threads, contract=contract).close()
        spawning = multiprocessing.get_context("spawn")
        self._connection, self._far_end = spawning.Pipe()
        # Ray writes to stdout and wants signals for itself, so a process of its own talks to it.
        self._driver = spawning.Process(target=drive, args=(self._far_end, address), daemon=True)
        self._is_connected = False

    def __enter__(self) -> Cluster:
        self._driver.start()
        self._far_end.close()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._connection.close()
        self._driver.terminate()
        self._driver.join(_GRACE_S)
        self._driver.kill()
        self._driver.join()

    def enhance_pictures(
        self,
        jobs: Iterable[Job],
        *,
        look: Look = PLAIN,
        overwrite: bool = False,
        quality: int = DEFAULT_QUALITY,
        on_wait: Callable[[], object] = lambda: None,
    ) -> Iterator[JobResult]:
        """As `edge_dce.enhancing.batch.enhance_pictures`, in any order.

        Args:
            on_wait: called several times a second while no result comes.

        Raises:
            EdgeDceError: the cluster is gone, or its machines cannot do such work.
        """
        task = Task(
            version=VERSION,
            model_name=self._model.name,
            model_data=_read_model(self._model),
            threads=self._threads,
            contract=self._contract,
            look=look,
            overwrite=overwrite,
            quality=quality,
        )
        waiting = dict(enumerate(jobs))
        for size in (_BATCH, 1):
            for number, result in self._run(waiting, task, size, on_wait):
                job = waiting.pop(number, None)
                if job is not None:
                    yield _call_as_named(result, job)
        for job in waiting.values():
            reason = "the workers that took this picture died; look at its size, and at the memory of the machines"
            yield JobResult(job, error=EdgeDceError(f"{job.source}: {reason}"))

    def _run(
        self, jobs: dict[int, Job], task: Task, size: int, on_wait: Callable[[], object]
    ) -> Iterator[tuple[int, JobResult]]:
        """Numbers and results, as they come; those of batches whose workers died over and over do not come."""
        if not jobs:
            return
        items = [{"number": number, "job": pickle.dumps(_make_absolute(job))} for number, job in jobs.items()]
        try:
            if not self._is_connected:
                # Before anything is sent: what does not fit into the pipe would hide why there is no Ray.
                yield from self._receive(on_wait)
                self._is_connected = True
            self._connection.send((items, task, size))
            yield from self._receive(on_wait)
        except (EOFError, OSError) as error:
            raise EdgeDceError(
                f"--cluster {self._address}: lost on the way; what is done is kept: give the same command again"
            ) from error

    def _receive(self, on_wait: Callable[[], object]) -> Iterator[tuple[int, JobResult]]:
        while True:
            while not self._connection.poll(_POLL_S):
                on_wait()
            message = self._connection.recv()
            if isinstance(message, EdgeDceError):
                raise message
            if message is None:
                return
            yield from message


def _check_address(address: str) -> None:
    """Raise EdgeDceError for what is no address of a cluster, or where nothing answers."""
    if address in (LOCAL, AUTO):
        return
    host, separator, port = address.removeprefix(CLIENT).rpartition(":")
    if not (separator and host and port.isdigit()):
        raise EdgeDceError(f"--cluster {address}: expected local, auto, host:port or ray://host:port")
    try:
        socket.create_connection((host, int(port)), timeout=_CONNECT_S).close()
    except (OSError, OverflowError) as error:
        raise EdgeDceError(
            f"--cluster {address}: nothing answers there ({error}); start a cluster with `ray start --head`"
        ) from error


def _read_model(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: {describe_unreadable(error)}") from error


def _make_absolute(job: Job) -> Job:
    """A worker has a folder of its own to be in."""
    return dataclasses.replace(job, source=_resolve(job.source), target=job.target and _resolve(job.target))


def _resolve(place: Place) -> Place:
    return place.absolute() if isinstance(place, Path) else place


def _call_as_named(result: JobResult, job: Job) -> JobResult:
    """The result under the names that the user gave."""
    error = result.error
    if error is not None:
        text = str(error)
        for long, short in ((result.job.target, job.target), (result.job.source, job.source)):
            text = text.replace(str(long), str(short))
        error = type(error)(text)
    return dataclasses.replace(result, job=job, error=error)
