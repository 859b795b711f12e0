"""How close the enhanced pictures of a converted file come to those of the Keras network."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from converters.source import SourceNetwork
from edge_dce import curve
from edge_dce.card import Fidelity
from edge_dce.enhancer import Enhancer
from edge_dce.images import read_image
from edge_dce.metrics import finite_psnr
from edge_dce.preprocessing import normalize, shrink


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One picture, enhanced both ways."""

    path: Path
    psnr_db: float
    max_abs: int


def compare(source: SourceNetwork, enhancer: Enhancer, paths: Sequence[Path]) -> Fidelity:
    """Enhance every picture with the file and with the Keras network, and compare the results.

    The reference applies each of the network's maps once, in float32, by the exact formula. So the figures hold all
    that separates a user's result from the trained network: the averaging of the maps, the precision of the file and
    the look-up.

    Raises:
        ImageError: a picture is broken.
        ModelError: the runtime failed.
    """
    comparisons = [_compare_one(source, enhancer, path) for path in paths]
    worst = min(comparisons, key=lambda comparison: comparison.psnr_db)
    return Fidelity(
        images=len(comparisons),
        psnr_db=round(float(np.mean([comparison.psnr_db for comparison in comparisons])), 2),
        worst_psnr_db=round(worst.psnr_db, 2),
        worst_file=worst.path.name,
        max_abs=max(comparison.max_abs for comparison in comparisons),
        against=f"Keras float32, {source.maps} map(s), exact formula",
    )


def _compare_one(source: SourceNetwork, enhancer: Enhancer, path: Path) -> Comparison:
    image = read_image(path)
    tensor = normalize(shrink(image, enhancer.width, enhancer.height))
    expected = curve.apply_exact(image, np.asarray(source.network(tensor))[0], shape=source.shape)
    found = enhancer.enhance(image)
    difference = np.abs(expected.astype(np.int16) - found.astype(np.int16))
    return Comparison(path, finite_psnr(found, expected), int(difference.max()))
