"""The model around a tone network: what it learns, and the pictures that it makes."""

import dataclasses

import numpy as np
import pytest

from edge_dce.pixels import tone as device
from tests.training.tiny_recipe import TINY_TONE
from training.model import build_model, find_task
from training.recipe import Recipe
from training.tone_model import ToneModel, enhance


def make_batch() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    random = np.random.default_rng(3)
    dark = {"whole": random.random((2, 32, 64, 3)) * 0.2, "crop": random.random((2, 16, 16, 3)) * 0.2}
    dark = {name: samples.astype(np.float32) for name, samples in dark.items()}
    partners = {name: np.minimum(samples * 3, 1) for name, samples in dark.items()}
    again = np.flip(dark["whole"], axis=2)
    return dark | {"again": again, "noise": np.full((2, 256, 2), 1, np.float32)}, partners


def build_opinionated_model(recipe: Recipe) -> ToneModel:
    """A fresh network returns zeros for every picture; this one does not."""
    model = build_model(recipe, steps_per_epoch=10)
    numbers = model.network.get_layer("numbers")
    random = np.random.default_rng(7)
    numbers.set_weights([random.normal(0, 0.3, weights.shape) for weights in numbers.get_weights()])
    return model


def test_steps_lower_the_loss() -> None:
    model = build_model(TINY_TONE, steps_per_epoch=10)
    inputs, partners = make_batch()
    first = model.train_on_batch(inputs, partners, return_dict=True)
    for _ in range(10):
        last = model.train_on_batch(inputs, partners, return_dict=True)
    assert last["loss"] < first["loss"]


def test_every_loss_that_is_weighed_is_tracked() -> None:
    measured = build_opinionated_model(TINY_TONE).test_on_batch(*make_batch(), return_dict=True)
    weighed = {name for name, weight in TINY_TONE.loss_weights.to_fields().items() if weight > 0}
    assert measured.keys() == weighed | {"loss"}
    assert all(float(value) > 1e-3 for value in measured.values())


def test_loss_is_that_of_the_crop_and_a_share_of_that_of_the_whole() -> None:
    assert TINY_TONE.tone is not None
    inputs, partners = make_batch()
    weights = TINY_TONE.loss_weights.to_fields()

    def measure(whole_share: float) -> tuple[float, float]:
        tone = dataclasses.replace(TINY_TONE.tone, whole_share=whole_share)
        model = build_opinionated_model(dataclasses.replace(TINY_TONE, tone=tone))
        measured = model.test_on_batch(inputs, partners, return_dict=True)
        return float(measured["loss"]), sum(weights[name] * float(measured[name]) for name in model.loss_names)

    without, crop = measure(0.0)
    # float32 sums in another order.
    assert without == pytest.approx(crop, rel=1e-5)
    half, whole = measure(0.5)[0] - crop, measure(1.0)[0] - crop
    assert whole == pytest.approx(2 * half, rel=1e-4)
    assert half > 0


def test_picture_without_noise_is_enhanced_as_on_the_device() -> None:
    # Even, so that the estimate finds no noise; sides that eight does not divide.
    image = np.full((45, 67, 3), (40, 90, 160), np.uint8)
    numbers = np.random.default_rng(5).uniform(-0.5, 0.5, device.COUNT).astype(np.float32)
    enhanced = enhance(image, numbers, TINY_TONE)
    # Into YCrCb and back may round to the next level.
    np.testing.assert_allclose(enhanced.astype(int), device.apply_exact(image, numbers), atol=1)


def test_network_sees_pictures_at_the_recipes_size() -> None:
    images = [np.full(shape, 51, np.uint8) for shape in ((40, 60, 3), (300, 200, 3))]
    tensors = find_task(TINY_TONE).shrink(images, TINY_TONE)
    assert tensors.shape == (2, 32, 64, 3)
    np.testing.assert_allclose(tensors, 51 / 255)
