"""README tables from committed results: no figure in the README is typed by hand."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.flicker import render_flicker
from benchmarks.frame_table import render_frames
from benchmarks.video import render_video
from edge_dce.card import read_model_file
from edge_dce.catalog import bundled_models, find_model
from edge_dce.errors import EdgeDceError

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
_TEST_PAIRS = 30
REFERENCE = ROOT / "benchmarks" / "reference"
TRAINING_RESULTS = ROOT / "training" / "results"
_BLOCK = re.compile(r"(<!-- begin (?P<name>[\w-]+) -->\n)(.*?)(<!-- end (?P=name) -->)", re.DOTALL)


def render(text: str) -> str:
    """The README's text with every block between markers made anew.

    Raises:
        EdgeDceError: a block of a name that no table has.
    """
    tables = {
        "recipes": _recipe_table,
        "quality": _quality_table,
        "speed": _speed_table,
        "pixel-path": _pixel_path_line,
        "frame": _frame_table,
        "video": _video_lines,
    }

    def replace(match: re.Match[str]) -> str:
        name = match["name"]
        if name not in tables:
            raise EdgeDceError(f"README.md: no table '{name}'; expected one of {' '.join(tables)}")
        return f"{match[1]}{tables[name]()}\n{match[4]}"

    return _BLOCK.sub(replace, text)


def _recipe_table() -> str:
    evaluations = [json.loads(path.read_text()) for path in sorted(TRAINING_RESULTS.glob("*/evaluation.json"))]
    if not evaluations:
        raise EdgeDceError(f"{TRAINING_RESULTS}: expected evaluations of trained networks, found none")
    evaluations.sort(key=lambda evaluation: float(evaluation["means"]["together"]["network"]["psnr_db"]))
    parts = {"test": "report's test pairs", "validation": "validation pairs", "together": "together"}
    first = evaluations[0]["means"]
    if any(evaluation["means"][part]["input"] != first[part]["input"] for evaluation in evaluations for part in parts):
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
    results = [result for _, result in _read_results() if result["quality"]]
    if not results or any(result["quality"]["images"] != _TEST_PAIRS for result in results):
        raise EdgeDceError(f"{REFERENCE}: expected results with the quality of {_TEST_PAIRS} pairs; measure again")
    quality = results[0]["quality"]
    lines = [
        f"| first {_TEST_PAIRS} LOL pairs | PSNR dB | SSIM | enhanced pictures against the Keras network |",
        "| --- | --- | --- | --- |",
        f"| dark input | {quality['input_psnr_db']:.2f} | {quality['input_ssim']:.3f} | |",
        f"| gamma 0.4 | {quality['gamma_psnr_db']:.2f} | {quality['gamma_ssim']:.3f} | |",
    ]
    for result in results:
        quality, fidelity = result["quality"], _describe_fidelity(result)
        lines.append(f"| {result['model']} | {quality['psnr_db']:.2f} | {quality['ssim']:.3f} | {fidelity} |")
    return "\n".join(lines)


def _speed_table() -> str:
    lines = [
        "| machine | model | runtime | network p50 / p90 ms | 1080p photo to photo p50 / p90 ms | peak memory MB |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for machine, result in _read_results():
        invoke, whole = result["invoke_ms"], result["end_to_end_ms"]
        lines.append(
            f"| {machine['cpu']}, {result['threads']} threads | {result['model']} "
            f"| {result['runtime']} {result['runtime_version']} | {invoke['p50']:.1f} / {invoke['p90']:.1f} "
            f"| {whole['p50']:.1f} / {whole['p90']:.1f} | {result['peak_rss_mb']:.0f} |"
        )
    return "\n".join(lines)


def _pixel_path_line() -> str:
    lines = []
    for path in sorted(REFERENCE.glob("*/pixel-path.json")):
        measured = json.loads(path.read_text())
        ratios = np.divide(measured["formula_ms"], measured["look_up_ms"])
        low, median, high = np.percentile(ratios, (10, 50, 90))
        lines.append(
            f"At 1080p on {measured['threads']} threads the look-up takes {np.median(measured['look_up_ms']):.1f} ms, "
            f"{median:.1f} times less than the plain eight-step formula (p10 {low:.1f}, p90 {high:.1f}). Its samples "
            f"are off by {measured['mean_error']:.2f} of 255 levels on average, {measured['worst_error']} at worst."
        )
    return "\n".join(lines)


def _frame_table() -> str:
    paths = sorted(REFERENCE.glob("*/frame.json"))
    return "\n\n".join(render_frames(json.loads(path.read_text())) for path in paths)


def _video_lines() -> str:
    lines = [render_video(json.loads(path.read_text())) for path in sorted(REFERENCE.glob("*/video.json"))]
    lines += [render_flicker(json.loads(path.read_text())) for path in sorted(REFERENCE.glob("*/flicker.json"))]
    return "\n\n".join(lines)


def _read_results() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    pairs = []
    for path in sorted(REFERENCE.glob("*/*.json")):
        report = json.loads(path.read_text())
        if "results" in report:
            pairs += [(report["machine"], result) for result in report["results"]]
    return pairs


def _describe_fidelity(result: dict[str, Any]) -> str:
    card = read_model_file(find_model(result["model"])).card
    if card is None or card.sha256 != result.get("model_sha256"):
        raise EdgeDceError(
            f"{result['model']}: the committed result is of another file than the bundled one; measure again"
        )
    if card.fidelity is None:
        return ""
    return f"{card.fidelity.psnr_db:.1f} dB mean, {card.fidelity.worst_psnr_db:.1f} worst"
