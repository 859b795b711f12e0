"""The `edge-dce enhance` command: what was asked for, as jobs, and with which options."""

from __future__ import annotations

import argparse
import dataclasses
import functools
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from edge_dce.enhancer import Enhancer, load
from edge_dce.enhancing.account import Account, Verbosity
from edge_dce.enhancing.batch import JobResult, find_done
from edge_dce.enhancing.cluster import Cluster
from edge_dce.enhancing.execution import JobOptions, enhance_files, enhance_to_stdout
from edge_dce.enhancing.jobs import MARKER, PREVIEW_MARKER, STDOUT, Naming, Plan, plan_jobs
from edge_dce.enhancing.options import add_look_options, add_model_options
from edge_dce.enhancing.preview import STRENGTHS
from edge_dce.enhancing.watching import watch_folders
from edge_dce.errors import EdgeDceError, ImageError, OutputError
from edge_dce.files.formats.registry import find_writer
from edge_dce.files.objects import ObjectPath, parse_place
from edge_dce.files.pictures import DEFAULT_QUALITY, WRITABLE_SUFFIXES
from edge_dce.files.streams import is_stream, kept_in_file
from edge_dce.pixels.look import Look
from edge_dce.terminal.arguments import parse_positive
from edge_dce.terminal.console import complain, is_terminal, say


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
        help="file, folder, s3:// address, or - for PNG on stdout (default: NAME-enhanced beside each file or folder)",
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
        "--watch", action="store_true", help="go on with each picture that comes into the folders, until Ctrl-C"
    )
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
    if arguments.cluster is not None and arguments.accelerator is not None:
        raise EdgeDceError("--cluster and --accelerator: workers use their processors alone; leave one of them out")
    naming = Naming(marker=arguments.suffix, picture_suffix=arguments.format)
    if arguments.preview:
        naming = Naming(marker=arguments.suffix or PREVIEW_MARKER, picture_suffix=arguments.format or ".jpg")
    plan_again = functools.partial(
        plan_jobs,
        arguments.inputs,
        arguments.output,
        naming=naming,
        is_recursive=arguments.recursive,
        replaces_inputs=arguments.overwrite > 1,
        is_lenient=arguments.watch,
    )
    if arguments.watch:
        _check_watchable(arguments)
    plan = plan_again()
    _check_format(arguments, plan)
    verbosity = Verbosity(is_quiet=arguments.quiet, is_verbose=arguments.verbose, is_json=arguments.json)
    look = Look(arguments.strength, arguments.max_brightness, arguments.denoise)
    options = JobOptions(
        look,
        overwrite=arguments.overwrite > 0,
        quality=arguments.quality,
        previews=arguments.preview,
        is_quiet=arguments.quiet,
        debug=arguments.debug or called is not None,
    )
    if arguments.watch:
        _check_plan_of_watch(arguments, plan)
        enhancer = _load(arguments)
        if not arguments.quiet:
            say(f"watching {' '.join(arguments.inputs)} for pictures; Ctrl-C ends it")
        # No bar tells how far it is where nobody knows how far it goes.
        verbosity = dataclasses.replace(verbosity, is_verbose=arguments.verbose or is_terminal(sys.stdout))
        folders = [Path(text) for text in arguments.inputs]
        watch_folders(folders, plan_again, enhancer, options, Account(verbosity, Plan([])))
        return 0
    account = Account(verbosity, plan, called)
    for problem in plan.problems:
        complain(problem)
    if arguments.dry_run:
        done = find_done(plan.jobs, overwrite=options.overwrite)
        for job in plan.jobs:
            account.tell_plan(JobResult(job, is_present=job in done))
        account.sum_up()
        return 1 if plan.problems else 0
    if arguments.cluster is not None:
        with Cluster(
            arguments.cluster, model=arguments.model, threads=arguments.threads, contract=arguments.contract
        ) as cluster:
            return 1 if enhance_files(plan, cluster, options, account) or plan.problems else 0
    enhancer = _load(arguments)
    if plan.jobs[0].target is None:
        enhance_to_stdout(plan.jobs[0], enhancer, options, arguments.format or ".png")
        return 0
    return 1 if enhance_files(plan, enhancer, options, account) or plan.problems else 0


def _check_format(arguments: argparse.Namespace, plan: Plan) -> None:
    """Of one picture, whose result has a name of its own, --format has to say the same."""
    job = next(iter(plan.jobs), None)
    if arguments.format is None or job is None or job.target is None or job.is_video:
        return
    if find_writer(job.target.suffix) != find_writer(arguments.format):
        found = f"a {job.target.suffix} file, and --format asks for {arguments.format}"
        raise EdgeDceError(f"{job.target}: {found}; leave one of them out")


def _load(arguments: argparse.Namespace) -> Enhancer:
    return load(
        arguments.model,
        threads=arguments.threads,
        contract=arguments.contract,
        accelerator=arguments.accelerator,
    )


def _check_watchable(arguments: argparse.Namespace) -> None:
    if arguments.dry_run:
        raise ImageError("--watch and --dry-run: what will come is not known yet; leave one of them out")
    if arguments.cluster is not None:
        raise ImageError("--watch and --cluster: folders are watched on this machine; leave one of them out")
    for text in arguments.inputs:
        if isinstance(parse_place(text), ObjectPath):
            raise ImageError(
                f"{text}: --watch expects folders of this machine, found an object store; leave --watch out"
            )


def _check_plan_of_watch(arguments: argparse.Namespace, plan: Plan) -> None:
    for text in arguments.inputs:
        if not Path(text).is_dir():
            raise ImageError(f"{text}: --watch expects folders, found a file; name its folder, or leave --watch out")
    for problem in plan.problems:
        # A name that is taken can be changed meanwhile, but what would replace inputs was asked for wrongly.
        if isinstance(problem, OutputError):
            raise problem


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
