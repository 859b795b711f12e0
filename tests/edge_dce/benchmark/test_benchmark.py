"""Whole measurements of tiny models: what is in a report and what makes it doubtful."""

import dataclasses
import importlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_dce.benchmark.comparison import compare
from edge_dce.benchmark.doubts import doubt_machine, doubt_runtime, doubt_threads
from edge_dce.benchmark.frame import make_dark_frame
from edge_dce.benchmark.image_network import ImageNetwork
from edge_dce.benchmark.latency import Latency
from edge_dce.benchmark.measurement import Candidate, Plan, measure, measure_candidates, open_candidates
from edge_dce.benchmark.probe import probe
from edge_dce.benchmark.quality import PhotoScore
from edge_dce.benchmark.report import Report
from edge_dce.benchmark.subject import open_subject
from edge_dce.benchmark.sustained import sustain
from edge_dce.benchmark.turns import Task, take_turns, time_ms
from edge_dce.errors import ModelError
from edge_dce.files.pictures import Picture, write_picture
from edge_dce.machine import Condition
from edge_dce.models.catalog import find_model
from edge_dce.models.runtime import find_runtime
from tests.edge_dce.fake_interpreter import NO_CARD, FakeInterpreter

MODELS = Path(__file__).resolve().parents[2] / "models"
MODEL = MODELS / "tiny-16x16-int8.tflite"
FLOAT_MODEL = MODELS / "tiny-16x16-float32.tflite"
SHORT = Plan(size=(64, 48), threads=(1,), runs=12, warmup=1, probes=False)
# Bounded attempts for statements about time on a machine that others use too.
ATTEMPTS = 10


def test_report_has_the_promised_fields() -> None:
    report = json.loads(measure([MODEL], dataclasses.replace(SHORT, probes=True)).to_json())
    assert report["schema"] == 2
    assert {"cpu", "cores", "python", "numpy"} <= report["machine"].keys()
    assert {"before", "after", "busy_cores"} == report["condition"].keys()
    (result,) = report["results"]
    assert result.keys() == {
        "model",
        "model_sha256",
        "file_bytes",
        "precision",
        "contract",
        "runtime",
        "runtime_version",
        "xnnpack",
        "size",
        "threads",
        "threads_observed",
        "load_ms",
        "first_run_ms",
        "peak_rss_mb",
        "rss_before_mb",
        "warmup_runs",
        "invoke_ms",
        "call_overhead_us",
        "end_to_end_ms",
        "cleaned_ms",
        "quality",
        "cleaned_quality",
        "difference",
        "warnings",
    }
    assert (result["model"], result["precision"], result["size"]) == ("tiny-16x16-int8", "int8", [64, 48])
    assert result["threads_observed"] == 1
    assert result["peak_rss_mb"] >= result["rss_before_mb"]
    for latency in (result["invoke_ms"], result["end_to_end_ms"], result["cleaned_ms"]):
        assert len(latency["values"]) == 12
        assert latency["p50"] <= latency["p90"] <= latency["p99"]


def test_models_and_threads_are_measured_side_by_side_with_what_needs_no_network() -> None:
    report = measure([MODEL, FLOAT_MODEL], dataclasses.replace(SHORT, threads=(1, 2)))
    assert [(result.model, result.threads) for result in report.results] == [
        ("tiny-16x16-int8", 1),
        ("tiny-16x16-int8", 2),
        ("tiny-16x16-float32", 1),
        ("tiny-16x16-float32", 2),
    ]
    assert [baseline.key for baseline in report.baselines if baseline.end_to_end] == ["gamma", "clahe"]


def test_each_number_of_threads_has_a_yardstick() -> None:
    report = measure([FLOAT_MODEL], dataclasses.replace(SHORT, threads=(1, 2), runs=3))
    assert [yardstick.threads for yardstick in report.yardsticks] == [1, 2]
    (baseline,) = {len(baseline.end_to_end.values_ms) for baseline in report.baselines if baseline.end_to_end}
    assert {len(yardstick.latency.values_ms) for yardstick in report.yardsticks} == {baseline} == {3}
    assert all(each.runtime.startswith(report.results[0].runtime) for each in report.yardsticks)


def test_models_of_one_name_are_told_apart(tmp_path: Path) -> None:
    copy = tmp_path / MODEL.name
    copy.write_bytes(MODEL.read_bytes())
    names = [candidate.name for candidate in open_candidates([MODEL, copy, copy, FLOAT_MODEL], SHORT)]
    assert names == [str(MODEL), str(copy), f"{copy} #2", "tiny-16x16-float32"]


def test_few_and_short_runs_are_warned_of() -> None:
    (result,) = measure([MODEL], dataclasses.replace(SHORT, runs=2)).results
    assert any(warning.startswith("few runs: p90 and p99 of 2 values") for warning in result.warnings)
    assert any(warning.startswith("too short: network") for warning in result.warnings)


def test_doubts_about_machine_threads_and_runtime_name_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    module = "edge_dce.benchmark.doubts"
    monkeypatch.setattr(f"{module}.read_governor", lambda: "ondemand")
    monkeypatch.setattr(f"{module}.count_usable_cores", lambda: 4)
    monkeypatch.setattr(f"{module}.platform.machine", lambda: "x86_64")
    hot = Condition(85.0, 1500.0, ("throttled",), None)
    assert doubt_machine(hot, hot, 0.5) == [
        "clock: the CPU governor is 'ondemand'; figures vary less with 'performance'",
        "other load: other programs kept 0.5 cores busy; close them",
        "throttled: throttled; cool the board or strengthen its power supply",
    ]
    assert doubt_threads(4, 4) == doubt_threads(4, None) == []
    assert doubt_threads(4, 2) == ["threads: asked for 4, the runtime uses 2 for this model"]
    assert doubt_threads(8, 8) == ["threads: 8 threads share 4 cores; ask for fewer"]
    assert doubt_runtime("ai-edge-litert", True) == doubt_runtime("openvino", None) == []
    assert "install edge-dce[litert]" in doubt_runtime("tflite-runtime", True)[0]
    assert "XNNPACK runs no part" in doubt_runtime("ai-edge-litert", False)[0]


def test_dark_frame_is_reproducible_dark_and_has_a_lamp() -> None:
    frame = make_dark_frame(64, 48)
    np.testing.assert_array_equal(frame, make_dark_frame(64, 48))
    assert frame.shape == (48, 64, 3)
    assert np.median(frame) < 40
    assert frame.max() > 180


def test_process_of_a_models_own_tells_its_memory_and_threads() -> None:
    asked = probe(find_model("zero-dce-128x128-float16"), threads=2, contract=None, size=(64, 48))
    assert asked is not None
    assert asked.threads == 2
    assert asked.rss_before_mb is not None
    assert asked.peak_rss_mb is not None
    # The network's activations alone: 256 x 256 x 32 channels x 4 bytes are 8 MB a layer.
    assert asked.peak_rss_mb - asked.rss_before_mb > 8


def test_process_that_fails_tells_nothing() -> None:
    assert probe(MODELS / "missing.tflite", threads=1, contract=None, size=(64, 48)) is None


def test_full_load_is_told_window_by_window() -> None:
    windows = sustain([lambda: time.sleep(0.001)] * 2, 0.06, window_s=0.02)
    assert 2 <= len(windows) <= 3
    assert windows[-1].end_s >= 0.06
    assert all(len(window.latencies) == 2 and window.latencies[0].percentile(50) > 1 for window in windows)


def test_sustained_plan_puts_windows_into_the_report() -> None:
    report = measure([MODEL], dataclasses.replace(SHORT, sustained_s=0.05))
    assert len(report.windows) == 1
    assert json.loads(report.to_json())["sustained"][0]["end_to_end_ms"][0]["values"]


def test_photo_is_measured_with_and_without_cleaning(tmp_path: Path) -> None:
    write_picture(Picture(make_dark_frame(320, 240)), tmp_path / "dark.png")
    model = find_model("zero-dce-scene-256x256-int8")
    (result,) = measure([model], dataclasses.replace(SHORT, images=tmp_path)).results
    assert isinstance(result.score, PhotoScore)
    assert isinstance(result.cleaned_score, PhotoScore)
    # Averages over 3 x 3 pixels leave white noise a third.
    assert result.cleaned_score.noise_gain < result.score.noise_gain / 2
    assert result.cleaned is not None
    assert len(result.cleaned.values_ms) == len(result.end_to_end.values_ms)


def test_network_that_returns_the_image_is_not_cleaned() -> None:
    (result,) = measure([MODELS / "without-card-3-maps.tflite"], dataclasses.replace(SHORT, contract="image")).results
    assert result.cleaned is result.cleaned_score is None


@pytest.mark.parametrize(
    ("name", "contract"),
    [("without-card-24-maps", "curves"), ("without-card-3-maps", "curves"), ("without-card-3-maps", "image")],
)
def test_files_of_others_are_measured_without_a_card(name: str, contract: str) -> None:
    (result,) = measure([MODELS / f"{name}.tflite"], dataclasses.replace(SHORT, contract=contract)).results
    assert (result.contract, result.precision) == (contract, None)
    assert result.end_to_end.percentile(50) > 0


def test_three_channels_without_a_card_ask_what_they_are() -> None:
    with pytest.raises(ModelError, match="pass --contract"):
        measure([MODELS / "without-card-3-maps.tflite"], SHORT)


def test_24_maps_are_refused_as_an_image() -> None:
    with pytest.raises(ModelError, match=r"expected an output \(1, H, W, 3\)"):
        open_subject(MODELS / "without-card-24-maps.tflite", threads=1, contract="image")


@pytest.mark.parametrize(
    ("dtype", "quantization", "stored"),
    [
        (np.float32, (0.0, 0), 0.2),
        (np.uint8, (0.0, 0), 51),
        (np.int8, (0.0, 0), -77),
        (np.uint8, (1 / 255, 0), 51),
        (np.int8, (1 / 255, -128), -77),
    ],
)
@pytest.mark.parametrize("layout", ["channels last", "channels first"])
def test_image_network_of_any_type_and_layout_gives_the_image_back(
    dtype: type, quantization: tuple[float, int], stored: float, layout: str
) -> None:
    shape = (1, 4, 6, 3) if layout == "channels last" else (1, 3, 4, 6)
    interpreter = FakeInterpreter(
        np.full(shape, stored, dtype),
        input_shape=shape,
        input_dtype=dtype,
        input_quantization=quantization,
        output_quantization=quantization,
    )
    network = ImageNetwork(NO_CARD, interpreter, threads=1)
    enhanced = network.enhance(np.full((8, 12, 3), 51, np.uint8))
    assert enhanced.shape == (8, 12, 3)
    assert (enhanced == 51).all()
    assert interpreter.inputs[0].shape == shape
    assert interpreter.inputs[0] == pytest.approx(np.full(shape, stored), abs=1e-6)


class Slowed:
    """A subject whose network takes a third more time than it needs: it idles as long again as 0.3 of each run."""

    def __init__(self, candidate: Candidate) -> None:
        self._subject = candidate.subject
        self.model, self.contract = candidate.subject.model, candidate.subject.contract
        self.threads, self.width, self.height = self._subject.threads, self._subject.width, self._subject.height
        self.quantize_input = self._subject.quantize_input
        self.invoke = self._slow_down(self._subject.invoke)
        self.enhance = self._slow_down(self._subject.enhance)

    def _slow_down(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def slow(*image_and_look: Any) -> Any:
            start = time.perf_counter()
            result = call(*image_and_look)
            end = start + 1.3 * (time.perf_counter() - start)
            while time.perf_counter() < end:
                pass
            return result

        return slow


def measure_twice(change: Callable[[Candidate], Candidate]) -> tuple[Report, Report]:
    """A model as it is and changed, measured in turn, as if in two runs between which the machine stayed the same."""
    plan = dataclasses.replace(SHORT, runs=60)
    candidates = [*open_candidates([FLOAT_MODEL], plan), *open_candidates([FLOAT_MODEL], plan)]
    report = measure_candidates([candidates[0], change(candidates[1])], plan)
    base, new = (dataclasses.replace(report, results=(result,)) for result in report.results)
    return new, base


def test_model_made_slower_by_a_third_is_caught() -> None:
    for _ in range(ATTEMPTS):
        new, base = measure_twice(lambda candidate: dataclasses.replace(candidate, subject=Slowed(candidate)))
        if compare(new, base, tolerance=0.1).slower:
            return
    pytest.fail("a network that takes 1.3 times its time was not caught")


def test_same_model_twice_is_no_change() -> None:
    for _ in range(ATTEMPTS):
        (row,) = compare(*measure_twice(lambda candidate: candidate), tolerance=0.1).rows
        if str(row.invoke).startswith("no change") and str(row.end_to_end).startswith("no change"):
            return
    pytest.fail("a model differs from itself")


def test_p50_of_the_network_agrees_with_a_loop_over_the_bare_interpreter() -> None:
    # TFLite's own benchmark_model times runs of nothing but Invoke, after some to warm up, with XNNPACK.
    model = find_model("zero-dce-scene-256x256-float16")
    subject, _ = open_subject(model, threads=1)
    tensor = np.zeros((1, subject.height, subject.width, 3), np.float32)
    bare = importlib.import_module(find_runtime().module).Interpreter(model_path=str(model), num_threads=1)
    bare.allocate_tensors()
    bare.set_tensor(bare.get_input_details()[0]["index"], tensor)

    ratios = []
    for _ in range(ATTEMPTS):
        # Run by run in turn: what else the machine does falls on both.
        ours_ms, bare_ms = np.transpose(
            [(time_ms(lambda: subject.invoke(tensor)), time_ms(bare.invoke)) for _ in range(150)]
        )
        ratios.append(np.median(ours_ms) / np.median(bare_ms))
        if 0.9 <= ratios[-1] <= 1.1:
            return
    pytest.fail(f"the p50 is not within 10 % of the bare interpreter's: ratios {ratios}")


def test_overhead_per_call_is_a_small_part_of_the_run_itself() -> None:
    subject, interpreter = open_subject(find_model("zero-dce-scene-256x256-float16"), threads=1)
    tensor = np.zeros((1, subject.height, subject.width, 3), np.float32)
    (timing,) = take_turns([Task(lambda: subject.invoke(tensor), 100, interpreter.read_last_ms)])
    assert timing.overhead_ms is not None
    # Both parts are of the same runs, so a busy machine slows both.
    assert 0 < timing.overhead_ms < 0.1 * timing.latency.percentile(50)


def test_latency_of_a_single_run_needs_no_turns() -> None:
    assert Latency((1.0,)).turn_percentiles(50) == [1.0]
