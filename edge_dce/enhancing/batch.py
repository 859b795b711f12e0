"""Many pictures from file to file: the next ones are read and the last ones written while one is enhanced.

Reading and writing run on as many threads as there are cores (Pillow and OpenCV let go of Python's lock), enhancement
on the caller's (an `Enhancer` does one at a time). Where the enhancer has a thread for each core as well, a JPEG is
encoded while it is enhanced: a picture alone is done sooner, and many are as fast either way. Only a few pictures are
in memory at a time, fewer if they are large, and results come in the order of the jobs.
"""

from __future__ import annotations

import dataclasses
import os
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from edge_dce.enhancer import Enhancer
from edge_dce.enhancing.jobs import Job, check_source
from edge_dce.enhancing.picture import enhance_for
from edge_dce.errors import EdgeDceError, ImageError, OutputError
from edge_dce.files.claims import Claims
from edge_dce.files.near_infrared import read_picture_for
from edge_dce.files.objects import ObjectPath, list_objects
from edge_dce.files.output import check_free
from edge_dce.files.pictures import (
    DEFAULT_QUALITY,
    Picture,
    count_pixels,
    write_picture,
)
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
        is_elsewhere: another run is making the target at this moment, and nothing was done.
        error: why there is no result, or None.
        left_out: what of the source is not in the target, by kind, and how often.
    """

    job: Job
    summary: str = ""
    is_present: bool = False
    is_elsewhere: bool = False
    error: EdgeDceError | None = None
    left_out: Counter[str] = dataclasses.field(default_factory=Counter)

    @property
    def is_made(self) -> bool:
        """Whether the target was written."""
        return self.error is None and not self.is_present and not self.is_elsewhere


@dataclasses.dataclass(frozen=True)
class _Work:
    """A job on its way, and the picture in its present state; without one it is over."""

    result: JobResult
    picture: Picture | None = None


def enhance_pictures(
    jobs: Iterable[Job],
    enhancer: Enhancer,
    *,
    look: Look = PLAIN,
    overwrite: bool = False,
    quality: int = DEFAULT_QUALITY,
    threads: int | None = None,
) -> Iterator[JobResult]:
    """Enhance pictures, each to its target. One that fails does not stop the others.

    A target appears when it is whole. One that is there already is left alone, which counts as done for jobs that
    resume, unless `overwrite`. Runs that resume the same jobs at a time share them.

    Args:
        quality: as `edge_dce.write_picture` takes it.
        threads: that read and write; None is one for each core.

    Returns:
        The results, in the order of the jobs; at last those of jobs that another run was doing when their turn came.

    Raises:
        ModelError: the runtime failed.
    """
    cores = count_usable_cores() if threads is None else threads
    pool = ThreadPoolExecutor(cores, thread_name_prefix="edge-dce-files")

    def run_ahead(
        function: Callable[[Item], Result], items: Iterable[Item], weigh_px: Callable[[Item], int]
    ) -> Iterator[Result]:
        return _run_ahead(pool, cores, function, items, weigh_px)

    def enhance_all(jobs: Iterable[Job]) -> Iterator[JobResult]:
        read = run_ahead(
            lambda job: _read(job, overwrite, claims, enhancer.channels), jobs, lambda job: count_pixels(job.source)
        )
        enhanced = (_enhance(work, enhancer, look, quality) for work in read)
        return run_ahead(lambda work: _write(work, overwrite, quality, claims), enhanced, _count_px)

    with Claims() as claims:
        try:
            elsewhere = []
            for result in enhance_all(jobs):
                if result.is_elsewhere:
                    elsewhere.append(result.job)
                else:
                    yield result
            # By now the other run is through with them, or has died over them.
            yield from enhance_all(elsewhere)
        finally:
            pool.shutdown(cancel_futures=True)


def is_done(job: Job, *, overwrite: bool) -> bool:
    """Whether an earlier run did this job, whose target is a file."""
    return job.resumes and not overwrite and isinstance(job.target, Path) and os.path.lexists(job.target)


def find_done(jobs: Iterable[Job], *, overwrite: bool) -> set[Job]:
    """Those that an earlier run did: of results in an object store, by one list of each folder.

    Raises:
        OutputError: a store does not answer, or refuses.
    """
    remote = [job for job in jobs if isinstance(job.target, ObjectPath) and job.resumes and not overwrite]
    folders = dict.fromkeys(job.target.parent for job in remote if isinstance(job.target, ObjectPath))
    present = set().union(*(list_objects(folder) for folder in folders))
    return {job for job in remote if job.target in present} | {job for job in jobs if is_done(job, overwrite=overwrite)}


def begin(job: Job, claims: Claims, *, overwrite: bool) -> JobResult:
    """What is known of a job before any work: nothing, unless it is done, claimed by another run, or cannot be done."""
    if job.target is None:
        raise ValueError(f"{job.source}: expected a job with a target")
    if isinstance(job.target, ObjectPath):
        # The store refuses by itself what is there; to ask it first would be one more request for each picture.
        return JobResult(job)
    if is_done(job, overwrite=overwrite):
        return JobResult(job, is_present=True)
    if job.resumes and not overwrite:
        if not claims.take(job.target):
            return JobResult(job, is_elsewhere=True)
        if is_done(job, overwrite=overwrite):
            # Since we looked.
            claims.give_back(job.target)
            return JobResult(job, is_present=True)
    try:
        if isinstance(job.source, Path):
            check_source(job.source)
        check_free(job.target, overwrite=overwrite)
    except (ImageError, OutputError) as error:
        claims.give_back(job.target)
        return JobResult(job, error=error)
    return JobResult(job)


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


def _read(job: Job, overwrite: bool, claims: Claims, channels: int) -> _Work:
    result = begin(job, claims, overwrite=overwrite)
    if result != JobResult(job):
        return _Work(result)
    try:
        return _Work(result, read_picture_for(job.source, channels))
    except ImageError as error:
        return _Work(JobResult(job, error=error))


def _enhance(work: _Work, enhancer: Enhancer, look: Look, quality: int) -> _Work:
    target = work.result.job.target
    if work.picture is None or target is None:
        return work
    start = time.perf_counter()
    enhanced = enhance_for(target, work.picture, enhancer, look, quality=quality)
    took_ms = (time.perf_counter() - start) * 1e3
    height, width = enhanced.image.shape[:2]
    frames = f"{1 + len(enhanced.animation.further)} frames of " if enhanced.animation is not None else ""
    return _Work(JobResult(work.result.job, f"{frames}{width}x{height} enhanced in {took_ms:.0f} ms"), enhanced)


def _write(work: _Work, overwrite: bool, quality: int, claims: Claims) -> JobResult:
    job = work.result.job
    if job.target is None:
        return work.result
    try:
        if work.picture is None:
            return work.result
        left_out = write_picture(work.picture, job.target, overwrite=overwrite, quality=quality)
        return dataclasses.replace(work.result, left_out=left_out)
    except (ImageError, OutputError) as error:
        # Where claims cannot be made, another run may have been faster, or a worker that died since.
        is_taken = isinstance(error.__cause__, FileExistsError) and job.resumes
        is_present = is_taken or is_done(job, overwrite=overwrite)
        return JobResult(job, is_present=True) if is_present else JobResult(job, error=error)
    finally:
        claims.give_back(job.target)


def _count_px(work: _Work) -> int:
    return work.picture.count_pixels() if work.picture is not None else 0
