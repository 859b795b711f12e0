"""Runs: what `python -m training` promises."""

import dataclasses
import hashlib
import json
import math
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest

from edge_dce.errors import OutputError
from edge_dce.models.origin import read_origin
from tests.training import train_tiny
from tests.training.lol_folder import write_lol
from tests.training.panoramas.made_panorama import make_panorama, write_panorama
from tests.training.tiny_recipe import TINY, TINY_TONE
from training import perceptual
from training.cli import main
from training.export import export
from training.fitting import fit
from training.history import TOTAL, read_history
from training.model import build_model
from training.recipe import RECIPES, LossWeights, Recipe, RecipeError
from training.run import DivergenceError, Run, RunError, load_network, restore
from training.settings import override
from training.trained_network import load_trained_network

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def lol(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_lol(tmp_path_factory.mktemp("lol"))


@pytest.mark.parametrize(
    "recipe", [TINY, override(TINY, ["loss_weights.adversarial=0.1"])], ids=["alone", "adversarial"]
)
def test_interrupted_run_ends_with_the_losses_of_an_uninterrupted_one(
    recipe: Recipe, lol: Path, tmp_path: Path
) -> None:
    whole, halves = Run(tmp_path / "whole"), Run(tmp_path / "halves")
    fit(lol, recipe, whole, verbose=0)

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
            fit(lol, recipe, halves, verbose=0)
    fit(lol, recipe, halves, verbose=0)

    # The same operations in the same order on the same values; only threads inside one operation may reorder sums.
    one, other = read_history(whole.folder), read_history(halves.folder)
    assert one.epochs == other.epochs == [1, 2, 3, 4]
    assert one.training[TOTAL] == pytest.approx(other.training[TOTAL], rel=1e-4)


def test_run_killed_again_and_again_ends_like_one_left_alone(lol: Path, tmp_path: Path) -> None:
    run, whole = Run(tmp_path / "run"), Run(tmp_path / "whole")
    command = [sys.executable, "-m", "tests.training.train_tiny", "fit", "--recipe", "tiny"]
    command += ["--data", str(lol), "--out", str(run.folder)]
    # Before anything is learned, and after the first checkpoint of each start.
    for awaited in (run.recipe_path, run.checkpoint_path):
        before = awaited.read_bytes() if awaited.exists() else b""
        child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        while child.poll() is None and (not awaited.exists() or awaited.read_bytes() == before):
            time.sleep(0.01)
        child.kill()
        _, errors = child.communicate()
        assert child.returncode == -signal.SIGKILL, errors.decode()
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    fit(lol, train_tiny.TINY, whole, verbose=0)
    one, other = read_history(run.folder), read_history(whole.folder)
    assert one.epochs == other.epochs == list(range(1, train_tiny.TINY.epochs + 1))
    # As above.
    assert one.training[TOTAL] == pytest.approx(other.training[TOTAL], rel=1e-4)


def test_loss_that_is_no_number_does_not_replace_the_checkpoint(lol: Path, tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    fit(lol, dataclasses.replace(TINY, epochs=1), run, verbose=0)
    good = run.checkpoint_path.read_bytes()
    diverging = dataclasses.replace(TINY, loss_weights=LossWeights(exposure=math.nan))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "read_recipe", lambda self: diverging)
        patch.setattr("training.fitting.start_or_check", lambda *arguments: None)
        with pytest.raises(DivergenceError, match="the loss is not a number after epoch 2"):
            fit(lol, diverging, run, verbose=0)
    assert run.checkpoint_path.read_bytes() == good


def test_validation_losses_weigh_a_smaller_last_batch_by_its_size(lol: Path, tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    # Four validation pictures in batches of three.
    recipe = dataclasses.replace(TINY, epochs=1, batch_size=3)
    fit(lol, recipe, run, verbose=0)
    losses = {name: value for name, (value,) in read_history(run.folder).validation.items()}
    weights = dataclasses.asdict(recipe.loss_weights).items()
    total = sum(weight * losses[name] for name, weight in weights if name in losses)
    # Six digits are recorded, and the sum has terms of both signs of rounding.
    assert losses[TOTAL] == pytest.approx(total, rel=1e-4)


def test_run_of_another_recipe_or_other_pictures_is_not_continued(lol: Path, tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    short = dataclasses.replace(TINY, epochs=1)
    fit(lol, short, run, verbose=0)
    with pytest.raises(RunError, match="seed 2001, now 7"):
        fit(lol, dataclasses.replace(short, seed=7), run, verbose=0)
    with pytest.raises(RunError, match="other pictures"):
        # The 43 first are the same pictures; a validation picture less is another set all the same.
        fit(write_lol(tmp_path / "other", 43), short, run, verbose=0)


def test_export_gives_plain_layers_with_the_trained_weights(lol: Path, tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    fit(lol, dataclasses.replace(TINY, epochs=1), run, data_title="made pictures", verbose=0)
    output = tmp_path / "network.keras"
    export(run, output)
    network = keras.models.load_model(output)
    assert network.count_params() == 79_416
    assert {type(layer).__name__ for layer in network.layers} == {"InputLayer", "Conv2D", "Concatenate"}
    origin = read_origin(output)
    assert origin is not None
    assert (origin.recipe["name"], origin.epochs, origin.data["title"]) == ("tiny", 1, "made pictures")
    with pytest.raises(OutputError, match="already exists"):
        export(run, output)


def test_averaged_weights_are_what_is_exported(lol: Path, tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    averaging = dataclasses.replace(TINY, epochs=2, ema=0.5, learning_rate=1e-2, schedule="constant")
    fit(lol, averaging, run, verbose=0)
    raw = build_model(averaging, steps_per_epoch=run.count_steps())
    restore(raw, run)
    averaged, epochs = load_network(run)
    assert epochs == 2
    assert not np.allclose(raw.network.get_weights()[0], averaged.get_weights()[0])


def test_own_dark_photos_without_partners_are_enough(lol: Path, tmp_path: Path) -> None:
    photos, run = lol / "our485" / "low", tmp_path / "run"
    command = ["fit", "--data", str(photos), "--out", str(run), "--epochs", "1", "--set", "resize_px=32"]
    assert main([*command, "--cache", str(tmp_path / "cache")]) == 0
    assert main(["export", str(run), "-o", str(tmp_path / "own.keras")]) == 0
    assert json.loads((run / "data.json").read_text())["normal_light_sha256"] is None


def test_paired_recipe_learns_from_partners(lol: Path, tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    paired = dataclasses.replace(RECIPES["paired"], epochs=4, resize_px=32, validation_from=40, schedule="constant")
    fit(lol, paired, run, verbose=0)
    history = read_history(run.folder)
    first, *_, last = history.training["absolute"]
    assert last < first
    assert {"absolute", "structure"} <= history.validation.keys()


def test_pictures_of_one_channel_are_trained_on_and_exported(lol: Path, tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    grey = dataclasses.replace(TINY, epochs=1, channels=1, network="zero-dce-scene", crop_px=None)
    fit(lol, grey, run, verbose=0)
    export(run, tmp_path / "grey.keras")
    assert keras.models.load_model(tmp_path / "grey.keras").input_shape[-1] == 1


def test_perceptual_loss_without_its_weights_says_where_to_place_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(perceptual, "find_weights", lambda: tmp_path / "models" / "vgg16.h5")
    monkeypatch.setattr(perceptual, "_URL", "http://127.0.0.1:9/vgg16.h5")
    recipe = override(TINY, ["loss_weights.perceptual=1"])
    with pytest.raises(RecipeError, match=r"could not be downloaded .* place http\S+ at \S+vgg16\.h5"):
        build_model(recipe, steps_per_epoch=1)
    assert not list((tmp_path / "models").iterdir())


def test_weights_that_are_not_the_published_ones_are_neither_kept_nor_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = tmp_path / "models" / "vgg16.h5"
    other = tmp_path / "other.h5"
    other.write_bytes(b"somebody else's weights")
    monkeypatch.setattr(perceptual, "find_weights", lambda: weights)
    monkeypatch.setattr(perceptual, "_URL", other.as_uri())
    recipe = override(TINY, ["loss_weights.perceptual=1"])
    with pytest.raises(RecipeError, match="expected the weights of VGG16 without top"):
        build_model(recipe, steps_per_epoch=1)
    assert not list(weights.parent.iterdir())
    weights.write_bytes(b"placed there by hand")
    with pytest.raises(RecipeError, match="found another file"):
        build_model(recipe, steps_per_epoch=1)


def test_start_that_brings_code_of_its_own_is_refused(lol: Path, tmp_path: Path) -> None:
    image = keras.Input((None, None, 3))
    outputs = keras.layers.Lambda(lambda tensor: tensor)(keras.layers.Conv2D(24, 3, padding="same")(image))
    keras.Model(image, outputs).save(tmp_path / "hostile.keras")
    with pytest.raises(RunError, match=r"expected a run, a \.keras file or a \.pth file, found something else"):
        fit(
            lol, dataclasses.replace(TINY, epochs=1), Run(tmp_path / "run"), start=tmp_path / "hostile.keras", verbose=0
        )


def test_perceptual_loss_sees_content_and_not_exposure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = tmp_path / "vgg16.weights.h5"
    keras.utils.set_random_seed(1)
    keras.applications.VGG16(include_top=False, weights=None).save_weights(weights)
    monkeypatch.setattr(perceptual, "find_weights", lambda: weights)
    monkeypatch.setattr(perceptual, "_HASH", hashlib.md5(weights.read_bytes()).hexdigest())
    model = build_model(override(TINY, ["loss_weights.perceptual=1"]), steps_per_epoch=1)
    images = np.random.default_rng(3).random((1, 32, 32, 3), np.float32) * 0.2
    assert "perceptual" in model.train_on_batch(images, return_dict=True)
    assert len(model.trainable_variables) == len(model.network.trainable_variables)
    distance = perceptual.load_perceptual_distance()
    assert float(distance(images, images)) == pytest.approx(0, abs=1e-6)
    assert float(distance(images, images[:, ::-1])) > 0


def test_perceptual_loss_of_random_features_needs_no_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(perceptual, "find_weights", lambda: tmp_path / "nothing.h5")
    monkeypatch.setattr(perceptual, "_URL", "http://127.0.0.1:9/vgg16.h5")
    one, other = (perceptual.load_perceptual_distance("random") for _ in range(2))
    images = np.random.default_rng(3).random((1, 32, 32, 3), np.float32)
    mirrored = images[:, ::-1]
    # In proportion to exposure, and divided by their own size; the floor of that is 1e-6 beside values of about 100.
    assert float(one(images, images * 0.5)) == pytest.approx(0, abs=1e-6)
    assert float(one(images, mirrored)) > 0.01
    assert float(one(images, mirrored)) == pytest.approx(float(other(images, mirrored)), rel=1e-4)
    recipe = override(TINY, ["loss_weights.perceptual=1", "perceptual_features=random"])
    assert "perceptual" in build_model(recipe, steps_per_epoch=1).train_on_batch(images, return_dict=True)


def test_export_needs_a_run_with_a_finished_epoch(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"expected a run with recipe\.json, found none"):
        export(Run(tmp_path), tmp_path / "network.keras")
    with pytest.raises(RunError, match=r"ending in \.keras"):
        export(Run(tmp_path), tmp_path / "network.h5")


def test_mixed_precision_in_software_is_told_once(
    lol: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("training.fitting.computes_bfloat16", lambda features: False)
    fit(lol, dataclasses.replace(TINY, mixed_precision=True, epochs=1), Run(tmp_path / "run"), verbose=2)
    assert capsys.readouterr().out.count("no arithmetic for bfloat16: --set mixed_precision=false") == 1


def test_split_command_copies_one_part(lol: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "test"
    assert main(["split", "--data", str(lol), "--part", "test", "-o", str(target)]) == 0
    assert "30 pairs" in capsys.readouterr().out
    assert len(list((target / "low").iterdir())) == len(list((target / "high").iterdir())) == 30
    assert main(["split", "--data", str(lol), "--part", "test", "-o", str(target)]) == 1
    assert main(["split", "--data", str(lol), "--part", "test", "-o", str(target), "--overwrite"]) == 0


def test_split_of_a_plain_folder_copies_dark_pictures_alone(
    lol: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "validation"
    assert main(["split", "--data", str(lol / "our485" / "low"), "--part", "validation", "-o", str(target)]) == 0
    assert "8 pictures" in capsys.readouterr().out
    assert [path.name for path in target.iterdir()] == ["low"]


def test_empty_part_is_an_error(lol: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["split", "--data", str(lol), "--part", "validation", "-o", str(tmp_path / "validation")]) == 1
    assert "part is empty" in capsys.readouterr().err


def test_errors_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", "--data", str(tmp_path), "--out", str(tmp_path / "run")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("training: error: ")
    assert error.count("\n") == 1


def test_tone_run_goes_on_where_it_stopped_and_its_export_enhances(lol: Path, tmp_path: Path) -> None:
    panoramas = tmp_path / "panoramas"
    write_panorama(panoramas / "a.hdr", make_panorama())
    run, whole = Run(tmp_path / "run"), Run(tmp_path / "whole")
    options = {"panoramas": panoramas, "cache": tmp_path / "cache", "verbose": 0}
    fit(lol, TINY_TONE, whole, **options)
    save_weights = keras.Model.save_weights

    def save_and_die(self: keras.Model, *arguments: object, **others: object) -> None:
        save_weights(self, *arguments, **others)
        if self.optimizer.iterations > whole.count_steps():
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.Model, "save_weights", save_and_die)
        with pytest.raises(KeyboardInterrupt):
            fit(lol, TINY_TONE, run, **options)
    fit(lol, TINY_TONE, run, **options)
    one, other = read_history(whole.folder), read_history(run.folder)
    # As above.
    assert one.training[TOTAL] == pytest.approx(other.training[TOTAL], rel=1e-4)
    assert run.read_data()["panorama_files"] == 1

    export(run, tmp_path / "tone.keras")
    trained = load_trained_network(tmp_path / "tone.keras")
    image = np.random.default_rng(1).integers(0, 60, (30, 50, 3)).astype(np.uint8)
    assert trained.apply(image, trained.estimate([image])[0]).shape == image.shape


def test_recipe_without_views_refuses_panoramas(lol: Path, tmp_path: Path) -> None:
    write_panorama(tmp_path / "a.hdr", make_panorama())
    with pytest.raises(RecipeError, match="expected --data and no --panoramas"):
        fit(lol, TINY, Run(tmp_path / "run"), panoramas=tmp_path, verbose=0)


def test_run_begins_with_the_weights_of_another(lol: Path, tmp_path: Path) -> None:
    first = Run(tmp_path / "first")
    short = dataclasses.replace(TINY, epochs=1)
    fit(lol, short, first, verbose=0)
    export(first, tmp_path / "first.keras")
    # A step so small that it changes nothing that float32 can tell apart.
    still = dataclasses.replace(short, learning_rate=1e-30)
    second = Run(tmp_path / "second")
    fit(lol, still, second, start=tmp_path / "first.keras", verbose=0)
    for one, other in zip(*(load_network(run)[0].get_weights() for run in (first, second)), strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(RunError, match="started with another --from, or without one"):
        fit(lol, still, second, verbose=0)
    with pytest.raises(RunError, match="other pictures"):
        fit(write_lol(tmp_path / "other", 43), still, second, verbose=0)


def test_run_does_not_begin_with_a_network_of_another_kind(lol: Path, tmp_path: Path) -> None:
    network = build_model(dataclasses.replace(TINY, network="zero-dce-pp"), steps_per_epoch=1).network
    network.save(tmp_path / "other.keras")
    with pytest.raises(RunError, match="expected a network like the recipe's"):
        fit(lol, TINY, Run(tmp_path / "run"), start=tmp_path / "other.keras", verbose=0)
