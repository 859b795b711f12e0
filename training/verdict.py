"""Whether a network is better than another one, in a line: picture by picture, and how sure that is. Needs no Keras."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .bootstrap import FEWEST, estimate_interval
from .evaluation import METRICS, Evaluation, EvaluationError
from .seed_runs import read_seed_evaluation


def judge_runs(folders: Sequence[Path]) -> list[str]:
    """A line for each run but the first, with which each is compared.

    Raises:
        EvaluationError: a run has no evaluation, or they were made of different pictures, or of too few.
    """
    first, *others = (read_seed_evaluation(folder).mean for folder in folders)
    if not others:
        raise EvaluationError(f"{folders[0]}: expected two runs or more to judge by, found one")
    name = folders[0].name
    return [f"{folder}: {_judge(each, first, name)}" for folder, each in zip(folders[1:], others, strict=True)]


def _judge(run: Evaluation, first: Evaluation, name: str) -> str:
    ours, theirs = (each.list_figures(METRICS["psnr"]) for each in (run, first))
    if ours.keys() != theirs.keys():
        raise EvaluationError(
            f"{name}: expected an evaluation on the same pictures as the others', found different pictures"
        )
    if len(ours) < FEWEST:
        raise EvaluationError(f"expected {FEWEST} pictures or more to judge by, found {len(ours)}; use more photos")
    gains = [ours[key] - theirs[key] for key in ours]
    low, high = estimate_interval(gains)
    verdict = "better than" if low > 0 else "worse than" if high < 0 else "no better and no worse than"
    mean, gain = sum(ours.values()) / len(ours), sum(gains) / len(gains)
    return (
        f"{mean:.2f} dB on {len(ours)} pictures, {verdict} {name} ({gain:+.2f} dB, "
        f"95 % interval {low:+.2f} to {high:+.2f})"
    )
