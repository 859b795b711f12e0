import json
from pathlib import Path

import numpy as np
import pytest

from edge_dce.cli import main
from edge_dce.files.pictures import Picture, write_picture

ROOT = Path(__file__).resolve().parents[3]
TINY = str(ROOT / "tests" / "models" / "tiny-16x16-int8.tflite")
FLOAT = str(ROOT / "tests" / "models" / "tiny-16x16-float32.tflite")
SHORT = ["--size", "64x48", "--runs", "3", "--warmup", "0", "--threads", "1"]


def write_photo(path: Path, level: int) -> None:
    path.parent.mkdir(exist_ok=True)
    write_picture(Picture(np.full((20, 24, 3), level, np.uint8)), path)


def rescale_durations(path: Path, factor: float) -> None:
    report = json.loads(path.read_text())
    for result in report["results"]:
        for latency in (result["invoke_ms"], result["end_to_end_ms"], result["cleaned_ms"]):
            latency["values"] = [factor * value for value in latency["values"]]
    path.write_text(json.dumps(report))


def test_json_on_stdout_is_json_alone(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmark", TINY, *SHORT, "--json", "-"]) == 0
    report = json.loads(capfd.readouterr().out)
    assert report["results"][0]["size"] == [64, 48]


def test_table_names_machine_runtime_models_and_what_needs_no_network(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    result = tmp_path / "result.json"
    assert main(["benchmark", TINY, FLOAT, *SHORT, "--json", str(result)]) == 0
    out = capfd.readouterr().out
    expected = (
        "cores,",
        "photo: from the photo to the enhanced photo of 64x48",
        "tiny-16x16-int8",
        "tiny-16x16-float32",
        "gamma 0.4",
        "OpenCV CLAHE",
    )
    assert all(word in out for word in expected)
    assert "µs outside the runtime, to pass the input and take the output." in out
    assert len(json.loads(result.read_text())["results"]) == 2


def test_markdown_is_a_table_of_the_same_rows(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmark", TINY, *SHORT, "--markdown"]) == 0
    out = capfd.readouterr().out
    assert "| tiny-16x16-int8 | 1 |" in out
    assert "- warning: few runs" in out


def test_pairs_and_reference_add_columns(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_photo(tmp_path / "low" / "0.png", 20)
    write_photo(tmp_path / "high" / "0.png", 90)
    pairs = ["--pairs", str(tmp_path / "low"), str(tmp_path / "high")]
    assert main(["benchmark", TINY, FLOAT, *SHORT, *pairs, "--reference", FLOAT]) == 0
    out = capfd.readouterr().out
    assert all(word in out for word in ("1 pictures", "dark input", "PSNR dB", "SSIM", "dB to tiny-16x16-float32"))
    assert "equal" in out


def test_images_without_ground_truth_have_columns_of_their_own(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_photo(tmp_path / "dark" / "0.png", 20)
    assert main(["benchmark", TINY, *SHORT, "--images", str(tmp_path / "dark")]) == 0
    out = capfd.readouterr().out
    assert all(word in out for word in ("brightness", "clipped %", "noise x"))


def test_sustained_prints_window_heat_and_clock(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmark", TINY, *SHORT, "--sustained", "0.1"]) == 0
    out = capfd.readouterr().out
    assert all(word in out for word in ("Full load", "°C", "MHz", "slowed by", "to 0 s"))


def test_compare_with_itself_is_no_change(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    base = tmp_path / "base.json"
    assert main(["benchmark", TINY, *SHORT, "--json", str(base)]) == 0
    # A tolerance beyond anything that another program's load could do to three short runs.
    assert main(["benchmark", TINY, *SHORT, "--compare", str(base), "--tolerance", "100000"]) == 0
    # The network, and the photo with and without cleaning.
    assert capfd.readouterr().out.count("no change") == 3


def test_slowdown_has_exit_status_1_and_names_the_model(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    base = tmp_path / "base.json"
    assert main(["benchmark", TINY, *SHORT, "--json", str(base)]) == 0
    rescale_durations(base, 1e-3)
    assert main(["benchmark", TINY, *SHORT, "--compare", str(base)]) == 1
    captured = capfd.readouterr()
    assert "x slower" in captured.out
    assert f"edge-dce: slower than {base} by more than 10 %: tiny-16x16-int8" in captured.err


def test_speedup_is_said_and_no_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    base = tmp_path / "base.json"
    assert main(["benchmark", TINY, *SHORT, "--json", str(base)]) == 0
    rescale_durations(base, 1e3)
    capfd.readouterr()
    assert main(["benchmark", TINY, *SHORT, "--compare", str(base), "--json", "-"]) == 0
    captured = capfd.readouterr()
    json.loads(captured.out)
    assert "x faster" in captured.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--threads", "0"],
        ["--threads", "1,,2"],
        ["--tolerance", "-1"],
        ["--sustained", "nan"],
        ["--reference", TINY],
        ["--images", "a", "--pairs", "a", "b"],
    ],
)
def test_wrong_usage_has_exit_status_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["benchmark", TINY, *arguments])
    assert caught.value.code == 2


def test_unusable_base_is_said_before_anything_is_measured(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "base.json").write_text("{}")
    assert main(["benchmark", TINY, "--runs", "1000000", "--compare", str(tmp_path / "base.json")]) == 1
    assert "edge-dce: error: " in capfd.readouterr().err


def test_name_of_a_model_does_nothing_to_the_terminal(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "\x1b[31mred.tflite"
    path.write_bytes(Path(TINY).read_bytes())
    assert main(["benchmark", str(path), "--runs", "2", "--size", "64x48"]) == 0
    captured = capfd.readouterr()
    assert r"\x1b[31mred" in captured.out
    assert "\x1b[31m" not in captured.out + captured.err
