"""Which model on which device: a verdict per file from what was measured, never from taste."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from edge_dce.benchmark.latency import Ratio, divide_in_turn
from edge_dce.benchmark.quality import PairScore
from edge_dce.benchmark.report import Measurement, Report
from edge_dce.reports.table import Table

# Below these, files count as equals: the noise of a quiet machine, and what nobody sees in a picture.
_SAME_TIME = 1.05
_SAME_DB = 0.05
_SAME_SIZE = 1.03
_TFLITE = ("ai-edge-litert", "tflite-runtime")
_NAMES = {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"}


@dataclasses.dataclass(frozen=True)
class Verdict:
    """One file: what it is the best at (nothing, perhaps), and what beats it in speed and pictures at once."""

    result: Measurement
    psnr_db: float
    best_at: tuple[str, ...]
    beaten_by: Measurement | None

    def __str__(self) -> str:
        if self.best_at:
            return ", ".join(self.best_at)
        return f"no: `{self.beaten_by.model}` is faster, and no worse" if self.beaten_by else "between the others"


def judge(report: Report) -> list[Verdict]:
    """A verdict on every scored file of a report, at its highest number of threads."""
    most = max(result.threads for result in report.results)
    scored = [
        (result, result.score.psnr_db)
        for result in report.results
        if result.threads == most and isinstance(result.score, PairScore)
    ]
    if not scored:
        return []
    fastest_ms = min(result.end_to_end.p50_ms for result, _ in scored)
    best_db = max(psnr_db for _, psnr_db in scored)
    least_mb = min(result.peak_rss_mb or float("inf") for result, _ in scored)
    smallest = min(result.file_bytes for result, _ in scored)
    verdicts = []
    for result, psnr_db in scored:
        best_at = {
            "fastest": result.end_to_end.p50_ms <= _SAME_TIME * fastest_ms,
            "best pictures": psnr_db >= best_db - _SAME_DB,
            "least memory": (result.peak_rss_mb or float("inf")) <= _SAME_SIZE * least_mb,
            "smallest file": result.file_bytes <= _SAME_SIZE * smallest,
        }
        won = tuple(name for name, is_best in best_at.items() if is_best)
        verdicts.append(Verdict(result, psnr_db, won, _find_better(result, psnr_db, scored)))
    return verdicts


def make_choice_table(report: Report) -> Table:
    """Fastest first: a row per file with its verdict."""
    verdicts = sorted(judge(report), key=lambda verdict: verdict.result.end_to_end.p50_ms)
    return Table(
        ("file", "take it for", "photo to photo p50 / p90 ms", "PSNR dB", "memory MB", "kB"),
        [
            (
                f"`{verdict.result.model}`",
                str(verdict),
                str(verdict.result.end_to_end),
                f"{verdict.psnr_db:.2f}",
                "–" if verdict.result.peak_rss_mb is None else f"{verdict.result.peak_rss_mb:.0f}",
                f"{verdict.result.file_bytes / 1000:.0f}",
            )
            for verdict in verdicts
        ],
    )


def make_peers_table(report: Report) -> Table:
    """The network alone on TFLite in ms, and how many times that it takes on others, with the 95 % interval."""
    names = sorted({result.runtime for result in report.results if result.runtime not in _TFLITE})
    rows = []
    for own, peers in group_peers(report):
        times = {peer.runtime: divide_in_turn(peer.invoke, own.invoke) for peer in peers}
        cells = [str(times.get(name, "cannot run it")) for name in names]
        rows.append([own.model, str(own.threads), str(own.invoke), *cells])
    header = ["network alone", "threads", "TFLite p50 / p90 ms", *(_NAMES.get(name, name) for name in names)]
    return Table(header, rows)


def judge_peers(report: Report) -> str:
    """In one line: is TFLite the right choice on this processor?"""
    groups = group_peers(report)
    wins, losses, undecided = 0, [], []
    for own, peers in groups:
        ratios = {peer.runtime: divide_in_turn(peer.invoke, own.invoke) for peer in peers}
        name, best = min(ratios.items(), key=lambda item: item[1].value, default=("", Ratio(1, 1, 1)))
        if best.value >= 1 / _SAME_TIME:
            wins += 1
        elif best.high < 1:
            losses.append(f"{_NAMES.get(name, name)} takes {best.value:.2f} times its time for {own.model}")
        else:
            undecided.append(own.model)
    parts = [f"TFLite is the fastest, or as fast as any, for {wins} of {len(groups)} files", *losses]
    if undecided:
        parts.append(f"the intervals leave open what is faster for {', '.join(undecided)}")
    return f"{'; '.join(parts)}."


def group_peers(report: Report) -> list[tuple[Measurement, list[Measurement]]]:
    """Each measurement on TFLite with those of the same file and threads elsewhere."""
    return [
        (
            own,
            [
                peer
                for peer in report.results
                if (peer.model, peer.threads) == (own.model, own.threads) and peer.runtime not in _TFLITE
            ],
        )
        for own in report.results
        if own.runtime in _TFLITE
    ]


def _find_better(
    result: Measurement, psnr_db: float, others: Sequence[tuple[Measurement, float]]
) -> Measurement | None:
    """The fastest file that is both clearly faster and no worse."""
    better = [
        other
        for other, other_db in others
        if _SAME_TIME * other.end_to_end.p50_ms < result.end_to_end.p50_ms and other_db >= psnr_db - _SAME_DB
    ]
    return min(better, key=lambda other: other.end_to_end.p50_ms, default=None)
