import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import frame, frame_table, photo, readme
from benchmarks.cli import main
from benchmarks.clip import write_clip
from benchmarks.flicker import render_flicker
from benchmarks.frame import FrameTimes
from benchmarks.pixel_path import measure_pixel_path
from benchmarks.video import render_video
from edge_dce.errors import EdgeDceError
from edge_dce.images import Picture, read_picture, write_picture

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


def test_video_benchmark_tells_the_share_of_every_stage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_clip(tmp_path / "clip.mp4", SAMPLE, size=(64, 48), frames=8)
    result = tmp_path / "video.json"
    command = ["video", "--clip", str(tmp_path / "clip.mp4"), "--runs", "2", "--json", str(result)]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert "64x48, 8 frames" in printed
    assert "slowest stage" in printed
    record = json.loads(result.read_text())
    assert [run["frames"] for run in record["runs"]] == [8, 8]
    assert "A 64x48 clip" in render_video(record)


def test_flicker_of_a_still_scene_is_what_the_maps_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = read_picture(SAMPLE).image[:120, :160]
    noise = np.random.default_rng(1).normal(0, 4, (6, *image.shape))
    for number, grain in enumerate(noise):
        picture = Picture(np.clip(image * 0.3 + grain, 0, 255).astype(np.uint8))
        write_picture(picture, tmp_path / f"still_{number}.png")
    result = tmp_path / "flicker.json"
    assert main(["flicker", str(tmp_path / "still_*"), "--json", str(result)]) == 0
    assert "frame by frame" in capsys.readouterr().out
    (sequence,) = json.loads(result.read_text())["sequences"]
    methods = sequence["methods"]
    assert methods["first map kept"]["re_estimation"] == 0
    assert methods["smoothed"]["re_estimation"] < methods["frame by frame"]["re_estimation"] / 2
    assert "| still_*, 6 frames |" in render_flicker(json.loads(result.read_text()))


def test_flicker_of_one_frame_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flicker", str(SAMPLE)]) == 1
    assert "expected two frames or more" in capsys.readouterr().err
