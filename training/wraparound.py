"""PSNR as uint8 arithmetic gets it wrong, beside PSNR: why a figure of 28 dB may mean nothing.

numpy squares uint8 arrays modulo 256, which is right for differences of at most 15 levels and random beyond. The "mean
squared error" of any two photos is then about 105.5, the mean of k² modulo 256 over all bytes, and
10·log10(255² / 105.5) = 27.90 dB. docs/psnr.md tells the story.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from edge_dce.pixels.baselines import GAMMA, apply_clahe, apply_gamma
from edge_dce.pixels.metrics import finite_psnr
from edge_dce.pixels.shrinking import shrink
from edge_dce.reports.table import Table

from .datasets.picture import DarkPicture
from .scoring import read_sample
from .trained_network import TrainedNetwork

Uint8Array = npt.NDArray[np.uint8]

_REPORT_PX = 256


def compute_wrapped_psnr(image: Uint8Array, reference: Uint8Array) -> float:
    """What `10 * log10(255**2 / mean((image - reference)**2))` gives on uint8 arrays, in dB: never use it.

    Equal images score as in `edge_dce.pixels.metrics.finite_psnr`.
    """
    # Differences and squares wrap modulo 256; only the mean is taken in float64.
    error = float(np.mean((image - reference) ** 2))
    return float(10 * np.log10(255**2 / max(error, 1 / image.size)))


def tabulate_wraparound(pairs: Sequence[DarkPicture], networks: Sequence[TrainedNetwork] = ()) -> Table:
    """Both figures, means over pairs, for what needs no network, for no picture at all, and for networks.

    Figures are of native size; the wrapped one also of pictures shrunk to 256x256, the size of the report's.

    Raises:
        ImageError: a picture is broken, or differs in size from its ground truth.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        figures = np.mean(list(pool.map(_score_baselines, pairs)), axis=0)
    rows = list(zip(_BASELINES, figures, strict=True))
    # One picture after the other: not every backend of Keras likes several threads.
    rows += [(each.name, np.mean([_score_network(pair, each) for pair in pairs], axis=0)) for each in networks]
    cells = [(name, *(f"{figure:.2f}" for figure in means)) for name, means in rows]
    return Table((f"{len(pairs)} pairs", "uint8, wrapped", "at 256x256", "float64, true"), cells)


def _score_baselines(pair: DarkPicture) -> list[tuple[float, float, float]]:
    low, normal = _read(pair)
    return [_score(brighten(low), normal) for brighten in _BASELINES.values()]


def _score_network(pair: DarkPicture, trained: TrainedNetwork) -> tuple[float, float, float]:
    low, normal = _read(pair, trained.recipe.channels)
    return _score(trained.apply(low, trained.estimate([low])[0])[..., :3], normal)


def _read(pair: DarkPicture, channels: int = 3) -> tuple[Uint8Array, Uint8Array]:
    sample = read_sample(pair, channels)
    assert sample.truth is not None
    return sample.low, sample.truth


def _score(image: Uint8Array, normal: Uint8Array) -> tuple[float, float, float]:
    small, small_normal = (shrink(each, _REPORT_PX, _REPORT_PX) for each in (image, normal))
    return (
        compute_wrapped_psnr(image, normal),
        compute_wrapped_psnr(small, small_normal),
        finite_psnr(image, normal),
    )


def _make_noise(image: Uint8Array) -> Uint8Array:
    """A picture of the same size that holds nothing: every sample is a byte at random, the same in every run."""
    return np.random.default_rng(2001).integers(0, 256, image.shape, np.uint8)


_BASELINES: dict[str, Callable[[Uint8Array], Uint8Array]] = {
    "dark input": np.copy,
    "CLAHE": apply_clahe,
    f"gamma {GAMMA}": apply_gamma,
    "all black": np.zeros_like,
    "random bytes": _make_noise,
}
