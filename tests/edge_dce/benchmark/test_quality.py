import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edge_dce.benchmark.measurement import Plan, measure
from edge_dce.benchmark.quality import PairScore, PhotoScore, estimate_noise, measure_quality
from edge_dce.errors import ImageError
from edge_dce.files.pictures import Picture, write_picture

MODEL = Path(__file__).resolve().parents[2] / "models" / "tiny-16x16-int8.tflite"
FLOAT_MODEL = MODEL.with_name("tiny-16x16-float32.tflite")


def write_pairs(folder: Path, count: int = 2, suffix: str = ".png") -> tuple[Path, Path]:
    for side, peak in (("low", 40), ("high", 200)):
        (folder / side).mkdir()
        for number in range(count):
            image = np.random.default_rng(number).integers(0, peak, (20, 24, 3)).astype(np.uint8)
            write_picture(Picture(image), folder / side / f"{number}{suffix}")
    return folder / "low", folder / "high"


def plan(**kwargs: object) -> Plan:
    return Plan(**{"size": (32, 32), "threads": (1,), "runs": 1, "warmup": 0, "probes": False} | kwargs)  # type: ignore[arg-type]


def brighten(levels: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda image: np.clip(image.astype(np.int16) + levels, 0, 255).astype(np.uint8)


def test_pairs_carry_the_rows_that_need_no_network(tmp_path: Path) -> None:
    (result,) = json.loads(measure([MODEL], plan(pairs=write_pairs(tmp_path))).to_json())["results"]
    assert result["quality"].keys() == {
        "images",
        *(f"{row}{figure}" for row in ("", "input_", "gamma_", "clahe_") for figure in ("psnr_db", "ssim")),
    }
    assert result["quality"]["images"] == 2


def test_scores_are_means_over_the_pictures(tmp_path: Path) -> None:
    for name, level in (("a", 10), ("b", 20)):
        write_picture(Picture(np.full((16, 16, 3), level, np.uint8)), tmp_path / f"{name}.png")
        write_picture(Picture(np.full((16, 16, 3), 30, np.uint8)), tmp_path / f"{name}-truth.png")
    pictures = [(tmp_path / f"{name}.png", tmp_path / f"{name}-truth.png") for name in "ab"]
    quality = measure_quality(pictures, {"model": brighten(5)})
    # Errors of 15 and of 5 levels.
    expected = np.mean([20 * np.log10(255 / 15), 20 * np.log10(255 / 5)])
    score = quality.models["model"]
    assert isinstance(score, PairScore)
    assert score.psnr_db == pytest.approx(expected)


def test_photos_without_ground_truth_tell_brightness_clipping_and_noise(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    image = np.clip(60 + random.normal(0, 4, (200, 200, 3)), 0, 255).astype(np.uint8)
    image[:20] = 250
    write_picture(Picture(image), tmp_path / "a.png")
    models = {
        "untouched": lambda image: image,
        "brighter": brighten(10),
        "doubled": lambda image: np.minimum(image, 127) * 2,
    }
    untouched, brighter, doubled = measure_quality([(tmp_path / "a.png", None)], models).models.values()
    assert untouched == PhotoScore(brightness=pytest.approx(image.mean()), clipped_percent=0, noise_gain=1)
    assert isinstance(brighter, PhotoScore)
    assert isinstance(doubled, PhotoScore)
    # A tenth of the rows went from 250 to white.
    assert brighter.clipped_percent == pytest.approx(10)
    assert brighter.noise_gain == pytest.approx(1, abs=0.02)
    # Doubling doubles noise; rounding and the bright rows take a little from that.
    assert doubled.noise_gain == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("sigma", [2, 8, 20])
def test_noise_of_a_slope_is_estimated_at_its_true_strength(sigma: float) -> None:
    slope = np.linspace(80, 160, 300)[np.newaxis, :, np.newaxis]
    noise = np.random.default_rng(1).normal(0, sigma, (300, 300, 1))
    image = np.repeat(np.clip(slope + noise, 0, 255), 3, axis=2).astype(np.uint8)
    # 90,000 samples tell a standard deviation to 1 %; rounding adds little at 2 levels and nothing later.
    assert estimate_noise(image) == pytest.approx(sigma, rel=0.05)


def test_difference_to_a_reference_names_the_worst_picture(tmp_path: Path) -> None:
    for name, level in (("a", 10), ("b", 250)):
        write_picture(Picture(np.full((16, 16, 3), level, np.uint8)), tmp_path / f"{name}.png")
    pictures = [(tmp_path / f"{name}.png", None) for name in "ab"]
    quality = measure_quality(pictures, {"same": brighten(1), "off": brighten(20)}, reference=("plain", brighten(1)))
    same, off = quality.differences.values()
    assert same.mean_levels == 0
    # 250 + 20 is cut to 255, so that picture is off by 4 levels, the other by 19.
    assert (off.worst_picture, off.mean_levels) == ("a.png", pytest.approx(11.5))
    assert off.worst_psnr_db == pytest.approx(20 * np.log10(255 / 19))


def test_report_says_what_int8_costs_on_these_photos(tmp_path: Path) -> None:
    low, _ = write_pairs(tmp_path)
    report = measure([MODEL, FLOAT_MODEL], plan(images=low, reference=str(FLOAT_MODEL)))
    int8, float32 = (result.difference for result in report.results)
    assert int8 is not None
    assert float32 is not None
    assert float32.mean_levels == 0 < int8.mean_levels
    assert int8.reference == "tiny-16x16-float32"


def test_lossy_pairs_are_warned_of(tmp_path: Path) -> None:
    report = measure([MODEL], plan(pairs=write_pairs(tmp_path, 1, ".jpg")))
    assert any(warning.startswith("lossy pairs") for warning in report.warnings)


def test_pair_of_different_size_is_an_error_not_a_resize(tmp_path: Path) -> None:
    low, high = write_pairs(tmp_path, 1)
    write_picture(Picture(np.zeros((10, 24, 3), np.uint8)), high / "0.png", overwrite=True)
    with pytest.raises(ImageError, match="expected the size of its ground truth, 24x10, found 24x20"):
        measure([MODEL], plan(pairs=(low, high)))


def test_identical_pairs_have_finite_quality(tmp_path: Path) -> None:
    low, _ = write_pairs(tmp_path, 1)
    report = json.loads(measure([MODEL], plan(pairs=(low, low))).to_json())
    # 20 x 24 x 3 samples, counted as if one were off by one: 10·log10(255² · 1440).
    assert report["baselines"][0]["quality"]["psnr_db"] == pytest.approx(79.7, abs=0.1)
