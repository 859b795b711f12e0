import dataclasses

import keras
import numpy as np
import pytest

from edge_dce.pixels.tone import COUNT
from training.model import build_model, computes_bfloat16
from training.network import NETWORKS
from training.recipe import RECIPES
from training.zero_dce import ZERO_REFERENCE


@pytest.mark.parametrize(
    ("name", "parameters", "maps"),
    # The first two as counted in the papers and in the authors' code.
    [
        ("zero-dce", 79_416, 8),
        ("zero-dce-pp", 10_561, 1),
        ("zero-dce-deep", 134_840, 8),
        ("zero-dce-attention", 81_168, 8),
    ],
)
def test_network_has_its_parameters_and_takes_any_size(name: str, parameters: int, maps: int) -> None:
    network = NETWORKS[name].build()
    assert network.count_params() == parameters
    curves = np.asarray(network(np.random.default_rng(1).random((2, 20, 36, 3), np.float32)))
    assert curves.shape == (2, 20, 36, 3 * maps)
    assert np.abs(curves).max() <= 1


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("zero-dce-scene", 77_321), ("zero-dce-scene-deep", 138_585), ("zero-dce-scene-attention", 79_251)],
)
def test_scene_network_returns_a_small_map_that_only_brightens(name: str, parameters: int) -> None:
    network = NETWORKS[name].build()
    assert network.count_params() == parameters
    curves = np.asarray(network(np.random.default_rng(1).random((2, 48, 32, 3), np.float32)))
    assert curves.shape == (2, 12, 8, 3)
    assert curves.min() >= -0.3 - 1e-6
    # No channel gets another curve than the next: no picture gets a cast.
    np.testing.assert_array_equal(curves[..., :1].repeat(3, axis=-1), curves)
    assert curves.max() <= 0


@pytest.mark.parametrize("name", ["zero-dce-scene", "zero-dce-attention"])
def test_network_sees_the_other_end_of_the_picture(name: str) -> None:
    # How much it sees before it has learned is a matter of its weights: 9e-5 to 2e-3 with attention and eight seeds.
    keras.utils.set_random_seed(0)
    network = NETWORKS[name].build()
    image = np.random.default_rng(1).random((1, 256, 256, 3), np.float32)
    darker = image.copy()
    darker[:, :, 200:] *= 0.1
    near, far = (np.asarray(network(each))[:, :, 0] for each in (image, darker))
    assert not np.allclose(near, far, atol=1e-5)


def test_tone_network_changes_nothing_before_it_has_learned() -> None:
    network = NETWORKS["tone"].build()
    assert network.count_params() == 93_047
    numbers = np.asarray(network(np.random.default_rng(1).random((2, 64, 96, 3), np.float32)))
    assert numbers.shape == (2, COUNT)
    np.testing.assert_array_equal(numbers, 0)


def test_tone_network_is_of_layers_that_int8_has() -> None:
    names = {type(layer).__name__ for layer in NETWORKS["tone"].build().layers}
    plain = {"InputLayer", "Rescaling", "Activation", "Concatenate", "Conv2D", "Dense"}
    assert names <= plain | {"GlobalAveragePooling2D", "GlobalMaxPooling2D"}


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("name", [name for name, each in NETWORKS.items() if each.returns == "curves"])
def test_network_of_any_channels_learns(name: str, channels: int) -> None:
    recipe = dataclasses.replace(RECIPES["edge-scene"], network=name, channels=channels, crop_px=None, resize_px=32)
    model = build_model(recipe, steps_per_epoch=10)
    images = np.random.default_rng(2).random((2, 32, 32, channels), np.float32) * 0.2
    first = model.train_on_batch(images, return_dict=True)
    for _ in range(5):
        last = model.train_on_batch(images, return_dict=True)
    assert model.network(images).shape[-1] % channels == 0
    assert last["loss"] < first["loss"]
    assert (last["color_constancy"] == 0) == (channels == 1)


def test_mixed_precision_computes_in_bfloat16_and_keeps_float32_weights() -> None:
    recipe = dataclasses.replace(RECIPES["edge-scene"], mixed_precision=True)
    model = build_model(recipe, steps_per_epoch=10)
    images = np.random.default_rng(2).random((2, 32, 32, 3), np.float32) * 0.2
    first = model.train_on_batch(images, return_dict=True)
    for _ in range(10):
        last = model.train_on_batch(images, return_dict=True)
    assert {weights.dtype.name for weights in model.network.get_weights()} == {"float32"}
    assert {layer.compute_dtype for layer in model.network.layers} == {"bfloat16"}
    assert keras.config.dtype_policy().name == "float32"
    assert last["loss"] < first["loss"]


def test_every_recipe_names_a_network() -> None:
    assert {recipe.network for recipe in RECIPES.values()} <= NETWORKS.keys()


@pytest.mark.parametrize(
    "recipe", [each for each in RECIPES.values() if each.tone is None], ids=lambda recipe: recipe.name
)
def test_one_step_of_every_recipe_lowers_the_loss_and_tracks_each_part(recipe) -> None:  # type: ignore[no-untyped-def]
    model = build_model(recipe, steps_per_epoch=10)
    images = np.random.default_rng(2).random((2, 32, 32, 3), np.float32) * 0.2
    partners = np.minimum(images * 4, 1) if recipe.is_paired else None
    first = model.train_on_batch(images, partners, return_dict=True)
    for _ in range(10):
        last = model.train_on_batch(images, partners, return_dict=True)
    assert set(ZERO_REFERENCE) <= last.keys()
    assert last["loss"] < first["loss"]


def test_same_seed_gives_same_weights() -> None:
    first, second = (build_model(RECIPES["report"], steps_per_epoch=1).get_weights() for _ in range(2))
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_grey_image_gives_finite_gradients() -> None:
    model = build_model(RECIPES["report"], steps_per_epoch=1)
    model.network.set_weights([np.zeros_like(weights) for weights in model.network.get_weights()])
    model.train_on_batch(np.full((1, 32, 32, 3), 0.1, np.float32))
    assert all(np.isfinite(weights).all() for weights in model.network.get_weights())


def test_weight_decay_pulls_weights_to_zero() -> None:
    def step(**changes: float | None) -> float:
        recipe = dataclasses.replace(RECIPES["authors"], **changes)
        model = build_model(recipe, steps_per_epoch=1)
        before = np.concatenate([weights.ravel() for weights in model.network.get_weights()])
        model.train_on_batch(np.full((1, 32, 32, 3), 0.1, np.float32))
        after = np.concatenate([weights.ravel() for weights in model.network.get_weights()])
        moved = before != 0
        return float(np.mean(np.sign(after - before)[moved] == -np.sign(before)[moved]))

    # Adam's first step goes against the sign of the gradient; a decay of 1e3 outweighs everything else in it.
    assert step(weight_decay=1e3) > 0.99
    assert step(weight_decay=None) < 0.9


@pytest.mark.parametrize(
    ("device", "features", "expected"),
    [
        ("cpu:0", {"avx2", "amx_bf16"}, True),
        ("cpu:0", {"avx2"}, False),
        # As on macOS and Windows, which do not tell.
        ("cpu:0", set(), True),
        ("gpu:0", {"avx2"}, True),
    ],
)
def test_arithmetic_for_bfloat16_is_that_of_a_gpu_or_of_the_features_of_a_cpu(
    device: str, features: set[str], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: [device])
    assert computes_bfloat16(features) == expected
