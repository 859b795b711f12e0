"""Data: which pictures are in which part, what batches are made of, what the cache keeps."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from edge_dce.errors import ImageError, OutputError
from edge_dce.files.pictures import Picture, write_picture
from tests.training.lol_folder import write_lol
from tests.training.tiny_recipe import TINY
from training.cache import read_shrunk
from training.dataset import Batches, draw_by_weight
from training.datasets.kinds import find_lol
from training.datasets.sets import find_parts, split_by_order
from training.recipe import RECIPES


@pytest.fixture(scope="module")
def lol(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_lol(tmp_path_factory.mktemp("lol"))


def make_images(count: int, side: int = 32) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (count, side, side, 3)).astype(np.uint8)


def test_split_follows_sorted_names_as_strings(lol: Path) -> None:
    parts = split_by_order(find_lol(str(lol), lol), TINY)
    assert [len(parts[part]) for part in ("test", "train", "validation")] == [30, 10, 4]
    assert [pair.low.stem for pair in parts["test"][:4]] == ["0", "1", "10", "11"]


def test_folder_that_is_no_lol_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="expected folders 'low' and 'high'"):
        find_lol(str(tmp_path), tmp_path)


def test_too_few_pictures_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="expected more than 30 pairs"):
        split_by_order(find_lol(str(write_lol(tmp_path, 5)), tmp_path), TINY)


def test_batches_depend_on_seed_and_epoch_alone() -> None:
    low = np.random.default_rng(1).integers(0, 255, (9, 32, 32, 3)).astype(np.uint8)
    first, again, later = (Batches(low, low, TINY, first_epoch=epoch) for epoch in (2, 2, 3))
    assert len(first) == 2
    np.testing.assert_array_equal(first[1][0], again[1][0])
    assert not np.array_equal(first[1][0], later[1][0])
    again.on_epoch_end()
    np.testing.assert_array_equal(again[0][0], later[0][0])


def test_small_set_is_shown_several_times_an_epoch() -> None:
    recipe = dataclasses.replace(RECIPES["report"], resize_px=32, batch_size=3, epoch_images=7, shuffle=True)
    batches = Batches(make_images(3), None, recipe)
    assert len(batches) == 2
    for index in range(2):
        # Each turn shows every picture once.
        assert len(np.unique(batches[index][0], axis=0)) == 3


def test_recipe_without_augmentation_shows_the_pictures_themselves() -> None:
    low = np.random.default_rng(1).integers(0, 255, (4, 256, 256, 3)).astype(np.uint8)
    (batch,) = Batches(low, None, RECIPES["report"])[0]
    np.testing.assert_allclose(batch, low / 255, atol=1e-6)


def test_plain_folder_needs_no_partners_and_holds_every_fifth_picture_out(lol: Path) -> None:
    parts = find_parts(lol / "our485" / "low", dataclasses.replace(TINY, exposure_shift=0.0), cache=lol / "cache")
    assert [len(parts[part]) for part in ("test", "train", "validation")] == [0, 36, 8]
    assert not {pair.low for pair in parts["train"]} & {pair.low for pair in parts["validation"]}


def test_recipe_that_needs_partners_refuses_a_plain_folder(lol: Path) -> None:
    with pytest.raises(ImageError, match="recipe 'paired' needs normal-light pictures"):
        find_parts(lol / "our485" / "low", RECIPES["paired"], cache=lol / "cache")


def test_partner_is_moved_like_the_dark_picture() -> None:
    images = make_images(4)
    recipe = dataclasses.replace(RECIPES["paired"], resize_px=32, crop_px=16, rotate=True, batch_size=4)
    low, high = Batches(images, images, recipe)[0]
    np.testing.assert_array_equal(low, high)
    assert not np.allclose(low, images[:, :16, :16] / 255)


def test_gain_brightens_some_pictures_and_clips_as_a_sensor_does() -> None:
    images = make_images(16)
    recipe = dataclasses.replace(RECIPES["report"], resize_px=32, exposure_gain=8.0)
    (batch,) = Batches(images, None, recipe)[0]
    gains = batch.mean(axis=(1, 2, 3)) / (images / 255).mean(axis=(1, 2, 3))
    assert gains.min() == pytest.approx(1, rel=1e-5)
    assert 1.2 < gains.max() <= 8
    assert batch.max() == 1


def test_noise_has_the_variance_of_shot_and_read_noise() -> None:
    images = np.full((1, 256, 256, 3), 51, np.uint8)
    recipe = dataclasses.replace(RECIPES["report"], batch_size=1, noise=0.01)
    (batch,) = Batches(images, None, recipe)[0]
    # n is drawn from [0, 0.01]: at most 0.01·0.2 + 0.01².
    assert 0 < batch.var() <= 0.01 * 0.2 + 0.01**2
    assert batch.mean() == pytest.approx(0.2, abs=2e-3)


def test_pictures_are_decoded_once_and_found_by_content(lol: Path, tmp_path: Path) -> None:
    paths = [pair.low for pair in find_lol(str(lol), lol)]
    first = read_shrunk(paths, 16, channels=3, cache=tmp_path)
    (entry,) = tmp_path.iterdir()
    written = entry.stat().st_mtime_ns
    moved = []
    for number, path in enumerate(paths):
        moved.append(tmp_path.parent / f"moved-{number}.png")
        moved[-1].write_bytes(path.read_bytes())
    np.testing.assert_array_equal(read_shrunk(moved, 16, channels=3, cache=tmp_path), first)
    assert entry.stat().st_mtime_ns == written
    read_shrunk(paths[1:], 16, channels=3, cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_damaged_cache_entry_is_made_anew(lol: Path, tmp_path: Path) -> None:
    paths = [pair.low for pair in find_lol(str(lol), lol)]
    first = read_shrunk(paths, 16, channels=3, cache=tmp_path).copy()
    (entry,) = tmp_path.iterdir()
    entry.write_bytes(entry.read_bytes()[:2000])
    np.testing.assert_array_equal(read_shrunk(paths, 16, channels=3, cache=tmp_path), first)


def test_broken_picture_leaves_no_cache_entry(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(ImageError, match="not a picture"):
        read_shrunk([tmp_path / "broken.png"], 16, channels=3, cache=tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_cache_that_cannot_be_written_is_an_error(lol: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError):
        read_shrunk([find_lol(str(lol), lol)[0].low], 16, channels=3, cache=tmp_path / "file")


def test_channels_are_grey_or_include_near_infrared(tmp_path: Path) -> None:
    image, infrared = make_images(1)[0], np.full((32, 32), 77, np.uint8)
    write_picture(Picture(image, alpha=infrared), tmp_path / "rgbn.png")
    write_picture(Picture(image), tmp_path / "rgb.png")
    cache = tmp_path / "cache"
    assert (read_shrunk([tmp_path / "rgbn.png"], 32, channels=4, cache=cache)[..., 3] == 77).all()
    grey = read_shrunk([tmp_path / "rgb.png"], 32, channels=1, cache=cache)
    np.testing.assert_array_equal(grey[0, ..., 0], np.rint(image.mean(axis=2)))
    with pytest.raises(ImageError, match="expected four channels"):
        read_shrunk([tmp_path / "rgb.png"], 32, channels=4, cache=cache)


def test_pictures_are_drawn_as_often_as_their_weights_say() -> None:
    order = draw_by_weight(np.array([3.0, 1.0, 1.0, 5.0]), 20, np.random.default_rng(1))
    # 20 pictures by weights that sum to 10: each expectation is whole.
    np.testing.assert_array_equal(np.bincount(order), [6, 2, 2, 10])
