"""The `edge-dce enhance` command: parse, do the jobs, tell the progress and the sum."""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from edge_dce.enhancer import Enhancer, load
from edge_dce.enhancing.batch import JobResult, enhance_picture, enhance_pictures, is_done
from edge_dce.enhancing.interruption import Interruption
from edge_dce.enhancing.jobs import Job, plan_jobs
from edge_dce.enhancing.options import add_look_options, add_model_options
from edge_dce.enhancing.video import enhance_video
from edge_dce.errors import OutputError, VideoError
from edge_dce.files.near_infrared import read_near_infrared
from edge_dce.files.output import make_folder
from edge_dce.files.pictures import encode_picture, read_picture
from edge_dce.pixels.look import Look
from edge_dce.terminal.console import complain, print_result, say


@dataclasses.dataclass(frozen=True)
class JobOptions:
    """What holds for every job.

    Attributes:
        overwrite: replace what is there.
        debug: raise the first error instead of naming it and going on.
    """

    look: Look
    overwrite: bool = False
    debug: bool = False


def add_parser(commands: Any, parents: Sequence[argparse.ArgumentParser]) -> None:
    """Add `enhance` to the commands of a program (what `add_subparsers` returned)."""
    enhance = commands.add_parser("enhance", parents=parents, help="enhance pictures, folders of pictures, or videos")
    enhance.add_argument(
        "inputs",
        nargs="+",
        type=Path,
        metavar="INPUT",
        help="a picture, a video, or a folder of pictures (without its subfolders)",
    )
    enhance.add_argument(
        "-o",
        "--output",
        metavar="FILE|DIR|-",
        help="file, folder, or - for PNG on stdout (default: NAME-enhanced beside each input)",
    )
    add_look_options(enhance)
    enhance.add_argument("--overwrite", action="store_true", help="enhance everything again and replace existing files")
    add_model_options(enhance)
    enhance.set_defaults(command=_enhance)


def enhance_files(jobs: Sequence[Job], enhancer: Enhancer, options: JobOptions) -> int:
    """Do the jobs in order; print the name of each result to stdout and what happens to stderr.

    Returns:
        How many failed; each was named.

    Raises:
        ModelError: the runtime failed.
    """
    for folder in {job.target.parent for job in jobs if job.target is not None}:
        make_folder(folder)
    counts: Counter[str] = Counter()
    is_quiet = None if len(jobs) > 1 else True
    with Interruption() as interruption, tqdm(total=len(jobs), unit="file", disable=is_quiet) as bar:
        for is_video, group in itertools.groupby(jobs, key=lambda job: job.is_video):
            enhance = _enhance_videos if is_video else _enhance_pictures
            for result in enhance(group, enhancer, options, interruption):
                counts[_report(result, options)] += 1
                bar.update()
                interruption.check()
    if len(jobs) > 1 or any(job.resumes for job in jobs):
        say(", ".join(f"{counts[what]} {what}" for what in ("enhanced", "already there", "failed")))
    return counts["failed"]


def enhance_to_stdout(job: Job, enhancer: Enhancer, look: Look) -> None:
    """Write the enhanced picture as PNG to stdout.

    Raises:
        ImageError: the picture cannot be read.
    """
    picture = read_near_infrared(job.source) if enhancer.channels == 4 else read_picture(job.source)
    enhanced = enhance_picture(picture, enhancer, look)
    sys.stdout.buffer.write(encode_picture(enhanced, ".png"))


def _enhance_pictures(
    jobs: Iterable[Job], enhancer: Enhancer, options: JobOptions, _: Interruption
) -> Iterator[JobResult]:
    return enhance_pictures(jobs, enhancer, look=options.look, overwrite=options.overwrite)


def _enhance_videos(
    jobs: Iterable[Job], enhancer: Enhancer, options: JobOptions, interruption: Interruption
) -> Iterator[JobResult]:
    for job in jobs:
        if is_done(job, overwrite=options.overwrite):
            yield JobResult(job, is_present=True)
            continue
        try:
            yield JobResult(job, _enhance_video(job, enhancer, options, interruption))
        except (VideoError, OutputError) as error:
            yield JobResult(job, error=error)


def _enhance_video(job: Job, enhancer: Enhancer, options: JobOptions, interruption: Interruption) -> str:
    """Show a bar with frames per second and the time left meanwhile; what was done."""
    if job.target is None:
        raise VideoError(f"{job.source}: expected a job with a target")
    with tqdm(desc=job.source.name, unit="frame", leave=False, disable=None) as bar:

        def show(done: int, expected: int | None) -> None:
            bar.total = expected
            bar.update(done - bar.n)
            interruption.check()

        stages = enhance_video(
            job.source, job.target, enhancer, look=options.look, overwrite=options.overwrite, on_frame=show
        )
    rate = stages.frames / stages.total_s
    return f"{stages.frames} frames enhanced in {stages.total_s:.1f} s, {rate:.1f} per second"


def _report(result: JobResult, options: JobOptions) -> str:
    """Say it, and under which heading to count it."""
    if result.error is not None:
        if options.debug:
            raise result.error
        complain(result.error)
        return "failed"
    if result.is_present:
        return "already there"
    say(f"{result.job.source}: {result.summary}")
    print_result(str(result.job.target))
    return "enhanced"


def _enhance(arguments: argparse.Namespace) -> int:
    jobs = plan_jobs(arguments.inputs, arguments.output)
    enhancer = load(arguments.model, threads=arguments.threads, contract=arguments.contract)
    look = Look(arguments.strength, arguments.max_brightness, arguments.denoise)
    if jobs[0].target is None:
        enhance_to_stdout(jobs[0], enhancer, look)
        return 0
    options = JobOptions(look, overwrite=arguments.overwrite, debug=arguments.debug)
    return 1 if enhance_files(jobs, enhancer, options) else 0
