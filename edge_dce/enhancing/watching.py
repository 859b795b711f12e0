"""Folders that pictures come into, one after the other, until somebody ends it.

Folders are listed again and again: what a network drive holds changes without a message to this machine. A file that is
still being written grows between two looks, so one is taken when it looked the same twice.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence

from edge_dce.enhancer import Enhancer
from edge_dce.enhancing.account import Account
from edge_dce.enhancing.execution import JobOptions, do_jobs
from edge_dce.enhancing.interruption import Interruption
from edge_dce.enhancing.jobs import Job, Plan
from edge_dce.errors import EdgeDceError, ImageError, OutputError
from edge_dce.files.objects import ObjectPath, Place
from edge_dce.terminal.console import complain

_PAUSE_S = 1.0
# Of the time: listing a large folder, or one on a slow drive, takes no more than a tenth of it.
_REST = 9
# When a file was changed, its size, and which file it is: one that is renamed over another is another.
_Stamp = tuple[int, int, int]


class Arrivals:
    """Tells which of the jobs, listed again and again, are due."""

    def __init__(self) -> None:
        self._seen: dict[Place, _Stamp] = {}
        self._taken: dict[Place, _Stamp] = {}

    def take(self, jobs: Sequence[Job]) -> tuple[list[Job], list[Job]]:
        """The jobs whose source is new and whole, and those whose source has changed since its result was made."""
        stamps = {job.source: stamp for job in jobs if (stamp := _read_stamp(job.source)) is not None}
        steady = {source: stamp for source, stamp in stamps.items() if self._seen.get(source) == stamp}
        due = [job for job in jobs if job.source in steady and self._taken.get(job.source) != steady[job.source]]
        old = {job.source for job in due if job.source in self._taken or _is_stale(job, steady[job.source])}
        self._seen = stamps
        # Of files that are gone nothing is kept.
        self._taken = {source: self._taken[source] for source in stamps if source in self._taken}
        self._taken.update((job.source, steady[job.source]) for job in due)
        return [job for job in due if job.source not in old], [job for job in due if job.source in old]

    def put_back(self, jobs: Sequence[Job]) -> None:
        """Jobs that could not be done now are due again."""
        for job in jobs:
            self._taken.pop(job.source, None)


def watch_folders(plan: Callable[[], Plan], enhancer: Enhancer, options: JobOptions, account: Account) -> None:
    """Do the jobs of a plan that is made again and again, until Ctrl-C or the system asks for an end.

    What fails is named, and tried again when its source has changed. A folder that cannot be listed, or written to, is
    named once, and waited for.

    Raises:
        ModelError: the runtime failed.
    """
    arrivals, told = Arrivals(), ""
    anew = dataclasses.replace(options, overwrite=True)
    with Interruption() as interruption:
        while not interruption.is_asked:
            began_s = time.monotonic()
            jobs, problem = _list_jobs(plan)
            new, changed = arrivals.take(jobs)
            took_s = time.monotonic() - began_s
            for due, chosen in ((new, options), (changed, anew)):
                error = _do(due, enhancer, chosen, account, interruption)
                if error is not None:
                    arrivals.put_back(due)
                    problem = error
            if problem is not None and str(problem) != told:
                complain(problem)
            told = "" if problem is None else str(problem)
            interruption.wait(max(_PAUSE_S, _REST * took_s))
    account.sum_up()


def _list_jobs(plan: Callable[[], Plan]) -> tuple[list[Job], EdgeDceError | None]:
    try:
        return plan().jobs, None
    except (ImageError, OutputError) as error:
        return [], error


def _do(
    jobs: Sequence[Job], enhancer: Enhancer, options: JobOptions, account: Account, interruption: Interruption
) -> EdgeDceError | None:
    """Do the jobs, or those before an end is asked for; the error if there is no folder for results."""
    try:
        for _ in do_jobs(jobs, enhancer, options, account, interruption):
            if interruption.is_asked:
                break
    except OutputError as error:
        return error
    return None


def _read_stamp(path: Place) -> _Stamp | None:
    """None for what is gone, or lies in an object store."""
    if isinstance(path, ObjectPath):
        return None
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _is_stale(job: Job, source: _Stamp) -> bool:
    """Whether a result of before is older than its source."""
    result = None if job.target is None else _read_stamp(job.target)
    return result is not None and result[0] < source[0]
