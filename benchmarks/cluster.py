"""Many small pictures from and to an object store of this machine: workers of a cluster against one process, in turn.

In one of the cluster's runs a worker is killed in the middle. All results are held against those of one process, byte
by byte.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edge_dce.errors import EdgeDceError
from edge_dce.files.pictures import Picture, encode_picture, read_image

BUCKET = "pictures"
SIZE = (640, 480)
# What the plan of the documents is for.
PLANNED = 100_000_000
_PLANNED_CORES = (64, 256, 1024)
_KEYS_PER_LIST = 1000
_ACCESS = {"AWS_ACCESS_KEY_ID": "benchmark", "AWS_SECRET_ACCESS_KEY": "benchmark", "AWS_REGION": "us-east-1"}
_WORKER = b"ray::MapWorker"
_POLL_S, _START_S = 0.05, 60


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of `edge-dce enhance` over all pictures.

    Attributes:
        name: which.
        seconds: from start to end, with everything that a start costs.
        work_s: from the first result to the last.
        counts: as `edge-dce enhance --json` tells them.
        results: objects that were written.
        told: results that the run told of.
        repeated: how often it told of one again.
        identical: results that are byte for byte those of the first run.
        killed: whether a worker was killed in the middle.
    """

    name: str
    seconds: float
    work_s: float
    counts: dict[str, int]
    results: int
    told: int
    repeated: int
    identical: int
    killed: bool = False

    @property
    def rate(self) -> float:
        """Pictures per second, without the start."""
        return self.results / self.work_s


@dataclasses.dataclass(frozen=True)
class ClusterTimes:
    """Runs over the same pictures, in turn."""

    pictures: int
    size: tuple[int, int]
    source_bytes: int
    result_bytes: int
    runs: tuple[Run, ...]

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing, told twice or different in any run."""
        return all(run.results == run.identical == run.told == self.pictures and run.repeated == 0 for run in self.runs)


def measure_cluster(photo: Path, *, pictures: int, rounds: int) -> ClusterTimes:
    """Enhance so many pictures made from `photo` by one process and by a cluster of this machine, in turn.

    Raises:
        EdgeDceError: the extra is missing, or a run failed.
    """
    with _serve() as (endpoint, store):
        environ = os.environ | _ACCESS | {"AWS_ENDPOINT_URL": endpoint}
        source_bytes = _upload(store, photo, pictures)
        runs: list[Run] = []
        plans: list[tuple[str, list[str], bool]] = []
        for number in range(rounds):
            plans += [(f"one-{number}", [], False), (f"cluster-{number}", ["--cluster", "local"], False)]
        plans.append(("cluster-killed", ["--cluster", "local"], True))
        reference: dict[str, str] = {}
        for name, words, kills in plans:
            lines, times = _enhance(name, words, environ, pictures // 3 if kills else None)
            found = _hash_results(store, name)
            reference = reference or found
            runs.append(_make_run(name, lines, times, found, reference, killed=kills))
        result_bytes = sum(entry["Size"] for entry in _list(store, "one-0/"))
    return ClusterTimes(pictures, SIZE, source_bytes, result_bytes, tuple(runs))


def format_cluster(times: ClusterTimes) -> str:
    """A line for each run, the ratios, and whether all is there."""
    lines = [f"{times.pictures} pictures of {times.size[0]}x{times.size[1]}, {times.source_bytes / 1e6:.0f} MB"]
    lines += [
        f"{run.name:<16}{run.seconds:7.1f} s, {run.rate:6.1f} pictures per second once it works; "
        f"{run.results} results, {run.identical} identical, {run.counts}"
        for run in times.runs
    ]
    ratios = [f"{ratio:.2f}" for ratio in find_ratios(times)]
    lines.append(f"cluster / one process: {', '.join(ratios)}; whole: {times.is_whole}")
    return "\n".join(lines)


def find_ratios(times: ClusterTimes) -> list[float]:
    """Of each round, the cluster's rate against that of one process."""
    undisturbed = [run for run in times.runs if not run.killed]
    return [cluster.rate / one.rate for one, cluster in zip(undisturbed[::2], undisturbed[1::2], strict=True)]


def render_cluster(record: dict[str, Any]) -> str:
    """What `python -m benchmarks cluster --json` wrote, as Markdown: a row for each run, and the ratios."""
    times = _read_times(record)
    mean_kb = times.source_bytes / times.pictures / 1e3
    lines = [
        f"{times.pictures} pictures of {times.size[0]}x{times.size[1]}, {mean_kb:.0f} kB each, with the store on "
        f"the same {_count_cores(record)} cores:",
        "",
        "| run | pictures per second | seconds in all | results | the same bytes | enhanced / already there |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for run in times.runs:
        kind = "one process" if run.name.startswith("one") else "two workers" + ", one killed" * run.killed
        counts = f"{run.counts.get('enhanced', 0)} / {run.counts.get('already there', 0)}"
        lines.append(f"| {kind} | {run.rate:.1f} | {run.seconds:.0f} | {run.results} | {run.identical} | {counts} |")
    ratios = " and ".join(f"{ratio:.2f}" for ratio in find_ratios(times))
    return "\n".join([*lines, "", f"The workers' rate is {ratios} times that of one process beside it."])


def render_plan(record: dict[str, Any]) -> str:
    """What `PLANNED` such pictures would take, from the workers' slowest undisturbed run."""
    times = _read_times(record)
    cluster = [run for run in times.runs if run.name.startswith("cluster") and not run.killed]
    core_s = _count_cores(record) / min(run.rate for run in cluster)
    core_hours = PLANNED * core_s / 3600
    read_tb, write_tb = (total / times.pictures * PLANNED / 1e12 for total in (times.source_bytes, times.result_bytes))
    lines = [
        f"- Work: {core_s * 1e3:.1f} ms of one core for each picture, {core_hours:,.0f} core hours in all.",
        f"- Bytes: {read_tb:.1f} TB read, {write_tb:.1f} TB written.",
        f"- Requests: {PLANNED:,} to read, {PLANNED:,} to write, {2 * PLANNED // _KEYS_PER_LIST:,} to list.",
        "",
        "| cores | hours | MB per second, read and written |",
        "| --- | --- | --- |",
    ]
    for cores in _PLANNED_CORES:
        hours = core_hours / cores
        rate_mb = (read_tb + write_tb) * 1e6 / (hours * 3600)
        lines.append(f"| {cores} | {hours:,.1f} | {rate_mb:,.0f} |")
    return "\n".join(lines)


def _read_times(record: dict[str, Any]) -> ClusterTimes:
    facts = record["cluster"]
    return ClusterTimes(**facts | {"size": tuple(facts["size"]), "runs": tuple(Run(**run) for run in facts["runs"])})


def _count_cores(record: dict[str, Any]) -> int:
    return int(record["machine"]["cores"])


@contextlib.contextmanager
def _serve() -> Iterator[tuple[str, Any]]:
    """An object store in a process of its own: its address, and a client."""
    try:
        import boto3
        import moto.server  # noqa: F401
    except ImportError as error:
        raise EdgeDceError("expected moto for an object store, found none; run: make test-cluster") from error
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        endpoint = f"http://127.0.0.1:{port}"
        _wait_for(port)
        store = boto3.client(
            "s3",
            endpoint_url=endpoint,
            aws_access_key_id=_ACCESS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=_ACCESS["AWS_SECRET_ACCESS_KEY"],
            region_name=_ACCESS["AWS_REGION"],
        )
        store.create_bucket(Bucket=BUCKET)
        yield endpoint, store
    finally:
        server.kill()
        server.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + _START_S
    with contextlib.closing(socket.socket()) as probe:
        while probe.connect_ex(("127.0.0.1", port)):
            if time.monotonic() > deadline:
                raise EdgeDceError(f"the object store on port {port} does not start")
            time.sleep(_POLL_S)


def _upload(store: Any, photo: Path, pictures: int) -> int:
    """Put parts of a photo with noise of their own, each another one; their bytes."""
    image = cv2.resize(read_image(photo), (2 * SIZE[0], 2 * SIZE[1]), interpolation=cv2.INTER_AREA)
    total = 0
    for number in range(pictures):
        random = np.random.default_rng(number)
        left, top = random.integers(0, SIZE[0]), random.integers(0, SIZE[1])
        part = image[top : top + SIZE[1], left : left + SIZE[0]] + random.normal(0, 3, (SIZE[1], SIZE[0], 3))
        data = encode_picture(Picture(np.clip(part, 0, 255).astype(np.uint8)), ".jpg")
        store.put_object(Bucket=BUCKET, Key=f"dark/{number // 500}/{number:06}.jpg", Body=data)
        total += len(data)
    return total


def _enhance(
    name: str, words: list[str], environ: dict[str, str], kill_after: int | None
) -> tuple[list[dict[str, Any]], list[float]]:
    """What `edge-dce enhance --json` says, and when: at its start, at each line, at its end."""
    command = [sys.executable, "-m", "edge_dce", "enhance", "-r", f"s3://{BUCKET}/dark", "-o", f"s3://{BUCKET}/{name}"]
    times = [time.perf_counter()]
    lines = []
    with subprocess.Popen([*command, "--json", *words], env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            times.append(time.perf_counter())
            lines.append(json.loads(line))
            if len(lines) == kill_after:
                os.kill(find_workers(process.pid)[0], signal.SIGKILL)
    times.append(time.perf_counter())
    if process.returncode:
        raise EdgeDceError(f"{name}: edge-dce enhance ended with status {process.returncode}; see above")
    return lines, times


def find_workers(ancestor: int) -> list[int]:
    """The processes below one that hold a network, as the system's table of processes tells."""
    parents, workers = {}, []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            status = (folder / "stat").read_text().rpartition(")")[2].split()
            parents[int(folder.name)] = int(status[1])
            if (folder / "cmdline").read_bytes().startswith(_WORKER):
                workers.append(int(folder.name))

    def descends(process: int) -> bool:
        while process > 1 and process != ancestor:
            process = parents.get(process, 0)
        return process == ancestor

    found = sorted(filter(descends, workers))
    if not found:
        raise EdgeDceError("expected workers of the cluster, found none to kill")
    return found


def _list(store: Any, prefix: str) -> list[dict[str, Any]]:
    pages = store.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
    return [entry for page in pages for entry in page.get("Contents", [])]


def _hash_results(store: Any, name: str) -> dict[str, str]:
    """Of each result, by its key without the run's name: what it holds, shortened. A store's tags are not trusted."""
    keys = [entry["Key"] for entry in _list(store, f"{name}/")]
    return {
        key.removeprefix(f"{name}/"): hashlib.sha256(
            store.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        ).hexdigest()
        for key in keys
    }


def _make_run(
    name: str,
    lines: list[dict[str, Any]],
    times: list[float],
    found: dict[str, str],
    reference: dict[str, str],
    *,
    killed: bool,
) -> Run:
    told = [line["target"] for line in lines if line.get("status") in ("enhanced", "already there")]
    return Run(
        name=name,
        seconds=times[-1] - times[0],
        # The last line holds the counts.
        work_s=times[-3] - times[1],
        counts=lines[-1]["counts"],
        results=len(found),
        told=len(set(told)),
        repeated=len(told) - len(set(told)),
        identical=sum(reference.get(key) == value for key, value in found.items()),
        killed=killed,
    )
