"""Folders that pictures come into, one after the other, until somebody ends it.

Folders are listed again and again: what a network drive holds changes without a message to this machine. A file that is
still being written grows between two looks, so one is taken when it looked the same twice.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from edge_dce.enhancer import Enhancer
from edge_dce.enhancing.account import Account
from edge_dce.enhancing.batch import JobResult
from edge_dce.enhancing.execution import JobOptions, do_jobs
from edge_dce.enhancing.interruption import Interruption
from edge_dce.enhancing.jobs import Job, Plan
from edge_dce.errors import EdgeDceError, ImageError, OutputError
from edge_dce.files.objects import ObjectPath, Place
from edge_dce.terminal.console import complain

_PAUSE_S = 1.0
# Of the time: listing a large folder, or one on a slow drive, takes no more than a tenth of it, and so do attempts to
# write to a full disk. But people who made room wait no longer than a minute.
_REST, _MOST_REST_S = 9, 60
# Some drives count time in steps of two seconds, or set it when a file is closed.
_SAME_TIME_NS = 2_000_000_000
# When a file was changed, its size, and which file it is: one that is renamed over another is another.
_Stamp = tuple[int, int, int]


class Arrivals:
    """Tells which of the jobs, listed again and again, are due, and which results this watch made.

    Args:
        folders: those that are watched.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
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
        self._forget_all_but(stamps)
        self._taken.update((job.source, steady[job.source]) for job in due)
        return due

    def _forget_all_but(self, present: Mapping[Place, _Stamp]) -> None:
        """Of files that are gone nothing is kept, unless their whole folder is: a drive comes back with them."""
        folders = [each for each in self._folders if any(source.is_relative_to(each) for source in present)]
        for source in (self._taken.keys() | self._made.keys()) - present.keys():
            if any(source.is_relative_to(each) for each in folders) and _is_gone(source):
                self._taken.pop(source, None)
                self._made.pop(source, None)

    def put_back(self, jobs: Iterable[Job]) -> None:
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


def watch_folders(
    folders: Sequence[Path], plan: Callable[[], Plan], enhancer: Enhancer, options: JobOptions, account: Account
) -> None:
    """Do the jobs of a plan of folders that is made again and again, until Ctrl-C or the system asks for an end.

    What fails is named, and tried again when its source has changed. Named once, and waited for, are a folder that
    cannot be listed, sources whose results would meet, and a result that cannot be written, as on a full disk. Without
    `options.overwrite` no result is replaced but what this watch made.

    Raises:
        ModelError: the runtime failed.
        EdgeDceError: with `options.debug`, the first one of a source.
    """
    # A video ends at its next frame by an exception, at a second Ctrl-C anything does.
    with contextlib.suppress(KeyboardInterrupt), _UsualEnd() as interruption:
        watch = _Watch(Arrivals(folders), plan, enhancer, options, account, interruption)
        while not interruption.is_asked:
            interruption.wait(watch.look())
    account.sum_up()


class _UsualEnd(Interruption):
    """A watch ends by a signal alone, so that none is a failure."""

    def check(self) -> None:
        if self.is_asked:
            raise KeyboardInterrupt


class _Watch:
    def __init__(
        self,
        arrivals: Arrivals,
        plan: Callable[[], Plan],
        enhancer: Enhancer,
        options: JobOptions,
        account: Account,
        interruption: Interruption,
    ) -> None:
        self._arrivals, self._plan, self._interruption = arrivals, plan, interruption
        self._enhancer, self._options, self._account = enhancer, options, account
        self._told: set[str] = set()
        # The jobs whose results could not be written, and what was told of each.
        self._unwritten: dict[Job, str] = {}
        self._retry_s = 0.0

    def look(self) -> float:
        """Do what is due, and return for how many seconds to wait."""
        began_s = time.monotonic()
        due = self._list_due()
        listed_s = time.monotonic()
        # A folder for results that cannot be made is no reason to leave those of the others.
        for _, group in itertools.groupby(due, key=lambda job: job.target and job.target.parent):
            if not self._interruption.is_asked:
                self._do(list(group))
        if self._unwritten.keys() & set(due):
            self._retry_s = time.monotonic() + min(_REST * (time.monotonic() - listed_s), _MOST_REST_S)
        return max(_PAUSE_S, _REST * (listed_s - began_s))

    def _list_due(self) -> list[Job]:
        try:
            plan = self._plan()
        except (ImageError, OutputError) as error:
            # Nothing is known of the sources, and nothing forgotten.
            self._tell([error])
            return []
        self._tell(plan.problems)
        self._put_back_unwritten(plan.jobs)
        return self._arrivals.take(plan.jobs)

    def _tell(self, problems: Sequence[EdgeDceError]) -> None:
        """Of those that were not there at the last look."""
        for problem in problems:
            if str(problem) not in self._told:
                complain(problem)
        self._told = {str(problem) for problem in problems}

    def _put_back_unwritten(self, jobs: Sequence[Job]) -> None:
        """One job now and then is tried again: the others are when it went well, see `_note`."""
        gone = self._unwritten.keys() - set(jobs)
        self._arrivals.put_back(gone)
        for job in gone:
            del self._unwritten[job]
        if time.monotonic() >= self._retry_s:
            self._arrivals.put_back(itertools.islice(self._unwritten, 1))

    def _do(self, jobs: Sequence[Job]) -> None:
        """Do jobs of one folder for results, or those before an end is asked for."""
        own: list[Job] = []
        foreign: list[Job] = []
        for job in jobs:
            (own if self._arrivals.is_own(job) else foreign).append(job)
        for some, overwrite in ((foreign, self._options.overwrite), (own, True)):
            options = dataclasses.replace(self._options, overwrite=overwrite)
            try:
                for result in do_jobs(some, self._enhancer, options, self._interruption):
                    self._note(result)
                    if self._interruption.is_asked:
                        return
            except OutputError as error:
                # There is no folder for results.
                if str(error) not in self._unwritten.values():
                    complain(error)
                for job in some:
                    self._note_unwritten(job, error)

    def _note(self, result: JobResult) -> None:
        job, error = result.job, result.error
        # What is there already does not go away by waiting.
        if isinstance(error, OutputError) and not isinstance(error.__cause__, FileExistsError):
            if self._note_unwritten(job, error):
                self._account.tell(result)
            return
        if self._options.debug and error is not None and not isinstance(error, OutputError):
            raise error
        if error is not None and _read_stamp(job.source) is None:
            # Its drive was unplugged on the way.
            self._arrivals.put_back([job])
        if result.is_made:
            self._arrivals.note_made(job)
            if job in self._unwritten:
                self._arrivals.put_back(other for other in self._unwritten if other != job)
        self._unwritten.pop(job, None)
        self._account.tell(result)

    def _note_unwritten(self, job: Job, error: OutputError) -> bool:
        """Whether nobody was told so yet."""
        before = self._unwritten.pop(job, None)
        # Behind the others, so that one that never goes well does not hold them up.
        self._unwritten[job] = str(error)
        return before != str(error)


def _read_stamp(path: Place) -> _Stamp | None:
    """None for what is gone, or lies in an object store."""
    if isinstance(path, ObjectPath):
        return None
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _is_gone(path: Place) -> bool:
    """Rather than out of reach."""
    if isinstance(path, ObjectPath):
        return True
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False
