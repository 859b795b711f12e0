from pathlib import Path

import pytest

from benchmarks import readme
from benchmarks.cli import main
from benchmarks.pixel_path import measure_pixel_path
from edge_dce.errors import EdgeDceError
from edge_dce.images import read_picture

SAMPLE = Path(__file__).resolve().parent.parent.parent / "docs" / "pictures" / "night-launch.jpg"


def test_readme_shows_the_committed_results() -> None:
    assert main(["readme", "--check"]) == 0


def test_readme_block_of_unknown_name_is_an_error() -> None:
    with pytest.raises(EdgeDceError, match="no table 'mystery'"):
        readme.render("<!-- begin mystery -->\n<!-- end mystery -->")


def test_look_up_on_a_real_map_stays_within_its_bounds() -> None:
    measured = measure_pixel_path(SAMPLE, runs=1)
    # DESIGN section 4.
    assert measured.mean_error <= 0.5
    assert measured.worst_error <= 2


def test_pixel_path_prints_the_ratio(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pixel-path", "--runs", "1", "--json", str(tmp_path / "result.json")]) == 0
    assert "speedup" in capsys.readouterr().out
    assert (tmp_path / "result.json").exists()


def test_gallery_shows_each_picture_beside_its_enhancement(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    command = ["gallery", str(SAMPLE), str(SAMPLE), str(SAMPLE), "-o", str(sheet), "--cell", "40x30"]
    assert main(command) == 0
    image = read_picture(sheet).image
    # Two pairs of 40 px cells in a row, each pair in a frame of 6 px; three pictures take two rows.
    assert image.shape == (2 * (30 + 12), 2 * (80 + 12), 3)
    assert image[6:36, 46:86].mean() > image[6:36, 6:46].mean()
    assert main(command) == 1
