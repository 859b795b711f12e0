"""Recipes, data and runs: what `python -m training` promises."""

import csv
import dataclasses
import json
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

from edge_dce.errors import ImageError, OutputError
from tests.workshop.lol_folder import write_lol
from training.cli import main
from training.dataset import Batches, find_pairs, split_pairs
from training.export import ORIGIN_ENTRY, export
from training.recipe import RECIPES, Recipe, RecipeError
from training.run import Run, RunError, fit

ROOT = Path(__file__).resolve().parent.parent.parent
TINY = Recipe(
    name="tiny",
    epochs=4,
    batch_size=4,
    resize_px=32,
    crop_px=16,
    flip=True,
    exposure_shift=0.3,
    cosine_decay=True,
    validation_from=40,
)


@pytest.fixture(scope="module")
def lol(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_lol(tmp_path_factory.mktemp("lol"))


def read_history(run: Run) -> list[dict[str, str]]:
    with run.history_path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_recipe_survives_writing_and_reading(tmp_path: Path) -> None:
    for recipe in RECIPES.values():
        assert Recipe.from_json(recipe.to_json(), origin=tmp_path) == recipe


def test_unreadable_recipe_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="not a recipe saved by this version"):
        Recipe.from_json('{"name": "x"}', origin=tmp_path)


def test_report_recipe_is_the_reports() -> None:
    report = RECIPES["report"]
    assert (report.resize_px, report.batch_size, report.epochs, report.learning_rate) == (256, 16, 70, 1e-4)
    assert (report.test_files, report.validation_from, report.exposure_target) == (30, 400, 0.6)
    assert dataclasses.astuple(report.loss_weights) == (1, 10, 5, 200, 0, 0, 0)


def test_split_follows_sorted_names_as_strings(lol: Path) -> None:
    parts = split_pairs(find_pairs(lol), TINY)
    assert [len(parts[part]) for part in ("test", "train", "validation")] == [30, 10, 4]
    assert [pair.low.stem for pair in parts["test"][:4]] == ["0", "1", "10", "11"]


def test_folder_that_is_no_lol_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="expected folders 'low' and 'high'"):
        find_pairs(tmp_path)


def test_too_few_pictures_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="expected more than 30 pairs"):
        split_pairs(find_pairs(write_lol(tmp_path, 5)), TINY)


def test_batches_depend_on_seed_and_epoch_alone() -> None:
    low = np.random.default_rng(1).integers(0, 255, (9, 32, 32, 3)).astype(np.uint8)
    first, again, later = (Batches(low, low, TINY, first_epoch=epoch) for epoch in (2, 2, 3))
    assert len(first) == 2
    np.testing.assert_array_equal(first[1][0], again[1][0])
    assert not np.array_equal(first[1][0], later[1][0])
    again.on_epoch_end()
    np.testing.assert_array_equal(again[0][0], later[0][0])


def test_recipe_without_augmentation_shows_the_pictures_themselves() -> None:
    low = np.random.default_rng(1).integers(0, 255, (4, 256, 256, 3)).astype(np.uint8)
    (batch,) = Batches(low, None, RECIPES["report"])[0]
    np.testing.assert_allclose(batch, low / 255, atol=1e-6)


def test_interrupted_run_ends_with_the_losses_of_an_uninterrupted_one(lol: Path, tmp_path: Path) -> None:
    whole, halves = Run(tmp_path / "whole"), Run(tmp_path / "halves")
    fit(lol, TINY, whole, verbose=0)

    save_weights = keras.Model.save_weights
    saved: list[int] = []

    def die_at_third(self: keras.Model, *arguments: object, **options: object) -> None:
        save_weights(self, *arguments, **options)
        saved.append(1)
        if len(saved) == 3:
            # As a kill after writing the checkpoint's file and before renaming it: epoch 3 is lost.
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.Model, "save_weights", die_at_third)
        with pytest.raises(KeyboardInterrupt):
            fit(lol, TINY, halves, verbose=0)
    fit(lol, TINY, halves, verbose=0)

    # The same operations in the same order on the same values; only threads inside one operation may reorder sums.
    for one, other in zip(read_history(whole), read_history(halves), strict=True):
        assert one["epoch"] == other["epoch"]
        assert float(one["loss"]) == pytest.approx(float(other["loss"]), rel=1e-4)


def test_killed_run_resumes_and_finishes(lol: Path, tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    command = [
        sys.executable,
        "-m",
        "training",
        "fit",
        "--data",
        str(lol),
        "--recipe",
        "edge",
        "--out",
        str(run.folder),
    ]
    command += ["--epochs", "4"]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while not run.checkpoint_path.exists() and child.poll() is None:
        time.sleep(0.05)
    child.kill()
    _, errors = child.communicate()
    assert run.checkpoint_path.exists(), errors.decode()
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    assert [row["epoch"] for row in read_history(run)] == ["1", "2", "3", "4"]
    assert b"Epoch 1/4" not in finished.stdout


def test_run_of_another_recipe_or_other_pictures_is_not_continued(lol: Path, tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    short = dataclasses.replace(TINY, epochs=1)
    fit(lol, short, run, verbose=0)
    with pytest.raises(RunError, match="seed 2001, now 7"):
        fit(lol, dataclasses.replace(short, seed=7), run, verbose=0)
    with pytest.raises(RunError, match="other pictures"):
        fit(write_lol(tmp_path / "other", 43), short, run, verbose=0)


def test_export_gives_plain_layers_with_the_trained_weights(lol: Path, tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    fit(lol, dataclasses.replace(TINY, epochs=1), run, data_title="made pictures", verbose=0)
    output = tmp_path / "network.keras"
    export(run, output)
    network = keras.models.load_model(output)
    assert network.count_params() == 79_416
    assert {type(layer).__name__ for layer in network.layers} == {"InputLayer", "Conv2D", "Concatenate"}
    with zipfile.ZipFile(output) as archive:
        origin = json.loads(archive.read(ORIGIN_ENTRY))
    assert (origin["recipe"]["name"], origin["epochs"], origin["data"]["title"]) == ("tiny", 1, "made pictures")
    with pytest.raises(OutputError, match="exists already"):
        export(run, output)


def test_export_needs_a_run_with_a_finished_epoch(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"recipe\.json is missing"):
        export(Run(tmp_path), tmp_path / "network.keras")
    with pytest.raises(RunError, match=r"ending in \.keras"):
        export(Run(tmp_path), tmp_path / "network.h5")


def test_split_command_copies_one_part(lol: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "test"
    assert main(["split", "--data", str(lol), "--part", "test", "-o", str(target)]) == 0
    assert "30 pairs" in capsys.readouterr().out
    assert len(list((target / "low").iterdir())) == len(list((target / "high").iterdir())) == 30
    assert main(["split", "--data", str(lol), "--part", "test", "-o", str(target)]) == 1
    assert main(["split", "--data", str(lol), "--part", "test", "-o", str(target), "--overwrite"]) == 0


def test_empty_part_is_an_error(lol: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["split", "--data", str(lol), "--part", "validation", "-o", str(tmp_path / "validation")]) == 1
    assert "part is empty" in capsys.readouterr().err


def test_errors_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", "--data", str(tmp_path), "--out", str(tmp_path / "run")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("training: error: ")
    assert error.count("\n") == 1
