"""A sweep over fields of a recipe: one study file, that goes on after a kill."""

import dataclasses
import re
from pathlib import Path

import pytest

from tests.training import tiny_recipe
from tests.training.lol_folder import write_lol
from tests.training.panoramas.made_panorama import make_panorama, write_panorama
from training.cli import main
from training.recipe import RECIPES, Recipe, RecipeError
from training.run import DivergenceError
from training.search_space import Dimension, divide_settings
from training.sweep import Sweep, SweepError, run_sweep
from training.sweep_plot import Trial, draw_sweep

TINY = dataclasses.replace(tiny_recipe.TINY, epochs=1)
RATES = Dimension("learning_rate", 1e-4, 1e-2, is_logarithmic=True)
SWEEP = Sweep(TINY, (RATES, Dimension("batch_size", choices=("2", "4"))), "loss", is_higher_better=False)


def measure(recipe: Recipe, folder: Path) -> float:
    return recipe.learning_rate * recipe.batch_size


def test_settings_are_values_ranges_and_lists() -> None:
    settings = ["epochs=2", "learning_rate=1e-4..1e-2:log", "batch_size=2,4", "noise=0.1..0.5", "ema=none"]
    fixed, dimensions = divide_settings([*settings, "epoch_images=16..64"])
    assert fixed == ["epochs=2", "ema=none"]
    assert dimensions == [
        RATES,
        Dimension("batch_size", choices=("2", "4")),
        Dimension("noise", 0.1, 0.5),
        Dimension("epoch_images", 16, 64, is_whole=True),
    ]


@pytest.mark.parametrize(
    ("setting", "is_whole"),
    [
        ("loss_weights.perceptual=0..3", False),
        ("exposure_gain=1..8", False),
        ("clip_norm=1..2", False),
        ("crop_px=64..128", True),
        ("tone.views=1e2..1e3", True),
    ],
)
def test_ranges_are_of_the_kind_that_the_field_is_of(setting: str, is_whole: bool) -> None:
    _, (dimension,) = divide_settings([setting])
    assert dimension.is_whole == is_whole


@pytest.mark.parametrize(
    "setting", ["noise=2..1", "noise=a..b", "noise=0..1:log", "noise=1..", "noise=1", "batch_size=1.5..4"]
)
def test_what_is_no_range_is_refused(setting: str) -> None:
    with pytest.raises(RecipeError, match="--set"):
        divide_settings([setting])


@pytest.mark.parametrize(
    "setting", ["loss_weights.exposure=1..10", "perceptual_features=published,random", "channels=1,3"]
)
def test_losses_that_do_not_compare_are_not_swept_by(
    setting: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["sweep", "--data", str(tmp_path), "--study", str(tmp_path / "study.db")]
    with pytest.raises(SystemExit):
        main([*command, "--set", setting])
    assert "losses do not compare" in capsys.readouterr().err


def test_missing_optuna_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(SweepError, match=r"a sweep needs Optuna .*; run: pip install '\.\[sweep\]'"):
        run_sweep(SWEEP, tmp_path / "study.db", trials=1, measure=measure)


def test_killed_sweep_tries_what_a_whole_one_does(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    tried: dict[str, list[tuple[str, Recipe]]] = {"whole": [], "halves": []}

    def record(name: str, recipe: Recipe, folder: Path, dies_at: int | None = None) -> float:
        tried[name].append((folder.name, recipe))
        if len(tried[name]) == dies_at:
            raise KeyboardInterrupt
        return measure(recipe, folder)

    whole = run_sweep(SWEEP, tmp_path / "whole.db", trials=4, measure=lambda *run: record("whole", *run))
    with pytest.raises(KeyboardInterrupt):
        run_sweep(SWEEP, tmp_path / "halves.db", trials=4, measure=lambda *run: record("halves", *run, 3))
    halves = run_sweep(SWEEP, tmp_path / "halves.db", trials=4, measure=lambda *run: record("halves", *run))
    assert whole == halves
    # The one that was killed goes on in its folder.
    assert tried["halves"][2] == tried["halves"][3]
    recipes = {name: [recipe for _, recipe in runs] for name, runs in tried.items()}
    assert recipes["whole"] == recipes["halves"][:2] + recipes["halves"][3:]


def test_trial_that_diverges_fails_alone_and_is_not_tried_again(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    tried: list[float] = []
    lines: list[str] = []

    def diverge_once(recipe: Recipe, folder: Path) -> float:
        tried.append(recipe.learning_rate)
        if len(tried) == 2:
            raise DivergenceError(f"{folder}: the loss is not a number")
        return measure(recipe, folder)

    run_sweep(SWEEP, tmp_path / "study.db", trials=3, measure=diverge_once, report=lines.append)
    run_sweep(SWEEP, tmp_path / "study.db", trials=4, measure=diverge_once, report=lines.append)
    assert len(tried) == len(set(tried)) == 5
    assert len(lines) == 1
    assert lines[0].startswith("trial-1 failed: ")


def test_killed_sweep_draws_anew_behind_a_failed_trial_as_a_whole_one_does(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    tried: dict[str, list[Recipe]] = {"whole": [], "halves": []}

    def run(name: str, recipe: Recipe, folder: Path, dies_at: int | None = None) -> float:
        tried[name].append(recipe)
        if len(tried[name]) == dies_at:
            raise KeyboardInterrupt
        if folder.name == "trial-0":
            raise DivergenceError(f"{folder}: the loss is not a number")
        return measure(recipe, folder)

    run_sweep(SWEEP, tmp_path / "whole.db", trials=3, measure=lambda *each: run("whole", *each))
    with pytest.raises(KeyboardInterrupt):
        run_sweep(SWEEP, tmp_path / "halves.db", trials=3, measure=lambda *each: run("halves", *each, 2))
    run_sweep(SWEEP, tmp_path / "halves.db", trials=3, measure=lambda *each: run("halves", *each))
    assert tried["whole"] == tried["halves"][:1] + tried["halves"][2:]


def test_draw_that_makes_no_recipe_fails_alone(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    crops = Dimension("crop_px", 16, 32, is_whole=True)
    # Of this network crops are multiples of 16: two of seventeen are.
    scene = dataclasses.replace(TINY, network="zero-dce-scene")
    lines: list[str] = []
    with pytest.raises(RecipeError, match="multiples of 16"):
        run_sweep(
            Sweep(scene, (crops,), "loss", is_higher_better=False),
            tmp_path / "study.db",
            trials=100,
            measure=measure,
            report=lines.append,
        )
    assert len(lines) >= 9
    assert all(re.match(r"trial-\d+ failed: .*multiples of 16", line) for line in lines)


@pytest.mark.parametrize(
    ("dimension", "message"),
    [
        (Dimension("learning_rat", 1e-4, 1e-2), "did you mean learning_rate?"),
        (Dimension("batch_size", 0, 8, is_whole=True), "batch_size to be at least 1"),
        (Dimension("network", choices=("zero-dce", "zero-dse")), "network to be one of"),
    ],
)
def test_what_cannot_be_drawn_leaves_no_study_behind(dimension: Dimension, message: str, tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    file = tmp_path / "runs" / "study.db"
    wrong = dataclasses.replace(SWEEP, dimensions=(RATES, dimension))
    with pytest.raises(RecipeError, match=re.escape(message)):
        run_sweep(wrong, file, trials=1, measure=measure)
    assert not file.parent.exists()
    run_sweep(SWEEP, file, trials=1, measure=measure)


def test_ends_that_go_together_alone_are_drawn(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    # Neither crop fits into the recipe's own size, both into each of these.
    dimensions = (Dimension("resize_px", choices=("48", "64")), Dimension("crop_px", choices=("32", "48")))
    sweep = Sweep(TINY, dimensions, "psnr", is_higher_better=True)
    run_sweep(sweep, tmp_path / "study.db", trials=2, measure=measure)


@pytest.mark.parametrize("name", ["sweep", "sweep.svg"])
def test_study_leaves_room_for_its_runs_and_its_plot(name: str, tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    with pytest.raises(SweepError, match=re.escape(f"choose --study {tmp_path / 'sweep.db'}")):
        run_sweep(SWEEP, tmp_path / name, trials=1, measure=measure)
    assert not (tmp_path / name).exists()


def test_study_of_another_sweep_is_not_continued(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    file = tmp_path / "study.db"
    run_sweep(SWEEP, file, trials=1, measure=measure)
    other = dataclasses.replace(SWEEP, recipe=dataclasses.replace(TINY, epochs=7))
    with pytest.raises(SweepError, match="found another"):
        run_sweep(other, file, trials=1, measure=measure)
    file.write_bytes(b"no data base at all, but long enough to be looked at" * 100)
    with pytest.raises(SweepError, match="expected a study or a new file"):
        run_sweep(SWEEP, file, trials=1, measure=measure)


@pytest.mark.parametrize("metric", ["loss", "psnr"])
def test_sweep_is_one_command_and_its_plot(
    metric: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("optuna")
    monkeypatch.setitem(RECIPES, TINY.name, TINY)
    lol, file = write_lol(tmp_path / "lol"), tmp_path / "study.db"
    command = ["sweep", "--recipe", "tiny", "--data", str(lol), "--study", str(file), "--metric", metric]
    assert main([*command, "--set", "learning_rate=1e-4..1e-2:log", "--trials", "2"]) == 0
    assert re.search(rf"best {metric} \S+: --set learning_rate=0\.\d+", capsys.readouterr().out)
    assert sorted(path.name for path in (tmp_path / "study").iterdir()) == ["trial-0", "trial-1"]
    assert b"<svg" in (tmp_path / "study.svg").read_bytes()


def test_sweep_of_a_tone_takes_views_of_panoramas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("optuna")
    monkeypatch.setitem(RECIPES, "tiny-tone", dataclasses.replace(tiny_recipe.TINY_TONE, epochs=1))
    lol, panoramas = write_lol(tmp_path / "lol"), tmp_path / "panoramas"
    panoramas.mkdir()
    write_panorama(panoramas / "a.hdr", make_panorama())
    command = ["sweep", "--recipe", "tiny-tone", "--panoramas", str(panoramas), "--study", str(tmp_path / "study.db")]
    settings = ["--set", "learning_rate=1e-4..1e-2:log", "--trials", "1", "--cache", str(tmp_path / "cache")]
    assert main([*command, *settings, "--data", str(lol)]) == 0
    assert "best loss" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main([*command, *settings])
    assert "judged on its validation part" in capsys.readouterr().err


def test_plot_says_what_was_varied() -> None:
    trials = [Trial(1.0 / (1 + number), {"learning_rate": 10.0**-number, "crop": "64"}) for number in range(3)]
    svg = draw_sweep(trials, "loss", ["learning_rate"]).decode()
    assert svg.startswith("<?xml")
    for name in ("learning_rate", "crop", "best so far"):
        assert f"<!-- {name} -->" in svg
