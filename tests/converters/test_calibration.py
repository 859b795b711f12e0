"""Which pictures set the int8 scales, and what is said of them."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from converters.calibration import CalibrationSet, choose_calibration_set, choose_pictures, make_step_wedge
from converters.duplicates import find_look_alike, take_fingerprint
from converters.errors import ConversionError
from edge_dce.errors import ImageError
from edge_dce.files.folders import find_pictures
from edge_dce.files.pictures import Picture, read_picture, write_picture
from tests.training.dark_scenes import write_dark_scenes


def choose(folder: Path, evaluation: Path | None = None, *, count: int = 40, seed: int = 1) -> CalibrationSet:
    held_out = [] if evaluation is None else find_pictures(evaluation)
    return choose_calibration_set(folder, width=32, height=32, count=count, seed=seed, evaluation=held_out)


@pytest.fixture
def dark(tmp_path: Path) -> Path:
    return write_dark_scenes(tmp_path / "dark", 24, seed=1)


def encode_again(source: Path, target: Path, *, share: float = 1.0) -> None:
    """The same picture as JPEG, smaller if asked for."""
    image = read_picture(source).image
    resized = cv2.resize(image, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    write_picture(Picture(np.asarray(resized, np.uint8)), target)


def test_record_says_what_was_used(dark: Path) -> None:
    record = choose(dark).record
    assert record.files == sum(record.brightness_histogram) == 24
    assert (record.seed, record.duplicates, record.skipped, record.dark_share) == (1, 0, 0, 1.0)
    assert record.has_highlight


def test_manifest_names_every_picture_once(dark: Path) -> None:
    chosen = choose(dark)
    assert [name for name, _ in chosen.files] == [path.name for path in find_pictures(dark)]
    assert all(len(sha256) == 64 for _, sha256 in chosen.files)


def test_choice_depends_on_the_seed_alone(dark: Path) -> None:
    first, again, other = (choose_pictures(dark, count=3, seed=seed) for seed in (1, 1, 2))
    assert first == again != other
    assert choose(dark, count=5).files == choose(dark, count=5).files


def test_choice_is_spread_over_brightness(tmp_path: Path) -> None:
    write_dark_scenes(tmp_path / "mixed", 30, seed=1, brightest=30)
    bright = write_dark_scenes(tmp_path / "bright", 2, seed=2, brightest=250)
    for path in find_pictures(bright):
        path.rename(tmp_path / "mixed" / path.name)
    names = {name for name, _ in choose(tmp_path / "mixed", count=8).files}
    assert {"2-000.png", "2-001.png"} <= names


def test_copies_are_left_out(dark: Path) -> None:
    first, second, third = find_pictures(dark)[:3]
    (dark / "copy.png").write_bytes(first.read_bytes())
    encode_again(second, dark / "again.jpg")
    encode_again(third, dark / "smaller.jpg", share=0.5)
    record = choose(dark).record
    assert (record.files, record.duplicates) == (24, 3)


def test_different_scenes_do_not_look_alike(dark: Path) -> None:
    prints = [take_fingerprint(path, read_picture(path).image) for path in find_pictures(dark)]
    for number, picture in enumerate(prints):
        assert find_look_alike(picture, prints[:number]) is None


def test_picture_that_is_evaluated_too_is_refused_and_named(dark: Path, tmp_path: Path) -> None:
    evaluation = write_dark_scenes(tmp_path / "evaluation", 3, seed=9)
    (evaluation / "renamed.png").write_bytes((dark / "1-004.png").read_bytes())
    with pytest.raises(ConversionError, match=r"are also evaluation pictures: 1-004\.png; use separate folders"):
        choose(dark, evaluation)


def test_picture_that_looks_like_an_evaluated_one_is_left_out_and_named(dark: Path, tmp_path: Path) -> None:
    evaluation = write_dark_scenes(tmp_path / "evaluation", 3, seed=9)
    encode_again(dark / "1-004.png", evaluation / "again.jpg")
    chosen = choose(dark, evaluation)
    assert "1-004.png" not in dict(chosen.files)
    assert any("1-004.png: looks like evaluation picture" in note for note in chosen.notes)


def test_evaluation_folder_in_another_encoding_is_refused(dark: Path, tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    for path in find_pictures(dark):
        encode_again(path, tmp_path / "again" / f"{path.stem}.jpg")
    with pytest.raises(ConversionError, match="24 of 24 calibration pictures look like evaluation pictures"):
        choose(tmp_path / "again", dark)


def test_broken_file_is_named_and_skipped(dark: Path) -> None:
    (dark / "broken.png").write_bytes((dark / "1-000.png").read_bytes()[:200])
    chosen = choose(dark)
    assert (chosen.record.files, chosen.record.skipped) == (24, 1)
    assert any("broken.png" in note for note in chosen.notes)


def test_folder_of_broken_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_text("no picture")
    with pytest.raises(ConversionError, match="expected low-light pictures, found none that can be read"):
        choose(tmp_path)


def test_missing_and_empty_folders_are_refused(tmp_path: Path) -> None:
    for folder in (tmp_path / "missing", tmp_path):
        with pytest.raises(ImageError):
            choose(folder)


def test_bright_pictures_are_told_of_with_their_histogram(tmp_path: Path) -> None:
    bright = write_dark_scenes(tmp_path / "bright", 21, seed=3, brightest=900)
    (note,) = [note for note in choose(bright).notes if "expected low-light pictures" in note]
    assert "brightness histogram, dark to bright: " in note


def test_few_pictures_and_no_highlight_are_told_of(tmp_path: Path) -> None:
    black = write_dark_scenes(tmp_path / "black", 3, seed=3, brightest=10)
    notes = " ".join(choose(black).notes)
    assert "3 picture(s) give unsteady scales; use 20 or more" in notes
    assert "no picture has a highlight" in notes


def test_step_wedge_runs_from_black_to_white() -> None:
    wedge = make_step_wedge(4, 300)
    assert wedge.shape == (4, 300, 3)
    assert (wedge.min(), wedge.max()) == (0, 255)
