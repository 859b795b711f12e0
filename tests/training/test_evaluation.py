"""`python -m training evaluate` and `compare`: honest figures, and pages that show them."""

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from edge_dce.errors import ImageError
from edge_dce.files.pictures import Picture, read_picture, write_picture
from edge_dce.models.origin import Origin, append_origin
from edge_dce.pixels.baselines import apply_clahe, apply_gamma
from edge_dce.pixels.curve import apply_exact
from edge_dce.pixels.metrics import color_difference, psnr, psnr_at_equal_mean, ssim
from edge_dce.reports.page import make_data_uri
from tests.training.lol_folder import write_lol
from training.cli import main
from training.datasets.picture import Pair
from training.drawings import draw_strength, measure_strength
from training.evaluation import METHODS, Evaluation, EvaluationError, ImageRow, read_evaluation
from training.evaluation_page import choose_rows, draw_page
from training.export import export
from training.fitting import fit
from training.history import HistoryError
from training.metrics.registry import METRICS, MetricError
from training.recipe import Recipe
from training.run import Run, RunError
from training.run_table import tabulate_runs
from training.scoring import evaluate, pair_folders
from training.trained_network import TrainedNetwork, load_trained_network

ROOT = Path(__file__).resolve().parents[2]
TINY = Recipe(
    name="tiny", epochs=1, batch_size=4, resize_px=32, validation_from=40, network="zero-dce-pp", curve_root=2
)
# The same arithmetic on the same bytes: only the order of sums may differ, in float64 or for means of float32.
EXACTLY = 1e-6


class ConstantNetwork:
    """Curves of one value everywhere, smaller than the input, as a Keras model gives them; remembers its inputs."""

    def __init__(self, a: float, *, maps: int = 1) -> None:
        self._a, self._maps = a, maps
        self.seen: list[np.ndarray] = []

    def predict_on_batch(self, tensors: np.ndarray) -> np.ndarray:
        self.seen.append(tensors)
        return np.full((len(tensors), 8, 8, 3 * self._maps), self._a, np.float32)

    def count_params(self) -> int:
        return 1


def make_trained(a: float = -0.5, *, maps: int = 1, name: str = "constant", **changes: object) -> TrainedNetwork:
    recipe = dataclasses.replace(TINY, **changes)  # type: ignore[arg-type]
    return TrainedNetwork(name, ConstantNetwork(a, maps=maps), recipe, epochs=3)


def write_pairs(folder: Path, count: int, *, suffix: str = ".png") -> list[Pair]:
    """Pairs of 24x20 noise whose normal picture is ever further from the dark one."""
    pairs = []
    for number in range(count):
        low = np.random.default_rng(number).integers(0, 30, (20, 24, 3)).astype(np.uint8)
        pair = Pair(folder / "low" / f"{number}{suffix}", folder / "high" / f"{number}{suffix}")
        for path, image in ((pair.low, low), (pair.high, low + np.uint8(20 + 10 * number))):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_picture(Picture(image), path)
        pairs.append(pair)
    return pairs


def make_row(name: str, psnr_db: float, part: str = "test") -> ImageRow:
    scores = {method: {"psnr_db": psnr_db, "ssim": 0.5, "brightness": 0.4} for method in METHODS}
    return ImageRow(part, name, 0.4, scores)


def make_evaluation(rows: list[ImageRow], name: str = "run", **changes: object) -> Evaluation:
    return Evaluation(name, dataclasses.replace(TINY, **changes), 10, 1, tuple(rows))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def lol(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_lol(tmp_path_factory.mktemp("lol"))


@pytest.fixture(scope="module")
def run(lol: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = Run(tmp_path_factory.mktemp("runs") / "tiny")
    fit(lol, TINY, run, verbose=0)
    return run


@pytest.mark.parametrize(("root", "maps"), [(1, 1), (4, 1), (1, 8)])
def test_network_is_scored_by_the_exact_curve_at_native_size(tmp_path: Path, root: int, maps: int) -> None:
    (pair,) = write_pairs(tmp_path, 1)
    low = read_picture(pair.low).image
    curves = np.full((1, 1, 3), -0.5, np.float32)
    write_picture(Picture(apply_exact(low, curves, root=root)), pair.high, overwrite=True)
    (row,) = evaluate(make_trained(maps=maps, curve_root=root), {"test": [pair]}).images
    # Equal pictures of 24 x 20 x 3 samples score as if one were off by one.
    assert row.scores["network"]["psnr_db"] == pytest.approx(10 * np.log10(255**2 * 1440), abs=EXACTLY)
    assert row.scores["network"]["ssim"] == pytest.approx(1)
    assert row.scores["network"]["brightness"] == pytest.approx(row.normal_brightness)


def test_rows_without_a_network_are_the_plain_methods_against_the_normal_picture(tmp_path: Path) -> None:
    (pair,) = write_pairs(tmp_path, 1)
    low, normal = read_picture(pair.low).image, read_picture(pair.high).image
    (row,) = evaluate(make_trained(), {"test": [pair]}).images
    for method, image in (("input", low), ("gamma", apply_gamma(low)), ("clahe", apply_clahe(low))):
        expected = {
            "psnr_db": psnr(image, normal),
            "ssim": ssim(image, normal),
            "brightness": float(image.mean()) / 255,
            "color_difference": color_difference(image, normal),
            "equal_mean_psnr_db": psnr_at_equal_mean(image, normal),
        }
        assert row.scores[method] == pytest.approx(expected, abs=EXACTLY)


def test_network_sees_pictures_at_the_recipes_size_in_0_to_1(tmp_path: Path) -> None:
    trained = make_trained(resize_px=16)
    evaluate(trained, {"test": write_pairs(tmp_path, 1)})
    (tensors,) = trained.network.seen
    assert tensors.shape == (1, 16, 16, 3)
    # The dark pictures are noise from 0 to 29 of 255.
    assert 0 <= tensors.min() < tensors.max() <= 29 / 255 + EXACTLY


def test_pictures_keep_their_order_and_all_are_counted(tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path, 11)
    done: list[int] = []
    evaluation = evaluate(make_trained(), {"test": pairs[:2], "validation": pairs[2:]}, track=done.append)
    assert [row.name for row in evaluation.images] == [pair.low.name for pair in pairs]
    assert [row.part for row in evaluation.images] == ["test"] * 2 + ["validation"] * 9
    assert sum(done) == 11
    inputs = [row.scores["input"]["psnr_db"] for row in evaluation.images]
    assert inputs == sorted(inputs, reverse=True)


def test_means_together_weigh_pictures_not_parts() -> None:
    rows = [make_row("a", 10), make_row("b", 10, "validation"), make_row("c", 40, "validation")]
    evaluation = make_evaluation(rows)
    assert evaluation.parts == ("test", "validation", "together")
    means = [evaluation.average(part, "network")["psnr_db"] for part in evaluation.parts]
    assert means == pytest.approx([10, 25, 20])


def test_evaluation_survives_writing_and_reading(tmp_path: Path) -> None:
    evaluation = evaluate(make_trained(), {"test": write_pairs(tmp_path, 2)})
    again = Evaluation.from_json(evaluation.to_json(), origin=tmp_path)
    assert again.recipe == evaluation.recipe
    assert again.to_json() == evaluation.to_json()
    means = json.loads(evaluation.to_json())["means"]
    assert means["test"]["network"]["psnr_db"] == pytest.approx(again.average("test", "network")["psnr_db"], abs=1e-5)


@pytest.mark.parametrize("text", ["", "{}", '{"schema": 99}', '{"schema": 1, "images": [{}]}', "[1]"])
def test_damaged_evaluation_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "evaluation.json").write_text(text)
    with pytest.raises(EvaluationError, match="evaluate again"):
        read_evaluation(tmp_path)


def test_pair_of_different_size_is_an_error_not_a_resize(tmp_path: Path) -> None:
    (pair,) = write_pairs(tmp_path, 1)
    write_picture(Picture(np.zeros((10, 24, 3), np.uint8)), pair.high, overwrite=True)
    with pytest.raises(ImageError, match="expected the size of its ground truth, 24x10, found 24x20"):
        evaluate(make_trained(), {"test": [pair]})


def test_jpeg_pairs_are_warned_of(tmp_path: Path) -> None:
    write_pairs(tmp_path, 1, suffix=".jpg")
    evaluation = evaluate(make_trained(), pair_folders([(tmp_path / "low", tmp_path / "high")]))
    assert [row.part for row in evaluation.images] == ["pairs"]
    assert evaluation.warnings[0].startswith("lossy pairs")


def test_three_worst_come_first_and_the_best_is_among_the_others() -> None:
    rows = [make_row(str(psnr_db), psnr_db) for psnr_db in (14, 3, 11, 9, 1, 7, 2, 20, 5)]
    assert [row.name for row in choose_rows(rows, 6)] == ["1", "2", "3", "7", "11", "20"]
    assert [row.name for row in choose_rows(rows, 2)] == ["1", "2"]
    assert len(choose_rows(rows, 100)) == len(rows)
    assert choose_rows(rows, 0) == []


def test_curve_map_is_drawn_from_dark_for_little_to_bright_for_much() -> None:
    curves = np.zeros((2, 2, 6), np.float32)
    curves[0], curves[1] = -0.2, -0.8
    strength = measure_strength(curves)
    np.testing.assert_allclose(strength, [[0.2, 0.2], [0.8, 0.8]], atol=EXACTLY)
    drawn = draw_strength(strength, 0.2, 0.8, (20, 24))
    assert drawn.shape == (20, 24, 3)
    assert drawn[0].mean() < drawn[-1].mean()
    # A map of one value has no range to spread over.
    assert len(np.unique(draw_strength(np.full((2, 2), 0.5, np.float32), 0.5, 0.5, (4, 4)).reshape(-1, 3), axis=0)) == 1


def test_page_holds_its_pictures_and_escapes_names(tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path, 5)
    renamed = pairs[0].low.with_name("<u>&.png")
    pairs[0].low.rename(renamed)
    parts = {"test": [Pair(renamed, pairs[0].high), *pairs[1:]]}
    trained = make_trained(name="<i>run")
    page = draw_page(evaluate(trained, parts), trained, parts, pictures=5).decode()
    assert page.count("data:image/jpeg;base64,") == 5 * 4
    assert not re.search(r"<u>|<i>|https?:|<script", page)
    assert "&lt;u&gt;&amp;.png" in page
    assert page.count("among the worst") == 3


def write_scenes(folder: Path, count: int) -> list[Pair]:
    """A pair for each scene; all dark pictures have the same name, as those of sequences of exposures have."""
    pairs = []
    for number, pair in enumerate(write_pairs(folder / "pairs", count)):
        low = folder / f"scene-{number}" / "1.png"
        low.parent.mkdir()
        pairs.append(dataclasses.replace(pair, low=pair.low.rename(low)))
    return pairs


def test_pictures_of_one_name_keep_their_own_figures(tmp_path: Path) -> None:
    parts = {"validation": write_scenes(tmp_path, 6), "test": write_pairs(tmp_path / "test", 2)}
    evaluation = evaluate(make_trained(), parts)
    alone = [evaluate(make_trained(), {"validation": [pair]}).images[0] for pair in parts["validation"]]
    names = [f"{number:05}-1.png" for number in range(6)]
    assert [row.name for row in evaluation.images] == [*names, "0.png", "1.png"]
    figures = evaluation.list_figures(METRICS["psnr"], "validation")
    assert list(figures.values()) == [row.scores["network"]["psnr_db"] for row in alone]


def test_page_shows_the_scene_whose_figures_stand_beside_it(tmp_path: Path) -> None:
    trained, parts = make_trained(), {"validation": write_scenes(tmp_path, 3)}
    evaluation = evaluate(trained, parts)
    page = draw_page(evaluation, trained, parts, pictures=3).decode()
    for row, pair in zip(evaluation.images, parts["validation"], strict=True):
        _, _, behind = page.partition(f"<b>{row.name}</b>")
        assert make_data_uri(read_picture(pair.low).image, width_px=400, quality=85) in behind.partition("<b>")[0]


def test_evaluation_that_mixed_pictures_of_one_name_up_is_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "evaluation.json").write_text(make_evaluation([make_row("1.png", 20), make_row("1.png", 21)]).to_json())
    with pytest.raises(EvaluationError, match=r"one name.*evaluate again"):
        read_evaluation(folder)


def test_page_without_pictures_still_has_every_figure(tmp_path: Path) -> None:
    parts = {"test": write_pairs(tmp_path, 2)}
    trained = make_trained()
    page = draw_page(evaluate(trained, parts), trained, parts, pictures=0).decode()
    assert "data:image" not in page
    assert "1.png" in page


def test_evaluate_command_shows_both_parts_and_both_together(
    lol: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["evaluate", str(run.folder), "--data", str(lol)]
    assert main(command) == 0
    printed = capsys.readouterr().out
    for part in ("test, 30 pairs", "validation, 4 pairs", "together, 34 pairs"):
        assert part in printed
    evaluation = read_evaluation(run.folder)
    assert (evaluation.name, evaluation.parameters, evaluation.epochs) == ("tiny", 10_561, 1)
    assert f"{evaluation.average('together', 'network')['psnr_db']:.2f}" in printed
    assert b"data:image/jpeg" in (run.folder / "evaluation.html").read_bytes()
    assert main(command) == 1
    assert "already exists" in capsys.readouterr().err
    assert main([*command, "--split", "val", "--overwrite"]) == 0
    assert read_evaluation(run.folder).parts == ("validation",)


def test_several_sets_stand_in_one_table_without_a_mean_of_unlike_things(
    lol: Path, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, count in (("windows", 2), ("streets", 3)):
        write_pairs(tmp_path / name, count)
    sets = []
    for name in ("windows", "streets"):
        sets += ["--pairs", f"{tmp_path}/{name}/low", f"{tmp_path}/{name}/high"]
    command = ["evaluate", str(run.folder), "--data", str(lol), "--split", "val", *sets, "-o", str(tmp_path / "out")]
    assert main(command) == 0
    header, *rows = capsys.readouterr().out.splitlines()[:4]
    assert "Lab difference" in header
    assert "scaled to the truth's mean" in header
    assert [row.split(",")[0] for row in rows] == ["validation", "windows", "streets"]
    assert read_evaluation(tmp_path / "out").parts == ("validation", "windows", "streets")


def test_sets_of_one_name_are_an_error(tmp_path: Path) -> None:
    write_pairs(tmp_path, 1)
    with pytest.raises(ImageError, match="there is a set"):
        pair_folders([(tmp_path / "low", tmp_path / "high")] * 2)


def test_evaluation_of_before_there_were_color_differences_is_still_read(tmp_path: Path) -> None:
    fields = json.loads(make_evaluation([make_row("a", 10)]).to_json()) | {"schema": 1}
    evaluation = Evaluation.from_json(json.dumps(fields), origin=tmp_path)
    assert "color_difference" not in evaluation.average("test", "network")
    assert "10.00" in evaluation.tabulate("test").to_text()


def test_run_and_its_export_score_the_same(lol: Path, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "network.keras"
    export(run, file)
    pairs = ["--pairs", *(str(lol / "our485" / side) for side in ("low", "high"))]
    for source, target in ((run.folder, "run"), (file, "file")):
        assert main(["evaluate", str(source), *pairs, "-o", str(tmp_path / target)]) == 0
    one, other = (read_evaluation(tmp_path / target) for target in ("run", "file"))
    assert (one.recipe, one.images, one.epochs) == (other.recipe, other.images, other.epochs)


def test_what_cannot_be_evaluated_is_an_error_of_one_line(
    lol: Path, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "foreign.keras"
    load_trained_network(run.folder).network.save(file)
    with pytest.raises(RunError, match="expected a recipe in this file, found none; write it again with 'export'"):
        load_trained_network(file)
    file.write_bytes(b"no zip")
    with pytest.raises(RunError, match="expected what 'export' wrote, found something else"):
        load_trained_network(file)
    with pytest.raises(RunError, match=r"no such \.keras file"):
        load_trained_network(tmp_path / "missing.keras")
    assert main(["evaluate", str(file), "--data", str(lol)]) == 1
    assert main(["evaluate", str(tmp_path), "--data", str(lol)]) == 1
    assert main(["evaluate", str(run.folder), "--pairs", "low", "high", "--split", "val", "-o", str(tmp_path)]) == 1
    assert main(["compare", str(tmp_path)]) == 1
    lines = capsys.readouterr().err.splitlines()
    expected = [
        "name a folder with -o",
        "expected a run with recipe.json, found none",
        "--split works only with --data",
        "no evaluation.json here; run: edge-dce evaluate",
    ]
    assert [text in line for text, line in zip(expected, lines, strict=True)] == [True] * 4


def test_network_for_other_channels_than_its_recipe_says_is_an_error(tmp_path: Path) -> None:
    image = keras.Input((None, None, 1))
    file = tmp_path / "thermal.keras"
    keras.Model(image, keras.layers.Conv2D(3, 1)(image)).save(file)
    append_origin(file, Origin(json.loads(TINY.to_json()), 1, {}, "tiny", uses_partners=False))
    with pytest.raises(RunError, match="for 3 channels, as its recipe says, found one for 1"):
        load_trained_network(file)


def write_evaluation(folder: Path, evaluation: Evaluation, epochs: int | None = None) -> Path:
    folder.mkdir()
    (folder / "evaluation.json").write_text(evaluation.to_json())
    if epochs is not None:
        rows = [f"{epoch},0.5,{1 / epoch}" for epoch in range(1, epochs + 1)]
        (folder / "history.csv").write_text("\n".join(["epoch,exposure,val_exposure", *rows]) + "\n")
    return folder


def test_compare_puts_runs_beside_what_needs_no_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [make_row("a", 10), make_row("b", 20, "validation")]
    one = write_evaluation(tmp_path / "one", make_evaluation(rows, "one"), epochs=1)
    other = write_evaluation(tmp_path / "other", make_evaluation(rows, "other", learning_rate=0.5))
    page = tmp_path / "runs.html"
    assert main(["compare", str(one), str(other), "--html", str(page)]) == 0
    lines = [re.split(r"  +", line.strip()) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["dark input", "gamma 0.4", "CLAHE", "one", "other"]
    assert ["learning rate", "–", "–", "–", "0.0001", "0.5"] in lines
    assert ["exposure", "–", "–", "–", "0.5 / 1", "– / –"] in lines
    assert [line for line in lines if line[0] == "PSNR dB"][-1] == ["PSNR dB", *["15.00"] * 5]
    assert [line[0] for line in lines if len(line) == 1][:3] == [
        "test, 1 pair",
        "validation, 1 pair",
        "together, 2 pairs",
    ]
    assert b"together, 2 pairs" in page.read_bytes()
    assert main(["compare", str(one), "--markdown"]) == 0
    assert "| PSNR dB | 15.00 |" in capsys.readouterr().out


def test_compare_says_when_figures_do_not_compare_or_are_out_of_date(tmp_path: Path) -> None:
    one = write_evaluation(tmp_path / "one", make_evaluation([make_row("a", 10)], "one"), epochs=7)
    other = write_evaluation(tmp_path / "other", make_evaluation([make_row("b", 10)], "other"))
    runs = tabulate_runs([one, other])
    assert list(runs.table.header) == ["", "one", "other"]
    assert "different pictures" in runs.notes[0]
    assert "evaluated after epoch 1, trained to epoch 7" in runs.notes[1]
    assert all(note in runs.to_text() for note in runs.notes)


def test_compare_names_a_damaged_history(tmp_path: Path) -> None:
    folder = write_evaluation(tmp_path / "one", make_evaluation([make_row("a", 10)]), epochs=2)
    (folder / "history.csv").write_text("epoch,loss\n1,0.5\n2\n")
    with pytest.raises(HistoryError, match="one row of numbers per epoch"):
        tabulate_runs([folder])


def test_compare_needs_no_keras(tmp_path: Path) -> None:
    folder = write_evaluation(tmp_path / "one", make_evaluation([make_row("a", 10)]), epochs=1)
    code = f"import sys, training.cli; training.cli.main(['compare', {str(folder)!r}]); print('keras' in sys.modules)"
    child = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert child.stdout.splitlines()[-1] == "False"


def test_compare_tells_runs_of_one_name_apart_by_folder(tmp_path: Path) -> None:
    folders = [write_evaluation(tmp_path / name, make_evaluation([make_row("a", 10)])) for name in ("x", "y")]
    assert [*tabulate_runs(folders).table.header][-2:] == [str(folder) for folder in folders]


def test_compare_says_how_sure_a_gain_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(1)
    figures = random.normal(18, 3, 40)
    rows = [[make_row(str(n), figure) for n, figure in enumerate(each)] for each in (figures, figures + 0.5)]
    for row, before in zip(rows[1], rows[0], strict=True):
        row.scores["input"] = before.scores["input"]  # type: ignore[index]
    folders = [write_evaluation(tmp_path / n, make_evaluation(r, n)) for n, r in zip("ab", rows, strict=True)]
    assert main(["compare", *map(str, folders)]) == 0
    lines = [re.split(r"  +", line.strip()) for line in capsys.readouterr().out.splitlines()]
    # Each picture is better by the same: the interval of the gain has no width, however far apart pictures are.
    gain = next(line for line in lines if line[0] == "– better than the first run by")
    assert gain[-2:] == ["–", "+0.50 (+0.50 to +0.50)"]
    low, high = next(line for line in lines if line[0] == "– 95 % interval")[-2].split(" to ")
    assert float(low) < figures.mean() < float(high)


def write_colored(folder: Path, name: str, differences: list[float | None]) -> Path:
    rows = []
    for number, difference in enumerate(differences):
        score = {"psnr_db": 15.0, "ssim": 0.5, "brightness": 0.3}
        score |= {} if difference is None else {"color_difference": difference}
        rows.append(ImageRow("test", str(number), 0.5, dict.fromkeys(METHODS, score)))
    return write_evaluation(folder / name, make_evaluation(rows, name))


def test_compare_shows_the_metrics_asked_for_with_their_intervals(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [write_colored(tmp_path, name, [start + n for n in range(9)]) for name, start in (("x", 4.0), ("y", 5.0))]
    assert main(["compare", *map(str, folders), "--metrics", "lab,ssim"]) == 0
    lines = [re.split(r"  +", line.strip()) for line in capsys.readouterr().out.splitlines()]
    names = [line[0] for line in lines]
    start = names.index("Lab difference")
    assert names[start + 1 : start + 4] == [
        "– 95 % interval",
        "– more than the first run by (less is better)",
        "SSIM",
    ]
    assert lines[start + 2][-1] == "+1.0 (+1.0 to +1.0)"
    assert "PSNR dB" not in names


def test_run_that_lacks_a_figure_leaves_the_interval_of_the_other(tmp_path: Path) -> None:
    folders = [write_colored(tmp_path, "x", [None] * 9), write_colored(tmp_path, "y", [7.0] * 9)]
    rows = {row[0]: row for row in tabulate_runs(folders, ["lab"]).table.rows}
    assert list(rows["– 95 % interval"][-2:]) == ["–", "7.0 to 7.0"]
    assert not any("the first run by" in name for name in rows)


def test_unknown_metric_is_an_error_that_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(MetricError, match=r"psnr, ssim, .*, niqe, found 'vmaf'"):
        tabulate_runs([tmp_path], ["vmaf"])
