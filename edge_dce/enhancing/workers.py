"""The processes of a cluster: the one that talks to Ray, and the workers, each of which keeps its network loaded.

Jobs and results travel as bytes that only these processes and `edge_dce.enhancing.cluster` read.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pickle
import re
import tempfile
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from edge_dce.enhancer import load
from edge_dce.enhancing.batch import JobResult, enhance_pictures
from edge_dce.enhancing.jobs import Job
from edge_dce.errors import EdgeDceError, ModelError
from edge_dce.machine import count_usable_cores
from edge_dce.pixels.look import Look
from edge_dce.version import VERSION

LOCAL, AUTO, CLIENT = "local", "auto", "ray://"
# Of a batch whose workers die.
_RETRIES = 2
# Names and counts alone are in it.
_OBJECT_STORE_BYTES = 256 << 20
_SETTINGS = {
    # It would tell its makers of every run, and start a cluster of its own where one has gone.
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_AUTO_CONNECT": "0",
}


@dataclasses.dataclass(frozen=True)
class Task:
    """What every worker is to do with each picture, and the network to do it with."""

    version: str
    model_name: str
    model_data: bytes
    threads: int
    contract: str | None
    look: Look
    overwrite: bool
    quality: int


def drive(connection: Connection, address: str) -> None:
    """The process that talks to Ray: answers each (items, task, size) by lists of (number, result), and None.

    The first None says that it is connected.
    """
    if hasattr(os, "setsid"):
        # Ctrl-C is for the process that was started by hand.
        os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nowhere, descriptor)
    os.environ.update(_SETTINGS)
    # The other end has gone when there is nothing more to be done.
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        try:
            _serve(connection, address)
        except EdgeDceError as error:
            connection.send(error)
        except ImportError as error:
            # Ray without what Ray Data and Ray's client need can be installed too.
            connection.send(
                EdgeDceError(
                    f"expected all of Ray for --cluster ({_tell(error)}); run: pip install 'edge-dce[cluster]'"
                )
            )


def _serve(connection: Connection, address: str) -> None:
    import ray
    import ray.data

    failures = (ray.exceptions.RayError, ConnectionError, RuntimeError, ValueError)
    try:
        _connect(ray, address)
        # Ray Data does not run behind the client of a cluster that this machine is no part of.
        run = _run_there if address.startswith(CLIENT) else _run
        connection.send(None)
        while True:
            for results in run(ray, *connection.recv()):
                connection.send(results)
            connection.send(None)
    except (BrokenPipeError, ConnectionResetError):
        raise
    except failures as error:
        raise EdgeDceError(f"--cluster {address}: {_tell(error)}") from error
    finally:
        ray.shutdown()


def _connect(ray: Any, address: str) -> None:
    settings: dict[str, Any] = {"log_to_driver": False}
    if address == LOCAL:
        settings |= {
            "num_cpus": count_usable_cores(),
            "object_store_memory": _OBJECT_STORE_BYTES,
            "include_dashboard": False,
        }
    try:
        ray.init(address=address, **settings)
    except (ConnectionError, RuntimeError) as error:
        reason = f"{_tell(error)}; if the cluster asks for a token, set RAY_AUTH_MODE=token"
        if address == AUTO and isinstance(error, ConnectionError):
            reason = "no cluster found on this machine; start one with `ray start --head`"
        raise EdgeDceError(f"--cluster {address}: {reason}") from error


def _run(ray: Any, items: Sequence[dict[str, Any]], task: Task, size: int) -> Iterator[list[tuple[int, JobResult]]]:
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    # A batch that kills its workers is no reason to stop the others.
    context.max_errored_blocks = -1
    largest = int(max((node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]), default=0))
    if 0 < largest < task.threads:
        # Ray would wait for such a machine for good.
        raise EdgeDceError(f"expected --threads of at most {largest}, as the largest machine has, found {task.threads}")
    batches = -(-len(items) // size)
    cores = int(ray.cluster_resources().get("CPU", 1))
    dataset = ray.data.from_items(items, override_num_blocks=batches).map_batches(
        Worker,
        fn_constructor_args=(task,),
        batch_size=None,
        compute=ray.data.ActorPoolStrategy(size=max(1, min(batches, cores // task.threads))),
        num_cpus=task.threads,
        max_task_retries=_RETRIES,
    )
    for batch in dataset.iter_batches(batch_size=None, batch_format="numpy"):
        yield [(int(number), pickle.loads(data)) for number, data in zip(batch["number"], batch["result"], strict=True)]


def _run_there(ray: Any, *work: Any) -> Iterator[list[tuple[int, JobResult]]]:
    """As `_run`, on a machine of the cluster."""
    desk = ray.remote(num_cpus=0)(Desk).remote(*work)
    while (results := ray.get(desk.fetch.remote())) is not None:
        yield results


class Desk:
    """Runs on a machine of the cluster, and keeps the results until they are fetched."""

    def __init__(self, items: Sequence[dict[str, Any]], task: Task, size: int) -> None:
        import ray
        import ray.data

        self._results = _run(ray, items, task, size)

    def fetch(self) -> list[tuple[int, JobResult]] | None:
        """The next results; None after the last."""
        return next(self._results, None)


class Worker:
    """One process of the cluster, with its network."""

    def __init__(self, task: Task) -> None:
        if task.version != VERSION:
            raise EdgeDceError(f"expected edge-dce {task.version} on every machine of the cluster, found {VERSION}")
        self._task = task
        with tempfile.TemporaryDirectory(prefix="edge-dce-") as folder:
            path = Path(folder, task.model_name)
            path.write_bytes(task.model_data)
            self._enhancer = load(path, threads=task.threads, contract=task.contract)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        task = self._task
        jobs: list[Job] = [pickle.loads(job) for job in batch["job"]]
        number_of = dict(zip(jobs, batch["number"], strict=True))
        results: list[JobResult] = []
        try:
            results += enhance_pictures(
                jobs, self._enhancer, look=task.look, overwrite=task.overwrite, quality=task.quality, threads=1
            )
        except ModelError as error:
            told = {result.job for result in results}
            results += [JobResult(job, error=error) for job in jobs if job not in told]
        return {
            "number": [number_of[result.job] for result in results],
            "result": [pickle.dumps(result) for result in results],
        }


def _tell(error: BaseException) -> str:
    """The end of what went wrong, where the cause is: Ray writes pages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return re.sub(r"^[\w.]+Error: ", "", lines[-1]) if lines else type(error).__name__
