"""Several seeds in one command, and what they come to."""

import dataclasses
import statistics
from pathlib import Path

import numpy as np
import pytest

from tests.training import tiny_recipe
from tests.training.lol_folder import write_lol
from tests.training.test_verdict import BASE_DB, write_evaluation
from training.cli import main
from training.evaluation import METRICS, Evaluation, EvaluationError, read_evaluation
from training.fitting import fit
from training.recipe import RECIPES, RecipeError
from training.run import Run, load_network
from training.run_table import tabulate_runs
from training.seed_runs import list_seed_runs, parse_seeds, read_seed_evaluation
from training.verdict import judge_runs

TINY = dataclasses.replace(tiny_recipe.TINY, epochs=1)


def write_seed_runs(folder: Path, gains_db: dict[int, float]) -> Path:
    folder.mkdir()
    for seed, gain_db in gains_db.items():
        run = write_evaluation(folder / f"seed-{seed}", [figure + gain_db for figure in BASE_DB])
        evaluation = read_evaluation(run)
        changed = dataclasses.replace(evaluation, recipe=dataclasses.replace(evaluation.recipe, seed=seed))
        (run / "evaluation.json").write_text(changed.to_json())
    return folder


@pytest.mark.parametrize(("text", "seeds"), [("3", (7, 8, 9)), ("1,2,5", (1, 2, 5)), ("4,", (4,))])
def test_seeds_are_a_number_or_a_list(text: str, seeds: tuple[int, ...]) -> None:
    assert parse_seeds(text, 7) == seeds


@pytest.mark.parametrize("text", ["0", "00", "", "a", "1,1", "1;2", "-1"])
def test_what_is_no_list_of_seeds_is_refused(text: str) -> None:
    with pytest.raises(RecipeError, match="--seeds: expected"):
        parse_seeds(text, 7)


def test_run_is_no_folder_of_seeds_whatever_lies_in_it(tmp_path: Path) -> None:
    folder = write_seed_runs(tmp_path / "several", {1: 1.0, 2: 2.0})
    assert [path.name for path in list_seed_runs(folder)] == ["seed-1", "seed-2"]
    (folder / "recipe.json").write_text(TINY.to_json())
    assert list_seed_runs(folder) == []


def test_seeds_and_a_run_do_not_share_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["fit", "--data", str(write_lol(tmp_path / "lol")), "--out"]
    run = tmp_path / "run"
    run.mkdir()
    (run / "recipe.json").write_text(TINY.to_json())
    assert main([*command, str(run), "--seeds", "2"]) == 1
    assert "found a run; choose another --out" in capsys.readouterr().err
    assert main([*command, str(write_seed_runs(tmp_path / "several", {1: 1.0}))]) == 1
    assert "found runs of several seeds (seed-1)" in capsys.readouterr().err


def test_table_has_mean_and_spread_of_several_seeds(tmp_path: Path) -> None:
    gains_db = {1: -1.0, 2: 0.0, 10: 4.0}
    folder = write_seed_runs(tmp_path / "several", gains_db)
    seeds = read_seed_evaluation(folder)
    mean_db, spread_db = np.mean(BASE_DB) + 1.0, statistics.stdev(gains_db.values())
    # Figures are kept to six decimals.
    assert seeds.mean.average("pairs", "network")["psnr_db"] == pytest.approx(mean_db, abs=1e-5)
    assert seeds.measure_spread("pairs", METRICS["psnr"]) == pytest.approx(spread_db, abs=1e-5)
    rows = {row[0]: row[1:] for row in tabulate_runs([folder]).table.rows}
    assert rows["PSNR dB"][-1] == f"{mean_db:.2f}"
    assert rows["– standard deviation over seeds"][-1] == "± 0.000"
    text = tabulate_runs([folder]).to_text()
    assert f"± {spread_db:.2f}" in text
    assert rows["seeds"][-1] == "1, 2, 10"


def test_verdict_is_of_the_mean_over_seeds(tmp_path: Path) -> None:
    base = write_evaluation(tmp_path / "base", BASE_DB)
    folder = write_seed_runs(tmp_path / "several", {1: 1.0, 2: 2.0})
    assert "better than base (+1.50 dB" in judge_runs([base, folder])[0]


def test_runs_of_different_recipes_are_no_seeds_of_one(tmp_path: Path) -> None:
    folder = write_seed_runs(tmp_path / "several", {1: 1.0, 2: 2.0})
    path = folder / "seed-2" / "evaluation.json"
    other = Evaluation.from_json(path.read_text(), origin=path)
    path.write_text(dataclasses.replace(other, recipe=dataclasses.replace(other.recipe, epochs=9)).to_json())
    with pytest.raises(EvaluationError, match="seed-2: expected the recipe of seed-1 but for the seed"):
        read_seed_evaluation(folder)


def test_seeds_are_trained_evaluated_and_compared_by_a_command_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(RECIPES, TINY.name, TINY)
    lol, folder = write_lol(tmp_path / "lol"), tmp_path / "several"
    assert main(["fit", "--recipe", "tiny", "--data", str(lol), "--out", str(folder), "--seeds", "3,5"]) == 0
    assert main(["evaluate", str(folder), "--data", str(lol), "--split", "val", "--pictures", "1"]) == 0
    assert "standard deviation over seeds" in capsys.readouterr().out
    assert main(["compare", str(folder)]) == 0
    assert "3, 5" in capsys.readouterr().out
    # Each is what it would be alone.
    alone = Run(tmp_path / "alone")
    fit(lol, dataclasses.replace(TINY, seed=5), alone, verbose=0)
    for one, other in zip(
        *(load_network(run)[0].get_weights() for run in (alone, Run(folder / "seed-5"))), strict=True
    ):
        # Only threads inside one operation may reorder sums; a step of Adam is 1e-4 at most.
        np.testing.assert_allclose(one, other, atol=1e-5)
