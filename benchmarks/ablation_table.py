"""What `benchmarks.ablation` measured as a table: a row for each variant, its gains over the base, what they cost."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.ablation import BASE, Variant, read_variants
from edge_dce.benchmark.latency import divide_pairs
from edge_dce.errors import EdgeDceError
from edge_dce.reports.table import EMPTY, Table

_DECIBELS, _SIMILARITY, _BLIND = "psnr_db", "ssim", "blind_psnr_db"
# A gain below this is nothing that anyone would train for, however sure it is.
_LEAST_GAIN_DB = 0.1
# A network that does not change the PSNR by more when it sees the picture has learned one curve.
_LOOKS_DB = 0.05


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
        """1 or -1 where the interval is on one side of 0, so is every seed, and the mean is worth a word; else 0."""
        if abs(self.mean) < _LEAST_GAIN_DB:
            return 0
        if self.low > 0 and min(self.by_seed) > 0:
            return 1
        return -1 if self.high < 0 and max(self.by_seed) < 0 else 0


def measure_gain(variant: Variant, base: Variant, name: str, metric: str) -> Gain:
    """The gain of a variant on one set, over the seeds that both have.

    Raises:
        EdgeDceError: they have none.
    """
    from training.bootstrap import estimate_interval

    seeds = sorted(variant.scores.keys() & base.scores.keys())
    if not seeds:
        raise EdgeDceError(
            f"expected '{variant.name}' trained with a seed of '{base.name}', found {' '.join(variant.scores)} and "
            f"{' '.join(base.scores)}; train one with the other's seed"
        )
    gains = np.array([_read(variant, seed, name, metric) - _read(base, seed, name, metric) for seed in seeds])
    by_seed = tuple(float(each) for each in gains.mean(axis=1))
    return Gain(float(gains.mean()), by_seed, *estimate_interval(gains.mean(axis=0).tolist()))


def measure_looking(variant: Variant) -> float:
    """How much it matters that the network sees the picture, in dB.

    The mean absolute change of a picture's PSNR, over all sets and seeds, when it gets the map of a black picture.
    """
    changes = [
        np.abs(_read(variant, seed, name, _DECIBELS) - _read(variant, seed, name, _BLIND)).mean()
        for seed, sets in variant.scores.items()
        for name in sets
    ]
    return float(np.mean(changes))


def judge(gains: Sequence[Gain]) -> str:
    """What the gains on all sets say: one that is sure decides, unless the mean of another set contradicts."""
    decided = {gain.sign for gain in gains} - {0}
    if not decided:
        return "no difference"
    means = {1 if gain.mean > 0 else -1 for gain in gains if abs(gain.mean) >= _LEAST_GAIN_DB}
    if len(decided | means) > 1:
        return "mixed"
    return "better" if 1 in decided else "worse"


def render_ablation(path: Path) -> str:
    """The table of a file of results, as Markdown: the base first, then by the mean of the gains in PSNR."""
    variants = {variant.name: variant for variant in read_variants(path)}
    base = variants.pop(BASE)
    first = next(iter(base.scores.values()))
    header = ["variant", *(f"{name}, {len(scores.psnr_db)} pairs: dB / SSIM" for name, scores in first.items())]
    rows = [[f"`{base.title}`", *(_describe_base(base, name) for name in first), *_describe(base, base), EMPTY]]
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
        verdict = judge(gains[name]) if _looks(base) and _looks(variant) else "one fixed curve"
        rows.append([f"{name}: `{_list_changes(variant, base)}`", *cells, *_describe(variant, base), verdict])
    return Table([*header, "looking brings", "parameters", "time of a step", "verdict"], rows).to_markdown()


def _describe_base(base: Variant, name: str) -> str:
    figures = [
        np.mean([_read(base, seed, name, metric) for seed in base.scores]) for metric in (_DECIBELS, _SIMILARITY)
    ]
    return f"{figures[0]:.2f} / {figures[1]:.3f}"


def _looks(variant: Variant) -> bool:
    return measure_looking(variant) >= _LOOKS_DB


def _describe(variant: Variant, base: Variant) -> list[str]:
    """Whether it looks, and what it costs."""
    is_timed = variant is not base and variant.step_ms and base.step_ms
    ratio = f"{divide_pairs(variant.step_ms, base.step_ms).value:.2f} times" if is_timed else EMPTY
    return [f"{measure_looking(variant):.2f} dB", f"{variant.parameters:,}", ratio]


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
