"""What `benchmarks.ablation` measured as a table: a row for each variant, its gains over the base, what they cost."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.ablation import BASE, Variant, read_variants
from edge_dce.benchmark.latency import divide_pairs
from edge_dce.reports.table import EMPTY, Table

_DECIBELS, _SIMILARITY = "psnr_db", "ssim"


@dataclasses.dataclass(frozen=True)
class Gain:
    """How much better one figure of a set is than the base's.

    Attributes:
        mean: over pictures and seeds.
        by_seed: the means of each seed, against the base of that seed.
        low, high: between which the mean lies in 95 of 100 draws of as many pictures.
    """

    mean: float
    by_seed: tuple[float, ...]
    low: float
    high: float

    @property
    def sign(self) -> int:
        """1 or -1 where the interval is on one side of 0 and so is every seed, else 0."""
        if self.low > 0 and min(self.by_seed) > 0:
            return 1
        return -1 if self.high < 0 and max(self.by_seed) < 0 else 0


def measure_gain(variant: Variant, base: Variant, name: str, metric: str) -> Gain:
    """The gain of a variant on one set, over the seeds that both have."""
    from training.bootstrap import estimate_interval

    seeds = sorted(variant.scores.keys() & base.scores.keys())
    gains = np.array([_read(variant, seed, name, metric) - _read(base, seed, name, metric) for seed in seeds])
    by_seed = tuple(float(each) for each in gains.mean(axis=1))
    return Gain(float(gains.mean()), by_seed, *estimate_interval(gains.mean(axis=0).tolist()))


def judge(signs: Sequence[int]) -> str:
    """In words, of what the gains on all sets say."""
    if any(sign > 0 for sign in signs):
        return "mixed" if any(sign < 0 for sign in signs) else "better"
    return "worse" if any(sign < 0 for sign in signs) else "no difference"


def render_ablation(path: Path) -> str:
    """The table of a file of results, as Markdown: the base first, then by the mean of the gains in PSNR."""
    variants = {variant.name: variant for variant in read_variants(path)}
    base = variants.pop(BASE)
    first = next(iter(base.scores.values()))
    header = ["variant", *(f"{name}, {len(scores.psnr_db)} pairs: dB / SSIM" for name, scores in first.items())]
    rows = [[f"`{base.title}`", *(_describe_base(base, name) for name in first), *_describe_cost(base, base), EMPTY]]
    gains = {
        name: [measure_gain(variant, base, each, _DECIBELS) for each in first] for name, variant in variants.items()
    }
    for name in sorted(gains, key=lambda name: -float(np.mean([gain.mean for gain in gains[name]]))):
        variant = variants[name]
        cells = [
            f"{gain.mean:+.2f} ({min(gain.by_seed):+.2f} to {max(gain.by_seed):+.2f}) "
            f"/ {measure_gain(variant, base, each, _SIMILARITY).mean:+.3f}"
            for each, gain in zip(first, gains[name], strict=True)
        ]
        verdict = judge([gain.sign for gain in gains[name]])
        rows.append([f"{name}: `{_list_changes(variant, base)}`", *cells, *_describe_cost(variant, base), verdict])
    return Table([*header, "parameters", "time of a step", "verdict"], rows).to_markdown()


def _describe_base(base: Variant, name: str) -> str:
    figures = [
        np.mean([_read(base, seed, name, metric) for seed in base.scores]) for metric in (_DECIBELS, _SIMILARITY)
    ]
    return f"{figures[0]:.2f} / {figures[1]:.3f}"


def _describe_cost(variant: Variant, base: Variant) -> list[str]:
    is_timed = variant is not base and variant.step_ms
    ratio = f"{divide_pairs(variant.step_ms, base.step_ms).value:.2f} times" if is_timed else EMPTY
    return [f"{variant.parameters:,}", ratio]


def _list_changes(variant: Variant, base: Variant) -> str:
    """The settings that the base has not, as `--set` takes them."""
    before, now = (_flatten(each) for each in (base, variant))
    return " ".join(f"{name}={str(value).lower()}" for name, value in now.items() if value != before.get(name))


def _flatten(variant: Variant) -> dict[str, object]:
    fields = dict(variant.recipe)
    weights = fields.pop("loss_weights")
    return fields | {f"loss_weights.{name}": weight for name, weight in weights.items()}


def _read(variant: Variant, seed: str, name: str, metric: str) -> npt.NDArray[np.float64]:
    return np.array(getattr(variant.scores[seed][name], metric))
