"""Command line of the workshop's benchmarks: parse, call, print."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import documents, frame_table, results, suite
from benchmarks.ablation import measure_variants, write_variants
from benchmarks.ablation_table import render_ablation
from benchmarks.choice import judge_peers, make_peers_table
from benchmarks.cluster import format_cluster, measure_cluster
from benchmarks.controls import draw_controls
from benchmarks.denoising import measure_denoising
from benchmarks.denoising_table import format_denoising
from benchmarks.flicker import format_flicker, measure_flicker, read_sequence
from benchmarks.frame import measure_frames
from benchmarks.gallery import draw_gallery
from benchmarks.ghosts import format_ghosts, measure_cost, measure_ghosts
from benchmarks.memory import format_memory, measure_memory
from benchmarks.peers import find_missing_packages, measure_peers
from benchmarks.photo import measure_photo
from benchmarks.pixel_path import format_pixel_path, measure_pixel_path
from benchmarks.shapes import format_refusals, format_shapes, measure_refusals, measure_shapes
from benchmarks.training_speed import RECIPE, format_training_speed, measure_training_speed
from benchmarks.video import format_video, measure_video
from edge_dce.benchmark.comparison import compare
from edge_dce.benchmark.measurement import Plan
from edge_dce.benchmark.summary import format_comparison
from edge_dce.enhancer import load
from edge_dce.errors import EdgeDceError
from edge_dce.files.folders import match_pairs
from edge_dce.files.output import check_free, make_folder, write_file
from edge_dce.files.pictures import Picture, read_image, write_picture
from edge_dce.machine import count_usable_cores, describe_machine
from edge_dce.models.catalog import DEFAULT_MODEL, bundled_models
from edge_dce.terminal.arguments import parse_above_zero, parse_positive, parse_positives, parse_size
from edge_dce.terminal.console import answer

_TEST_PAIRS = (Path("data/test/low"), Path("data/test/high"))
_REFERENCE_SIZES = ((1920, 1080), (640, 480), (3840, 2160))


def main(argv: Sequence[str] | None = None) -> int:
    """Run `python -m benchmarks ...`; the exit status: 0, 1 for an error, a slowdown or stale tables, 130 Ctrl-C."""
    arguments = _build_parser().parse_args(argv)
    return answer(lambda: arguments.command(arguments), prog="benchmarks")


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure, compare and report models.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_run(commands)
    _add_readers(commands)
    _add_measurements(commands)
    _add_galleries(commands)
    return parser


def _add_run(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    run = commands.add_parser("run", help="measure files x sizes x threads x runtimes, into benchmarks/results/")
    run.add_argument("models", nargs="*", metavar="MODEL", help="bundled models or paths (default: all bundled)")
    run.add_argument(
        "--size",
        type=parse_size,
        action="append",
        metavar="WxH",
        help="size of the photo; repeatable (default: 1920x1080)",
    )
    run.add_argument(
        "--threads", type=parse_positives, metavar="N[,N...]", help="threads to measure (default: 1 and all cores)"
    )
    run.add_argument(
        "--runs", type=parse_positive, metavar="N", help="timed runs (default: depends on the time of one)"
    )
    run.add_argument(
        "--environment",
        type=Path,
        action="append",
        metavar="VENV",
        help="environment to run in; repeatable (default: .venv, .venv-tflite)",
    )
    run.add_argument("--pairs", nargs=2, type=Path, metavar=("LOW_DIR", "HIGH_DIR"), help="also score on these pairs")
    run.add_argument("--no-peers", action="store_true", help="leave out ONNX Runtime and OpenVINO")
    run.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="folder for the results (default: benchmarks/results/TIME)"
    )
    run.add_argument(
        "--reference",
        action="store_true",
        help="measure all bundled models, three sizes and the pairs of data/test, into benchmarks/reference/MACHINE",
    )
    run.set_defaults(command=_run, usage_error=run.error)


def _add_readers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    comparison = commands.add_parser("compare", help="compare two folders of results: faster, slower or no change")
    comparison.add_argument("base", type=Path, metavar="BASE_DIR")
    comparison.add_argument("new", type=Path, metavar="NEW_DIR")
    comparison.add_argument("--tolerance", type=parse_above_zero, default=10.0, metavar="PERCENT")
    comparison.add_argument("--markdown", action="store_true")
    comparison.set_defaults(command=_compare)

    tables = commands.add_parser("table", help="rewrite the tables in README and docs from committed results")
    tables.add_argument("--check", action="store_true", help="change nothing; exit status 1 if the tables are stale")
    tables.set_defaults(command=_table)

    for name, what, target in (
        ("report", "write one HTML page from a folder of results", "out/benchmarks.html"),
        ("plot", "write the charts of a folder of results as SVG files", "out/benchmarks"),
    ):
        reader = commands.add_parser(name, help=what)
        reader.add_argument(
            "folder", type=Path, nargs="?", metavar="DIR", help="folder of results (default: the newest one)"
        )
        reader.add_argument(
            "-o",
            "--output",
            type=Path,
            default=Path(target),
            metavar="PATH",
            help=f"where the result goes (default: {target})",
        )
        reader.add_argument("--overwrite", action="store_true")
        if name == "report":
            reader.add_argument(
                "--picture", type=Path, action="append", metavar="FILE", help="picture for the crops; repeatable"
            )
        reader.set_defaults(command=_report if name == "report" else _plot)


def _add_measurements(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    record = argparse.ArgumentParser(add_help=False)
    record.add_argument("--json", type=Path, metavar="FILE", help="write the raw result; replaces an existing file")
    timed = argparse.ArgumentParser(add_help=False, parents=[record])
    timed.add_argument("--threads", type=parse_positive, default=2)
    modeled = argparse.ArgumentParser(add_help=False, parents=[timed])
    modeled.add_argument("--model", default=DEFAULT_MODEL)

    peers = commands.add_parser(
        "peers", parents=[record], help="measure the same networks on ONNX Runtime and OpenVINO"
    )
    peers.add_argument("models", nargs="*", metavar="MODEL", help="bundled models or paths (default: all bundled)")
    peers.add_argument("--runs", type=parse_positive, metavar="N")
    peers.add_argument("--threads", type=parse_positives, default=(), metavar="N[,N...]")
    peers.add_argument("--size", type=parse_size, default=(1920, 1080), metavar="WxH")
    peers.set_defaults(command=_peers)

    pixel_path = commands.add_parser(
        "pixel-path", parents=[timed], help="compare the table look-up with the plain formula at 1080p"
    )
    pixel_path.add_argument("--photo", type=Path, default=suite.PHOTO)
    pixel_path.add_argument("--runs", type=parse_positive, default=21)
    pixel_path.set_defaults(command=_pixel_path)

    frame = commands.add_parser("frame", parents=[timed], help="compare whole frames and a photo with other methods")
    frame.add_argument("--photo", type=Path, default=suite.PHOTO)
    frame.add_argument("--rounds", type=parse_positive, default=31)
    frame.set_defaults(command=_frame)

    denoising = commands.add_parser(
        "denoising", parents=[modeled], help="compare filters of noise on pictures whose clean version is known"
    )
    denoising.add_argument("--panoramas", type=Path, metavar="DIR", help="panoramas, as in docs/training.md")
    denoising.add_argument(
        "--views", type=parse_positive, default=46, help="views for each strength of noise (default: %(default)s)"
    )
    denoising.add_argument("--lol", type=Path, metavar="DIR", help="LOL's folder with low/ and high/")
    denoising.set_defaults(command=_denoising, usage_error=denoising.error)

    ablation = commands.add_parser("ablation", help="score variants of a recipe, each trained with several seeds")
    ablation.add_argument("folder", type=Path, metavar="DIR", help="exported networks called VARIANT-SEED.keras")
    ablation.add_argument(
        "--pairs",
        nargs=3,
        action="append",
        required=True,
        metavar=("NAME", "LOW", "HIGH"),
        help="a set: two folders with the same file names; repeatable",
    )
    ablation.add_argument("--threads", type=parse_positive, default=2)
    ablation.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="the result as JSON; replaces an existing file"
    )
    ablation.set_defaults(command=_ablation)

    training = commands.add_parser(
        "training-speed", parents=[record], help="measure the steps of a training: engines, and memory that stays"
    )
    training.add_argument(
        "--recipe", default=RECIPE, help="one that needs no pairs and no panoramas (default: %(default)s)"
    )
    training.add_argument("--steps", type=parse_positive, default=24, help="of an epoch (default: %(default)s)")
    training.add_argument("--turns", type=parse_positive, default=3, help="trainings of each (default: %(default)s)")
    training.set_defaults(command=_training_speed)

    memory = commands.add_parser("memory", parents=[modeled], help="watch the memory over many frames of 1080p")
    memory.add_argument("--photo", type=Path, default=suite.PHOTO)
    memory.add_argument(
        "--frames", type=parse_positive, default=2000, help="frames of each kind (default: %(default)s)"
    )
    memory.set_defaults(command=_memory)

    shapes = commands.add_parser(
        "shapes", parents=[record], help="measure the peak memory of pictures of any shape, and the time to refuse one"
    )
    shapes.add_argument(
        "--megapixels", type=parse_above_zero, default=100.0, help="of the largest (default: %(default)g)"
    )
    shapes.set_defaults(command=_shapes)

    cluster = commands.add_parser(
        "cluster", parents=[record], help="compare workers of a cluster with one process, from and to an object store"
    )
    cluster.add_argument("--photo", type=Path, default=suite.PHOTO)
    cluster.add_argument("--pictures", type=parse_positive, default=2000, help="small ones (default: %(default)s)")
    cluster.add_argument("--rounds", type=parse_positive, default=2, help="of each, in turn (default: %(default)s)")
    cluster.set_defaults(command=_cluster)

    video = commands.add_parser(
        "video", parents=[modeled], help="measure each stage of a 1080p clip, from file to file"
    )
    video.add_argument("--clip", type=Path, metavar="FILE", help="video to use (default: a synthetic one)")
    video.add_argument(
        "--frames", type=parse_positive, default=150, help="frames of the synthetic clip (default: %(default)s)"
    )
    video.add_argument("--runs", type=parse_positive, default=3)
    video.set_defaults(command=_video)

    flicker = commands.add_parser(
        "flicker", parents=[modeled], help="compare the flicker of frame-by-frame and smoothed enhancement"
    )
    flicker.add_argument(
        "sequences",
        type=Path,
        nargs="+",
        metavar="SEQUENCE",
        help="clip, folder of pictures, or 'pattern*' of pictures",
    )
    flicker.set_defaults(command=_flicker)

    ghosts = commands.add_parser(
        "ghosts", parents=[timed], help="measure what averaging over time leaves of noise, and of what moved"
    )
    ghosts.add_argument(
        "sources", type=Path, nargs="*", default=[suite.PHOTO], metavar="SOURCE", help="picture to pan over, or clip"
    )
    ghosts.set_defaults(command=_ghosts)


def _add_galleries(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    gallery = commands.add_parser("gallery", help="draw pictures before and after on one sheet")
    gallery.add_argument("pictures", type=Path, nargs="+", metavar="PICTURE")
    gallery.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    gallery.add_argument("--model", default=DEFAULT_MODEL)
    gallery.add_argument("--columns", type=parse_positive, default=2)
    gallery.add_argument("--cell", type=parse_size, default=(240, 180), metavar="WxH")
    gallery.add_argument("--overwrite", action="store_true")
    gallery.set_defaults(command=_gallery)

    controls = commands.add_parser(
        "controls", help="draw a strip for each control that shows what it does to the sample photo"
    )
    controls.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    controls.add_argument("--overwrite", action="store_true")
    controls.set_defaults(command=_controls)


def _run(arguments: argparse.Namespace) -> int:
    if arguments.reference and (arguments.models or arguments.size or arguments.output):
        arguments.usage_error("--reference sets the models, sizes and folder; leave MODEL, --size and --output out")
    matrix = _plan_matrix(arguments)
    folder = arguments.output or _choose_folder(arguments.reference)
    make_folder(folder)
    steps = suite.plan_steps(matrix, folder.resolve())
    suite.run_steps(steps, on_step=lambda step: print(f"== {step.title}", file=sys.stderr))
    print(folder)
    return 0


def _choose_folder(reference: bool) -> Path:
    if reference:
        return results.REFERENCE / results.name_machine()
    return results.RESULTS / time.strftime("%Y%m%d-%H%M%S")


def _plan_matrix(arguments: argparse.Namespace) -> suite.Matrix:
    pairs = arguments.pairs or (_TEST_PAIRS if arguments.reference else None)
    missing = [] if arguments.no_peers else find_missing_packages()
    if missing:
        print(f"other runtimes left out: no {', '.join(missing)}; run: pip install 'edge-dce[peers]'", file=sys.stderr)
    return suite.Matrix(
        models=arguments.models or [path.stem for path in bundled_models()],
        sizes=_REFERENCE_SIZES if arguments.reference else arguments.size or _REFERENCE_SIZES[:1],
        threads=arguments.threads or sorted({1, count_usable_cores()}),
        environments=arguments.environment or suite.ENVIRONMENTS,
        pairs=(pairs[0].resolve(), pairs[1].resolve()) if pairs else None,
        peers=not (arguments.no_peers or missing),
        all_sizes=not arguments.reference,
        frame=arguments.reference,
        runs=arguments.runs,
    )


def _compare(arguments: argparse.Namespace) -> int:
    base, new = results.read_folder(arguments.base), results.read_folder(arguments.new)
    common = sorted(base.keys() & new.keys())
    if not common:
        raise EdgeDceError(f"{arguments.base} and {arguments.new} have no report in common; run both the same way")
    slower = False
    for name in common:
        found = compare(new[name], base[name], tolerance=arguments.tolerance / 100)
        print(format_comparison(found, base=f"{arguments.base.name}/{name}", markdown=arguments.markdown), end="\n\n")
        slower |= bool(found.slower)
    return 1 if slower else 0


def _table(arguments: argparse.Namespace) -> int:
    stale = []
    for page in documents.list_pages():
        text = documents.render(page)
        if text == page.read_text():
            continue
        stale.append(page)
        if not arguments.check:
            write_file(page, text.encode(), overwrite=True)
    if stale and arguments.check:
        names = ", ".join(str(page.relative_to(results.ROOT)) for page in stale)
        print(f"{names}: tables are stale; run: python -m benchmarks table", file=sys.stderr)
        return 1
    return 0


def _report(arguments: argparse.Namespace) -> int:
    # Here, because drawing needs matplotlib, which a device has not.
    from benchmarks.page import make_report_page

    check_free(arguments.output, overwrite=arguments.overwrite)
    page = make_report_page(arguments.folder or results.find_latest(), arguments.picture or [suite.PHOTO])
    make_folder(arguments.output.parent)
    write_file(arguments.output, page, overwrite=arguments.overwrite)
    print(arguments.output)
    return 0


def _plot(arguments: argparse.Namespace) -> int:
    from benchmarks.charts import draw_charts

    charts = draw_charts(arguments.folder or results.find_latest())
    make_folder(arguments.output)
    for chart in charts:
        path = arguments.output / f"{chart.name}.svg"
        write_file(path, chart.svg.encode(), overwrite=arguments.overwrite)
        print(path)
    return 0


def _peers(arguments: argparse.Namespace) -> int:
    models = arguments.models or [path.stem for path in bundled_models()]
    plan = Plan(size=arguments.size, threads=arguments.threads, runs=arguments.runs)
    report = measure_peers(models, suite.PHOTO, plan)
    print(f"{make_peers_table(report).to_text()}\n\n{judge_peers(report)}")
    if arguments.json:
        write_file(arguments.json, report.to_json().encode(), overwrite=True)
    return 0


def _pixel_path(arguments: argparse.Namespace) -> int:
    measured = measure_pixel_path(arguments.photo, threads=arguments.threads, runs=arguments.runs)
    print(format_pixel_path(measured))
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


def _denoising(arguments: argparse.Namespace) -> int:
    if not (arguments.panoramas or arguments.lol):
        arguments.usage_error("expected --panoramas DIR, --lol DIR or both")
    measured = measure_denoising(
        model=arguments.model,
        panoramas=arguments.panoramas,
        views=arguments.views,
        lol=arguments.lol,
        threads=arguments.threads,
    )
    print(format_denoising(measured))
    _write_record(arguments.json, {"denoising": dataclasses.asdict(measured)})
    return 0


def _ablation(arguments: argparse.Namespace) -> int:
    sets = {name: match_pairs(Path(low), Path(high)) for name, low, high in arguments.pairs}
    write_variants(
        arguments.output, list(measure_variants(arguments.folder, sets, threads=arguments.threads, track=print))
    )
    print(render_ablation(arguments.output))
    return 0


def _training_speed(arguments: argparse.Namespace) -> int:
    speed = measure_training_speed(arguments.recipe, steps=arguments.steps, turns=arguments.turns)
    print(format_training_speed(speed))
    _write_record(arguments.json, {"training_speed": dataclasses.asdict(speed)})
    return 0


def _memory(arguments: argparse.Namespace) -> int:
    use = measure_memory(arguments.photo, arguments.model, threads=arguments.threads, frames=arguments.frames)
    print(format_memory(use))
    _write_record(arguments.json, {"memory": dataclasses.asdict(use)})
    return 0


def _shapes(arguments: argparse.Namespace) -> int:
    uses, refusals = measure_shapes(megapixels=arguments.megapixels), measure_refusals()
    print(f"{format_shapes(uses)}\n\n{format_refusals(refusals)}")
    record = {"shapes": [dataclasses.asdict(use) for use in uses]}
    _write_record(arguments.json, record | {"refusals": [dataclasses.asdict(refusal) for refusal in refusals]})
    return 0 if all(use.is_within for use in uses) else 1


def _video(arguments: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory() as folder:
        clip = arguments.clip
        if clip is None:
            # PyAV is an extra; the other benchmarks do without it.
            from benchmarks.clip import write_clip

            clip = Path(folder) / "synthetic.mp4"
            write_clip(clip, suite.PHOTO, size=(1920, 1080), frames=arguments.frames)
        times = measure_video(clip, Path(folder), model=arguments.model, threads=arguments.threads, runs=arguments.runs)
    print(format_video(times))
    _write_record(arguments.json, dataclasses.asdict(times))
    return 0


def _cluster(arguments: argparse.Namespace) -> int:
    times = measure_cluster(arguments.photo, pictures=arguments.pictures, rounds=arguments.rounds)
    print(format_cluster(times))
    _write_record(arguments.json, {"cluster": dataclasses.asdict(times)})
    return 0 if times.is_whole else 1


def _flicker(arguments: argparse.Namespace) -> int:
    enhancer = load(arguments.model, threads=arguments.threads)
    measured = [measure_flicker(path.name, read_sequence(path), enhancer) for path in arguments.sequences]
    print(format_flicker(measured))
    sequences = [dataclasses.asdict(each) for each in measured]
    _write_record(arguments.json, {"model": arguments.model, "sequences": sequences})
    return 0


def _ghosts(arguments: argparse.Namespace) -> int:
    measured, cost = measure_ghosts(arguments.sources), measure_cost(threads=arguments.threads)
    print(format_ghosts(measured, cost))
    sequences = [dataclasses.asdict(each) for each in measured]
    _write_record(arguments.json, {"sequences": sequences, "cost": dataclasses.asdict(cost)})
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


def _controls(arguments: argparse.Namespace) -> int:
    targets = {
        arguments.output / f"control-{name}.jpg": strip
        for name, strip in draw_controls(read_image(suite.PHOTO)).items()
    }
    for target in targets:
        check_free(target, overwrite=arguments.overwrite)
    make_folder(arguments.output)
    for target, strip in targets.items():
        write_picture(Picture(strip), target, overwrite=arguments.overwrite)
        print(target)
    return 0
