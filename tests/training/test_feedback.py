"""The camera app's answers become the brightness that training asks for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from apps.camera.shots.feedback import Answer, format_answers
from training.cli import main
from training.feedback import read_exposure_target
from training.recipe import RecipeError


def write_answers(path: Path, *verdicts: str, brightness: float = 0.4) -> Path:
    answers = [Answer(verdict, 1.0, 0.1, brightness, "model", "2026-11-22T21:05:09+01:00") for verdict in verdicts]
    path.write_text(format_answers(answers))
    return path


@pytest.mark.parametrize(
    ("verdicts", "target"),
    [
        (["right"] * 5, 0.4),
        (["brighter"] * 4 + ["right"], 0.468),
        (["darker"] * 5, 0.342),
        (["darker", *["right"] * 4], 0.4),
    ],
)
def test_target_is_the_median_of_what_was_wanted(verdicts: list[str], target: float, tmp_path: Path) -> None:
    assert read_exposure_target(write_answers(tmp_path / "answers.json", *verdicts)) == target


def test_target_stays_a_brightness_that_shows_something(tmp_path: Path) -> None:
    assert read_exposure_target(write_answers(tmp_path / "bright.json", *["brighter"] * 5, brightness=0.9)) == 0.75
    assert read_exposure_target(write_answers(tmp_path / "dark.json", *["darker"] * 5, brightness=0.05)) == 0.15


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected answers of schema 1"),
        ('{"schema": 2, "answers": []}', "schema 2"),
        ('{"schema": 1, "answers": [{"verdict": "odd", "brightness_after": 0.4}]}', "'odd'"),
        ('{"schema": 1, "answers": []}', "expected at least 5 answers, found 0"),
    ],
)
def test_file_that_holds_no_answers_is_told(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "answers.json"
    path.write_text(text)
    with pytest.raises(RecipeError, match=message):
        read_exposure_target(path)


def test_missing_file_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", "--show", "--feedback", str(tmp_path / "none.json")]) == 1
    assert "none.json: cannot be read" in capsys.readouterr().err


def test_fit_takes_the_target_and_what_is_set_by_hand_wins(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(write_answers(tmp_path / "answers.json", *["brighter"] * 5))
    assert main(["fit", "--show", "--feedback", path]) == 0
    assert json.loads(capsys.readouterr().out)["exposure_target"] == 0.468
    assert main(["fit", "--show", "--feedback", path, "--set", "exposure_target=0.5"]) == 0
    assert json.loads(capsys.readouterr().out)["exposure_target"] == 0.5
