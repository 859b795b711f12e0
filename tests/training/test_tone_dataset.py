"""Batches of tone networks: whole pictures, crops, noise, from several sources."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tests.training.lol_folder import write_lol
from tests.training.panoramas.made_panorama import make_panorama, write_panorama
from tests.training.tiny_recipe import TINY_TONE
from training.dataset import Shard
from training.datasets.sets import find_parts
from training.recipe import RecipeError
from training.tone_dataset import load_tone_batches, load_tone_validation


@pytest.fixture(scope="module")
def lol(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_lol(tmp_path_factory.mktemp("lol"))


@pytest.fixture(scope="module")
def panoramas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("panoramas")
    write_panorama(folder / "a.hdr", make_panorama())
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def load(lol: Path, panoramas: Path | None, cache: Path, **options: object):  # type: ignore[no-untyped-def]
    pictures = find_parts(lol, TINY_TONE, cache=cache)["train"]
    return load_tone_batches(pictures, TINY_TONE, cache=cache, panoramas=panoramas, **options)  # type: ignore[arg-type]


def test_batch_has_the_whole_small_and_a_crop_at_full_size(lol: Path, panoramas: Path, cache: Path) -> None:
    inputs, partners = load(lol, panoramas, cache)[0]
    assert {name: samples.shape for name, samples in inputs.items()} == {
        "whole": (4, 32, 64, 3),
        "again": (4, 32, 64, 3),
        "crop": (4, 16, 16, 3),
        "noise": (4, 256, 2),
    }
    assert {name: samples.shape for name, samples in partners.items()} == {
        "whole": (4, 32, 64, 3),
        "crop": (4, 16, 16, 3),
    }
    assert all(samples.min() >= 0 and samples.max() <= 1 for samples in partners.values())


def test_batches_are_a_function_of_seed_and_epoch(lol: Path, panoramas: Path, cache: Path) -> None:
    one, other = (load(lol, panoramas, cache, first_epoch=2)[1] for _ in range(2))
    np.testing.assert_array_equal(one[0]["crop"], other[0]["crop"])
    later = load(lol, panoramas, cache, first_epoch=3)[1]
    assert not np.array_equal(one[0]["crop"], later[0]["crop"])


def test_shares_together_are_the_batch(lol: Path, panoramas: Path, cache: Path) -> None:
    whole = load(lol, panoramas, cache)[0][0]["crop"]
    halves = [load(lol, panoramas, cache, shard=Shard(index, 2))[0][0]["crop"] for index in range(2)]
    np.testing.assert_array_equal(np.concatenate(halves), whole)


def test_validation_shows_every_held_out_pair_once_and_whole(lol: Path, cache: Path) -> None:
    held_out = find_parts(lol, TINY_TONE, cache=cache)["validation"]
    batches = load_tone_validation(held_out, TINY_TONE, cache=cache)
    assert batches is not None
    seen = [batches[index][0]["crop"] for index in range(len(batches))]
    assert sum(map(len, seen)) == len(held_out)
    # Sides of a multiple of eight.
    assert {samples.shape[1:] for samples in seen} == {(32, 40, 3)}
    assert load_tone_validation([], TINY_TONE, cache=cache) is None


def test_source_that_the_recipe_needs_and_that_is_missing_is_an_error(lol: Path, panoramas: Path, cache: Path) -> None:
    with pytest.raises(RecipeError, match="--panoramas"):
        load(lol, None, cache)
    with pytest.raises(RecipeError, match="--data"):
        load_tone_batches([], TINY_TONE, cache=cache, panoramas=panoramas)


def test_recipe_without_pairs_learns_from_panoramas_alone(panoramas: Path, cache: Path) -> None:
    assert TINY_TONE.tone is not None
    clean = dataclasses.replace(TINY_TONE, tone=dataclasses.replace(TINY_TONE.tone, pair_share=0))
    inputs, _ = load_tone_batches([], clean, cache=cache, panoramas=panoramas)[0]
    assert len(inputs["whole"]) == clean.batch_size
