import json
from pathlib import Path

import numpy as np
import pytest

from edge_dce import benchmark
from edge_dce.errors import ImageError
from edge_dce.images import Picture, write_picture

MODEL = Path(__file__).resolve().parent.parent / "models" / "tiny-16x16-int8.tflite"


def write_pairs(folder: Path, count: int = 2, suffix: str = ".png") -> tuple[Path, Path]:
    for side, peak in (("low", 40), ("high", 200)):
        (folder / side).mkdir()
        for number in range(count):
            image = np.random.default_rng(number).integers(0, peak, (20, 24, 3)).astype(np.uint8)
            write_picture(Picture(image), folder / side / f"{number}{suffix}")
    return folder / "low", folder / "high"


def test_report_has_the_promised_fields(tmp_path: Path) -> None:
    measurement = benchmark.measure(MODEL, size=(64, 48), runs=12, warmup=1, pairs=write_pairs(tmp_path), threads=1)
    report = json.loads(json.dumps(benchmark.make_report([measurement])))
    assert report["schema"] == 1
    assert {"cpu", "cores", "python", "numpy"} <= report["machine"].keys()
    (result,) = report["results"]
    assert result.keys() == {
        "model",
        "model_sha256",
        "precision",
        "contract",
        "runtime",
        "runtime_version",
        "size",
        "threads",
        "load_ms",
        "first_run_ms",
        "invoke_ms",
        "end_to_end_ms",
        "peak_rss_mb",
        "quality",
        "warnings",
    }
    assert result["model"] == "tiny-16x16-int8"
    assert result["precision"] == "int8"
    assert result["size"] == [64, 48]
    for latency in (result["invoke_ms"], result["end_to_end_ms"]):
        assert len(latency["values"]) == 12
        assert latency["p50"] <= latency["p90"] <= latency["p99"]
    assert {"images", "psnr_db", "ssim", "input_psnr_db", "gamma_psnr_db"} <= result["quality"].keys()
    assert result["quality"]["images"] == 2


def test_percentiles_are_those_of_the_raw_values() -> None:
    latency = benchmark.Latency(tuple(float(value) for value in range(101)))
    assert (latency.percentile(50), latency.percentile(90), latency.percentile(99)) == (50, 90, 99)


def test_noise_is_a_tenth_of_the_mean() -> None:
    assert not benchmark.Latency((100.0, 109.0, 91.0)).is_noisy
    assert benchmark.Latency((100.0, 120.0, 80.0)).is_noisy


def test_few_runs_are_warned_of() -> None:
    measurement = benchmark.measure(MODEL, size=(32, 32), runs=2, warmup=0)
    assert any(warning.startswith("few runs") for warning in measurement.warnings)
    assert measurement.quality is None


def test_lossy_pairs_are_warned_of(tmp_path: Path) -> None:
    measurement = benchmark.measure(MODEL, size=(32, 32), runs=1, warmup=0, pairs=write_pairs(tmp_path, 1, ".jpg"))
    assert any(warning.startswith("lossy pairs") for warning in measurement.warnings)


def test_pair_of_different_size_is_an_error_not_a_resize(tmp_path: Path) -> None:
    low, high = write_pairs(tmp_path, 1)
    write_picture(Picture(np.zeros((10, 24, 3), np.uint8)), high / "0.png", overwrite=True)
    with pytest.raises(ImageError, match="24x20, but its ground truth is 24x10"):
        benchmark.measure(MODEL, size=(32, 32), runs=1, pairs=(low, high))


def test_dark_frame_is_reproducible_dark_and_has_a_lamp() -> None:
    frame = benchmark.make_dark_frame(64, 48)
    np.testing.assert_array_equal(frame, benchmark.make_dark_frame(64, 48))
    assert frame.shape == (48, 64, 3)
    assert np.median(frame) < 40
    assert frame.max() > 180


def test_identical_pairs_have_finite_quality(tmp_path: Path) -> None:
    low, _ = write_pairs(tmp_path, 1)
    measurement = benchmark.measure(MODEL, size=(32, 32), runs=1, warmup=0, pairs=(low, low))
    json.dumps(benchmark.make_report([measurement]), allow_nan=False)
    assert measurement.quality is not None
    # 20 x 24 x 3 samples, counted as if one were off by one: 10·log10(255² · 1440).
    assert measurement.quality.input_psnr_db == pytest.approx(79.7, abs=0.1)
