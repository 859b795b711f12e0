"""Views are pairs, reproducible, some of which need nothing."""

from pathlib import Path

import numpy as np
import pytest

from edge_dce.errors import ImageError
from training.panoramas.views import (
    View,
    ViewSettings,
    cut_views,
    find_upright,
    make_collage,
    make_view,
    read_pairs,
    stand_up,
)

from .made_panorama import make_panorama, write_panorama

SIZE = (48, 32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("panoramas")
    for name in ("a", "b"):
        write_panorama(folder / f"{name}.hdr", make_panorama())
    return folder


@pytest.fixture(scope="module")
def views(folder: Path) -> list[View]:
    return list(cut_views(folder, ViewSettings(40, seed=1, size=SIZE)))


@pytest.fixture(scope="module")
def collages(folder: Path) -> list[View]:
    return list(cut_views(folder, ViewSettings(40, seed=1, size=SIZE, rendering="balanced", collage_share=1.0)))


def test_the_same_seed_gives_the_same_views(folder: Path, views: list[View]) -> None:
    for again, view in zip(cut_views(folder, ViewSettings(40, seed=1, size=SIZE)), views, strict=True):
        np.testing.assert_array_equal(again.dark, view.dark)
        np.testing.assert_array_equal(again.partner, view.partner)


def test_another_seed_gives_other_views(folder: Path, views: list[View]) -> None:
    other = next(cut_views(folder, ViewSettings(40, seed=2, size=SIZE)))
    assert other.dark.shape != views[0].dark.shape or (other.dark != views[0].dark).any()


def test_pictures_of_a_view_are_alike_in_shape(views: list[View]) -> None:
    assert {view.dark.shape for view in views} == {(32, 48, 3), (48, 32, 3)}
    for view in views:
        assert view.dark.shape == view.clean_dark.shape == view.partner.shape
        assert view.dark.dtype == view.clean_dark.dtype == view.partner.dtype == np.uint8


def test_no_partner_is_darker_than_its_picture(views: list[View]) -> None:
    # A picture that needs nothing differs by noise and JPEG: a level on average.
    assert all(view.partner.mean() > view.dark.mean() - 1 for view in views)


def test_some_views_need_nothing(views: list[View]) -> None:
    changes = [np.abs(view.partner.astype(int) - view.clean_dark).max() for view in views]
    # The share is one in seven, and those that are bright enough: of 40 views, not none and not half.
    assert 0 < sum(change == 0 for change in changes) < 20


def test_pairs_are_made_once(folder: Path, tmp_path: Path, views: list[View]) -> None:
    first = read_pairs(folder, ViewSettings(40, 1, size=SIZE), cache=tmp_path)
    (entry,) = tmp_path.iterdir()
    made = entry.stat().st_mtime_ns
    dark, partner = read_pairs(folder, ViewSettings(40, 1, size=SIZE), cache=tmp_path)
    assert entry.stat().st_mtime_ns == made
    assert dark.shape == partner.shape == (40, 32, 48, 3)
    np.testing.assert_array_equal(dark, first[0])
    lying = next(number for number, view in enumerate(views) if view.dark.shape == (32, 48, 3))
    np.testing.assert_array_equal(partner[lying], views[lying].partner)


def test_upright_views_are_turned_to_fit_among_the_others(folder: Path, tmp_path: Path, views: list[View]) -> None:
    settings = ViewSettings(40, 1, size=SIZE)
    dark, _ = read_pairs(folder, settings, cache=tmp_path)
    upright = find_upright(settings)
    assert upright == [view.dark.shape == (48, 32, 3) for view in views]
    number = upright.index(True)
    np.testing.assert_array_equal(stand_up(dark[number]), views[number].dark)


def test_a_view_without_light_is_an_error() -> None:
    with pytest.raises(ImageError, match="without any light"):
        make_view(np.zeros((8, 8, 3), np.float32), np.random.default_rng(1))


def test_a_collages_partner_is_nowhere_darker_than_the_light_it_was_exposed_to(collages: list[View]) -> None:
    # Green has no error of white balance, and without a mosaic nothing comes from neighbors.
    compared = [(view.clean_dark[..., 1], view.partner[..., 1]) for view in collages if not view.sensor.has_mosaic]
    assert len(compared) > 10
    assert all((partner >= dark).all() for dark, partner in compared)


def test_some_collages_are_bright_and_some_dark(collages: list[View]) -> None:
    levels = [view.clean_dark.mean() for view in collages]
    assert min(levels) < 30
    assert max(levels) > 90


def test_collage_has_two_lights() -> None:
    light, front = np.full((32, 48, 3), 0.2, np.float32), np.full((32, 48, 3), 0.2, np.float32)
    levels = [np.ptp(make_collage(light, front, np.random.default_rng(seed)).clean_dark) for seed in range(20)]
    # The ratio of two parts of one light is up to 24, either way: a twentieth of all are alike within 1.2.
    assert sum(level > 10 for level in levels) > 10


def test_collages_have_an_entry_of_their_own(folder: Path, tmp_path: Path) -> None:
    first, _ = read_pairs(folder, ViewSettings(6, 1, size=SIZE), cache=tmp_path)
    second, _ = read_pairs(folder, ViewSettings(6, 1, size=SIZE, collage_share=0.5), cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    assert (first != second).any()


def test_panorama_of_a_night_gives_darker_partners(folder: Path, tmp_path: Path) -> None:
    for name in ("noon.hdr", "moonlit_road.hdr"):
        path = tmp_path / Path(name).stem / name
        path.parent.mkdir()
        write_panorama(path, make_panorama())
    noon, night = (
        np.mean([view.partner.mean() for view in cut_views(tmp_path / stem, ViewSettings(10, seed=1, size=SIZE))])
        for stem in ("noon", "moonlit_road")
    )
    assert night < 0.8 * noon


def test_collage_without_light_is_an_error() -> None:
    light = np.ones((8, 8, 3), np.float32)
    with pytest.raises(ImageError, match="without any light"):
        make_collage(light, np.zeros_like(light), np.random.default_rng(1))
