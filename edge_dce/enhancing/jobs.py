"""Which file goes where: the inputs and the output that a user named, as one job per picture or video.

One rule names every result. It is called as its source where it lies in another folder, and carries the marker
"-enhanced" where it lies in the same one. What cannot be written in its source's format keeps the source's whole name
before a new suffix, so that beside a night.png a night.gif does not become night.png too.
"""

from __future__ import annotations

import collections
import dataclasses
import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import TypeVar

from edge_dce.errors import EdgeDceError, ImageError, OutputError, describe_unreadable
from edge_dce.files import containers
from edge_dce.files.address import hide_password
from edge_dce.files.folders import identify, list_folder, no_pictures
from edge_dce.files.objects import ObjectPath, Place, check_object, is_folder, list_pictures, parse_place
from edge_dce.files.output import check_parent
from edge_dce.files.pictures import READABLE_SUFFIXES, WRITABLE_SUFFIXES
from edge_dce.files.streams import STDIN, refuse_devices

Folder = TypeVar("Folder", bound=PurePath)

STDOUT = "-"
MARKER = "-enhanced"
PREVIEW_MARKER = "-preview"


@dataclasses.dataclass(frozen=True)
class Job:
    """One picture or video to enhance.

    Attributes:
        source: what to read.
        target: what to write; None is stdout.
        resumes: a target that is there already was made by an earlier run of the same kind, and is no error.
    """

    source: Place
    target: Place | None
    resumes: bool = False

    @property
    def is_video(self) -> bool:
        return is_video(self.source)


@dataclasses.dataclass(frozen=True)
class Naming:
    """How results are called.

    Attributes:
        marker: goes between name and suffix; None is `MARKER` beside the source, and nothing elsewhere.
        picture_suffix: the format of pictures, such as ".jpg"; None is the source's.
    """

    marker: str | None = None
    picture_suffix: str | None = None

    def place(self, source: PurePath, folder: Folder) -> Folder:
        """Where in a folder the result of a source goes."""
        writable, asked, fallback = (
            (containers.DEFAULT_SUFFIXES, None, ".mkv")  # It holds any sound.
            if is_video(source)
            else (WRITABLE_SUFFIXES, self.picture_suffix, ".png")  # It holds any picture.
        )
        is_kept = source.suffix.lower() in writable and asked in (None, source.suffix.lower())
        marker = self.marker
        if marker is None:
            marker = MARKER if _is_same_folder(source.parent, folder) else ""
        if is_kept:
            return folder / f"{source.stem}{marker}{source.suffix}"
        return folder / f"{source.name}{marker}{asked or fallback}"

    def find_marker(self, path: PurePath) -> str | None:
        """By what a file, its path relative to the folder of the sources, is told to be an earlier run's; or None."""
        for marker in filter(None, (self.marker, MARKER, PREVIEW_MARKER)):
            if path.stem.endswith(marker):
                return marker
        return MARKER if any(part.endswith(MARKER) for part in path.parts[:-1]) else None


@dataclasses.dataclass(frozen=True)
class Plan:
    """What to do.

    Attributes:
        jobs: in the order of the inputs.
        left_out: files of folders that are not enhanced, by kind as in `edge_dce.files.folders.Listing`.
        problems: why there are no jobs of other inputs, and of subfolders that cannot be read.
    """

    jobs: list[Job]
    left_out: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    problems: list[EdgeDceError] = dataclasses.field(default_factory=list)


def is_video(path: PurePath) -> bool:
    """Whether a file is a video: by its suffix, or by its first bytes where the suffix says nothing."""
    suffix = path.suffix.lower()
    if suffix in containers.READABLE_SUFFIXES | containers.RAW_SUFFIXES:
        return True
    # Only a file may be opened to look: what comes out of a pipe comes once.
    if suffix in READABLE_SUFFIXES or not isinstance(path, Path):
        return False
    return path.is_file() and identify(path) in containers.READABLE_SUFFIXES


def plan_jobs(
    inputs: Sequence[str],
    output: str | None,
    *,
    naming: Naming = Naming(),
    is_recursive: bool = False,
    replaces_inputs: bool = False,
    is_lenient: bool = False,
) -> Plan:
    """One job per picture or video. Everything that can be refused before any work is refused here.

    Args:
        inputs: pictures, videos and folders, of which the pictures are taken, here or in an object store.
        output: a file, a folder, an address, "-" for stdout, or None for a name beside each input.
        is_recursive: take the pictures of subfolders as well, and mirror these in the output.
        replaces_inputs: a result may go where an input is.
        is_lenient: folders without a picture are no error, and pictures whose results would meet, or replace an input,
            are left out as problems of the plan.

    Raises:
        ImageError: an input is missing, a folder holds no pictures, or `output` does not fit the inputs.
        OutputError: the folder of the one file asked for is missing, or an input would be replaced.
    """
    paths = [parse_place(text) for text in inputs]
    for text, path in zip(inputs, paths, strict=True):
        _check_input(text, path)
    is_single = len(inputs) == 1 and not is_folder(paths[0])
    if output == STDOUT:
        if not is_single or is_video(paths[0]):
            raise ImageError("-o - takes one picture; give a folder for several, a file for a video")
        return Plan([Job(paths[0], None)])
    if output is not None and is_single and not output.endswith(os.sep) and not is_folder(parse_place(output)):
        plan = Plan([Job(paths[0], _check_target(parse_place(output), paths[0]))])
    else:
        plan = Plan([])
        for path in paths:
            known = len(plan.problems)
            found = _find_jobs(plan, path, output, naming, is_recursive=is_recursive, is_single=is_single)
            if not found and not is_lenient:
                raise next(iter(plan.problems[known:]), no_pictures(path, plan.left_out))
            plan.jobs.extend(found)
        if output is not None:
            _check_folder(output)
    refused = _find_collisions(plan.jobs)
    jobs = _drop_repetitions(plan.jobs)
    if not replaces_inputs:
        refused |= _find_replacing(jobs)
    problems = {str(error): error for error in refused.values()}
    if problems and not is_lenient:
        raise next(iter(problems.values()))
    return dataclasses.replace(
        plan, jobs=[job for job in jobs if job not in refused], problems=[*plan.problems, *problems.values()]
    )


def check_source(path: Path) -> None:
    """Raise ImageError where nothing can be read: of a name that nothing has, a link that leads nowhere."""
    try:
        # From Python 3.14 on `exists` calls missing what cannot be looked for, such as a name that is too long.
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        if path.is_symlink():
            raise ImageError(f"{path}: a link to {path.readlink()}, which is not there; mend or remove it") from None
        raise ImageError(f"{path}: no such file or folder; check the path") from None
    except OSError as error:
        raise ImageError(f"{path}: {describe_unreadable(error)}") from error


def _check_input(text: str, path: Place) -> None:
    if path == STDIN:
        raise ImageError("-: stdin must be the only input; name other files in another run")
    if isinstance(path, ObjectPath):
        check_object(path)
        if is_video(path):
            raise ImageError(f"{path}: a video; download it first, only pictures are read from object stores")
        return
    if re.match(r"[a-z][a-z0-9+.-]+://", text, re.IGNORECASE) and not path.exists():
        raise ImageError(
            f"{hide_password(text)}: an address, not a file; download it first, pipe it into `edge-dce enhance -`, or "
            "watch a camera with `edge-dce live --source`"
        )
    check_source(path)
    refuse_devices(path)


def _find_jobs(
    plan: Plan, path: Place, output: str | None, naming: Naming, *, is_recursive: bool, is_single: bool
) -> list[Job]:
    """The jobs of one input; what is left out of a folder is counted in the plan."""
    if not is_folder(path):
        folder = parse_place(output) if output else path.parent
        return [Job(path, naming.place(path, folder), resumes=not is_single)]
    folder = parse_place(output) if output else _name_folder(path)
    # A folder for results that lies in the folder of the sources is none of their subfolders.
    pictures = _list_pictures(plan, path, is_recursive=is_recursive, without=folder)
    taken = []
    for picture in pictures:
        marker = naming.find_marker(picture.relative_to(path))
        if marker is None:
            taken.append(picture)
        else:
            plan.left_out[f"*{marker}"] += 1
    return [Job(each, naming.place(each, folder / each.parent.relative_to(path)), resumes=True) for each in taken]


def _list_pictures(plan: Plan, folder: Place, *, is_recursive: bool, without: Place) -> Sequence[Place]:
    """The pictures of a folder; what else is there is counted in the plan."""
    if isinstance(folder, ObjectPath):
        pictures, left_out = list_pictures(folder, is_recursive=is_recursive, without=without)
        plan.left_out.update(left_out)
        return pictures
    listing = list_folder(folder, is_recursive=is_recursive, without=without if isinstance(without, Path) else None)
    plan.left_out.update(listing.left_out)
    plan.problems.extend(listing.problems)
    return [*listing.pictures, *listing.dead_links]


def _check_target(target: Place, source: Place) -> Place:
    suffixes = containers.WRITABLE_SUFFIXES if is_video(source) else WRITABLE_SUFFIXES
    if target.suffix.lower() not in suffixes:
        expected = " ".join(sorted(suffixes))
        raise ImageError(
            f"{target}: expected a folder ({target}{os.sep} makes one) or a name ending in one of {expected}"
        )
    if isinstance(target, Path):
        check_parent(target)
    return target


def _check_folder(output: str) -> None:
    looks_like_a_file = Path(output).suffix.lower() in WRITABLE_SUFFIXES | containers.WRITABLE_SUFFIXES
    if looks_like_a_file and not output.endswith(os.sep) and not is_folder(parse_place(output)):
        raise ImageError(
            f"{output}: expected a folder for several pictures, found the name of one file; name a folder, such as "
            f"{output.removesuffix(Path(output).suffix)}, and choose a format with --format"
        )


def _find_collisions(jobs: Sequence[Job]) -> dict[Job, EdgeDceError]:
    """The jobs of several sources that would become one result."""
    collisions: dict[Job, EdgeDceError] = {}
    by_target: dict[Place | None, Job] = {}
    for job in jobs:
        first = by_target.setdefault(job.target, job)
        if first.source != job.source:
            error = ImageError(f"{first.source} and {job.source} would both become {job.target}; rename one")
            collisions[job] = error
            collisions.setdefault(first, error)
    return collisions


def _drop_repetitions(jobs: Sequence[Job]) -> list[Job]:
    """The jobs without those of a source that was named twice, and of results among the sources, as of `*.jpg`."""
    by_target: dict[Place | None, Job] = {}
    for job in jobs:
        by_target.setdefault(job.target, job)
    return [job for job in by_target.values() if len(jobs) == 1 or not _is_made_by_another(job, by_target)]


def _is_made_by_another(job: Job, by_target: dict[Place | None, Job]) -> bool:
    maker = by_target.get(job.source)
    return maker is not None and maker.source != job.source


def _find_replacing(jobs: Sequence[Job]) -> dict[Job, EdgeDceError]:
    """The jobs whose result would go where an input is."""
    taken = {
        job: job.target
        for job in jobs
        if isinstance(job.target, ObjectPath) or (job.target and os.path.lexists(job.target))
    }
    sources = {_find_real(job.source): job.source for job in jobs} if taken else {}
    replacing: dict[Job, EdgeDceError] = {}
    for job, target in taken.items():
        replaced = sources.get(_find_real(target))
        if replaced is not None:
            replacing[job] = OutputError(
                f"{target}: would replace the input {replaced}; choose another name, or ask twice "
                "(--overwrite --overwrite)"
            )
    return replacing


def _name_folder(source: Place) -> Place:
    # The name of "." or "photos/.." is only known once resolved.
    named = source.resolve() if isinstance(source, Path) and source.name in ("", "..") else source
    # Beside a bucket is another bucket, perhaps another person's.
    if not named.name or (isinstance(named, ObjectPath) and named.is_bucket):
        raise ImageError(f"{source}: this folder has no place beside it for the results; name a folder with -o")
    return named.with_name(f"{named.name}{MARKER}")


def _is_same_folder(folder: PurePath, other: PurePath) -> bool:
    return _find_real(folder) == _find_real(other)


def _find_real(place: PurePath) -> str:
    return os.path.realpath(place) if isinstance(place, Path) else str(place)
