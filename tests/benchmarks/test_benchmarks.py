import dataclasses
import functools
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import documents, frame, frame_table, memory, photo, results, suite
from benchmarks.choice import judge, judge_peers, make_choice_table, make_peers_table
from benchmarks.cli import main
from benchmarks.clip import write_clip
from benchmarks.flicker import render_flicker
from benchmarks.frame import FrameTimes
from benchmarks.ghosts import measure_averaging, measure_cost
from benchmarks.peers import measure_peers
from benchmarks.pixel_path import measure_pixel_path
from benchmarks.video import render_video
from converters.onnx_files import Export
from edge_dce.benchmark.latency import Latency, Ratio
from edge_dce.benchmark.measurement import Plan
from edge_dce.benchmark.report import Measurement
from edge_dce.errors import EdgeDceError, ImageError
from edge_dce.files.pictures import Picture, read_picture, write_picture
from edge_dce.models.catalog import DEFAULT_MODEL
from tests.edge_dce.benchmark.reports import make_report, make_result

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "docs" / "pictures" / "night-launch.jpg"
TINY = ROOT / "tests" / "models" / "tiny-16x16-int8.tflite"
FLOAT = ROOT / "tests" / "models" / "tiny-16x16-float32.tflite"


def spread(result: Measurement) -> Measurement:
    """The same median in turns that disagree."""
    typical = result.invoke.percentile(50)
    drifting = Latency(tuple(typical * factor for factor in (0.5, 0.7, 1.0, 1.5, 2.0)), 5)
    return dataclasses.replace(result, invoke=drifting)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `run` leaves behind, measured on two tiny models by this environment."""
    folder = tmp_path_factory.mktemp("results")
    command = ["run", str(TINY), str(FLOAT), "--environment", sys.prefix, "--runs", "2", "--threads", "1,2"]
    assert main([*command, "--size", "64x48", "--size", "128x96", "-o", str(folder)]) == 0
    return folder


def test_documents_show_the_committed_results() -> None:
    assert main(["table", "--check"]) == 0


def test_every_table_has_one_place_in_the_documents() -> None:
    placed = [name for page in documents.list_pages() for name in documents.list_tables(page)]
    assert sorted(placed) == sorted(documents.TABLES)


def test_block_of_unknown_name_is_an_error(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- begin mystery -->\n<!-- end mystery -->")
    with pytest.raises(EdgeDceError, match=r"page\.md: no table 'mystery'"):
        documents.render(page)


def test_controls_draws_the_strips_of_the_documents(tmp_path: Path) -> None:
    assert main(["controls", "-o", str(tmp_path)]) == 0
    drawn = {path.name for path in tmp_path.iterdir()}
    assert drawn == {path.name for path in (ROOT / "docs" / "pictures").glob("control-*.jpg")}


@pytest.mark.parametrize(
    ("cpu", "name"),
    [
        ("Raspberry Pi 5 Model B Rev 1.0", "raspberry-pi-5-model-b-4-cores"),
        ("Intel(R) Xeon(R) Processor", "intel-xeon-4-cores"),
        ("Intel(R) Core(TM) i5-8250U CPU @ 1.60GHz", "intel-core-i5-8250u-4-cores"),
        ("AMD EPYC", "amd-epyc-4-cores"),
    ],
)
def test_folder_of_a_machine_is_named_after_it(cpu: str, name: str) -> None:
    assert results.name_machine({"cpu": cpu, "cores": 4}) == name


def test_run_measures_every_size_the_other_runtimes_and_the_pixel_path(measured: Path) -> None:
    names = {path.name for path in measured.iterdir()}
    environment = Path(sys.prefix).name.lstrip(".")
    assert names == {f"{environment}-64x48.json", f"{environment}-128x96.json", "peers.json", "pixel-path.json"}
    for report in results.read_folder(measured).values():
        assert [(result.model, result.threads) for result in report.results] == [
            (TINY.stem, 1),
            (TINY.stem, 2),
            (FLOAT.stem, 1),
            (FLOAT.stem, 2),
        ]


def test_pairs_are_scored_once_and_each_environment_measures_each_size(tmp_path: Path) -> None:
    for name in (".venv", ".venv-tflite"):
        (tmp_path / name / "bin").mkdir(parents=True)
        (tmp_path / name / "bin" / "python").touch()
    matrix = suite.Matrix(
        models=["a"],
        sizes=[(64, 48), (32, 32)],
        threads=[1, 4],
        environments=[tmp_path / ".venv", tmp_path / ".venv-tflite"],
        pairs=(Path("low"), Path("high")),
        peers=False,
    )
    steps = suite.plan_steps(matrix, tmp_path)
    assert [step.output for step in steps] == [
        "venv-64x48.json",
        "venv-32x32.json",
        "venv-tflite-64x48.json",
        "venv-tflite-32x32.json",
        "pixel-path.json",
    ]
    assert ["--pairs" in step.command for step in steps] == [True, False, False, False, False]
    assert all("1,4" in step.command for step in steps[:4])


def test_missing_environment_is_an_error_before_anything_runs(tmp_path: Path) -> None:
    assert main(["run", "--environment", str(tmp_path / "none"), "--no-peers", "-o", str(tmp_path / "out")]) == 1
    assert not list((tmp_path / "out").iterdir())


def test_compare_with_the_same_results_is_no_change(measured: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(measured), str(measured)]) == 0
    # Two sizes of two models with two numbers of threads: network, photo to photo, and that without cleaning.
    assert capsys.readouterr().out.count("no change (") == 24


def test_compare_finds_what_got_slower(measured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in (path.name for path in measured.iterdir()):
        report = json.loads((measured / name).read_text())
        for result in report.get("results", []):
            result["invoke_ms"]["values"] = [value / 1000 for value in result["invoke_ms"]["values"]]
        (tmp_path / name).write_text(json.dumps(report))
    assert main(["compare", str(tmp_path), str(measured)]) == 1
    assert "slower" in capsys.readouterr().out


def test_report_is_one_file_that_fetches_nothing(measured: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert main(["report", str(measured), "-o", str(page)]) == 0
    text = page.read_text()
    assert text.count("<svg ") >= 4
    sources = re.findall(r"""(?:\bsrc|\bhref)=["']([^"']*)|url\(([^)]*)\)|@import""", text)
    assert sources
    assert all(first.startswith(("data:image/jpeg", "#")) or second.startswith("#") for first, second in sources)
    assert "<script" not in text
    ids = re.findall(r'\bid="([^"]*)"', text)
    assert len(ids) == len(set(ids))


def test_plot_writes_each_chart_and_the_same_twice(measured: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert main(["plot", str(measured), "-o", str(tmp_path / name)]) == 0
    charts = {path.name for path in (tmp_path / "one").iterdir()}
    assert {"latencies.svg", "threads.svg", "sizes.svg", "peers.svg"} <= charts
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in charts)


def test_folder_without_results_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path), "-o", str(tmp_path / "page.html")]) == 1
    assert "found none" in capsys.readouterr().err


def test_other_runtimes_compute_the_same_networks(measured: Path) -> None:
    # `run` fails where a peer's picture is not that of TFLite.
    report = results.read_peers(measured)
    assert report is not None
    runtimes = ["ai-edge-litert", "onnxruntime", "openvino"]
    assert [result.runtime for result in report.results] == runtimes * 2
    assert len(make_peers_table(report).rows) == 2


def test_peer_that_computes_something_else_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.peers.export", lambda models, folder: [Export(TINY, TINY)] * len(models))
    monkeypatch.setattr("benchmarks.peers.open_onnxruntime", lambda path, threads: np.zeros_like)
    with pytest.raises(EdgeDceError, match="onnxruntime gives another picture than TFLite"):
        measure_peers([TINY], SAMPLE, Plan(size=(64, 48), threads=(1,), runs=1, warmup=0))


def test_peer_that_refuses_a_file_is_left_out_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    # Neither is what its runtime expects.
    monkeypatch.setattr("benchmarks.peers.export", lambda models, folder: [Export(SAMPLE, SAMPLE)] * len(models))
    report = measure_peers([TINY], SAMPLE, Plan(size=(64, 48), threads=(1,), runs=1, warmup=0))
    assert [result.runtime for result in report.results] == ["ai-edge-litert"]
    refusals = [warning for warning in report.warnings if warning.startswith("left out:")]
    assert [warning.split()[2] for warning in refusals] == ["onnxruntime", "openvino"]


def test_peers_that_are_not_installed_are_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.peers.PACKAGES", ("openvino", "no-such-runtime"))
    with pytest.raises(EdgeDceError, match=r"peers need no-such-runtime; run: pip install 'edge-dce\[peers\]'"):
        measure_peers([TINY], SAMPLE, Plan())


def test_sentence_on_other_runtimes_follows_the_ratios() -> None:
    report = make_report(
        make_result(10, model="a"),
        make_result(20, model="a", runtime="openvino"),
        make_result(10, model="b"),
        make_result(5, model="b", runtime="openvino"),
        make_result(10, model="c"),
        spread(make_result(8, model="c", runtime="openvino")),
    )
    assert judge_peers(report) == (
        "TFLite is the fastest, or as fast as any, for 1 of 3 files; OpenVINO takes 0.50 times its time for b; "
        "the intervals leave open what is faster for c."
    )
    assert make_peers_table(report).rows[1][-1] == "0.50x (0.50–0.50)"


def test_each_file_is_judged_by_what_it_is_best_at() -> None:
    report = make_report(
        make_result(5, model="small", psnr_db=12, file_bytes=10),
        make_result(4, model="good", psnr_db=15, file_bytes=100, memory_mb=90),
        make_result(9, model="slow", psnr_db=12, file_bytes=100),
        make_result(1, model="good", threads=1, psnr_db=15),
    )
    verdicts = {verdict.result.model: str(verdict) for verdict in judge(report)}
    assert verdicts == {
        "small": "smallest file",
        "good": "fastest, best pictures, least memory",
        "slow": "no: `good` is faster, and no worse",
    }
    assert [row[0] for row in make_choice_table(report).rows] == ["`good`", "`small`", "`slow`"]


def test_look_up_on_a_real_map_stays_within_its_bounds() -> None:
    measured = measure_pixel_path(SAMPLE, runs=1)
    # DESIGN section 4.
    assert measured.mean_error <= 0.5
    assert measured.worst_error <= 2


def test_pixel_path_prints_the_ratio(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pixel-path", "--runs", "1", "--json", str(tmp_path / "result.json")]) == 0
    assert "speedup" in capsys.readouterr().out
    assert (tmp_path / "result.json").exists()


def test_frame_benchmark_prints_ratios_and_records_every_round(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The same code on frames that take no time.
    monkeypatch.setattr(frame, "HD", (96, 54))
    monkeypatch.setattr(frame, "UHD", (192, 108))
    monkeypatch.setattr(frame_table, "HD", (96, 54))
    monkeypatch.setattr(frame_table, "UHD", (192, 108))
    monkeypatch.setattr(photo, "SIZE", (400, 300))
    result = tmp_path / "frame.json"
    assert main(["frame", "--rounds", "2", "--threads", "1", "--json", str(result)]) == 0
    printed = capsys.readouterr().out
    assert f"CLAHE : {DEFAULT_MODEL}" in printed
    assert "peak memory of the process" in printed
    record = json.loads(result.read_text())
    assert [len(each) for each in record["frame"]["rounds"]] == [12, 11]
    assert "by default : CLAHE" in printed
    assert "as long as without denoising" in printed
    assert "CLAHE takes as long" in frame_table.render_frames(record)


def test_memory_is_watched_over_frames_of_both_kinds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "SIZE", (96, 54))
    result = tmp_path / "memory.json"
    assert main(["memory", "--frames", "80", "--threads", "1", "--json", str(result)]) == 0
    printed = capsys.readouterr().out
    assert "80 frames of 96x54, one by one" in printed
    assert "80 frames of 96x54, as a video" in printed
    # 40 samples of each kind, all of a process that holds Python, numpy and OpenCV.
    record = json.loads(result.read_text())["memory"]
    assert {len(record["single_mb"]), len(record["video_mb"])} == {40}
    assert min(record["single_mb"]) > 10


def test_growth_of_memory_leaves_out_the_warm_up() -> None:
    assert memory.measure_growth_mb((10, 90, 100, 100, 100, 101, 102, 103)) == pytest.approx(102.5 - 100)


def test_ratio_is_taken_round_by_round() -> None:
    times = FrameTimes(1, ({"slow": 20.0, "fast": 10.0}, {"slow": 90.0, "fast": 30.0}, {"fast": 1.0}))
    # The rounds say 2 and 3: of two resampled values the median is 2, 2.5 or 3, and the ends of 95 % are 2 and 3.
    assert times.ratio("slow", "fast") == Ratio(2.5, 2.0, 3.0)


def test_gallery_shows_each_picture_beside_its_enhancement(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    command = ["gallery", str(SAMPLE), str(SAMPLE), str(SAMPLE), "-o", str(sheet), "--cell", "40x30"]
    assert main(command) == 0
    image = read_picture(sheet).image
    # Two pairs of 40 px cells in a row, each pair in a frame of 6 px; three pictures take two rows.
    assert image.shape == (2 * (30 + 12), 2 * (80 + 12), 3)
    assert image[6:36, 46:86].mean() > image[6:36, 6:46].mean()
    assert main(command) == 1


def test_video_benchmark_tells_the_share_of_every_stage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_clip(tmp_path / "clip.mp4", SAMPLE, size=(64, 48), frames=8)
    result = tmp_path / "video.json"
    command = ["video", "--clip", str(tmp_path / "clip.mp4"), "--runs", "2", "--json", str(result)]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert "64x48, 8 frames" in printed
    assert "slowest stage" in printed
    record = json.loads(result.read_text())
    assert [run["frames"] for run in record["runs"]] == [8, 8]
    assert "A 64x48 clip" in render_video(record)


def test_flicker_of_a_still_scene_is_what_the_maps_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = read_picture(SAMPLE).image[:120, :160]
    noise = np.random.default_rng(1).normal(0, 4, (6, *image.shape))
    for number, grain in enumerate(noise):
        picture = Picture(np.clip(image * 0.3 + grain, 0, 255).astype(np.uint8))
        write_picture(picture, tmp_path / f"still_{number}.png")
    result = tmp_path / "flicker.json"
    assert main(["flicker", str(tmp_path / "still_*"), "--json", str(result)]) == 0
    assert "frame by frame" in capsys.readouterr().out
    (sequence,) = json.loads(result.read_text())["sequences"]
    methods = sequence["methods"]
    assert methods["first map kept"]["re_estimation"] == 0
    assert methods["smoothed"]["re_estimation"] < methods["frame by frame"]["re_estimation"] / 2
    assert "| still_*, 6 frames |" in render_flicker(json.loads(result.read_text()))


def test_flicker_of_one_frame_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flicker", str(SAMPLE)]) == 1
    assert "expected two frames or more" in capsys.readouterr().err


def test_ghosts_are_looked_for_in_a_picture_that_moves(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.ghosts.SIGMAS", (8.0,))
    monkeypatch.setattr("benchmarks.ghosts.SPEEDS_PX", (0.0, 3.0))
    monkeypatch.setattr("benchmarks.cli.measure_cost", functools.partial(measure_cost, runs=6))
    picture, result = tmp_path / "picture.png", tmp_path / "ghosts.json"
    write_picture(Picture(read_picture(SAMPLE).image[:96, :128]), picture)
    assert main(["ghosts", str(picture), "--json", str(result), "--threads", "1"]) == 0
    assert "picture, 3.0 px" in capsys.readouterr().out
    lamp, still, moving = json.loads(result.read_text())["sequences"]
    assert still["left"]["10"] <= 1 / 3
    assert min(lamp["worst_gain_db"], moving["worst_gain_db"]) >= 0


def test_ghosts_in_too_short_a_clip_are_an_error() -> None:
    frames = [np.zeros((32, 32, 3), np.uint8)] * 5
    with pytest.raises(ImageError, match="expected more than 10 frames, found 5"):
        measure_averaging("short", frames, 5)
