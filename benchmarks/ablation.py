"""Variants of one recipe, each trained with several seeds: what each brings as a user gets it, through a model file."""

from __future__ import annotations

import dataclasses
import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edge_dce.enhancer import Enhancer, load
from edge_dce.errors import EdgeDceError
from edge_dce.files.output import write_file
from edge_dce.files.pictures import read_image
from edge_dce.models.origin import read_origin
from edge_dce.pixels.metrics import finite_psnr, psnr_at_equal_mean, ssim

# The variant that all others are compared with.
BASE = "base"
STEP_TIMES = "step_ms.json"
_SCHEMA = 2
_FILE = re.compile(r"(?P<variant>.+)-(?P<seed>\d+)")
# What a picture is enhanced with: as exact as the network itself.
_PRECISION = "float16"
# The float network that a file is compared with was measured on so few pictures: it is one of a hundred.
_VERIFIED_ON = 2

Pairs = Sequence[tuple[Path, Path]]


@dataclasses.dataclass(frozen=True)
class SetScores:
    """One set of pairs, a figure for each picture, in the order of their names.

    Attributes:
        psnr_db, ssim: of the enhanced picture at its native size.
        equal_mean_psnr_db: after scaling to the truth's mean: what is left when exposure is right.
        blind_psnr_db: of what the curve map of a black picture makes of it: as much as `psnr_db` where the network
            learned one curve for all pictures and does not look at them.
    """

    psnr_db: tuple[float, ...]
    ssim: tuple[float, ...]
    equal_mean_psnr_db: tuple[float, ...]
    blind_psnr_db: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class Variant:
    """One variant of the recipe.

    Attributes:
        name: of the variant; `BASE` differs from the others in one thing each.
        title: the recipe's, with what was changed.
        recipe: every setting, of the first seed.
        parameters: of the network.
        step_ms: of training, a figure for each round, measured in turn with those of the others; empty where a step is
            that of the base.
        scores: seed -> name of a set -> its scores.
    """

    name: str
    title: str
    recipe: Mapping[str, Any]
    parameters: int
    step_ms: tuple[float, ...]
    scores: Mapping[str, Mapping[str, SetScores]]


def read_variants(path: Path) -> list[Variant]:
    """The variants in a file of results.

    Raises:
        EdgeDceError: there is no such file, or none of the variants is the base.
    """
    try:
        fields = json.loads(path.read_text())
        if fields["schema"] != _SCHEMA:
            raise ValueError(f"expected schema {_SCHEMA}, found {fields['schema']}")
        variants = [_read_variant(each) for each in fields["variants"]]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise EdgeDceError(f"{path}: expected what `python -m benchmarks ablation` writes ({error})") from error
    if BASE not in {variant.name for variant in variants}:
        raise EdgeDceError(f"{path}: expected a variant '{BASE}', found none; score it as well")
    return variants


def write_variants(path: Path, variants: Sequence[Variant]) -> None:
    """Raises OutputError: the file cannot be written."""
    fields = {"schema": _SCHEMA, "variants": [dataclasses.asdict(each) for each in variants]}
    write_file(path, f"{json.dumps(fields, separators=(',', ':'))}\n".encode(), overwrite=True)


def _read_variant(fields: dict[str, Any]) -> Variant:
    scores = {
        seed: {
            name: SetScores(**{metric: tuple(figures) for metric, figures in each.items()})
            for name, each in sets.items()
        }
        for seed, sets in fields["scores"].items()
    }
    return Variant(**fields | {"step_ms": tuple(fields["step_ms"]), "scores": scores})


def find_networks(folder: Path) -> dict[str, dict[str, Path]]:
    """Files called VARIANT-SEED.keras: variant -> seed -> file.

    Raises:
        EdgeDceError: there are none.
    """
    found: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.glob("*.keras")):
        name = _FILE.fullmatch(path.stem)
        if name:
            found.setdefault(name["variant"], {})[name["seed"]] = path
    if not found:
        raise EdgeDceError(f"{folder}: expected exported networks called VARIANT-SEED.keras, found none")
    return found


def measure_variants(
    folder: Path,
    sets: Mapping[str, Pairs],
    *,
    threads: int = 2,
    track: Callable[[str], object] = lambda line: None,
) -> Iterator[Variant]:
    """Convert and score the networks of a folder, one variant after the other.

    Raises:
        EdgeDceError: the folder holds none, or one that does not say where it comes from; or as conversion raises.
    """
    times = json.loads((folder / STEP_TIMES).read_text()) if (folder / STEP_TIMES).exists() else {}
    for name, files in find_networks(folder).items():
        first = next(iter(files.values()))
        origin = read_origin(first)
        if origin is None:
            raise EdgeDceError(f"{first}: expected a recipe in this file, found none; write it again with 'export'")
        scores = {}
        for seed, path in files.items():
            scores[seed], parameters = _score(path, sets, origin.recipe["resize_px"], threads)
            track(f"{path.name} scored")
        yield Variant(name, origin.title, origin.recipe, parameters, tuple(times.get(name, ())), scores)


def _score(network: Path, sets: Mapping[str, Pairs], side_px: int, threads: int) -> tuple[dict[str, SetScores], int]:
    # TensorFlow takes seconds to import.
    from converters.publication import Order, publish
    from converters.source import load_network

    source = load_network(network)
    evaluation = next(iter(sets.values()))[0][0].parent
    # The network sees whole pictures as it was trained to.
    order = Order((_PRECISION,), ((side_px, side_px),), evaluation, evaluation_count=_VERIFIED_ON)
    with tempfile.TemporaryDirectory() as folder:
        (publication,) = publish(source, order, Path(folder))
        # Whether it may be published is not asked here: what misses the gate is scored like the others.
        enhancer = load(publication.path, threads=threads)
        scores = {name: _score_set(enhancer, pairs) for name, pairs in sets.items()}
    return scores, source.network.count_params()


def _score_set(enhancer: Enhancer, pairs: Pairs) -> SetScores:
    figures = []
    for low, high in pairs:
        picture, truth = read_image(low), read_image(high)
        enhanced = enhancer.enhance(picture)
        blind = enhancer.apply(picture, enhancer.estimate(np.zeros_like(picture)))
        measured = finite_psnr(enhanced, truth), ssim(enhanced, truth), psnr_at_equal_mean(enhanced, truth)
        figures.append([round(figure, 4) for figure in (*measured, finite_psnr(blind, truth))])
    return SetScores(*(tuple(each) for each in zip(*figures, strict=True)))
