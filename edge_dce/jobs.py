"""Which picture goes where: the inputs and the output that a user named, as one job per picture."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

from edge_dce.errors import ImageError
from edge_dce.images import WRITABLE_SUFFIXES, find_pictures
from edge_dce.output import check_parent

STDOUT = "-"


@dataclasses.dataclass(frozen=True)
class Job:
    """One picture to enhance; a target of None is stdout."""

    source: Path
    target: Path | None


def plan_jobs(inputs: Sequence[Path], output: str | None) -> list[Job]:
    """One job per picture. Everything that can be refused before any work is refused here.

    Args:
        inputs: picture files and folders of pictures.
        output: a file, a folder, "-" for stdout, or None for a name beside each input.

    Raises:
        ImageError: an input is missing, a folder holds no pictures, or `output` does not fit the inputs.
        OutputError: the folder of the one picture asked for is missing.
    """
    for path in inputs:
        if not path.exists():
            raise ImageError(f"{path}: no such file or folder")
    is_single = len(inputs) == 1 and not inputs[0].is_dir()
    if output == STDOUT:
        if not is_single:
            raise ImageError("-o - takes one picture; give a folder for several")
        return [Job(inputs[0], None)]
    if output is not None and is_single and not Path(output).is_dir() and not output.endswith(os.sep):
        return [Job(inputs[0], _check_target(Path(output)))]

    jobs: list[Job] = []
    for path in inputs:
        if path.is_dir():
            folder = Path(output) if output else _name_folder(path)
            jobs += [Job(source, folder / _name_target(source)) for source in find_pictures(path)]
        elif output:
            jobs.append(Job(path, Path(output) / _name_target(path)))
        else:
            jobs.append(Job(path, path.with_name(f"{path.stem}-enhanced{_target_suffix(path)}")))
    if output is not None:
        _check_folder(output)
    _check_collisions(jobs)
    return jobs


def _check_target(target: Path) -> Path:
    if target.suffix.lower() not in WRITABLE_SUFFIXES:
        expected = " ".join(sorted(WRITABLE_SUFFIXES))
        raise ImageError(
            f"{target}: expected a folder ({target}{os.sep} makes one) or a name ending in one of {expected}"
        )
    check_parent(target)
    return target


def _check_folder(output: str) -> None:
    looks_like_a_picture = Path(output).suffix.lower() in WRITABLE_SUFFIXES and not output.endswith(os.sep)
    if looks_like_a_picture and not Path(output).is_dir():
        raise ImageError(f"{output}: expected a folder for several pictures, found the name of one picture")


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
        raise ImageError(f"{source}: there is no place beside this folder; name one with -o")
    return named.with_name(f"{named.name}-enhanced")


def _name_target(source: Path) -> str:
    # Beside a night.png, a night.gif must not become night.png too.
    return source.name if source.suffix.lower() in WRITABLE_SUFFIXES else f"{source.name}.png"


def _target_suffix(source: Path) -> str:
    return source.suffix if source.suffix.lower() in WRITABLE_SUFFIXES else ".png"
