"""Whether a network is better than another one, in a line: picture by picture, and how sure that is. Needs no Keras."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .bootstrap import FEWEST, estimate_interval
from .evaluation import Evaluation, EvaluationError
from .metrics.registry import METRICS, Metric, MetricError, find_metrics
from .seed_runs import read_seed_evaluation


def judge_runs(folders: Sequence[Path], metrics: Sequence[str] = ()) -> list[str]:
    """A line for each run but the first, with which each is compared, and for each metric.

    Args:
        metrics: names in `METRICS`; none is PSNR.

    Raises:
        EvaluationError: a run has no evaluation, or they were made of different pictures, or of too few.
        MetricError: a metric is unknown, or says not what is better.
    """
    judges = find_metrics(metrics or ("psnr",))
    for metric in judges:
        if metric.better == "neither":
            raise MetricError(f"expected a metric of which more or less is better, found '{metric.label}'")
    first, *others = (read_seed_evaluation(folder).mean for folder in folders)
    if not others:
        raise EvaluationError(f"{folders[0]}: expected two runs or more to judge by, found one")
    name = folders[0].name
    return [
        f"{folder}: {_judge(metric, each, first, name)}"
        for folder, each in zip(folders[1:], others, strict=True)
        for metric in judges
    ]


def _judge(metric: Metric, run: Evaluation, first: Evaluation, name: str) -> str:
    for each in (run, first):
        if not each.list_figures(metric):
            raise EvaluationError(f"{each.name}: expected figures of {metric.label}, found none; evaluate it again")
    ours, theirs = (each.list_figures(metric) for each in (run, first))
    if ours.keys() != theirs.keys():
        raise EvaluationError(
            f"{name}: expected an evaluation on the same pictures as the others', found different pictures"
        )
    if len(ours) < FEWEST:
        raise EvaluationError(f"expected {FEWEST} pictures or more to judge by, found {len(ours)}; use more photos")
    gains = [ours[key] - theirs[key] for key in ours]
    low, high = estimate_interval(gains)
    better, worse = (low > 0, high < 0) if metric.better == "more" else (high < 0, low > 0)
    verdict = "better than" if better else "worse than" if worse else "no better and no worse than"
    mean, gain = sum(ours.values()) / len(ours), sum(gains) / len(gains)
    unit, decimals = " dB" if metric is METRICS["psnr"] else "", metric.decimals
    return (
        f"{'' if unit else f'{metric.label} '}{mean:.{decimals}f}{unit} on {len(ours)} pictures, {verdict} {name} "
        f"({gain:+.{decimals}f}{unit}, 95 % interval {low:+.{decimals}f} to {high:+.{decimals}f})"
    )
