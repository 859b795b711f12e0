"""Command line of the workshop's benchmarks: parse, call, print."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import frame_table, readme
from benchmarks.flicker import format_flicker, measure_flicker, read_sequence
from benchmarks.frame import measure_frames
from benchmarks.gallery import draw_gallery
from benchmarks.photo import measure_photo
from benchmarks.pixel_path import measure_pixel_path
from benchmarks.video import format_video, measure_video
from edge_dce.benchmark import describe_machine
from edge_dce.catalog import DEFAULT_MODEL
from edge_dce.cli import parse_positive, parse_size
from edge_dce.enhancer import load
from edge_dce.errors import EdgeDceError
from edge_dce.images import Picture, write_picture
from edge_dce.output import check_free, write_file

SAMPLE = readme.ROOT / "docs" / "pictures" / "night-launch.jpg"


def main(argv: Sequence[str] | None = None) -> int:
    """Run `python -m benchmarks ...`; the exit status: 0, 1 for an error or a stale README, 130 for Ctrl-C."""
    arguments = _build_parser().parse_args(argv)
    try:
        status: int = arguments.command(arguments)
    except EdgeDceError as error:
        print(f"benchmarks: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return status


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    pixel_path = commands.add_parser("pixel-path", help="table look-up against the plain formula at 1080p")
    pixel_path.add_argument("--photo", type=Path, default=SAMPLE)
    pixel_path.add_argument("--threads", type=parse_positive, default=2)
    pixel_path.add_argument("--runs", type=parse_positive, default=21)
    pixel_path.add_argument("--json", type=Path, metavar="FILE", help="write the raw result, replacing the file")
    pixel_path.set_defaults(command=_pixel_path)

    frame = commands.add_parser("frame", help="whole frames and a photo against what people would use instead")
    frame.add_argument("--photo", type=Path, default=SAMPLE)
    frame.add_argument("--threads", type=parse_positive, default=2)
    frame.add_argument("--rounds", type=parse_positive, default=31)
    frame.add_argument("--json", type=Path, metavar="FILE", help="write the raw result, replacing the file")
    frame.set_defaults(command=_frame)

    video = commands.add_parser("video", help="a 1080p clip from file to file, stage by stage")
    video.add_argument("--clip", type=Path, metavar="FILE", help="default: a synthetic one")
    video.add_argument(
        "--frames", type=parse_positive, default=150, help="of the synthetic clip (default: %(default)s)"
    )
    video.add_argument("--model", default=DEFAULT_MODEL)
    video.add_argument("--threads", type=parse_positive, default=2)
    video.add_argument("--runs", type=parse_positive, default=3)
    video.add_argument("--json", type=Path, metavar="FILE", help="write the raw result, replacing the file")
    video.set_defaults(command=_video)

    flicker = commands.add_parser("flicker", help="frame-by-frame against smoothed enhancement")
    flicker.add_argument(
        "sequences",
        type=Path,
        nargs="+",
        metavar="SEQUENCE",
        help="clip, folder of pictures, or 'pattern*' of pictures",
    )
    flicker.add_argument("--model", default=DEFAULT_MODEL)
    flicker.add_argument("--threads", type=parse_positive, default=2)
    flicker.add_argument("--json", type=Path, metavar="FILE", help="write the raw result, replacing the file")
    flicker.set_defaults(command=_flicker)

    gallery = commands.add_parser("gallery", help="pictures before and after, many on one sheet")
    gallery.add_argument("pictures", type=Path, nargs="+", metavar="PICTURE")
    gallery.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    gallery.add_argument("--model", default=DEFAULT_MODEL)
    gallery.add_argument("--columns", type=parse_positive, default=2)
    gallery.add_argument("--cell", type=parse_size, default=(240, 180), metavar="WxH")
    gallery.add_argument("--overwrite", action="store_true")
    gallery.set_defaults(command=_gallery)

    tables = commands.add_parser("readme", help="make the README's tables anew from benchmarks/reference")
    tables.add_argument("--check", action="store_true", help="change nothing; exit status 1 if they are stale")
    tables.set_defaults(command=_readme)
    return parser


def _pixel_path(arguments: argparse.Namespace) -> int:
    measured = measure_pixel_path(arguments.photo, threads=arguments.threads, runs=arguments.runs)
    low, median, high = np.percentile(measured.speedups, (10, 50, 90))
    print(f"{measured.size[0]}x{measured.size[1]}, {measured.threads} threads, {len(measured.speedups)} pairs of runs")
    print(f"plain formula  {np.median(measured.formula_ms):7.1f} ms (median)")
    print(f"table look-up  {np.median(measured.look_up_ms):7.1f} ms (median)")
    print(f"speedup        {median:7.1f} times (p10 {low:.1f}, p90 {high:.1f}), pair by pair")
    print(f"error          {measured.mean_error:7.2f} of 255 levels on average, {measured.worst_error} at worst")
    _write_record(arguments.json, dataclasses.asdict(measured))
    return 0


def _frame(arguments: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory() as folder:
        photo = measure_photo(arguments.photo, Path(folder))
    times = measure_frames(arguments.photo, frame_table.MODELS, threads=arguments.threads, rounds=arguments.rounds)
    print(frame_table.format_frames(times))
    print(frame_table.format_photo(photo))
    _write_record(arguments.json, {"frame": dataclasses.asdict(times), "photo": dataclasses.asdict(photo)})
    return 0


def _video(arguments: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory() as folder:
        clip = arguments.clip
        if clip is None:
            # PyAV is an extra; the other benchmarks do without it.
            from benchmarks.clip import write_clip

            clip = Path(folder) / "synthetic.mp4"
            write_clip(clip, SAMPLE, size=(1920, 1080), frames=arguments.frames)
        times = measure_video(clip, Path(folder), model=arguments.model, threads=arguments.threads, runs=arguments.runs)
    print(format_video(times))
    _write_record(arguments.json, dataclasses.asdict(times))
    return 0


def _flicker(arguments: argparse.Namespace) -> int:
    enhancer = load(arguments.model, threads=arguments.threads)
    measured = [measure_flicker(path.name, read_sequence(path), enhancer) for path in arguments.sequences]
    print(format_flicker(measured))
    sequences = [dataclasses.asdict(each) for each in measured]
    _write_record(arguments.json, {"model": arguments.model, "sequences": sequences})
    return 0


def _write_record(target: Path | None, record: dict[str, Any]) -> None:
    """With the schema's number and the machine, as JSON, in place of what was there."""
    if target is not None:
        text = json.dumps({"schema": 1, "machine": describe_machine()} | record, indent=1)
        write_file(target, f"{text}\n".encode(), overwrite=True)


def _gallery(arguments: argparse.Namespace) -> int:
    check_free(arguments.output, overwrite=arguments.overwrite)
    sheet = draw_gallery(arguments.pictures, model=arguments.model, columns=arguments.columns, cell_px=arguments.cell)
    write_picture(Picture(sheet), arguments.output, overwrite=arguments.overwrite)
    print(arguments.output)
    return 0


def _readme(arguments: argparse.Namespace) -> int:
    before = readme.README.read_text()
    after = readme.render(before)
    if not arguments.check:
        write_file(readme.README, after.encode(), overwrite=True)
        return 0
    if before != after:
        print("README.md: tables are stale; run: python -m benchmarks readme", file=sys.stderr)
        return 1
    return 0
