"""LPIPS, with made weights in place of the published ones, against numpy."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest

from edge_dce.errors import ImageError
from tests.training.made_checkpoint import write_checkpoint
from training.metrics.lpips import ALEXNET_URL, CONVOLUTIONS, measure_perceptual_distance
from training.metrics.weights import WeightsError


def make_alexnet() -> dict[str, np.ndarray]:
    random = np.random.default_rng(1)
    state, channels = {}, 3
    for number, filters, size, *_ in CONVOLUTIONS:
        scale = (2 / (channels * size**2)) ** 0.5
        state[f"features.{number}.weight"] = random.normal(0, scale, (filters, channels, size, size)).astype(np.float32)
        state[f"features.{number}.bias"] = random.normal(0, 0.1, filters).astype(np.float32)
        channels = filters
    # What the published file has too, and LPIPS does not use.
    return state | {"classifier.6.bias": np.zeros(1000, np.float32)}


def make_judges() -> dict[str, np.ndarray]:
    random = np.random.default_rng(2)
    return {
        f"lin{number}.model.1.weight": random.random((1, filters, 1, 1)).astype(np.float32)
        for number, (_, filters, *_) in enumerate(CONVOLUTIONS)
    }


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder with both files."""
    cache = tmp_path_factory.mktemp("cache")
    folder = cache / "weights"
    folder.mkdir(parents=True)
    write_checkpoint(folder / "alexnet-owt-7be5be79.pth", make_alexnet())
    write_checkpoint(folder / "alex.pth", make_judges())
    return cache


def make_picture(seed: int, height: int = 70, width: int = 83) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def slide(planes: np.ndarray, size: int, stride: int) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(planes, (size, size), axis=(1, 2))
    return windows[:, ::stride, ::stride]


def list_features(image: np.ndarray, state: Mapping[str, np.ndarray]) -> Iterator[np.ndarray]:
    """The five layers of AlexNet, (C, H, W) each in float64, written out as torchvision has it."""
    normalized = (image / 127.5 - 1 - [-0.030, -0.088, -0.188]) / [0.458, 0.448, 0.450]
    planes = normalized.transpose(2, 0, 1)
    for number, _, size, stride, padding, is_pooled in CONVOLUTIONS:
        if is_pooled:
            planes = slide(planes, 3, 2).max(axis=(3, 4))
        padded = np.pad(planes, ((0, 0), (padding, padding), (padding, padding)))
        weight, bias = state[f"features.{number}.weight"], state[f"features.{number}.bias"]
        sums = np.tensordot(weight, slide(padded, size, stride), axes=((1, 2, 3), (0, 3, 4)))
        planes = np.maximum(sums + bias[:, np.newaxis, np.newaxis], 0)
        yield planes


def test_distance_is_that_of_the_formula(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_DCE_CACHE", str(weights))
    image, truth = make_picture(1), make_picture(2)
    expected = 0.0
    layers = zip(list_features(image, make_alexnet()), list_features(truth, make_alexnet()), strict=True)
    for judge, (one, other) in zip(make_judges().values(), layers, strict=True):
        directions = [each / (np.sqrt((each**2).sum(axis=0)) + 1e-10) for each in (one, other)]
        expected += float(((directions[0] - directions[1]) ** 2 * judge[0]).sum(axis=0).mean())
    # float32, five layers deep, in another order of sums.
    assert measure_perceptual_distance(image, truth) == pytest.approx(expected, rel=1e-4)
    assert measure_perceptual_distance(image, image) == 0


def test_what_lpips_cannot_do_is_said(weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImageError, match="expected at least 31x31 pixels for LPIPS"):
        measure_perceptual_distance(make_picture(1, 30, 40), make_picture(2, 30, 40))
    monkeypatch.setenv("EDGE_DCE_CACHE", str(tmp_path))
    with pytest.raises(WeightsError) as caught:
        measure_perceptual_distance(make_picture(1), make_picture(2))
    folder = tmp_path / "weights"
    assert f"place {ALEXNET_URL} at {folder / 'alexnet-owt-7be5be79.pth'}, or leave lpips out" in str(caught.value)
    folder.mkdir(parents=True)
    for name in ("alexnet-owt-7be5be79.pth", "alex.pth"):
        write_checkpoint(folder / name, make_judges())
    with pytest.raises(WeightsError, match=r"tensor features.0.weight of shape \(64, 3, 11, 11\), found none"):
        measure_perceptual_distance(make_picture(1), make_picture(2))
