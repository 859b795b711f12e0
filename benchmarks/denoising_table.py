"""What `benchmarks.denoising` measured, as text and as tables of the documents."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.denoising import FRAME, DenoisingResult, FilterScore, SetScores
from edge_dce.benchmark.latency import format_figure
from edge_dce.reports.table import Table


def format_denoising(result: DenoisingResult) -> str:
    """A table for each group of sets, for the terminal."""
    tables = [f"{group}\n{_make_table(sets, result).to_text()}" for group, sets in _group(result).items()]
    return "\n\n".join([*tables, _tell_changes(result)])


def render_denoising(record: dict[str, Any]) -> str:
    """What `python -m benchmarks denoising --json` wrote, as Markdown."""
    measured = record["denoising"]
    result = DenoisingResult(
        measured["model"],
        measured["threads"],
        tuple(_read_set(fields) for fields in measured["sets"]),
        {name: tuple(values) for name, values in measured["added_ms"].items()},
        measured["changed_levels"],
    )
    parts = [
        f"**{group[0].upper()}{group[1:]}** (`{result.model}`, {record['machine']['cpu']}):\n\n"
        f"{_make_table(sets, result).to_markdown()}"
        for group, sets in _group(result).items()
    ]
    return "\n\n".join([*parts, _tell_changes(result)])


def _tell_changes(result: DenoisingResult) -> str:
    changes = ", ".join(f"{name} {levels:.2f}" for name, levels in result.changed_levels.items())
    return f"What the default look changes in pictures without noise, in levels of 255 on average: {changes}."


def _read_set(fields: dict[str, Any]) -> SetScores:
    scores = tuple(FilterScore(**score) for score in fields["scores"])
    return SetScores(fields["group"], fields["label"], fields["pictures"], scores)


def _group(result: DenoisingResult) -> dict[str, list[SetScores]]:
    groups: dict[str, list[SetScores]] = {}
    for each in result.sets:
        groups.setdefault(each.group, []).append(each)
    return groups


def _make_table(sets: list[SetScores], result: DenoisingResult) -> Table:
    width, height = FRAME
    heads = ["dB / SSIM", *(each.label for each in sets), f"ms added, {width}x{height}, {result.threads} threads"]
    rows = []
    for scores in zip(*(each.scores for each in sets), strict=True):
        name = scores[0].filter
        cells = [
            f"{score.psnr_db:.2f} / {score.ssim:.3f}" + (f" ({score.setting})" if score.setting else "")
            for score in scores
        ]
        added = result.added_ms.get(name)
        rows.append([name, *cells, format_figure(float(np.median(added))) if added else ""])
    return Table(heads, rows)
