"""Many pictures from file to file: the next ones are read and the last ones written while one is enhanced.

Reading and writing run on as many threads as there are cores (Pillow and OpenCV let go of Python's lock), enhancement
on the caller's (an `Enhancer` belongs to one thread). Only a few pictures are in memory at a time, fewer if they are
large, and results come in the order of the jobs.
"""

from __future__ import annotations

import dataclasses
import os
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from edge_dce.enhancer import Enhancer
from edge_dce.enhancing.jobs import Job
from edge_dce.enhancing.picture import enhance_picture
from edge_dce.errors import EdgeDceError, ImageError, OutputError
from edge_dce.files.output import check_free
from edge_dce.files.pictures import Picture, count_pixels, list_left_out, read_picture, write_picture
from edge_dce.machine import count_usable_cores
from edge_dce.pixels.look import PLAIN, Look

# On each side of the enhancer, per core: with two, a 12-megapixel photo waits while another is enhanced, and one more
# is written: about 40 MB each.
_AHEAD_PX_PER_CORE = 8_000_000

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclasses.dataclass(frozen=True)
class JobResult:
    """What became of a job.

    Attributes:
        summary: what was done, for people; empty where nothing was.
        is_present: the target was there already, and nothing was done.
        error: why there is no result, or None.
        left_out: what of the source is not in the target, by kind, and how often.
    """

    job: Job
    summary: str = ""
    is_present: bool = False
    error: EdgeDceError | None = None
    left_out: Counter[str] = dataclasses.field(default_factory=Counter)


@dataclasses.dataclass(frozen=True)
class _Work:
    """A job on its way, and the picture in its present state; without one it is over."""

    result: JobResult
    picture: Picture | None = None


def enhance_pictures(
    jobs: Iterable[Job], enhancer: Enhancer, *, look: Look = PLAIN, overwrite: bool = False
) -> Iterator[JobResult]:
    """Enhance pictures, each to its target. One that fails does not stop the others.

    A target appears when it is whole. One that is there already is left alone, which counts as done for jobs that
    resume, unless `overwrite`.

    Returns:
        The results, in the order of the jobs.

    Raises:
        ModelError: the runtime failed.
    """
    cores = count_usable_cores()
    pool = ThreadPoolExecutor(cores, thread_name_prefix="edge-dce-files")

    def run_ahead(
        function: Callable[[Item], Result], items: Iterable[Item], weigh_px: Callable[[Item], int]
    ) -> Iterator[Result]:
        return _run_ahead(pool, cores, function, items, weigh_px)

    try:
        read = run_ahead(lambda job: _read(job, overwrite), jobs, lambda job: count_pixels(job.source))
        enhanced = (_enhance(work, enhancer, look) for work in read)
        yield from run_ahead(lambda work: _write(work, overwrite), enhanced, _count_px)
    finally:
        pool.shutdown(cancel_futures=True)


def is_done(job: Job, *, overwrite: bool) -> bool:
    """Whether an earlier run did this job."""
    return job.resumes and not overwrite and job.target is not None and os.path.lexists(job.target)


def _run_ahead(
    pool: ThreadPoolExecutor,
    cores: int,
    function: Callable[[Item], Result],
    items: Iterable[Item],
    weigh_px: Callable[[Item], int],
) -> Iterator[Result]:
    """Like `map`, but the pool works on the next items already, as far as their pixels do not add up to too many."""
    pending: deque[tuple[int, Future[Result]]] = deque()
    for item in items:
        size_px = weigh_px(item)
        while pending and (
            len(pending) > cores or size_px + sum(waiting_px for waiting_px, _ in pending) > cores * _AHEAD_PX_PER_CORE
        ):
            yield pending.popleft()[1].result()
        pending.append((size_px, pool.submit(function, item)))
    while pending:
        yield pending.popleft()[1].result()


def _read(job: Job, overwrite: bool) -> _Work:
    if job.target is None:
        raise ValueError(f"{job.source}: expected a job with a target")
    if is_done(job, overwrite=overwrite):
        return _Work(JobResult(job, is_present=True))
    try:
        check_free(job.target, overwrite=overwrite)
        picture = read_picture(job.source)
    except (ImageError, OutputError) as error:
        return _Work(JobResult(job, error=error))
    return _Work(JobResult(job), picture)


def _enhance(work: _Work, enhancer: Enhancer, look: Look) -> _Work:
    if work.picture is None:
        return work
    start = time.perf_counter()
    enhanced = enhance_picture(work.picture, enhancer, look)
    took_ms = (time.perf_counter() - start) * 1e3
    height, width = enhanced.image.shape[:2]
    frames = f"{1 + len(enhanced.animation.further)} frames of " if enhanced.animation is not None else ""
    return _Work(JobResult(work.result.job, f"{frames}{width}x{height} enhanced in {took_ms:.0f} ms"), enhanced)


def _write(work: _Work, overwrite: bool) -> JobResult:
    target = work.result.job.target
    if work.picture is None or target is None:
        return work.result
    try:
        left_out = list_left_out(work.picture, target.suffix)
        write_picture(work.picture, target, overwrite=overwrite)
    except (ImageError, OutputError) as error:
        return JobResult(work.result.job, error=error)
    return dataclasses.replace(work.result, left_out=left_out)


def _count_px(work: _Work) -> int:
    return work.picture.count_pixels() if work.picture is not None else 0
