"""The adversarial loss: a discriminator that learns in turn with the network, on each engine of Keras."""

import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from tests.training.lol_folder import write_lol
from tests.training.tiny_recipe import TINY
from training.discriminator import Discriminator, build_patch_network
from training.export import export
from training.fitting import fit
from training.history import read_history
from training.model import build_model
from training.recipe import LossWeights, RecipeError
from training.run import Run
from training.zero_dce import ZeroDCE

ADVERSARIAL = dataclasses.replace(
    TINY, crop_px=32, loss_weights=dataclasses.replace(TINY.loss_weights, adversarial=0.1)
)
RANDOM = np.random.default_rng(1)
DARK = RANDOM.random((2, 32, 32, 3), np.float32) * 0.2
BRIGHT = 0.4 + RANDOM.random((2, 32, 32, 3), np.float32) * 0.6


def read_weights(layer: keras.Layer) -> list[np.ndarray]:
    return [np.asarray(weights) for weights in layer.get_weights()]


def test_patch_network_answers_for_each_place() -> None:
    network = build_patch_network(3)
    # 4·4·3·16 + 16, 4·4·16·32 + 32, 4·4·32·64 + 64 and 4·4·64 + 1.
    assert network.count_params() == 784 + 8_224 + 32_832 + 1_025
    assert network(np.zeros((2, 40, 24, 3), np.float32)).shape == (2, 5, 3, 1)


def test_discriminator_learns_to_tell_pictures_apart() -> None:
    keras.utils.set_random_seed(1)
    discriminator = Discriminator(3)
    before = float(discriminator.measure(BRIGHT, DARK))
    for _ in range(30):
        discriminator.learn(BRIGHT, DARK)
    # A quarter is what an answer of 1/2 to everything comes to.
    assert float(discriminator.measure(BRIGHT, DARK)) < min(before, 0.25)
    assert float(discriminator.judge(BRIGHT)) < float(discriminator.judge(DARK))


def test_discriminator_takes_the_steps_of_adam() -> None:
    keras.utils.set_random_seed(1)
    discriminator = Discriminator(1)
    shapes = [variable.shape for variable in discriminator.network.variables]
    expected = [keras.Variable(variable) for variable in discriminator.network.variables]
    adam = keras.optimizers.Adam(2e-4, beta_1=0.5, beta_2=0.999, epsilon=1e-7)
    adam.build(expected)
    for _ in range(3):
        gradients = [ops.convert_to_tensor(RANDOM.standard_normal(shape, np.float32)) for shape in shapes]
        adam.apply(gradients, expected)
        discriminator._apply(gradients)
    for one, other in zip(discriminator.network.variables, expected, strict=True):
        # The same formula, its terms in another order: float32 rounds each of a few operations by 6e-8 of weights
        # below 1.
        np.testing.assert_allclose(np.asarray(one), np.asarray(other), atol=1e-6)


def test_step_of_training_teaches_both_and_evaluation_neither() -> None:
    model = build_model(ADVERSARIAL, steps_per_epoch=10)
    assert len(model.trainable_variables) == len(model.network.trainable_variables)
    parts = model.network, model.discriminator.network
    before = [read_weights(part) for part in parts]
    measured = model.evaluate(DARK, BRIGHT, verbose=0, return_dict=True)
    for part, weights in zip(parts, before, strict=True):
        for one, other in zip(read_weights(part), weights, strict=True):
            np.testing.assert_array_equal(one, other)
    losses = model.train_on_batch(DARK, BRIGHT, return_dict=True)
    for part, weights in zip(parts, before, strict=True):
        assert all((one != other).any() for one, other in zip(read_weights(part)[::2], weights[::2], strict=True))
    # Measured before its step, so alike; compiled, sums come in another order.
    assert losses["discrimination"] == pytest.approx(measured["discrimination"], rel=1e-4)


def test_discriminator_learns_first_and_by_its_own_loss_alone() -> None:
    model = build_model(ADVERSARIAL, steps_per_epoch=10)
    alone = Discriminator(3)
    alone.set_weights(model.discriminator.get_weights())
    enhanced = enhance(model)
    alone.learn(BRIGHT, enhanced)
    losses = model.train_on_batch(DARK, BRIGHT, return_dict=True)
    for one, other in zip(read_weights(alone.network), read_weights(model.discriminator.network), strict=True):
        # Adam's first step is the rate, 2e-4, times the gradient's sign, which rounding turns only where it is near 0.
        assert np.mean(np.abs(one - other) > 1e-6) < 0.01
    # The network answers to the discriminator as it is after its step.
    assert losses["adversarial"] == pytest.approx(float(alone.judge(enhanced)), rel=1e-3)


def test_network_learns_to_pass_for_normal_light() -> None:
    weights = LossWeights(0, 0, 0, 0, adversarial=1.0)
    recipe = dataclasses.replace(ADVERSARIAL, learning_rate=1e-3, loss_weights=weights)
    model = build_model(recipe, steps_per_epoch=10)
    for _ in range(30):
        model.discriminator.learn(BRIGHT, enhance(model))
    before = float(model.discriminator.judge(enhance(model)))
    kept = model.discriminator.get_weights()
    for _ in range(10):
        model.train_on_batch(DARK, BRIGHT)
    model.discriminator.set_weights(kept)
    assert float(model.discriminator.judge(enhance(model))) < before


def enhance(model: ZeroDCE) -> object:
    enhanced, _ = model._measure(ops.convert_to_tensor(DARK), None, model.network(DARK))
    return enhanced


def test_run_keeps_the_discriminator_and_exports_the_network_alone(tmp_path: Path) -> None:
    lol, run = write_lol(tmp_path / "lol"), Run(tmp_path / "run")
    fit(lol, dataclasses.replace(ADVERSARIAL, epochs=2, ema=0.5), run, verbose=0)
    history = read_history(run.folder)
    assert {"adversarial", "discrimination"} <= history.training.keys()
    assert history.training.keys() == history.validation.keys()
    assert run.read_data()["normal_light_sha256"] is not None
    export(run, tmp_path / "network.keras")
    network = keras.models.load_model(tmp_path / "network.keras")
    assert network.count_params() == 79_416


def test_engine_without_gradients_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(RecipeError, match=r"expected KERAS_BACKEND jax or tensorflow, found torch"):
        Discriminator(3)
