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
# Some drives count time in steps of two seconds, or set it when a file is closed.
_SAME_TIME_NS = 2_000_000_000
# When a file was changed, its size, and which file it is: one that is renamed over another is another.
_Stamp = tuple[int, int, int]


class Arrivals:
    """Tells which of the jobs, listed again and again, are due, and which results this watch made."""

    def __init__(self) -> None:
        self._seen: dict[Place, _Stamp] = {}
        self._taken: dict[Place, _Stamp] = {}
        # By source: the result, as it was left; None in a store, which is not asked.
        self._made: dict[Place, _Stamp | None] = {}

    def take(self, jobs: Sequence[Job]) -> list[Job]:
        """The jobs whose source is whole, and new or changed."""
        stamps = {job.source: stamp for job in jobs if (stamp := _read_stamp(job.source)) is not None}
        steady = {source: stamp for source, stamp in stamps.items() if self._seen.get(source) == stamp}
        due = [job for job in jobs if job.source in steady and self._taken.get(job.source) != steady[job.source]]
        self._seen = stamps
        # Of files that are gone nothing is kept.
        self._taken = {source: self._taken[source] for source in stamps if source in self._taken}
        self._made = {source: self._made[source] for source in stamps if source in self._made}
        self._taken.update((job.source, steady[job.source]) for job in due)
        return due

    def put_back(self, jobs: Sequence[Job]) -> None:
        """Jobs that could not be done now are due again."""
        for job in jobs:
            self._taken.pop(job.source, None)

    def note_made(self, job: Job) -> None:
        """The target was written."""
        if job.target is not None:
            self._made[job.source] = _read_stamp(job.target)

    def is_own(self, job: Job) -> bool:
        """Whether this watch made what lies at the target, and nobody has changed it since."""
        if job.target is None or job.source not in self._made:
            return False
        made, found = self._made[job.source], _read_stamp(job.target)
        if made is None or found is None:
            return isinstance(job.target, ObjectPath)
        return made[1] == found[1] and abs(made[0] - found[0]) <= _SAME_TIME_NS


def watch_folders(plan: Callable[[], Plan], enhancer: Enhancer, options: JobOptions, account: Account) -> None:
    """Do the jobs of a plan that is made again and again, until Ctrl-C or the system asks for an end.

    What fails is named, and tried again when its source has changed. A folder that cannot be listed, or written to, is
    named once, and waited for. Without `options.overwrite` no result is replaced but what this watch made.

    Raises:
        ModelError: the runtime failed.
    """
    arrivals, told = Arrivals(), ""
    anew = dataclasses.replace(options, overwrite=True)
    with Interruption() as interruption:
        while not interruption.is_asked:
            began_s = time.monotonic()
            jobs, problem = _list_jobs(plan)
            due = arrivals.take(jobs)
            took_s = time.monotonic() - began_s
            own = {job for job in due if arrivals.is_own(job)}
            for some, chosen in (([job for job in due if job not in own], options), (list(own), anew)):
                error = _do(some, enhancer, chosen, account, arrivals, interruption)
                if error is not None:
                    arrivals.put_back(some)
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
    jobs: Sequence[Job],
    enhancer: Enhancer,
    options: JobOptions,
    account: Account,
    arrivals: Arrivals,
    interruption: Interruption,
) -> EdgeDceError | None:
    """Do the jobs, or those before an end is asked for; the error if there is no folder for results."""
    try:
        for result in do_jobs(jobs, enhancer, options, interruption):
            if result.error is not None and options.debug:
                raise result.error
            if result.is_made:
                arrivals.note_made(result.job)
            account.tell(result)
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
