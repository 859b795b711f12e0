"""One HTML page of a folder of results: charts, crops, tables. Nothing is fetched, nothing runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.charts import draw_charts
from benchmarks.choice import judge_peers, make_choice_table, make_peers_table
from benchmarks.results import read_folder, read_peers
from edge_dce.benchmark.report import Report
from edge_dce.benchmark.summary import LABELS, gather_warnings, make_table
from edge_dce.enhancer import Enhancer, load
from edge_dce.files.pictures import read_image
from edge_dce.models.catalog import bundled_models
from edge_dce.pixels.baselines import apply_clahe, apply_gamma
from edge_dce.reports.page import make_data_uri, render_page
from edge_dce.reports.table import Table

Uint8Array = npt.NDArray[np.uint8]

_CROP_PX = 260


def make_report_page(folder: Path, pictures: Sequence[Path]) -> bytes:
    """The page for the results in `folder`, with a crop of each picture by every bundled model.

    Raises:
        EdgeDceError: there are no results, or a picture is missing.
    """
    reports = read_folder(folder)
    first, *_ = reports.values()
    scored = next((report for report in reports.values() if report.images), None)
    peers = read_peers(folder)
    enhancers = {path.stem: load(path) for path in bundled_models()}
    return render_page(
        __package__,
        "page.html",
        machine=first.machine,
        choice=_tabulate_choice(scored) if scored else None,
        charts=draw_charts(folder),
        pictures={path.name: _crop_versions(path, enhancers) for path in pictures},
        peers=make_peers_table(peers) if peers else None,
        verdict=judge_peers(peers) if peers else None,
        reports=[_describe_report(report) for report in reports.values()],
    )


def _tabulate_choice(report: Report) -> Table:
    """The table without Markdown's marks of code."""
    table = make_choice_table(report)
    return Table(table.header, [[cell.replace("`", "") for cell in row] for row in table.rows])


def _crop_versions(path: Path, enhancers: Mapping[str, Enhancer]) -> dict[str, str]:
    """The same detail of a picture as every method makes it: URIs by name."""
    image = read_image(path)
    place = _find_detail(image)
    versions = {
        LABELS["input"]: image,
        LABELS["gamma"]: apply_gamma(image),
        LABELS["clahe"]: apply_clahe(image),
        **{name: enhancer.enhance(image) for name, enhancer in enhancers.items()},
    }
    return {name: make_data_uri(version[place]) for name, version in versions.items()}


def _find_detail(image: Uint8Array) -> tuple[slice, slice]:
    """The square with the most contrast in its dark parts: where methods differ."""
    height, width = image.shape[:2]
    side = min(_CROP_PX, height, width)
    brightened = apply_gamma(image)[..., 1].astype(np.float32)
    corners = [(y, x) for y in range(0, height - side + 1, side // 4) for x in range(0, width - side + 1, side // 4)]
    y, x = max(corners, key=lambda at: float(brightened[at[0] : at[0] + side, at[1] : at[1] + side].std()))
    return slice(y, y + side), slice(x, x + side)


@dataclasses.dataclass(frozen=True)
class _ReportSection:
    """One report as the page shows it."""

    runtimes: str
    sizes: str
    machine: Mapping[str, Any]
    table: Table
    warnings: Sequence[str]


def _describe_report(report: Report) -> _ReportSection:
    versions = sorted({f"{result.runtime} {result.runtime_version}" for result in report.results})
    sizes = sorted({"x".join(str(side) for side in result.size) for result in report.results})
    return _ReportSection(
        ", ".join(versions), ", ".join(sizes), report.machine, make_table(report), gather_warnings(report)
    )
