"""What a run tells: names of results on stdout, everything else on stderr."""

from __future__ import annotations

import collections
import dataclasses
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

from edge_dce.enhancing.batch import JobResult
from edge_dce.enhancing.jobs import Plan
from edge_dce.files.folders import describe_counts
from edge_dce.files.objects import ObjectPath, parse_place
from edge_dce.terminal.console import complain, is_terminal, make_printable, print_line, print_path, say

_DONE, _PRESENT, _ELSEWHERE, _FAILED = "enhanced", "already there", "left to another run", "failed"
_PLANNED = "to be enhanced"


@dataclasses.dataclass(frozen=True)
class Verbosity:
    """How much is told.

    Attributes:
        is_quiet: of errors only.
        is_verbose: of every picture, what was done.
        is_json: a line of JSON for each picture instead of its name, and one with the counts.
    """

    is_quiet: bool = False
    is_verbose: bool = False
    is_json: bool = False


class Account:
    """Tells of results as they come, counts them, and sums up.

    Args:
        plan: what is told of.
        called: what people call a source that is kept in a file of another name meanwhile.
    """

    def __init__(self, verbosity: Verbosity, plan: Plan, called: Mapping[PurePath, str] | None = None) -> None:
        self._verbosity = verbosity
        self._called = called or {}
        # On a terminal the bar tells enough of many; programs want every name.
        self._names_results = len(plan.jobs) == 1 or not is_terminal(sys.stdout)
        self._plan = plan
        self._counts: collections.Counter[str] = collections.Counter()

    @property
    def failed(self) -> int:
        return self._counts[_FAILED]

    def tell(self, result: JobResult) -> None:
        """Of a job that is over."""
        status = _judge(result)
        self._counts[status] += 1
        if result.error is not None:
            complain(result.error)
        if self._verbosity.is_json:
            print_line(json.dumps(self._describe(result, status)))
        elif status == _DONE and not self._verbosity.is_quiet:
            # A video takes long enough to deserve a line.
            if self._verbosity.is_verbose or result.job.is_video:
                say(f"{self._name(result.job.source)}: {result.summary}")
            if result.job.target is not None and self._names_results:
                print_path(result.job.target)

    def tell_plan(self, result: JobResult) -> None:
        """Of a job that is not done, because nothing shall be."""
        status = _PRESENT if result.is_present else _PLANNED
        self._counts[status] += 1
        if self._verbosity.is_json:
            print_line(json.dumps(self._describe(result, status)))
        else:
            remark = f" ({status})" if result.is_present else ""
            print_line(make_printable(f"{self._name(result.job.source)} -> {result.job.target or 'stdout'}{remark}"))

    def sum_up(self) -> None:
        """Tell the counts."""
        if self._verbosity.is_json:
            print_line(json.dumps({"counts": self._counts, "left_out": self._plan.left_out}))
        if self._verbosity.is_quiet:
            return
        usual = (_PLANNED, _PRESENT) if self._counts[_PLANNED] else (_DONE, _PRESENT, _FAILED)
        told = [f"{self._counts[status]} {status}" for status in usual]
        if self._counts[_ELSEWHERE]:
            told.append(f"{self._counts[_ELSEWHERE]} {_ELSEWHERE}")
        if self._plan.left_out:
            hint = "; -r takes subfolders" if "subfolder" in self._plan.left_out else ""
            told.append(f"{self._plan.left_out.total()} left out ({describe_counts(self._plan.left_out)}{hint})")
        say(", ".join(told) + self._say_where())

    def _say_where(self) -> str:
        """The folder of all results, where nothing named them one by one."""
        places = {job.target.parent for job in self._plan.jobs if job.target is not None}
        folders = {place.absolute() if isinstance(place, Path) else place for place in places}
        if self._names_results or not folders:
            return ""
        # Of this machine and a store, or of two buckets, there is no common folder.
        if len({folder.bucket if isinstance(folder, ObjectPath) else None for folder in folders}) > 1:
            return ""
        common = parse_place(os.path.commonpath(folders))
        own = Path.cwd()
        return f"; see {common.relative_to(own) if common.is_relative_to(own) else common}"

    def _name(self, source: PurePath) -> str:
        return self._called.get(source, str(source))

    def _describe(self, result: JobResult, status: str) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "source": self._name(result.job.source),
            "target": None if result.job.target is None else str(result.job.target),
            "status": status,
        }
        if result.summary:
            facts["summary"] = result.summary
        if result.error is not None:
            facts["error"] = str(result.error)
        return facts


def _judge(result: JobResult) -> str:
    if result.is_made:
        return _DONE
    if result.error is not None:
        return _FAILED
    return _PRESENT if result.is_present else _ELSEWHERE
