"""One HTML page of a folder of results: charts, crops, tables. Nothing is fetched, nothing runs."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.charts import draw_charts
from benchmarks.choice import judge_peers, make_choice_table, make_peers_table
from benchmarks.figure import Chart
from benchmarks.results import read_folder, read_peers
from edge_dce.benchmark.report import Report
from edge_dce.benchmark.summary import LABELS, gather_warnings, make_table
from edge_dce.enhancer import load
from edge_dce.files.pictures import Picture, encode_picture, read_image
from edge_dce.models.catalog import bundled_models
from edge_dce.pixels.baselines import apply_clahe, apply_gamma
from edge_dce.reports.page import make_page

Uint8Array = npt.NDArray[np.uint8]

_CROP_PX = 260
_LAYOUT = """<style>
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 27rem), 1fr)); gap: 1.5rem 2.5rem; }
.charts svg { width: 100%; height: auto; } .charts h2 { margin: .5rem 0 .1rem; }
.charts figure { margin: 0; } .charts p { margin: 0 0 .4rem; }
.crops { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(45%, 12.5rem), 1fr)); gap: .6rem;
  margin: 0 0 1.2rem; }
.crops figure { margin: 0; } .crops img { width: 100%; display: block; border-radius: 3px; }
.wide td { white-space: nowrap; }
.choice td:nth-child(-n+2) { white-space: normal; min-width: 8rem; }
.choice :is(th, td):nth-child(2) { text-align: left; } .choice { margin-bottom: 2rem; }
</style>"""


def make_report_page(folder: Path, pictures: Sequence[Path]) -> bytes:
    """The page for the results in `folder`, with a crop of each picture by every bundled model.

    Raises:
        EdgeDceError: there are no results, or a picture is missing.
    """
    reports = read_folder(folder)
    first = next(iter(reports.values()))
    machine = first.machine
    facts = f"{machine['cpu']}, {machine['cores']} cores, {machine['architecture']}, {machine['system']}"
    body = [_LAYOUT, "<h1>Speed and quality of the model files</h1>", f'<p class="soft">{html.escape(facts)}</p>']
    scored = next((report for report in reports.values() if report.images), None)
    if scored is not None:
        choice = make_choice_table(scored).to_html().replace("`", "")
        body += [
            "<h2>Which file to take</h2>",
            f'<div class="choice">{_wrap(choice)}</div>',
        ]
    body.append(f'<div class="charts">{"".join(map(_show_chart, draw_charts(folder)))}</div>')
    body += _show_pictures(pictures)
    peers = read_peers(folder)
    if peers is not None:
        body += ["<h2>Other runtimes</h2>", f"<p>{html.escape(judge_peers(peers))}</p>"]
        body.append(_wrap(make_peers_table(peers).to_html()))
    for report in reports.values():
        body += _show_report(report)
    return make_page("Benchmarks of edge-dce", "\n".join(body))


def _show_chart(chart: Chart) -> str:
    title, note = html.escape(chart.title), html.escape(chart.note)
    return f'<figure><h2>{title}</h2><p class="soft">{note}</p>{chart.svg}</figure>'


def _show_pictures(paths: Sequence[Path]) -> list[str]:
    body = ["<h2>The same place in the same picture</h2>"]
    enhancers = {path.stem: load(path) for path in bundled_models()}
    for path in paths:
        image = read_image(path)
        place = _find_detail(image)
        versions = {
            LABELS["input"]: image,
            LABELS["gamma"]: apply_gamma(image),
            LABELS["clahe"]: apply_clahe(image),
            **{name: enhancer.enhance(image) for name, enhancer in enhancers.items()},
        }
        figures = "".join(_show_crop(name, version[place]) for name, version in versions.items())
        body.append(f'<p class="soft">{html.escape(path.name)}</p><div class="crops">{figures}</div>')
    return body


def _find_detail(image: Uint8Array) -> tuple[slice, slice]:
    """The square with the most contrast in its dark parts: where methods differ."""
    height, width = image.shape[:2]
    side = min(_CROP_PX, height, width)
    brightened = apply_gamma(image)[..., 1].astype(np.float32)
    corners = [(y, x) for y in range(0, height - side + 1, side // 4) for x in range(0, width - side + 1, side // 4)]
    y, x = max(corners, key=lambda at: float(brightened[at[0] : at[0] + side, at[1] : at[1] + side].std()))
    return slice(y, y + side), slice(x, x + side)


def _show_crop(name: str, crop: Uint8Array) -> str:
    encoded = base64.b64encode(encode_picture(Picture(np.ascontiguousarray(crop)), ".jpg")).decode()
    label = html.escape(name)
    return (
        f'<figure><img alt="{label}" src="data:image/jpeg;base64,{encoded}"><figcaption>{label}</figcaption></figure>'
    )


def _show_report(report: Report) -> list[str]:
    warnings = "".join(f'<p class="warning">{html.escape(warning)}</p>' for warning in gather_warnings(report))
    versions = sorted({f"{result.runtime} {result.runtime_version}" for result in report.results})
    sizes = sorted({"x".join(str(side) for side in result.size) for result in report.results})
    facts = f"Times in ms. Python {report.machine['python']}, numpy {report.machine['numpy']}"
    return [
        f"<h2>{html.escape(', '.join(versions))}, photos of {', '.join(sizes)}</h2>",
        f'<p class="soft">{html.escape(facts)}</p>',
        _wrap(make_table(report).to_html()),
        warnings,
    ]


def _wrap(table: str) -> str:
    return f'<div class="wide">{table}</div>'
