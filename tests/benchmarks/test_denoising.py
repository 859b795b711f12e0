"""The benchmark of denoising: noise of the stated strength, the same views for each, a row for every filter."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks import denoising, denoising_table, noisy_views
from benchmarks.cli import main
from benchmarks.noisy_views import cut_noisy_views
from edge_dce.files.pictures import Picture, write_picture
from tests.training.panoramas.made_panorama import make_panorama, write_panorama

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "tests" / "models" / "tiny-16x16-int8.tflite"


@pytest.fixture(scope="module")
def panoramas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_panorama(tmp_path_factory.mktemp("panoramas") / "scene.hdr", make_panorama()).parent


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same code on pictures that take no time."""
    monkeypatch.setattr(noisy_views, "SIZE", (48, 32))
    monkeypatch.setattr(denoising, "NOISE_LEVELS", (1.0, 3.0))
    for module in (denoising, denoising_table):
        monkeypatch.setattr(module, "FRAME", (64, 48))


def test_noise_has_the_strength_that_the_table_states(panoramas: Path) -> None:
    (view,) = cut_noisy_views(panoramas, 1, 2.0)
    near = np.abs(view.clean_dark.astype(int) - 16) <= 2
    measured = np.std((view.dark.astype(int) - view.clean_dark)[near])
    assert near.sum() > 1000
    # Rounding adds 1/12 to the variance (1 %); the curve's bend at two levels from 16, and at this noise, a few more.
    assert measured == pytest.approx(2.0, rel=0.1)


def test_each_strength_shows_the_same_views(panoramas: Path) -> None:
    weak, strong = (list(cut_noisy_views(panoramas, 2, noise, jpeg_quality=85)) for noise in (0.5, 4.0))
    for one, other in zip(weak, strong, strict=True):
        np.testing.assert_array_equal(one.clean_dark, other.clean_dark)
        assert (one.dark != other.dark).any()


@pytest.mark.usefixtures("_small")
def test_every_filter_has_a_row_with_figures_and_its_time(
    panoramas: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = tmp_path / "denoising.json"
    command = ["denoising", "--panoramas", str(panoramas), "--views", "2", "--model", str(TINY), "--json", str(result)]
    assert main(command) == 0
    printed = capsys.readouterr().out
    markdown = denoising_table.render_denoising(json.loads(result.read_text()))
    for name in denoising.FILTERS:
        # Once for 8 bits, once for JPEG.
        assert printed.count(f"\n{name} ") == 2
        assert markdown.count(f"\n| {name} |") == 2
    assert "noise of 3 at level 16" in markdown
    for name in ("a dark ramp of 16 bits", "dark views without noise", "the same as good pictures"):
        assert re.search(rf"{name} \d+\.\d\d", markdown)


@pytest.mark.usefixtures("_small")
def test_pairs_of_lol_are_scored_against_their_references(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for side, level in (("low", 10), ("high", 120)):
        (tmp_path / side).mkdir()
        for name in ("a", "b"):
            write_picture(Picture(np.full((24, 32, 3), level, np.uint8)), tmp_path / side / f"{name}.png")
    assert main(["denoising", "--lol", str(tmp_path), "--model", str(TINY)]) == 0
    # Both are among the first 30.
    assert "2 test pairs" in capsys.readouterr().out


def test_without_pictures_there_is_nothing_to_measure(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["denoising"])
    assert "expected --panoramas DIR, --lol DIR or both" in capsys.readouterr().err
