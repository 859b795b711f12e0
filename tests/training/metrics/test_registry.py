"""Metrics by name: those asked for are measured and shown, with intervals, and another one is one entry."""

import json
import re
from pathlib import Path

import keras
import numpy as np
import pytest

from edge_dce.files.pictures import Picture, write_picture
from edge_dce.models.origin import Origin, append_origin
from edge_dce.pixels.curve import apply_exact
from edge_dce.pixels.metrics import psnr
from tests.documents import ROOT
from training.cli import main
from training.datasets.picture import DarkPicture, Pair
from training.evaluation import EvaluationError, read_evaluation
from training.metrics.registry import METRICS, Metric
from training.metrics.side_effects import measure_hue_shift
from training.recipe import Recipe
from training.scoring import evaluate
from training.trained_network import TrainedNetwork, load_trained_network

PICTURES = 6
# The sixth digit behind the point, which is the last that files have.
EXACTLY = 1e-5


def write_pairs(folder: Path, *, channels: int = 3, count: int = PICTURES) -> tuple[Path, Path]:
    """Folders low/ and high/ of 24x20 noise, high/ four times as bright; near infrared in the alpha of low/."""
    low, high = folder / "low", folder / "high"
    for path in (low, high):
        path.mkdir(parents=True)
    for number in range(count):
        samples = np.random.default_rng(number).integers(1, 60, (20, 24, 4)).astype(np.uint8)
        dark = samples[..., :3] if channels != 1 else np.repeat(samples[..., :1], 3, axis=2)
        alpha = samples[..., 3] if channels == 4 else None
        write_picture(Picture(np.ascontiguousarray(dark), alpha=alpha), low / f"{number}.png")
        write_picture(Picture(dark * np.uint8(4)), high / f"{number}.png")
    return low, high


def save_network(path: Path, *, channels: int = 3, value: float = -0.6) -> Path:
    """A network whose curve is the same everywhere, with a recipe that says what it is."""
    image = keras.Input((None, None, channels))
    layer = keras.layers.Conv2D(
        channels, 1, kernel_initializer="zeros", bias_initializer=keras.initializers.Constant(value)
    )
    keras.Model(image, layer(image)).save(path)
    recipe = Recipe(name="tiny", epochs=1, batch_size=4, resize_px=32, network="zero-dce-pp", channels=channels)
    append_origin(path, Origin(json.loads(recipe.to_json()), 1, {}, "tiny", uses_partners=False))
    return path


def list_pairs(low: Path, high: Path) -> list[DarkPicture]:
    return [Pair(path, high / path.name) for path in sorted(low.iterdir())]


def split_table(text: str) -> list[list[str]]:
    return [re.split(r"  +", line.strip()) for line in text.splitlines()]


def test_page_explains_every_metric() -> None:
    text = (ROOT / "docs" / "training.md").read_text()
    assert [name for name in METRICS if f"`{name}`" not in text] == []


def test_metrics_asked_for_are_shown_with_intervals_beside_the_plain_methods(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    low, high = write_pairs(tmp_path)
    network, out = save_network(tmp_path / "net.keras"), tmp_path / "out"
    command = ["evaluate", str(network), "--pairs", str(low), str(high), "-o", str(out)]
    assert main([*command, "--metrics", "hue,clipped,brightness"]) == 0
    header, *rows = split_table(capsys.readouterr().out)[:4]
    assert header == ["pairs, 6 pairs", "dark input", "gamma 0.4", "CLAHE", "net"]
    assert [row[0] for row in rows] == ["hue shift, degrees", "clipped samples added, %", "brightness"]
    mean, low_end, high_end = map(float, re.findall(r"[\d.]+", rows[0][4]))
    assert low_end <= mean <= high_end
    score = read_evaluation(out).average("pairs", "network")
    assert mean == pytest.approx(score["hue_shift_degrees"], abs=0.05)
    # The usual figures are measured all the same, so that every evaluation can be compared.
    assert score.keys() >= {"psnr_db", "ssim", "brightness", "color_difference", "equal_mean_psnr_db"}
    assert "from the truth&#39;s hue" in (out / "evaluation.html").read_text()


def test_figures_are_those_of_the_functions(tmp_path: Path) -> None:
    pairs = list_pairs(*write_pairs(tmp_path, count=1))
    trained = load_trained_network(save_network(tmp_path / "net.keras"))
    asked = [METRICS["hue"], METRICS["clipped"], METRICS["loe"]]
    (row,) = evaluate(trained, {"pairs": pairs}, metrics=asked).images
    low = np.random.default_rng(0).integers(1, 60, (20, 24, 4)).astype(np.uint8)[..., :3]
    enhanced = apply_exact(low, np.full((1, 1, 3), -0.6, np.float32))
    score = row.scores["network"]
    assert score["hue_shift_degrees"] == pytest.approx(measure_hue_shift(enhanced, low * np.uint8(4)), abs=EXACTLY)
    assert score["clipped_percent"] == 0
    # A curve that is the same everywhere keeps the order, but where two levels become one.
    assert score["lightness_order_error"] == pytest.approx(METRICS["loe"].measure(enhanced, low), abs=EXACTLY)


def test_another_metric_is_one_function_and_one_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measure_red(image: np.ndarray) -> float:
        return float(image[..., 0].mean())

    monkeypatch.setitem(METRICS, "red", Metric(measure_red, "red", "red_level", 1, against="nothing"))
    low, high = write_pairs(tmp_path)
    network = save_network(tmp_path / "net.keras")
    for run in ("one", "other"):
        folders = ["--pairs", str(low), str(high), "-o", str(tmp_path / run)]
        assert main(["evaluate", str(network), *folders, "--metrics", "red"]) == 0
    capsys.readouterr()
    assert main(["compare", str(tmp_path / "one"), str(tmp_path / "other"), "--metrics", "red"]) == 0
    (row,) = (row for row in split_table(capsys.readouterr().out) if row[0] == "red")
    reds = [np.random.default_rng(n).integers(1, 60, (20, 24, 4))[..., 0].mean() for n in range(PICTURES)]
    assert float(row[1]) == pytest.approx(np.mean(reds), abs=0.05)


def test_pictures_without_a_truth_are_scored_by_what_needs_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    low, _ = write_pairs(tmp_path)
    network = save_network(tmp_path / "net.keras")
    for out, options in (("usual", []), ("asked", ["--metrics", "clipped"])):
        assert main(["evaluate", str(network), "--photos", str(low), "-o", str(tmp_path / out), *options]) == 0
        page = (tmp_path / out / "evaluation.html").read_text()
        assert page.count("data:image/jpeg;base64,") == 3 * PICTURES
        assert "among the worst" not in page
    usual, asked = capsys.readouterr().out.split("low, 6 pictures")[1:]
    assert split_table(usual)[0] == ["brightness", "LOE", "clipped samples added, %"]
    assert [row[0] for row in split_table(asked)[1:2]] == ["clipped samples added, %"]
    assert main(["compare", str(tmp_path / "usual"), str(tmp_path / "asked")]) == 0
    printed = capsys.readouterr().out
    assert "different pictures" not in printed
    assert "LOE" in printed
    assert "PSNR" not in printed
    assert main(["compare", str(tmp_path / "usual"), "--metrics", "lpips"]) == 0
    assert "no run has figures of lpips; evaluate again with --metrics lpips" in capsys.readouterr().out


def test_held_out_part_of_photos_is_scored(tmp_path: Path) -> None:
    for number in range(10):
        # Scenes of their own: no two alike.
        image = np.kron(np.random.default_rng(number).integers(0, 90, (24, 24, 1)), np.ones((2, 2, 3), int))
        (tmp_path / "photos").mkdir(exist_ok=True)
        write_picture(Picture(image.astype(np.uint8)), tmp_path / "photos" / f"{number}.png")
    network = save_network(tmp_path / "net.keras")
    command = ["evaluate", str(network), "--data", f"photos:{tmp_path / 'photos'}", "-o", str(tmp_path / "out")]
    assert main(command) == 0
    evaluation = read_evaluation(tmp_path / "out")
    assert evaluation.title("validation") == "validation, 2 pictures"
    assert main([*command, "--overwrite", "--split", "test"]) == 1


def test_metric_that_needs_a_truth_needs_pairs(tmp_path: Path) -> None:
    low, _ = write_pairs(tmp_path)
    trained = load_trained_network(save_network(tmp_path / "net.keras"))
    photos = [DarkPicture(path, None) for path in low.iterdir()]
    with pytest.raises(EvaluationError, match="metrics that need no truth \\(brightness, loe, clipped, niqe\\)"):
        evaluate(trained, {"low": photos}, metrics=[METRICS["hue"]])


def test_missing_file_of_a_metric_is_an_error_of_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    low, high = write_pairs(tmp_path)
    network = save_network(tmp_path / "net.keras")
    command = ["evaluate", str(network), "--pairs", str(low), str(high), "-o", str(tmp_path / "out")]
    assert main([*command, "--metrics", "niqe"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "metric 'niqe' needs a file that is no part of this project; place https://" in line


@pytest.mark.parametrize("channels", [1, 4])
def test_networks_of_other_channels_are_scored_by_their_colors(tmp_path: Path, channels: int) -> None:
    pairs = list_pairs(*write_pairs(tmp_path, channels=channels, count=2))
    trained: TrainedNetwork = load_trained_network(save_network(tmp_path / "net.keras", channels=channels))
    for number, row in enumerate(evaluate(trained, {"pairs": pairs}).images):
        samples = np.random.default_rng(number).integers(1, 60, (20, 24, 4)).astype(np.uint8)
        colors = samples[..., :3] if channels == 4 else np.repeat(samples[..., :1], 3, axis=2)
        expected = psnr(apply_exact(colors, np.full((1, 1, 3), -0.6, np.float32)), colors * np.uint8(4))
        assert row.scores["network"]["psnr_db"] == pytest.approx(expected, abs=EXACTLY)


@pytest.mark.parametrize("channels", [1, 4])
def test_command_and_page_take_networks_of_other_channels(tmp_path: Path, channels: int) -> None:
    low, high = write_pairs(tmp_path, channels=channels)
    network = save_network(tmp_path / "net.keras", channels=channels)
    folders = ["--pairs", str(low), str(high), "-o", str(tmp_path / "out")]
    assert main(["evaluate", str(network), *folders]) == 0
    assert main(["compare", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "evaluation.html").read_text().count("data:image/jpeg;base64,") == 4 * PICTURES


def test_network_of_four_channels_needs_near_infrared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    low, high = write_pairs(tmp_path, channels=3)
    network = save_network(tmp_path / "net.keras", channels=4)
    assert main(["evaluate", str(network), "--pairs", str(low), str(high), "-o", str(tmp_path / "out")]) == 1
    assert "expected four channels (RGB and near infrared as alpha), found three" in capsys.readouterr().err


def test_picture_too_small_for_a_metric_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    low, high = write_pairs(tmp_path)
    network = save_network(tmp_path / "net.keras")
    command = ["evaluate", str(network), "--pairs", str(low), str(high), "-o", str(tmp_path / "out")]
    assert main([*command, "--metrics", "ms-ssim"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(r"low/\d\.png: expected at least 176x176 pixels for MS-SSIM, found \(20, 24\)", line)
