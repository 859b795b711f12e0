"""The `edge-dce enhance` command: parse, do the jobs, tell the progress and the sum."""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from tqdm import tqdm

from edge_dce.enhancer import Enhancer, load
from edge_dce.enhancing.account import Account, Verbosity
from edge_dce.enhancing.batch import JobResult, begin, enhance_pictures, find_done
from edge_dce.enhancing.cluster import Cluster
from edge_dce.enhancing.interruption import Interruption
from edge_dce.enhancing.jobs import MARKER, PREVIEW_MARKER, STDOUT, Job, Naming, Plan, plan_jobs
from edge_dce.enhancing.omissions import Omissions
from edge_dce.enhancing.options import add_look_options, add_model_options
from edge_dce.enhancing.picture import enhance_picture
from edge_dce.enhancing.preview import STRENGTHS, make_sheet, preview_pictures
from edge_dce.enhancing.video import enhance_video
from edge_dce.errors import EdgeDceError, OutputError, VideoError
from edge_dce.files.claims import Claims
from edge_dce.files.near_infrared import read_picture_for
from edge_dce.files.objects import ObjectPath, check_bucket
from edge_dce.files.output import make_folder
from edge_dce.files.pictures import (
    DEFAULT_QUALITY,
    WRITABLE_SUFFIXES,
    Picture,
    encode_and_list,
)
from edge_dce.files.streams import is_stream, kept_in_file
from edge_dce.pixels.look import Look
from edge_dce.terminal.arguments import parse_positive
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


def add_parser(commands: Any, parents: Sequence[argparse.ArgumentParser]) -> None:
    """Add `enhance` to the commands of a program (what `add_subparsers` returned)."""
    enhance = commands.add_parser("enhance", parents=parents, help="enhance pictures, folders of pictures, or videos")
    enhance.add_argument(
        "inputs",
        nargs="+",
        metavar="INPUT",
        help="a picture, a video, a folder of pictures, an s3:// address of one, or - for a picture on stdin",
    )
    enhance.add_argument(
        "-r", "--recursive", action="store_true", help="take the pictures of subfolders too, and mirror these"
    )
    enhance.add_argument(
        "-o",
        "--output",
        metavar="FILE|DIR|-",
        help="file, folder, s3:// address, or - for PNG on stdout (default: NAME-enhanced beside each input)",
    )
    enhance.add_argument(
        "--format",
        type=_parse_format,
        metavar="FORMAT",
        help="write pictures as jpg, png, tif or webp (default: as their sources)",
    )
    enhance.add_argument(
        "--quality",
        type=_parse_quality,
        default=DEFAULT_QUALITY,
        metavar="N",
        help="of JPEG and WebP, 1 to 100 (default: %(default)s)",
    )
    enhance.add_argument(
        "--suffix",
        type=_parse_marker,
        metavar="TEXT",
        help=f"what names of results end in, as --suffix=-bright (default: {MARKER} beside the source, else nothing)",
    )
    add_look_options(enhance)
    enhance.add_argument(
        "--overwrite",
        action="count",
        default=0,
        help="enhance everything again and replace existing files; given twice, also the inputs themselves",
    )
    enhance.add_argument("-n", "--dry-run", action="store_true", help="say what would be written where, and do nothing")
    enhance.add_argument(
        "--preview",
        action="store_true",
        help=f"instead write a sheet NAME{PREVIEW_MARKER}.jpg with strengths from {STRENGTHS[0]} to {STRENGTHS[-1]}",
    )
    talk = enhance.add_mutually_exclusive_group()
    talk.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors")
    talk.add_argument("-v", "--verbose", action="store_true", help="say of every picture what was done")
    enhance.add_argument("--json", action="store_true", help="print a line of JSON for each picture, and the counts")
    add_model_options(enhance)
    enhance.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="spread the work over Ray's workers: local, auto, host:port or ray://host:port (docs/cluster.md)",
    )
    enhance.set_defaults(command=_enhance)


def enhance_files(plan: Plan, enhancer: Enhancer | Cluster, options: JobOptions, account: Account) -> int:
    """Do the jobs, and tell of each; in order, unless a cluster does them.

    Returns:
        How many failed; each was named.

    Raises:
        ModelError: the runtime failed.
        EdgeDceError: an object store or the cluster is gone.
    """
    jobs = plan.jobs
    _prepare_targets(jobs)
    # A local batch finds out when a job's turn has come, and shares the work with other runs.
    is_listed = isinstance(enhancer, Cluster) or any(isinstance(job.target, ObjectPath) for job in jobs)
    done = find_done(jobs, overwrite=options.overwrite) if is_listed else set()
    # None shows a bar on terminals only.
    is_hidden = None if len(jobs) > 1 and not options.is_quiet else True
    omissions = Omissions()
    with Interruption() as interruption, tqdm(total=len(jobs), unit="file", disable=is_hidden) as bar:
        for job in done:
            account.tell(JobResult(job, is_present=True))
            bar.update()
        waiting = [job for job in jobs if job not in done]
        for is_video, group in itertools.groupby(waiting, key=lambda job: job.is_video):
            enhance = _enhance_videos if is_video and not options.previews else _enhance_pictures
            for result in enhance(group, enhancer, options, interruption):
                if result.error is not None and options.debug:
                    raise result.error
                account.tell(result)
                omissions.note(result.job.source, result.left_out)
                bar.update()
                interruption.check()
    if not options.is_quiet:
        omissions.tell()
    if len(jobs) > 1 or plan.left_out or any(job.resumes for job in jobs):
        account.sum_up()
    return account.failed


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


def _enhance(arguments: argparse.Namespace) -> int:
    streams = [text for text in arguments.inputs if is_stream(Path(text))]
    if not streams or len(arguments.inputs) > 1:
        return _enhance_named(arguments)
    source = Path(streams[0])
    with kept_in_file(source) as kept:
        arguments.inputs, arguments.output = [str(kept)], arguments.output or STDOUT
        try:
            return _enhance_named(arguments, {kept: str(source)})
        except EdgeDceError as error:
            # Nobody knows the file that it was kept in.
            raise type(error)(str(error).replace(str(kept), str(source))) from error


def _enhance_named(arguments: argparse.Namespace, called: Mapping[PurePath, str] | None = None) -> int:
    if arguments.cluster is not None and (arguments.preview or called or arguments.output == STDOUT):
        raise EdgeDceError("--cluster takes files and addresses; leave --preview, pipes and -o - to runs without it")
    naming = Naming(marker=arguments.suffix, picture_suffix=arguments.format)
    if arguments.preview:
        naming = Naming(marker=arguments.suffix or PREVIEW_MARKER, picture_suffix=arguments.format or ".jpg")
    plan = plan_jobs(
        arguments.inputs,
        arguments.output,
        naming=naming,
        is_recursive=arguments.recursive,
        replaces_inputs=arguments.overwrite > 1,
    )
    verbosity = Verbosity(is_quiet=arguments.quiet, is_verbose=arguments.verbose, is_json=arguments.json)
    account = Account(verbosity, plan, called)
    look = Look(arguments.strength, arguments.max_brightness, arguments.denoise)
    options = JobOptions(
        look,
        overwrite=arguments.overwrite > 0,
        quality=arguments.quality,
        previews=arguments.preview,
        is_quiet=arguments.quiet,
        debug=arguments.debug or called is not None,
    )
    if arguments.dry_run:
        done = find_done(plan.jobs, overwrite=options.overwrite)
        for job in plan.jobs:
            account.tell_plan(JobResult(job, is_present=job in done))
        account.sum_up()
        return 0
    if arguments.cluster is not None:
        with Cluster(
            arguments.cluster, model=arguments.model, threads=arguments.threads, contract=arguments.contract
        ) as cluster:
            return 1 if enhance_files(plan, cluster, options, account) else 0
    enhancer = load(arguments.model, threads=arguments.threads, contract=arguments.contract)
    if plan.jobs[0].target is None:
        enhance_to_stdout(plan.jobs[0], enhancer, options, arguments.format or ".png")
        return 0
    return 1 if enhance_files(plan, enhancer, options, account) else 0


def _parse_format(text: str) -> str:
    """A suffix, from "jpg" or ".jpg"."""
    suffix = f".{text.lower().removeprefix('.')}"
    if suffix not in WRITABLE_SUFFIXES:
        expected = " ".join(sorted(name.removeprefix(".") for name in WRITABLE_SUFFIXES))
        raise argparse.ArgumentTypeError(f"expected one of {expected}, found '{text}'")
    return suffix


def _parse_quality(text: str) -> int:
    quality = parse_positive(text)
    if quality > 100:
        raise argparse.ArgumentTypeError(f"expected a number from 1 to 100, found '{text}'")
    return quality


def _parse_marker(text: str) -> str:
    if "/" in text or "\0" in text:
        raise argparse.ArgumentTypeError(f"expected a part of a file's name, found '{text}'")
    return text
