"""Which file goes where: the inputs and the output that a user named, as one job per picture or video."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

from edge_dce.errors import ImageError
from edge_dce.files import containers
from edge_dce.files.folders import find_pictures
from edge_dce.files.output import check_parent
from edge_dce.files.pictures import WRITABLE_SUFFIXES

STDOUT = "-"


@dataclasses.dataclass(frozen=True)
class Job:
    """One picture or video to enhance.

    Attributes:
        source: what to read.
        target: what to write; None is stdout.
        resumes: a target that is there already was made by an earlier run of the same kind, and is no error.
    """

    source: Path
    target: Path | None
    resumes: bool = False

    @property
    def is_video(self) -> bool:
        return is_video(self.source)


def is_video(path: Path) -> bool:
    """Whether a file is a video, by its suffix."""
    return path.suffix.lower() in containers.READABLE_SUFFIXES | containers.RAW_SUFFIXES


def plan_jobs(inputs: Sequence[Path], output: str | None) -> list[Job]:
    """One job per picture or video. Everything that can be refused before any work is refused here.

    Args:
        inputs: pictures, videos and folders, of which the pictures are taken.
        output: a file, a folder, "-" for stdout, or None for a name beside each input.

    Raises:
        ImageError: an input is missing, a folder holds no pictures, or `output` does not fit the inputs.
        OutputError: the folder of the one file asked for is missing.
    """
    for path in inputs:
        _check_input(path)
    is_single = len(inputs) == 1 and not inputs[0].is_dir()
    if output == STDOUT:
        if not is_single or is_video(inputs[0]):
            raise ImageError("-o - takes one picture; give a folder for several, a file for a video")
        return [Job(inputs[0], None)]
    if output is not None and is_single and not Path(output).is_dir() and not output.endswith(os.sep):
        return [Job(inputs[0], _check_target(Path(output), inputs[0]))]

    jobs: list[Job] = []
    for path in inputs:
        if path.is_dir():
            folder = Path(output) if output else _name_folder(path)
            jobs += [Job(source, folder / _name_target(source), resumes=True) for source in find_pictures(path)]
        else:
            beside = path.with_name(f"{path.stem}-enhanced{_target_suffix(path)}")
            target = Path(output) / _name_target(path) if output else beside
            jobs.append(Job(path, target, resumes=not is_single))
    if output is not None:
        _check_folder(output)
    _check_collisions(jobs)
    return jobs


def _check_input(path: Path) -> None:
    try:
        # From Python 3.14 on `exists` calls missing what cannot be looked for, such as a name that is too long.
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise ImageError(f"{path}: no such file or folder; check the path") from None


def _check_target(target: Path, source: Path) -> Path:
    suffixes = _writable_suffixes(source)
    if target.suffix.lower() not in suffixes:
        expected = " ".join(sorted(suffixes))
        raise ImageError(
            f"{target}: expected a folder ({target}{os.sep} makes one) or a name ending in one of {expected}"
        )
    check_parent(target)
    return target


def _check_folder(output: str) -> None:
    looks_like_a_file = Path(output).suffix.lower() in WRITABLE_SUFFIXES | containers.WRITABLE_SUFFIXES
    if looks_like_a_file and not output.endswith(os.sep) and not Path(output).is_dir():
        raise ImageError(f"{output}: expected a folder for several pictures, found the name of one file")


def _check_collisions(jobs: Sequence[Job]) -> None:
    sources: dict[Path | None, Path] = {}
    for job in jobs:
        if job.target in sources:
            raise ImageError(f"{sources[job.target]} and {job.source} would both become {job.target}; rename one")
        sources[job.target] = job.source


def _name_folder(source: Path) -> Path:
    # The name of "." or "photos/.." is only known once resolved.
    named = source if source.name not in ("", "..") else source.resolve()
    if not named.name:
        raise ImageError(f"{source}: this folder has no place beside it for the results; name a folder with -o")
    return named.with_name(f"{named.name}-enhanced")


def _writable_suffixes(source: Path) -> frozenset[str]:
    return containers.WRITABLE_SUFFIXES if is_video(source) else WRITABLE_SUFFIXES


def _name_target(source: Path) -> str:
    # Beside a night.png, a night.gif must not become night.png too.
    return source.name if _keeps_suffix(source) else f"{source.name}{_target_suffix(source)}"


def _keeps_suffix(source: Path) -> bool:
    return source.suffix.lower() in (containers.DEFAULT_SUFFIXES if is_video(source) else WRITABLE_SUFFIXES)


def _target_suffix(source: Path) -> str:
    if _keeps_suffix(source):
        return source.suffix
    # They hold any picture, and any sound.
    return ".mkv" if is_video(source) else ".png"
