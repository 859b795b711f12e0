"""Jobs done in order: bars meanwhile, an account of each, and an end at a safe moment."""

from __future__ import annotations

import dataclasses
import itertools
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tqdm import tqdm

from edge_dce.enhancer import Enhancer
from edge_dce.enhancing.account import Account
from edge_dce.enhancing.batch import JobResult, begin, enhance_pictures, find_done
from edge_dce.enhancing.cluster import Cluster
from edge_dce.enhancing.interruption import Interruption
from edge_dce.enhancing.jobs import Job, Plan
from edge_dce.enhancing.omissions import Omissions
from edge_dce.enhancing.picture import enhance_picture
from edge_dce.enhancing.preview import make_sheet, preview_pictures
from edge_dce.enhancing.video import enhance_video
from edge_dce.errors import OutputError, VideoError
from edge_dce.files.claims import Claims
from edge_dce.files.near_infrared import read_picture_for
from edge_dce.files.objects import ObjectPath, check_bucket
from edge_dce.files.output import make_folder
from edge_dce.files.pictures import DEFAULT_QUALITY, Picture, encode_and_list
from edge_dce.pixels.look import Look
from edge_dce.terminal.console import is_terminal, make_printable, say


@dataclasses.dataclass(frozen=True)
class JobOptions:
    """What holds for every job.

    Attributes:
        overwrite: replace what is there.
        quality: of JPEG and WebP.
        previews: make sheets to choose from instead of the results.
        is_quiet: show no bars.
        debug: raise the first error instead of naming it and going on.
    """

    look: Look
    overwrite: bool = False
    quality: int = DEFAULT_QUALITY
    previews: bool = False
    is_quiet: bool = False
    debug: bool = False


def enhance_files(plan: Plan, enhancer: Enhancer | Cluster, options: JobOptions, account: Account) -> int:
    """Do the jobs, and tell of each; in order, unless a cluster does them.

    Returns:
        How many failed; each was named.

    Raises:
        ModelError: the runtime failed.
        EdgeDceError: an object store or the cluster is gone.
    """
    jobs = plan.jobs
    # None shows a bar on terminals only.
    is_hidden = None if len(jobs) > 1 and not options.is_quiet else True
    with Interruption() as interruption, tqdm(total=len(jobs), unit="file", disable=is_hidden) as bar:
        for result in do_jobs(jobs, enhancer, options, interruption):
            if result.error is not None and options.debug:
                raise result.error
            account.tell(result)
            bar.update()
            interruption.check()
    if len(jobs) > 1 or plan.left_out or any(job.resumes for job in jobs):
        account.sum_up()
    return account.failed


def do_jobs(
    jobs: Sequence[Job], enhancer: Enhancer | Cluster, options: JobOptions, interruption: Interruption
) -> Iterator[JobResult]:
    """Do the jobs; what became of each when it is over. Raises as `enhance_files`."""
    _prepare_targets(jobs)
    # A local batch finds out when a job's turn has come, and shares the work with other runs.
    is_listed = isinstance(enhancer, Cluster) or any(isinstance(job.target, ObjectPath) for job in jobs)
    done = find_done(jobs, overwrite=options.overwrite) if is_listed else set()
    for job in done:
        yield JobResult(job, is_present=True)
    omissions = Omissions()
    waiting = [job for job in jobs if job not in done]
    for is_video, group in itertools.groupby(waiting, key=lambda job: job.is_video):
        enhance = _enhance_videos if is_video and not options.previews else _enhance_pictures
        for result in enhance(group, enhancer, options, interruption):
            omissions.note(result.job.source, result.left_out)
            yield result
    if not options.is_quiet:
        omissions.tell()


def enhance_to_stdout(job: Job, enhancer: Enhancer, options: JobOptions, suffix: str) -> None:
    """Write the enhanced picture to stdout, in the format of a suffix.

    Raises:
        ImageError: the picture cannot be read.
        OutputError: stdout is a terminal, or closed.
    """
    if sys.stdout is None:
        raise OutputError("stdout is closed; name a file with -o")
    if is_terminal(sys.stdout):
        raise OutputError("stdout is a terminal, which shows no pictures; redirect it, or name a file with -o")
    picture = read_picture_for(job.source, enhancer.channels)
    if options.previews:
        shown = Picture(make_sheet(picture, enhancer, options.look))
    else:
        shown = enhance_picture(picture, enhancer, options.look)
    data, left_out = encode_and_list(shown, suffix, quality=options.quality)
    if not options.is_quiet:
        omissions = Omissions()
        omissions.note(job.source, left_out)
        omissions.tell()
    sys.stdout.buffer.write(data)


def _enhance_pictures(
    jobs: Iterable[Job], enhancer: Enhancer | Cluster, options: JobOptions, interruption: Interruption
) -> Iterator[JobResult]:
    if isinstance(enhancer, Cluster):
        return enhancer.enhance_pictures(
            jobs,
            look=options.look,
            overwrite=options.overwrite,
            quality=options.quality,
            on_wait=interruption.check,
        )
    make = preview_pictures if options.previews else enhance_pictures
    return make(jobs, enhancer, look=options.look, overwrite=options.overwrite, quality=options.quality)


def _prepare_targets(jobs: Sequence[Job]) -> None:
    """Make the folders that results go to, and look for the buckets."""
    folders = dict.fromkeys(job.target.parent for job in jobs if job.target is not None)
    for bucket in dict.fromkeys(folder.bucket for folder in folders if isinstance(folder, ObjectPath)):
        check_bucket(bucket)
    for folder in folders:
        if isinstance(folder, Path):
            make_folder(folder)


def _enhance_videos(
    jobs: Iterable[Job], enhancer: Enhancer | Cluster, options: JobOptions, interruption: Interruption
) -> Iterator[JobResult]:
    with Claims() as claims:

        def run(job: Job) -> JobResult:
            result = begin(job, claims, overwrite=options.overwrite)
            try:
                if result == JobResult(job):
                    result = JobResult(job, _enhance_video(job, enhancer, options, interruption))
            except (VideoError, OutputError) as error:
                result = JobResult(job, error=error)
            finally:
                if job.target is not None:
                    claims.give_back(job.target)
            return result

        elsewhere = []
        for job in jobs:
            result = run(job)
            if result.is_elsewhere:
                elsewhere.append(job)
            else:
                yield result
        yield from map(run, elsewhere)


def _enhance_video(job: Job, enhancer: Enhancer | Cluster, options: JobOptions, interruption: Interruption) -> str:
    """Show a bar with frames per second and the time left meanwhile; what was done."""
    if isinstance(enhancer, Cluster):
        raise VideoError(f"{job.source}: a video, which no cluster takes; enhance it in a run without --cluster")
    if not (isinstance(job.source, Path) and isinstance(job.target, Path)):
        raise VideoError(f"{job.source}: a video, which object stores do not take; name a file with -o")
    is_hidden = True if options.is_quiet else None
    with tqdm(desc=make_printable(job.source.name), unit="frame", leave=False, disable=is_hidden) as bar:

        def show(done: int, expected: int | None) -> None:
            bar.total = expected
            bar.update(done - bar.n)
            interruption.check()

        stages = enhance_video(
            job.source, job.target, enhancer, look=options.look, overwrite=options.overwrite, on_frame=show
        )
    for note in () if options.is_quiet else stages.notes:
        say(f"{job.source}: {note}")
    rate = stages.frames / stages.total_s
    return f"{stages.frames} frames enhanced in {stages.total_s:.1f} s, {rate:.1f} per second"
