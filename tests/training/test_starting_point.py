"""Starting points: PyTorch checkpoints without PyTorch, and networks of which a part fits."""

import dataclasses
import hashlib
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest

from edge_dce.models.origin import read_origin
from tests.training.lol_folder import write_lol
from tests.training.made_checkpoint import write_checkpoint
from tests.training.tiny_recipe import TINY
from training.cli import main
from training.network import NETWORKS
from training.starting_point import find_start, read_authors_network, transfer
from training.torch_checkpoint import CheckpointError, read_checkpoint
from training.trained_network import load_trained_network

# Two float32 sums over 9 · 64 products of numbers below 1, in different orders, seven layers deep.
LIKE_FLOAT32 = 1e-5
FILTERS = 32
RESULTS = Path(__file__).parents[2] / "training" / "results"


def make_weights(*, is_separable: bool) -> dict[str, np.ndarray]:
    """A state of the authors' network in PyTorch's layout."""
    random = np.random.default_rng(1)
    inputs = [3, *[FILTERS] * 3, *[2 * FILTERS] * 3]
    outputs = [*[FILTERS] * 6, 3 if is_separable else 24]
    state: dict[str, np.ndarray] = {}
    for number, (before, after) in enumerate(zip(inputs, outputs, strict=True), start=1):
        kernels = {"": (after, before, 3, 3)}
        if is_separable:
            kernels = {".depth_conv": (before, 1, 3, 3), ".point_conv": (after, before, 1, 1)}
        for part, shape in kernels.items():
            scale = 1 / np.sqrt(np.prod(shape[1:]))
            state[f"e_conv{number}{part}.weight"] = random.normal(0, scale, shape).astype(np.float32)
            state[f"e_conv{number}{part}.bias"] = random.normal(0, 0.1, shape[0]).astype(np.float32)
    return state


def convolve(planes: np.ndarray, state: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """A convolution of (C, H, W) in PyTorch's layout, zeros around the picture; of all planes, or of each alone."""
    weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
    if weight.shape[1] == 1 and weight.shape[0] == len(planes):
        pairs = [[(plane, kernels[0])] for plane, kernels in zip(planes, weight, strict=True)]
    else:
        pairs = [list(zip(planes, kernels, strict=True)) for kernels in weight]
    sums = [sum(cv2.filter2D(p, -1, k, borderType=cv2.BORDER_CONSTANT) for p, k in pair) for pair in pairs]
    return np.stack(sums) + bias[:, np.newaxis, np.newaxis]  # type: ignore[arg-type]


def compute_maps(image: np.ndarray, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """DCE-Net as the authors have it: (3, H, W) to its curves."""

    def layer(number: int, *planes: np.ndarray) -> np.ndarray:
        joined, name = np.concatenate(planes), f"e_conv{number}"
        if f"{name}.weight" in state:
            return convolve(joined, state, name)
        return convolve(convolve(joined, state, f"{name}.depth_conv"), state, f"{name}.point_conv")

    x1 = np.maximum(layer(1, image), 0)
    x2 = np.maximum(layer(2, x1), 0)
    x3 = np.maximum(layer(3, x2), 0)
    x4 = np.maximum(layer(4, x3), 0)
    x5 = np.maximum(layer(5, x3, x4), 0)
    x6 = np.maximum(layer(6, x2, x5), 0)
    return np.tanh(layer(7, x1, x6))


@pytest.mark.parametrize("is_separable", [False, True])
@pytest.mark.parametrize("is_legacy", [False, True])
def test_same_weights_give_the_same_maps_in_both_layouts(tmp_path: Path, is_separable: bool, is_legacy: bool) -> None:
    state = make_weights(is_separable=is_separable)
    path = write_checkpoint(tmp_path / "Epoch99.pth", state, is_legacy=is_legacy)
    network, recipe = read_authors_network(path)
    assert recipe.network == ("zero-dce-pp" if is_separable else "zero-dce")
    image = np.random.default_rng(2).random((3, 12, 16), np.float32)
    ours = np.asarray(network(image.transpose(1, 2, 0)[np.newaxis]))[0]
    np.testing.assert_allclose(ours.transpose(2, 0, 1), compute_maps(image, state), atol=LIKE_FLOAT32)


class Command:
    def __reduce__(self) -> tuple[object, ...]:
        import os

        return os.getcwd, ()


@pytest.mark.parametrize("content", [{"a": Command()}, {"a": 1}, [1], {"a": np.zeros(3)}])
def test_checkpoint_of_other_things_than_tensors_runs_nothing(tmp_path: Path, content: object) -> None:
    with zipfile.ZipFile(tmp_path / "evil.pth", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(content, protocol=2))
    with pytest.raises(CheckpointError, match="expected a PyTorch state_dict of tensors"):
        read_checkpoint(tmp_path / "evil.pth")


@pytest.mark.parametrize("is_legacy", [False, True])
def test_damaged_checkpoint_is_an_error_of_one_line(tmp_path: Path, is_legacy: bool) -> None:
    whole = write_checkpoint(tmp_path / "a.pth", make_weights(is_separable=True), is_legacy=is_legacy).read_bytes()
    for size in (0, 10, len(whole) // 3, len(whole) - 40):
        (tmp_path / "cut.pth").write_bytes(whole[:size])
        with pytest.raises(CheckpointError) as caught:
            read_checkpoint(tmp_path / "cut.pth")
        assert "\n" not in str(caught.value)


def test_checkpoint_is_scored_and_exported_like_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_checkpoint(tmp_path / "Epoch99.pth", make_weights(is_separable=True))
    lol = write_lol(tmp_path / "lol", 34) / "our485"
    pairs = ["--pairs", str(lol / "low"), str(lol / "high")]
    assert main(["evaluate", str(path), *pairs, "-o", str(tmp_path / "out"), "--pictures", "1"]) == 0
    assert main(["export", str(path), "-o", str(tmp_path / "authors.keras")]) == 0
    one, other = (load_trained_network(each) for each in (path, tmp_path / "authors.keras"))
    for weight, same in zip(one.network.get_weights(), other.network.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, same)
    assert other.recipe == one.recipe
    origin = read_origin(tmp_path / "authors.keras")
    assert origin is not None
    # What cards of converted files say.
    assert origin.shown == f"checkpoint Epoch99.pth, sha256 {hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"


def test_run_begins_with_what_fits_and_says_what_did_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_checkpoint(tmp_path / "Epoch99.pth", make_weights(is_separable=False))
    lol = write_lol(tmp_path / "lol")
    command = ["fit", "--data", str(lol), "--epochs", "1", "--set", "resize_px=32", "--recipe", "report"]
    assert main([*command, "--from", str(path), "--out", str(tmp_path / "run")]) == 0
    assert "took 7 of 7 layers" in capsys.readouterr().out
    assert main([*command, "--from", "no-such-model", "--out", str(tmp_path / "other")]) == 1


@pytest.mark.parametrize("name", ["edge-tone", str(RESULTS / "edge-tone")], ids=["name", "folder"])
def test_folder_of_results_means_the_network_in_it(name: str) -> None:
    assert find_start(name) == RESULTS / "edge-tone" / "tone.keras"


def test_layers_of_other_shapes_stay_fresh() -> None:
    source = NETWORKS["zero-dce"].build(channels=1)
    network = NETWORKS["zero-dce"].build()
    done = transfer(source, network)
    assert done.taken == tuple(f"conv{number}" for number in range(2, 7))
    assert str(done).startswith("took 5 of 7 layers; fresh: conv1 has (3, 3, 3, 32), there (3, 3, 1, 32)")
    for name in done.taken:
        np.testing.assert_array_equal(source.get_layer(name).get_weights()[0], network.get_layer(name).get_weights()[0])


def test_another_network_is_one_function_and_one_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from training.network import Architecture

    def build_plain(*, channels: int = 3, initializer: str = "glorot_uniform") -> keras.Model:
        image = keras.Input((None, None, channels))
        layer = keras.layers.Conv2D(channels, 3, padding="same", activation="tanh", kernel_initializer=initializer)
        return keras.Model(image, layer(image))

    monkeypatch.setitem(NETWORKS, "plain", Architecture(build_plain, "one layer"))
    from training.fitting import fit
    from training.run import Run, load_network

    fit(write_lol(tmp_path), dataclasses.replace(TINY, epochs=1, network="plain"), Run(tmp_path / "run"), verbose=0)
    assert load_network(Run(tmp_path / "run"))[0].count_params() == 84
