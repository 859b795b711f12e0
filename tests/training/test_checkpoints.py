"""Best and last checkpoint, early stopping, schedules and accumulation."""

import dataclasses
import json
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest

from edge_dce.models.origin import read_origin
from tests.training.lol_folder import write_lol
from tests.training.tiny_recipe import TINY
from training.cli import main
from training.export import export
from training.fitting import fit
from training.history import BEST, TOTAL, find_best_epoch, read_history
from training.losses import Tensor
from training.model import CoupledDecayAdam, build_model
from training.recipe import Recipe, RecipeError
from training.recorder import Recorder
from training.run import Run, RunError, load_network
from training.schedules import SCHEDULES

# Steps so large that it overshoots: its second epoch of four is the best one.
RESTLESS = dataclasses.replace(TINY, schedule="constant", learning_rate=0.02, exposure_target=0.1, epochs=4)


@pytest.fixture(scope="module")
def lol(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_lol(tmp_path_factory.mktemp("lol"))


@pytest.fixture(scope="module")
def restless(lol: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = Run(tmp_path_factory.mktemp("runs") / "restless")
    fit(lol, RESTLESS, run, verbose=0)
    return run


def change_test_pictures(lol: Path) -> None:
    for path in sorted((lol / "our485" / "low").iterdir())[: TINY.test_files]:
        noise = np.random.default_rng(7).integers(0, 255, cv2.imread(str(path)).shape)
        cv2.imwrite(str(path), noise.astype(np.uint8))


def test_best_checkpoint_is_of_the_epoch_with_the_lowest_validation_loss(restless: Run) -> None:
    losses = read_history(restless.folder).validation[TOTAL]
    best = int(np.argmin(losses)) + 1
    # Else the checkpoint is the last one whatever is chosen.
    assert best < RESTLESS.epochs
    assert load_network(restless, BEST)[1] == best
    assert load_network(restless)[1] == RESTLESS.epochs


def test_test_pictures_have_no_part_in_the_choice(restless: Run, tmp_path: Path) -> None:
    other = write_lol(tmp_path / "lol")
    change_test_pictures(other)
    run = Run(tmp_path / "run")
    fit(other, RESTLESS, run, verbose=0)
    networks = [load_network(each, BEST) for each in (restless, run)]
    assert networks[0][1] == networks[1][1]
    # Only threads inside one operation may reorder sums.
    for one, same in zip(*(network.get_weights() for network, _ in networks), strict=True):
        np.testing.assert_allclose(one, same, rtol=1e-3, atol=1e-4)


def test_export_of_averaged_weights_says_that_others_were_judged(lol: Path, tmp_path: Path) -> None:
    run, output = Run(tmp_path / "run"), tmp_path / "best.keras"
    fit(lol, dataclasses.replace(TINY, epochs=1, ema=0.5), run, verbose=0)
    export(run, output, checkpoint=BEST)
    origin = read_origin(output)
    assert origin is not None
    assert origin.shown.endswith(
        "epoch 1 chosen by its loss on 4 validation pictures, before its weights were averaged"
    )


def test_export_of_the_best_says_how_it_was_chosen(restless: Run, tmp_path: Path) -> None:
    output = tmp_path / "best.keras"
    assert main(["export", str(restless.folder), "-o", str(output), "--checkpoint", "best"]) == 0
    origin = read_origin(output)
    assert origin is not None
    assert origin.epochs == find_best_epoch(read_history(restless.folder))
    assert f"epoch {origin.epochs} chosen by its loss on 4 validation pictures" in origin.shown
    assert main(["export", str(restless.folder), "-o", str(tmp_path / "last.keras")]) == 0
    last = read_origin(tmp_path / "last.keras")
    assert last is not None
    assert (last.epochs, last.choice) == (RESTLESS.epochs, "")


def test_best_checkpoint_needs_a_finished_epoch_and_says_so(restless: Run, tmp_path: Path) -> None:
    for name in ("recipe.json", "data.json", "checkpoint.weights.h5"):
        (tmp_path / name).write_bytes((restless.folder / name).read_bytes())
    with pytest.raises(RunError, match=r"expected best\.weights\.h5, found none"):
        load_network(Run(tmp_path), BEST)


def test_patient_run_stops_and_stays_stopped(restless: Run, lol: Path, tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    best = find_best_epoch(read_history(restless.folder))
    assert best is not None
    # Else it would end there anyway.
    assert best + 1 < RESTLESS.epochs
    patient = dataclasses.replace(RESTLESS, patience=1)
    fit(lol, patient, run, verbose=0)
    assert read_history(run.folder).epochs[-1] == best + 1
    checkpoint = run.checkpoint_path.read_bytes()
    fit(lol, patient, run, verbose=0)
    assert run.checkpoint_path.read_bytes() == checkpoint


def test_kill_between_checkpoint_and_best_loses_neither(lol: Path, tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    with pytest.MonkeyPatch.context() as patch:

        def die(*arguments: object) -> None:
            raise KeyboardInterrupt

        patch.setattr("training.recorder.keep_best", die)
        with pytest.raises(KeyboardInterrupt):
            fit(lol, dataclasses.replace(TINY, epochs=1), run, verbose=0)
    assert not run.best_path.exists()
    fit(lol, dataclasses.replace(TINY, epochs=1), run, verbose=0)
    assert run.best_path.read_bytes() == run.checkpoint_path.read_bytes()


def test_patience_needs_validation_pictures(lol: Path, tmp_path: Path) -> None:
    recipe = dataclasses.replace(TINY, patience=2, validation_from=1000)
    with pytest.raises(RecipeError, match="expected validation pictures"):
        fit(lol, recipe, Run(tmp_path / "run"), verbose=0)


@pytest.mark.parametrize(
    ("name", "rates"),
    [
        ("constant", (1.0, 1.0, 1.0, 1.0)),
        # Half a cosine over four epochs: (1 + cos(pi e / 4)) / 2.
        ("cosine", (1.0, 0.8536, 0.5, 0.1464)),
        ("step", (1.0, 1.0, 0.1, 0.1)),
        # Up from zero in one epoch, then half a cosine over three.
        ("warmup-cosine", (0.0, 1.0, 0.75, 0.25)),
    ],
)
def test_schedules_go_as_their_names_say(name: str, rates: tuple[float, ...]) -> None:
    recipe = dataclasses.replace(TINY, learning_rate=1.0, decay_epochs=2, decay_factor=0.1, schedule=name)
    rate = SCHEDULES[name](recipe, 10)
    found = [float(rate(10 * epoch)) if callable(rate) else rate for epoch in range(4)]
    # Four digits are written above.
    assert found == pytest.approx(rates, abs=1e-4)


def test_recipes_of_before_there_were_schedules_keep_their_meaning() -> None:
    fields = TINY.to_fields()
    for name in ("schedule", "warmup_epochs", "decay_epochs", "decay_factor", "accumulation_steps", "patience"):
        del fields[name]
    for decays, schedule in ((True, "cosine"), (False, "constant")):
        text = json.dumps(fields | {"cosine_decay": decays})
        assert Recipe.from_json(text, origin=Path("recipe.json")) == dataclasses.replace(TINY, schedule=schedule)


def test_two_small_batches_accumulated_make_the_step_of_a_large_one() -> None:
    images = np.random.default_rng(3).random((4, 32, 32, 3), np.float32)
    whole = build_model(dataclasses.replace(TINY, schedule="constant"), steps_per_epoch=1)
    whole.train_on_batch(images)
    halves = build_model(dataclasses.replace(TINY, schedule="constant", accumulation_steps=2), steps_per_epoch=2)
    before = halves.network.get_weights()
    halves.train_on_batch(images[:2])
    for one, same in zip(before, halves.network.get_weights(), strict=True):
        np.testing.assert_array_equal(one, same)
    halves.train_on_batch(images[2:])
    for one, same in zip(whole.network.get_weights(), halves.network.get_weights(), strict=True):
        # Adam's first step is the learning rate, 1e-4, in the direction of the gradient, whatever its size: a hundredth
        # of it covers gradients that are next to nothing.
        np.testing.assert_allclose(one, same, atol=1e-6)


class _Descent(CoupledDecayAdam):
    """Steps that can be computed by hand: the gradient itself."""

    def update_step(self, gradient: Tensor, variable: keras.Variable, learning_rate: Tensor) -> None:
        self.assign_sub(variable, gradient)


@pytest.mark.parametrize("accumulation_steps", [1, 2, 4])
def test_weights_are_averaged_over_steps_however_many_batches_make_one(accumulation_steps: int) -> None:
    weight = keras.Variable(np.zeros(1, np.float32))
    optimizer = _Descent(1.0, coupled_decay=0.0, clip_norm=None, ema=0.25, accumulation_steps=accumulation_steps)
    optimizer.build([weight])
    # The weights of a step count from the batch that makes it to the last one before the next.
    for _ in range(4 * accumulation_steps - 1):
        optimizer.apply([keras.ops.ones(1)], [weight])
    optimizer.finalize_variable_values([weight])
    # Three steps, to -1, -2 and -3; the average begins at the first.
    assert float(weight[0]) == pytest.approx(0.25 * (0.25 * -1 + 0.75 * -2) + 0.75 * -3, abs=1e-6)


def test_run_that_accumulates_over_the_end_of_an_epoch_goes_on_where_it_stopped(lol: Path, tmp_path: Path) -> None:
    # So that a step of the optimizer takes batches of two epochs.
    recipe = dataclasses.replace(TINY, accumulation_steps=3)
    whole, halves = Run(tmp_path / "whole"), Run(tmp_path / "halves")
    fit(lol, recipe, whole, verbose=0)
    end_epoch = Recorder.on_epoch_end

    def end_and_die(self: Recorder, epoch: int, logs: dict[str, float] | None = None) -> None:
        end_epoch(self, epoch, logs)
        if epoch == 1:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Recorder, "on_epoch_end", end_and_die)
        with pytest.raises(KeyboardInterrupt):
            fit(lol, recipe, halves, verbose=0)
    assert whole.count_steps() % recipe.accumulation_steps
    fit(lol, recipe, halves, verbose=0)
    one, other = read_history(whole.folder), read_history(halves.folder)
    assert one.epochs == other.epochs == [1, 2, 3, 4]
    # Only threads inside one operation may reorder sums.
    assert one.training[TOTAL] == pytest.approx(other.training[TOTAL], rel=1e-4)
