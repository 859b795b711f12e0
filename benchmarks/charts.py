"""Results as charts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import NullFormatter

from benchmarks.choice import group_peers
from benchmarks.figure import COLORS, INK, Chart, make_chart, set_time_axis
from benchmarks.results import read_folder, read_peers
from edge_dce.benchmark.latency import Latency, divide_in_turn
from edge_dce.benchmark.quality import PairScore
from edge_dce.benchmark.report import Measurement, Report
from edge_dce.benchmark.summary import LABELS

if TYPE_CHECKING:
    from matplotlib.axes import Axes


# The height of a label, as a share of a logarithmic axis of times.
_LABEL_SHARE = 0.07


def draw_charts(folder: Path) -> list[Chart]:
    """Every chart that the results in `folder` allow.

    Raises:
        EdgeDceError: there are no results.
    """
    reports = list(read_folder(folder).values())
    first = reports[0].results[0]
    of_first_runtime = [report for report in reports if report.results[0].runtime == first.runtime]
    main = next((report for report in reports if report.images), of_first_runtime[0])
    peers = read_peers(folder)
    frame = "x".join(str(side) for side in main.results[0].size)
    charts: list[Chart | None] = [
        _draw_frontier(main, frame),
        _draw_latencies(main, frame),
        _draw_threads(main),
        _draw_sizes(of_first_runtime),
        _draw_runtimes([report for report in reports if report.results[0].size == main.results[0].size]),
        _draw_peers(peers) if peers else None,
        _draw_sustained(main) if main.windows else None,
    ]
    return [chart for chart in charts if chart is not None]


def _draw_frontier(report: Report, frame: str) -> Chart | None:
    results = [(result, result.score) for result in _at_most_threads(report) if isinstance(result.score, PairScore)]
    if not results:
        return None
    colors = _color_networks([result for result, _ in results])

    def draw(axes: Axes) -> None:
        points = [(result.end_to_end.p50_ms, score.psnr_db) for result, score in results]
        for (result, _), (time_ms, psnr_db) in zip(results, points, strict=True):
            is_int8 = result.precision == "int8"
            color = colors[_network(result)]
            face = color if is_int8 else "none"
            axes.scatter(
                time_ms, psnr_db, s=result.file_bytes / 1000, c=face, edgecolors=color, linewidths=1.2, zorder=3
            )
        for baseline, marker in zip((each for each in report.baselines if each.end_to_end), "x+", strict=False):
            if baseline.end_to_end and isinstance(baseline.score, PairScore):
                points.append((baseline.end_to_end.p50_ms, baseline.score.psnr_db))
                label = LABELS[baseline.key]
                axes.scatter(*points[-1], marker=marker, c=INK, s=30, linewidths=1.1, label=label, zorder=4)
        best = _find_frontier(points)
        axes.step(*zip(*best, (axes.get_xlim()[1], best[-1][1]), strict=False), where="post", c=INK, lw=0.7, ls=":")
        set_time_axis(axes, f"photo to photo, {frame}: p50 ms")
        axes.set_ylabel("PSNR dB")
        axes.margins(x=0.15, y=0.15)
        for name, color in colors.items():
            axes.scatter([], [], c=color, label=name, s=30)
        axes.scatter([], [], facecolors="none", edgecolors=INK, label="hollow: float16")
        axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.17), ncols=2)

    return make_chart(
        "frontier",
        "Speed and quality",
        "Up and to the left is better. The area of a dot is the size of its file. No dot is above the dotted line.",
        draw,
        height_in=3.7,
    )


def _draw_latencies(report: Report, frame: str) -> Chart:
    rows: list[tuple[str, Latency, str]] = []
    results = _at_most_threads(report)
    colors = _color_networks(results)
    for result in results:
        rows.append((_shorten(result), result.end_to_end, colors[_network(result)]))
        rows.append(("its network", result.invoke, colors[_network(result)]))
    rows += [(LABELS[each.key], each.end_to_end, INK) for each in report.baselines if each.end_to_end]

    def draw(axes: Axes) -> None:
        for place, (_, latency, color) in enumerate(rows):
            axes.plot([min(latency.values_ms), latency.percentile(99)], [place] * 2, c=color, lw=0.8, alpha=0.6)
            axes.plot([latency.p50_ms, latency.p90_ms], [place] * 2, c=color, lw=5, alpha=0.45, solid_capstyle="butt")
            axes.plot(latency.p50_ms, place, "|", c=color, ms=9, mew=2)
            at = (latency.percentile(99), place)
            axes.annotate(str(latency), at, xytext=(4, -3), textcoords="offset points")
        axes.set_yticks(range(len(rows)), [name for name, _, _ in rows])
        axes.invert_yaxis()
        set_time_axis(axes, "ms")
        axes.set_xlim(right=2.2 * axes.get_xlim()[1])

    return make_chart(
        "latencies",
        f"Latency, {results[0].threads} threads, photos of {frame}",
        "Figures are p50 / p90 of all runs. Tick and bar show p50 to p90. The line spans the fastest run to p99.",
        draw,
        height_in=0.9 + 0.19 * len(rows),
    )


def _draw_threads(report: Report) -> Chart | None:
    threads = sorted({result.threads for result in report.results})
    if len(threads) < 2:
        return None
    colors = _color_networks(report.results)
    names = dict.fromkeys(result.model for result in report.results)

    def draw(axes: Axes) -> None:
        ends = {}
        for name in names:
            of_model = [result for result in report.results if result.model == name]
            of_model.sort(key=lambda result: result.threads)
            times = [result.invoke.p50_ms for result in of_model]
            style = "-" if of_model[0].precision == "int8" else "--"
            color = colors[_network(of_model[0])]
            axes.plot([result.threads for result in of_model], times, f"o{style}", c=color, ms=3.5)
            ends[f"{_shorten(of_model[-1])}: {times[0] / times[-1]:.2f}x"] = times[-1]
        medians = [result.invoke.p50_ms for result in report.results]
        gap = (max(medians) / min(medians)) ** _LABEL_SHARE
        for label, at in _push_apart(ends, gap).items():
            axes.annotate(label, (threads[-1], at), xytext=(6, -3), textcoords="offset points")
        axes.set_xticks(threads, [str(number) for number in threads])
        axes.set_xlabel("threads")
        axes.set_xlim(threads[0] - 0.1, threads[-1] + 0.9 * (threads[-1] - threads[0]))
        set_time_axis(axes, "network p50 ms", axis="y")

    return make_chart(
        "threads",
        "What more threads bring",
        f"Time of the network alone. The figure at a line says how many times faster {threads[-1]} threads are than "
        f"{threads[0]}. Dashed lines are float16.",
        draw,
        height_in=3.0,
    )


def _draw_sizes(reports: Sequence[Report]) -> Chart | None:
    ordered = sorted(reports, key=lambda report: np.prod(report.results[0].size))
    if len({report.results[0].size for report in ordered}) < 2:
        return None
    colors = _color_networks(ordered[0].results)
    megapixels = [float(np.prod(report.results[0].size)) / 1e6 for report in ordered]

    def draw(axes: Axes) -> None:
        for place, result in enumerate(_at_most_threads(ordered[0])):
            times = [_at_most_threads(report)[place].end_to_end.p50_ms for report in ordered]
            style = "-" if result.precision == "int8" else "--"
            axes.plot(megapixels, times, f"o{style}", c=colors[_network(result)], ms=3.5, label=_shorten(result))
        for key, style in (("gamma", ":"), ("clahe", "-.")):
            of_key = [next(each.end_to_end for each in report.baselines if each.key == key) for report in ordered]
            times = [latency.p50_ms for latency in of_key if latency]
            axes.plot(megapixels, times, style, c=INK, lw=1.2, label=LABELS[key])
        axes.set_xscale("log")
        labels = [f"{'x'.join(str(side) for side in report.results[0].size)}" for report in ordered]
        axes.set_xticks(megapixels, labels)
        axes.xaxis.set_minor_formatter(NullFormatter())
        set_time_axis(axes, "photo to photo p50 ms", axis="y")
        axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.17), ncols=2)

    return make_chart("sizes", "What larger photos cost", "Solid: int8. Dashed: float16.", draw, height_in=3.8)


def _draw_runtimes(reports: Sequence[Report]) -> Chart | None:
    by_runtime = {report.results[0].runtime: _at_most_threads(report) for report in reports}
    if len(by_runtime) < 2:
        return None
    names = [_shorten(result) for result in next(iter(by_runtime.values()))]

    def draw(axes: Axes) -> None:
        for color, (runtime, results) in zip(COLORS, by_runtime.items(), strict=False):
            times = [result.invoke.p50_ms for result in results]
            axes.plot(times, range(len(times)), "o", c=color, label=f"{runtime} {results[0].runtime_version}", ms=5)
        for place in range(len(names)):
            times = [results[place].invoke.p50_ms for results in by_runtime.values()]
            axes.plot([min(times), max(times)], [place] * 2, c=INK, lw=0.7, zorder=1)
            ratio = f"{max(times) / min(times):.1f}x"
            axes.annotate(ratio, (max(times), place), xytext=(7, -3), textcoords="offset points")
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        set_time_axis(axes, "network p50 ms")
        axes.set_xlim(right=2 * axes.get_xlim()[1])
        axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.17), ncols=2)

    return make_chart(
        "runtimes",
        "The same files on both TFLite runtimes",
        "They were measured one after the other, not in turn. Only large differences count.",
        draw,
        height_in=1.2 + 0.25 * len(names),
    )


def _draw_peers(report: Report) -> Chart:
    groups = group_peers(report)
    runtimes = list(dict.fromkeys(peer.runtime for _, peers in groups for peer in peers))

    def draw(axes: Axes) -> None:
        for place, (_, peers) in enumerate(groups):
            for peer in peers:
                number = runtimes.index(peer.runtime)
                ratio = divide_in_turn(peer.invoke, groups[place][0].invoke)
                at = place + 0.28 * (number - (len(runtimes) - 1) / 2)
                axes.plot([ratio.low, ratio.high], [at] * 2, c=COLORS[number], lw=3, alpha=0.45)
                axes.plot(ratio.value, at, "o", c=COLORS[number], ms=4)
                axes.annotate(f"{ratio.value:.2f}", (ratio.high, at), xytext=(5, -3), textcoords="offset points")
        axes.axvline(1, c=INK, lw=0.8)
        for number, runtime in enumerate(runtimes):
            axes.plot([], [], "o", c=COLORS[number], label=runtime)
        axes.set_yticks(range(len(groups)), [_shorten(own) for own, _ in groups])
        axes.invert_yaxis()
        set_time_axis(axes, "times the time of TFLite (right of 1: slower)")
        axes.set_xlim(right=1.8 * axes.get_xlim()[1])
        axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.17), ncols=2)

    return make_chart(
        "peers",
        "The same networks on other runtimes",
        "The network alone. All were measured in turn in one process. Bars are 95 % intervals of the ratio.",
        draw,
        height_in=1.2 + 0.4 * len(groups),
    )


def _draw_sustained(report: Report) -> Chart:
    colors = _color_networks(report.results)

    def draw(axes: Axes) -> None:
        ends = [window.end_s for window in report.windows]
        for place, result in enumerate(report.results):
            times = [window.latencies[place].p50_ms for window in report.windows]
            axes.plot(ends, times, c=colors[_network(result)], label=f"{_shorten(result)}, {result.threads}")
        axes.set_xlabel("seconds at full load")
        set_time_axis(axes, "photo to photo p50 ms", axis="y")
        axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.17), ncols=2)

    return make_chart(
        "sustained", "Minutes at full load", "A rising line means that the machine gets hot.", draw, height_in=3.6
    )


def _push_apart(places: dict[str, float], factor: float) -> dict[str, float]:
    """The same places from the lowest up, each at least `factor` times the one below."""
    apart: dict[str, float] = {}
    below = 0.0
    for label, place in sorted(places.items(), key=lambda item: item[1]):
        below = apart[label] = max(place, below * factor)
    return apart


def _find_frontier(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points that no faster one beats, fastest first."""
    frontier: list[tuple[float, float]] = []
    for time_ms, psnr_db in sorted(points, key=lambda point: (point[0], -point[1])):
        if not frontier or psnr_db > frontier[-1][1]:
            frontier.append((time_ms, psnr_db))
    return frontier


def _at_most_threads(report: Report) -> list[Measurement]:
    most = max(result.threads for result in report.results)
    return [result for result in report.results if result.threads == most]


def _color_networks(results: Sequence[Measurement]) -> dict[str, str]:
    networks = dict.fromkeys(_network(result) for result in results)
    return {name: COLORS[place % len(COLORS)] for place, name in enumerate(networks)}


def _network(result: Measurement) -> str:
    """What the files of one network have in common: "zero-dce-pp" of "zero-dce-pp-128x128-int8"."""
    return re.sub(r"-\d+x\d+.*", "", result.model)


def _shorten(result: Measurement) -> str:
    return f"{_network(result)} {result.precision or ''}".strip() if "-" in result.model else result.model
