"""Tables of the documents from committed results and from the code: no figure in README or docs/ is typed by hand.

A page has each table between two comments, `<!-- begin NAME -->` and `<!-- end NAME -->`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.ablation_table import render_ablation
from benchmarks.choice import judge, judge_peers, make_choice_table, make_peers_table
from benchmarks.cluster import render_cluster, render_plan
from benchmarks.container_table import render_containers
from benchmarks.denoising_table import render_denoising
from benchmarks.flicker import render_flicker
from benchmarks.frame_table import render_frames
from benchmarks.memory import render_memory
from benchmarks.results import REFERENCE, REPORTS, ROOT, read_folder, read_peers, read_pixel_path
from benchmarks.shapes import render_shapes
from benchmarks.training_speed import render_training_speed
from benchmarks.video import render_video
from edge_dce.benchmark.latency import Latency, divide_in_turn
from edge_dce.benchmark.quality import PairScore, Score
from edge_dce.benchmark.report import Measurement, Report
from edge_dce.benchmark.summary import LABELS
from edge_dce.errors import EdgeDceError
from edge_dce.files.formats.registry import FEATURES, FORMATS, Format
from edge_dce.models.card import read_model_file
from edge_dce.models.catalog import bundled_models, find_model
from edge_dce.reports.table import EMPTY, Table

_TEST_PAIRS = 30
_SPEED_SIZE = (1920, 1080)
TRAINING_RESULTS = ROOT / "training" / "results"
ABLATION = TRAINING_RESULTS / "ablation.json"
_BLOCK = re.compile(r"(<!-- begin (?P<name>[\w-]+) -->\n)(.*?)(<!-- end (?P=name) -->)", re.DOTALL)


def list_pages() -> list[Path]:
    """The documents that may show tables: README and the pages of docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def list_tables(page: Path) -> list[str]:
    """Names of the tables that a page has a place for."""
    return [match["name"] for match in _BLOCK.finditer(page.read_text())]


def render(page: Path) -> str:
    """A page's text with every block between markers made anew.

    Raises:
        EdgeDceError: a block of a name that no table has.
    """

    def replace(match: re.Match[str]) -> str:
        name = match["name"]
        if name not in TABLES:
            raise EdgeDceError(f"{page.name}: no table '{name}'; expected one of {' '.join(TABLES)}")
        return f"{match[1]}{TABLES[name]()}\n{match[4]}"

    return _BLOCK.sub(replace, page.read_text())


def _recipe_table() -> str:
    evaluations = [json.loads(path.read_text()) for path in sorted(TRAINING_RESULTS.glob("*/evaluation.json"))]
    if not evaluations:
        raise EdgeDceError(f"{TRAINING_RESULTS}: expected evaluations of trained networks, found none")
    evaluations.sort(key=lambda evaluation: float(evaluation["means"]["together"]["network"]["psnr_db"]))
    parts = {"test": "test pairs of the report", "validation": "validation pairs", "together": "together"}
    first = evaluations[0]["means"]
    # Evaluations of before have fewer figures, to other digits.
    seen = {tuple(round(each["means"][part]["input"]["psnr_db"], 3) for part in parts) for each in evaluations}
    if len(seen) > 1:
        raise EdgeDceError(f"{TRAINING_RESULTS}: expected evaluations on the same pictures; evaluate all again")
    titles = [f"{first[part]['images']} {title}: dB / SSIM" for part, title in parts.items()]
    lines = [
        "| | " + " | ".join(titles) + " | parameters | int8 / float16 kB |",
        "| --- | --- | --- | --- | --- | --- |",
    ]

    def score(means: dict[str, Any], method: str) -> str:
        return " | ".join(f"{means[part][method]['psnr_db']:.2f} / {means[part][method]['ssim']:.3f}" for part in parts)

    for method, label in (("input", "dark input"), ("clahe", "CLAHE"), ("gamma", "gamma 0.4")):
        lines.append(f"| {label} | {score(first, method)} | | |")
    sizes = _read_sizes_kb()
    for evaluation in evaluations:
        name, network = evaluation["title"], evaluation["recipe"]["network"]
        size = " / ".join(
            str(sizes[name, precision]) for precision in ("int8", "float16") if (name, precision) in sizes
        )
        means = score(evaluation["means"], "network")
        lines.append(f"| recipe `{name}`, network `{network}` | {means} | {evaluation['parameters']:,} | {size} |")
    return "\n".join(lines)


def _read_sizes_kb() -> dict[tuple[str, str], int]:
    """Sizes of the bundled files by recipe and precision."""
    sizes = {}
    for path in bundled_models():
        card = read_model_file(path).card
        if card is not None:
            sizes[card.source.recipe, card.precision] = round(path.stat().st_size / 1000)
    return sizes


def _quality_table() -> str:
    report = next((report for report in _read_scored() if report.images == _TEST_PAIRS), None)
    if report is None:
        raise EdgeDceError(f"{REFERENCE}: expected a result with the quality of {_TEST_PAIRS} pairs; measure again")
    lines = [
        f"| first {_TEST_PAIRS} LOL pairs | PSNR dB | SSIM | enhanced pictures against the Keras network |",
        "| --- | --- | --- | --- |",
    ]
    lines += [f"| {LABELS[baseline.key]} | {_format_score(baseline.score)} | |" for baseline in report.baselines]
    most = max(result.threads for result in report.results)
    lines += [
        f"| {result.model} | {_format_score(result.score)} | {_describe_fidelity(result)} |"
        for result in report.results
        if result.threads == most
    ]
    return "\n".join(lines)


def _speed_table() -> str:
    lines = [
        "| machine | model | runtime | network p50 / p90 ms | 1080p photo to photo p50 / p90 ms | peak memory MB |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for folder in _list_machines():
        for report in read_folder(folder).values():
            most = max(result.threads for result in report.results)
            lines += [
                f"| {report.machine['cpu']}, {result.threads} threads | {result.model} "
                f"| {result.runtime} {result.runtime_version} | {_format_latency(result.invoke)} "
                f"| {_format_latency(result.end_to_end)} | {result.peak_rss_mb or 0:.0f} |"
                for result in report.results
                if result.threads == most and result.size == _SPEED_SIZE
            ]
    return "\n".join(lines)


def _choice_table() -> str:
    parts = []
    for report in _read_scored():
        runtime = f"{report.results[0].runtime} {report.results[0].runtime_version}"
        most = max(result.threads for result in report.results)
        frame = "x".join(str(side) for side in report.results[0].size)
        parts.append(f"**{report.machine['cpu']}**, {most} threads, {runtime}, {frame}:")
        parts.append(make_choice_table(report).to_markdown())
    return "\n\n".join(parts)


def _best_table() -> str:
    """The files that are the best at something, on the first machine alone: the README has room for one table."""
    report = _read_scored()[0]
    most = max(result.threads for result in report.results)
    size = "x".join(str(side) for side in report.results[0].size)
    lines = [
        f"| model | take it for | {size}, {report.machine['cpu']}, {most} threads | PSNR |",
        "| --- | --- | ---: | ---: |",
    ]
    lines += [
        f"| `{verdict.result.model}` | {verdict} | {verdict.result.end_to_end.percentile(50):.1f} ms "
        f"| {verdict.psnr_db:.2f} dB |"
        for verdict in sorted(judge(report), key=lambda verdict: verdict.result.end_to_end.percentile(50))
        if verdict.best_at
    ]
    return "\n".join(lines)


def _peers_table() -> str:
    parts = []
    for folder in _list_machines():
        report = read_peers(folder)
        if report is not None:
            parts += [f"**{report.machine['cpu']}**: {judge_peers(report)}", make_peers_table(report).to_markdown()]
    return "\n\n".join(parts)


def _pixel_path_line() -> str:
    lines = []
    for folder in _list_machines():
        measured = read_pixel_path(folder)
        if measured is None:
            continue
        formula, look_up = (
            Latency(tuple(measured[name]), turns=len(measured[name])) for name in ("formula_ms", "look_up_ms")
        )
        ratio = divide_in_turn(formula, look_up)
        lines.append(
            f"At 1080p on {measured['threads']} threads the look-up takes {look_up.percentile(50):.1f} ms. The plain "
            f"formula takes {ratio.value:.1f} times as long (95 % interval {ratio.low:.1f} to "
            f"{ratio.high:.1f}). The look-up's samples are off by {measured['mean_error']:.2f} of 255 levels on "
            f"average and by {measured['worst_error']} at worst."
        )
    return "\n".join(lines)


def _frame_table() -> str:
    paths = sorted(REFERENCE.glob("*/frame.json"))
    return "\n\n".join(render_frames(json.loads(path.read_text())) for path in paths)


def _denoising_tables() -> str:
    paths = sorted(REFERENCE.glob("*/denoising.json"))
    return "\n\n".join(render_denoising(json.loads(path.read_text())) for path in paths)


def _shapes_table() -> str:
    return "\n\n".join(render_shapes(json.loads(path.read_text())) for path in sorted(REFERENCE.glob("*/shapes.json")))


def _video_lines() -> str:
    lines = [render_video(json.loads(path.read_text())) for path in sorted(REFERENCE.glob("*/video.json"))]
    lines += [render_flicker(json.loads(path.read_text())) for path in sorted(REFERENCE.glob("*/flicker.json"))]
    return "\n\n".join(lines)


def _camera_app_line() -> str:
    lines = []
    for path in sorted(REFERENCE.glob("*/camera-app.json")):
        measured = json.loads(path.read_text())
        filtered, on, off = (
            [
                turn["frames"] / turn["seconds"]
                for turn in measured["turns"]
                if (turn["is_enhancing"], turn.get("is_denoising", False)) == kind
            ]
            for kind in ((True, True), (True, False), (False, False))
        )
        width, height = measured["size"]
        fps, ratio = np.median(on), np.median(np.divide(on, off))
        lines.append(
            f"On {measured['cpu']} without a GPU ({measured['renderer']}) the view runs at {fps:.0f} frames of "
            f"{width}x{height} a second with the network at work, {ratio:.2f} times as many as with the shader off."
            + (f" With the filter over time it is {np.median(np.divide(filtered, on)):.2f} times." if filtered else "")
        )
    return "\n".join(lines)


def _picture_formats_table() -> str:
    def tell(known: Format, feature: str) -> str:
        if feature not in known.reads:
            return EMPTY
        return "kept" if feature in (known.holds or ()) else "read"

    rows = []
    for known in FORMATS:
        extra = f" (`edge-dce[{known.extra}]`)" if known.extra else ""
        written = "yes" if known.holds is not None else EMPTY
        name = f"{known.name}{extra}: {' '.join(known.suffixes)}"
        rows.append([name, written, *(tell(known, feature) for feature in FEATURES)])
    return Table(["format", "written", *FEATURES], rows).to_markdown()


def _list_machines() -> list[Path]:
    """The folders with results of `run`; some hold those of single measurements only."""
    folders = sorted({path.parent for path in REFERENCE.glob(f"*/{REPORTS}")})
    if not folders:
        raise EdgeDceError(f"{REFERENCE}: expected a folder per machine, found none; see python -m benchmarks run")
    return folders


def _read_scored() -> list[Report]:
    """The scored report of each machine."""
    reports = [report for folder in _list_machines() for report in read_folder(folder).values()]
    return [report for report in reports if report.images]


def _format_score(score: Score | None) -> str:
    return f"{score.psnr_db:.2f} | {score.ssim:.3f}" if isinstance(score, PairScore) else "– | –"


def _format_latency(latency: Latency) -> str:
    return f"{latency.percentile(50):.1f} / {latency.percentile(90):.1f}"


def _describe_fidelity(result: Measurement) -> str:
    card = read_model_file(find_model(result.model)).card
    if card is None or card.sha256 != result.model_sha256:
        raise EdgeDceError(
            f"{result.model}: the committed result is of another file than the bundled one; measure again"
        )
    if card.fidelity is None:
        return ""
    return f"{card.fidelity.psnr_db:.1f} dB mean, {card.fidelity.worst_psnr_db:.1f} worst"


def _render_each(name: str, render_record: Callable[[dict[str, Any]], str]) -> str:
    """Of each machine that has such a record."""
    return "\n\n".join(render_record(json.loads(path.read_text())) for path in sorted(REFERENCE.glob(f"*/{name}")))


# Name between the markers -> what makes the table.
TABLES = {
    "ablation": lambda: render_ablation(ABLATION),
    "best": _best_table,
    "camera-app": _camera_app_line,
    "choice": _choice_table,
    "cluster": lambda: _render_each("cluster.json", render_cluster),
    "cluster-plan": lambda: _render_each("cluster.json", render_plan),
    "containers": render_containers,
    "denoising": _denoising_tables,
    "frame": _frame_table,
    "memory": lambda: _render_each("memory.json", render_memory),
    "peers": _peers_table,
    "picture-formats": _picture_formats_table,
    "pixel-path": _pixel_path_line,
    "quality": _quality_table,
    "recipes": _recipe_table,
    "shapes": _shapes_table,
    "speed": _speed_table,
    "training-speed": lambda: _render_each("training-speed.json", render_training_speed),
    "video": _video_lines,
}
