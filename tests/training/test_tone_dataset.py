"""Batches of tone networks: whole pictures, crops, noise, from several sources."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from edge_dce.pixels.shrinking import shrink
from tests.training.lol_folder import write_lol
from tests.training.panoramas.made_panorama import make_panorama, write_panorama
from tests.training.tiny_recipe import TINY_TONE
from training.dataset import Shard
from training.datasets.sets import find_parts
from training.panoramas.views import ViewSettings, cut_views
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


def test_views_come_as_the_camera_was_held(panoramas: Path, cache: Path) -> None:
    assert TINY_TONE.tone is not None
    tone = dataclasses.replace(TINY_TONE.tone, pair_share=0, made_share=0, views=12, smallest_part=1)
    recipe = dataclasses.replace(TINY_TONE, tone=tone, flip=False)
    settings = ViewSettings(tone.views, recipe.seed, (tone.picture_width_px, tone.picture_height_px), tone.rendering)
    views = list(cut_views(panoramas, settings))
    upright, lying = (
        [shrink(view.partner, tone.width_px, tone.height_px) / 255 for view in views if view.partner.shape[0] == height]
        for height in (tone.picture_width_px, tone.picture_height_px)
    )
    batches = load_tone_batches([], recipe, cache=cache, panoramas=panoramas)
    wholes = np.concatenate([batches[index][1]["whole"] for index in range(len(batches))])

    def count(known: list[np.ndarray]) -> int:
        return sum(any(np.allclose(whole, each, atol=1e-6) for each in known) for whole in wholes)

    assert count(upright) > 0
    assert count(upright) + count(lying) == len(wholes)


def test_brightened_pair_has_the_noise_of_its_brighter_picture(lol: Path, cache: Path) -> None:
    assert TINY_TONE.tone is not None
    tone = dataclasses.replace(TINY_TONE.tone, pair_share=1, view_share=0, made_share=0, least_gain=4)
    recipe = dataclasses.replace(TINY_TONE, tone=tone, exposure_gain=4, epoch_images=40)
    pictures = find_parts(lol, recipe, cache=cache)["train"]
    plain = dataclasses.replace(recipe, exposure_gain=1, tone=dataclasses.replace(tone, least_gain=1))
    bright, dark = (
        np.concatenate([batches[index][0]["noise"] for index in range(len(batches))])
        for batches in (load_tone_batches(pictures, each, cache=cache) for each in (recipe, plain))
    )
    # The same pictures are drawn; of level 25 the noise is four times as strong when it has become level 100.
    factors = bright[:, 100, 0] / dark[:, 25, 0]
    assert np.isclose(factors, 4, rtol=1e-3).sum() > 10
