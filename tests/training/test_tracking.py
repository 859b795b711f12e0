"""A run in MLflow, in a file of this machine."""

import dataclasses
import json
import sys
from pathlib import Path

import pytest

from tests.training.lol_folder import write_lol
from tests.training.tiny_recipe import TINY
from training.cli import main
from training.fitting import fit
from training.history import TOTAL, read_history
from training.run import Run, RunError


@pytest.fixture
def lol(tmp_path: Path) -> Path:
    return write_lol(tmp_path / "lol")


def test_without_mlflow_one_line_says_what_to_install(
    lol: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # As Python marks what is not to be found.
    monkeypatch.setitem(sys.modules, "mlflow", None)
    words = ["fit", "--data", str(lol), "--out", str(tmp_path / "run"), "--mlflow", str(tmp_path / "mlflow.db")]
    assert main([*words, "--epochs", "1", "--set", "test_files=2", "--set", "validation_from=6"]) == 1
    assert "pip install 'edge-dce[mlflow]'" in capsys.readouterr().err


# MLflow's own use of SQLAlchemy.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_run_that_is_continued_is_one_run_in_mlflow_too(lol: Path, tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow", reason="needs the extra mlflow")
    run, store = Run(tmp_path / "run"), tmp_path / "mlflow.db"

    fit(lol, TINY, run, verbose=0, mlflow=str(store))
    # Every epoch is done, so nothing is trained.
    fit(lol, TINY, run, verbose=0, mlflow=str(store))
    client = mlflow.MlflowClient(f"sqlite:///{store}")
    (experiment,) = (each for each in client.search_experiments() if each.name == "edge-dce")
    (found,) = client.search_runs([experiment.experiment_id])
    assert found.info.run_id == json.loads((run.folder / "mlflow.json").read_text())["run_id"]
    assert found.data.params["network"] == json.dumps(TINY.network)
    logged = client.get_metric_history(found.info.run_id, f"training/{TOTAL}")
    history = read_history(run.folder)
    assert [each.step for each in logged] == history.epochs


# As above.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_finished_run_stays_finished_in_mlflow(lol: Path, tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow", reason="needs the extra mlflow")
    run, store = Run(tmp_path / "run"), tmp_path / "mlflow.db"
    recipe = dataclasses.replace(TINY, epochs=1)
    for _ in range(2):
        fit(lol, recipe, run, verbose=0, mlflow=str(store))
        known = json.loads((run.folder / "mlflow.json").read_text())["run_id"]
        assert mlflow.MlflowClient(f"sqlite:///{store}").get_run(known).info.status == "FINISHED"


# As above.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_store_that_fails_in_an_epoch_costs_a_line_and_not_the_training(
    lol: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mlflow = pytest.importorskip("mlflow", reason="needs the extra mlflow")

    def fail(*_: object, **__: object) -> None:
        raise mlflow.exceptions.MlflowException("database is locked")

    monkeypatch.setattr(mlflow.MlflowClient, "log_metric", fail)
    monkeypatch.setattr(mlflow.MlflowClient, "set_terminated", fail)
    run, store = Run(tmp_path / "run"), tmp_path / "mlflow.db"
    fit(lol, dataclasses.replace(TINY, epochs=2), run, verbose=0, mlflow=str(store))
    assert run.count_epochs() == 2
    (line,) = (line for line in capsys.readouterr().err.splitlines() if "locked" in line)
    assert line == f"{store}: MLflow lacks losses of this run (database is locked)"


# As above.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("content", "message"), [("{", "found something else"), ('{"run_id": "a"}', "found none")])
def test_mlflow_json_that_names_no_run_is_one_error(content: str, message: str, lol: Path, tmp_path: Path) -> None:
    pytest.importorskip("mlflow", reason="needs the extra mlflow")
    run = Run(tmp_path / "run")
    run.folder.mkdir()
    (run.folder / "mlflow.json").write_text(content)
    with pytest.raises(RunError, match=rf"mlflow\.json: expected .*{message}.*delete it"):
        fit(lol, TINY, run, verbose=0, mlflow=str(tmp_path / "mlflow.db"))


def test_a_store_that_cannot_be_is_one_error(lol: Path, tmp_path: Path) -> None:
    pytest.importorskip("mlflow", reason="needs the extra mlflow")
    with pytest.raises(RunError, match="file or server"):
        fit(lol, TINY, Run(tmp_path / "run"), verbose=0, mlflow="nonsense://there")
