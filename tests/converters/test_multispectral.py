"""Thermal pictures and pictures with near infrared, from the training to the enhanced file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from converters.cli import main as convert
from edge_dce.cli import main as edge_dce
from edge_dce.enhancer import Enhancer, load
from edge_dce.errors import ImageError
from edge_dce.files.pictures import Picture, read_picture, write_picture
from edge_dce.models.card import read_model_file
from edge_dce.pixels.look import BARE, PLAIN
from training.cli import main as train

SIDE_PX = 32
COUNT = 8
COLORS = {1: "GREY", 4: "RGBN"}


def make_samples(seed: int, dtype: Any = np.uint8) -> npt.NDArray[Any]:
    """(H, W, 4): a dark scene in four channels, of which near infrared shows what the others do not."""
    random = np.random.default_rng(seed)
    blobs = cv2.resize(random.random((6, 6, 4), np.float32), (48, 40), interpolation=cv2.INTER_CUBIC)
    scene = np.clip(blobs * (0.1 + 0.05 * (seed % 5)), 0, 1)
    return np.rint(scene * np.iinfo(dtype).max).astype(dtype)


def make_picture(seed: int, channels: int, dtype: Any = np.uint8) -> Picture:
    samples = make_samples(seed, dtype)
    if channels == 1:
        return Picture(np.repeat(samples[..., 3:], 3, axis=2), is_grey=True)
    return Picture(samples[..., :3].copy(), samples[..., 3].copy())


def write_pictures(folder: Path, channels: int, first: int, count: int) -> Path:
    folder.mkdir()
    for seed in range(first, first + count):
        write_picture(make_picture(seed, channels), folder / f"{seed:02d}.png")
    return folder


@pytest.fixture(scope="module", params=COLORS, ids=COLORS.values())
def channels(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module")
def folder(channels: int, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What training, export and conversion made of pictures of so many channels."""
    work = tmp_path_factory.mktemp("spectral")
    dark = write_pictures(work / "dark", channels, 0, COUNT)
    evaluation = write_pictures(work / "evaluation", channels, COUNT, 3)
    settings = [
        f"channels={channels}",
        "resize_px=32",
        "crop_px=none",
        "batch_size=4",
        "test_files=1",
        "validation_from=7",
    ]
    options = [option for setting in settings for option in ("--set", setting)]
    run = work / "spectral"
    command = ["fit", "--data", str(dark), "--recipe", "edge-scene", "--out", str(run), "--epochs", "1", *options]
    assert train([*command, "--cache", str(work / "cache")]) == 0
    assert train(["export", str(run), "-o", str(work / "spectral.keras")]) == 0
    command = [str(work / "spectral.keras"), "--size", f"{SIDE_PX}x{SIDE_PX}", "--evaluation", str(evaluation)]
    assert convert([*command, "--calibration", str(dark), "-o", str(work / "models")]) == 0
    return work


@pytest.fixture(params=["float32", "int8"])
def model(folder: Path, request: pytest.FixtureRequest) -> Path:
    return folder / "models" / f"spectral-{SIDE_PX}x{SIDE_PX}-{request.param}.tflite"


def enhance_exactly(enhancer: Enhancer, picture: Picture, channels: int) -> npt.NDArray[Any]:
    """By the formula, from what the model estimates."""
    samples = picture.image if picture.alpha is None else np.dstack([picture.image, picture.alpha])
    white = np.iinfo(samples.dtype).max
    order = "RGB" if channels == 1 else "RGBN"
    small = enhancer.estimate(samples, channel_order=order)
    a = cv2.resize(small, samples.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    y = (samples / np.float32(white)) ** np.float32(1 / enhancer.root)
    for _ in range(8):
        y = y + a * (y * y - y)
    return y**enhancer.root * 255


def test_card_says_which_channels_the_model_sees(model: Path, channels: int) -> None:
    card = read_model_file(model).card
    assert card is not None
    assert card.input.color == COLORS[channels]
    assert (card.input.shape[3], card.output.shape[3]) == (channels, channels)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_command_enhances_every_channel_and_keeps_the_depth(
    suffix: str, dtype: Any, model: Path, channels: int, tmp_path: Path
) -> None:
    picture, source, target = (
        make_picture(99, channels, dtype),
        tmp_path / f"dark{suffix}",
        tmp_path / f"bright{suffix}",
    )
    write_picture(picture, source)
    command = ["enhance", str(source), "--model", str(model), "--denoise", "0", "-o", str(target)]
    assert edge_dce(command) == 0
    found = read_picture(target)
    assert (found.image.dtype, found.is_grey, found.alpha is None) == (dtype, channels == 1, channels == 1)
    expected = enhance_exactly(load(model), picture, channels)
    samples = found.image if found.alpha is None else np.dstack([found.image, found.alpha])
    # The look-up is within 2 levels of the formula, and 16 bits are the formula itself.
    tolerance = 2.0 if dtype == np.uint8 else 0.01
    np.testing.assert_allclose(samples * (255 / np.iinfo(dtype).max), expected, atol=tolerance)
    assert samples.mean() > 1.05 * make_samples(99, dtype)[..., -samples.shape[2] :].mean()


def test_strength_of_zero_leaves_every_channel(model: Path, channels: int, tmp_path: Path) -> None:
    write_picture(make_picture(5, channels), tmp_path / "dark.png")
    assert edge_dce(["enhance", str(tmp_path / "dark.png"), "--model", str(model), "--strength", "0"]) == 0
    kept, expected = read_picture(tmp_path / "dark-enhanced.png"), make_picture(5, channels)
    np.testing.assert_array_equal(kept.image, expected.image)
    np.testing.assert_array_equal(kept.alpha, expected.alpha)


def test_noise_is_smoothed_in_every_channel(model: Path, channels: int) -> None:
    noise = np.random.default_rng(4).normal(20, 2, (128, 128, 1 if channels == 1 else 4))
    image = np.repeat(np.clip(noise, 0, 255).astype(np.uint8), 3 if channels == 1 else 1, axis=2)
    enhancer, order = load(model), "RGB" if channels == 1 else "RGBN"
    plain, clean = (enhancer.enhance(image, look, channel_order=order) for look in (BARE, PLAIN))
    # Flat but for its noise, of which the device keeps a quarter; half leaves room for another seed.
    assert (clean.std(axis=(0, 1)) < 0.5 * plain.std(axis=(0, 1))).all()


@pytest.mark.parametrize("channels", [4], ids=["RGBN"], indirect=True)
def test_picture_without_near_infrared_is_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = folder / "models" / f"spectral-{SIDE_PX}x{SIDE_PX}-int8.tflite"
    write_picture(Picture(make_samples(3)[..., :3].copy()), tmp_path / "rgb.png")
    assert edge_dce(["enhance", str(tmp_path / "rgb.png"), "--model", str(model)]) == 1
    assert "expected four channels (RGB and near infrared as alpha), found three" in capsys.readouterr().err
    with pytest.raises(ImageError, match=r"expected images of RGB and near infrared \(RGBN\), found RGB"):
        load(model).enhance(make_samples(3)[..., :3].copy(), BARE)


@pytest.mark.parametrize("channels", [4], ids=["RGBN"], indirect=True)
def test_benchmark_refuses_what_its_frames_lack(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = folder / "models" / f"spectral-{SIDE_PX}x{SIDE_PX}-int8.tflite"
    assert edge_dce(["benchmark", str(model)]) == 1
    assert "expected a model for RGB or GREY pictures, found RGBN" in capsys.readouterr().err


def test_three_channel_model_refuses_near_infrared_as_such() -> None:
    with pytest.raises(ImageError, match="expected images of RGB, BGR, RGBA or BGRA, found RGBN"):
        load().enhance(make_samples(3), BARE, channel_order="RGBN")
