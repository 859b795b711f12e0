import json
from pathlib import Path

import pytest

from benchmarks import frame, frame_table, photo, readme
from benchmarks.cli import main
from benchmarks.frame import FrameTimes
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


def test_frame_benchmark_prints_ratios_and_records_every_round(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The same code on frames that take no time.
    monkeypatch.setattr(frame, "HD", (96, 54))
    monkeypatch.setattr(frame, "UHD", (192, 108))
    monkeypatch.setattr(frame_table, "HD", (96, 54))
    monkeypatch.setattr(frame_table, "UHD", (192, 108))
    monkeypatch.setattr(photo, "SIZE", (400, 300))
    result = tmp_path / "frame.json"
    assert main(["frame", "--rounds", "2", "--threads", "1", "--json", str(result)]) == 0
    printed = capsys.readouterr().out
    assert "CLAHE : zero-dce-scene-256x256-int8" in printed
    assert "peak memory of the process" in printed
    record = json.loads(result.read_text())
    assert [len(each) for each in record["frame"]["rounds"]] == [8, 7]
    assert "times as long" in frame_table.render_frames(record)


def test_ratio_is_taken_round_by_round() -> None:
    times = FrameTimes(1, ({"slow": 20.0, "fast": 10.0}, {"slow": 90.0, "fast": 30.0}, {"fast": 1.0}))
    low, median, high = times.ratio("slow", "fast")
    assert (round(low, 6), median, round(high, 6)) == (2.1, 2.5, 2.9)


def test_gallery_shows_each_picture_beside_its_enhancement(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    command = ["gallery", str(SAMPLE), str(SAMPLE), str(SAMPLE), "-o", str(sheet), "--cell", "40x30"]
    assert main(command) == 0
    image = read_picture(sheet).image
    # Two pairs of 40 px cells in a row, each pair in a frame of 6 px; three pictures take two rows.
    assert image.shape == (2 * (30 + 12), 2 * (80 + 12), 3)
    assert image[6:36, 46:86].mean() > image[6:36, 6:46].mean()
    assert main(command) == 1
