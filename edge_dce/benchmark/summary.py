"""Reports as tables for people, as terminal text or Markdown."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from edge_dce.benchmark.comparison import ReportComparison, Row
from edge_dce.benchmark.latency import Latency, format_figure
from edge_dce.benchmark.quality import Difference, PairScore, PhotoScore, Score
from edge_dce.benchmark.report import Measurement, Report
from edge_dce.reports.table import EMPTY, Table

_SHOWN_WINDOWS = 12
_BARE = "  without cleaning"
LABELS = {"input": "dark input", "gamma": "gamma 0.4", "clahe": "OpenCV CLAHE"}


def format_report(report: Report, *, markdown: bool = False) -> str:
    """All of a report: what was measured on, the figures, minutes at full load, and the warnings."""
    parts = [_describe_run(report), _draw(make_table(report), markdown)]
    overhead = _describe_overhead(report.results)
    if overhead:
        parts.append(overhead)
    if report.windows:
        parts += [
            "Full load, all models in turn, from photo to enhanced photo:",
            _draw(_make_windows_table(report), markdown),
        ]
    warnings = [f"warning: {warning}" for warning in gather_warnings(report)]
    return "\n\n".join(part for part in (*parts, _join_lines(warnings, markdown)) if part)


def format_comparison(comparison: ReportComparison, *, base: str, markdown: bool = False) -> str:
    """What changed since the report named `base`."""
    table = Table(
        ("against " + base, "threads", "network", "photo to photo", "without cleaning"),
        [_format_row(row) for row in comparison.rows],
    )
    warnings = [f"warning: {warning}" for warning in comparison.warnings]
    return "\n\n".join(part for part in (_draw(table, markdown), _join_lines(warnings, markdown)) if part)


def _format_row(row: Row) -> tuple[str, ...]:
    cleaned = EMPTY if row.cleaned is None else str(row.cleaned)
    return row.result.model, str(row.result.threads), str(row.invoke), cleaned, str(row.end_to_end)


def make_table(report: Report) -> Table:
    """One row per baseline and model: latency in ms, memory, size, and what the pictures gave."""
    scores = [result.score for result in report.results]
    kind = next((type(score) for score in scores if score), None)
    reference = next((result.difference.reference for result in report.results if result.difference), None)
    header = ["", "threads", "network p50", "p90", "photo p50", "p90", "load", "memory MB", "file kB"]
    header += _name_scores(kind)
    if reference:
        header += [f"dB to {reference}", "worst"]
    rows = [
        [
            LABELS[baseline.key],
            *[EMPTY] * 3,
            *_format_percentiles(baseline.end_to_end),
            *[EMPTY] * 3,
            *_format_score(baseline.score, kind),
            *([EMPTY] * 2 if reference else []),
        ]
        for baseline in report.baselines
        if baseline.end_to_end or baseline.score
    ]
    for result in report.results:
        bare = [*_format_score(result.score, kind), *(_format_difference(result.difference) if reference else [])]
        cleaned = [*_format_score(result.cleaned_score, kind), *([EMPTY] * 2 if reference else [])]
        row = [
            result.model,
            str(result.threads),
            *_format_percentiles(result.invoke),
            *_format_percentiles(result.cleaned or result.end_to_end),
            _format(result.load_ms, 0),
            _format(result.peak_rss_mb, 0),
            f"{result.file_bytes / 1000:.0f}",
            *(cleaned if result.cleaned else bare),
        ]
        rows.append(row)
        if result.cleaned:
            rows.append([_BARE, *[EMPTY] * 3, *_format_percentiles(result.end_to_end), *[EMPTY] * 3, *bare])
    return Table(header, rows)


def gather_warnings(report: Report) -> list[str]:
    """Those of the whole run, then those of single results, each once with the models that it is about."""
    about: dict[str, list[str]] = {}
    for result in report.results:
        for warning in result.warnings:
            about.setdefault(warning, []).append(f"{result.model}, threads {result.threads}")
    everyone = len(report.results)
    return [
        *report.warnings,
        *(warning if len(names) == everyone else f"{warning} [{'; '.join(names)}]" for warning, names in about.items()),
    ]


def _describe_run(report: Report) -> str:
    machine = report.machine
    runtimes = sorted({f"{result.runtime} {result.runtime_version}" for result in report.results})
    sizes = sorted({"x".join(str(side) for side in result.size) for result in report.results})
    scores = f" Scores are means over {report.images} pictures." if report.images else ""
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {', '.join(runtimes)}. "
        f"Times in ms; photo: from the photo to the enhanced photo of {', '.join(sizes)}.{scores}"
    )


def _describe_overhead(results: Iterable[Measurement]) -> str:
    overheads = [result.call_overhead_us for result in results if result.call_overhead_us is not None]
    if not overheads:
        return ""
    span = f"{min(overheads):.0f}" if len(overheads) == 1 else f"{min(overheads):.0f} to {max(overheads):.0f}"
    return f"Each run of the network includes {span} µs outside the runtime, to pass the input and take the output."


def _make_windows_table(report: Report) -> Table:
    """A heading per model and its windows below; of many windows some, evenly spread, with the first and the last."""
    shown = sorted({round(at) for at in np.linspace(0, len(report.windows) - 1, _SHOWN_WINDOWS)})
    rows: list[list[str]] = []
    for number, result in enumerate(report.results):
        rows.append([f"{result.model}, threads {result.threads}"])
        for window in (report.windows[place] for place in shown):
            condition = window.condition
            slowed_by = EMPTY if condition.slowed_by is None else ", ".join(condition.slowed_by) or "nothing"
            figures = [_format(condition.temperature_c, 1), _format(condition.clock_mhz, 0), slowed_by]
            rows.append([f"to {window.end_s:.0f} s", *_format_percentiles(window.latencies[number]), *figures])
    return Table(["", "p50", "p90", "°C", "MHz", "slowed by"], rows)


def _name_scores(kind: type[Score] | None) -> list[str]:
    if kind is PairScore:
        return ["PSNR dB", "SSIM"]
    return ["brightness", "clipped %", "noise x"] if kind is PhotoScore else []


def _format_score(score: Score | None, kind: type[Score] | None) -> list[str]:
    if isinstance(score, PairScore):
        return [f"{score.psnr_db:.2f}", f"{score.ssim:.3f}"]
    if isinstance(score, PhotoScore):
        return [f"{score.brightness:.0f}", f"{score.clipped_percent:.2f}", f"{score.noise_gain:.1f}"]
    return [EMPTY] * len(_name_scores(kind))


def _format_difference(difference: Difference | None) -> list[str]:
    if difference is None:
        return [EMPTY] * 2
    if difference.mean_levels == 0:
        return ["equal", "equal"]
    return [f"{difference.psnr_db:.1f}", f"{difference.worst_psnr_db:.1f}"]


def _format_percentiles(latency: Latency | None) -> list[str]:
    if latency is None:
        return [EMPTY] * 2
    return [format_figure(latency.p50_ms), format_figure(latency.p90_ms)]


def _format(value: float | None, digits: int) -> str:
    return EMPTY if value is None else f"{value:.{digits}f}"


def _draw(table: Table, markdown: bool) -> str:
    return table.to_markdown() if markdown else table.to_text()


def _join_lines(lines: list[str], markdown: bool) -> str:
    return "\n".join(f"- {line}" if markdown else line for line in lines)
