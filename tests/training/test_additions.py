"""A data kind, a network, a loss and a metric of one's own: the examples of docs/training.md, as they stand there."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from edge_dce.files.pictures import Picture, write_picture
from tests.documents import ROOT, read_blocks
from tests.training.lol_folder import write_lol
from training.cli import main
from training.datasets.kinds import KINDS
from training.evaluation import read_evaluation
from training.history import read_history
from training.losses import COMPARISONS, REFERENCE_FREE
from training.metrics.registry import METRICS
from training.network import NETWORKS
from training.run import Run, load_network

PAGE = ROOT / "docs" / "training.md"
TINY = ["--recipe", "report", "--epochs", "1", "--set", "resize_px=32", "--set", "network=zero-dce-pp"]


@contextlib.contextmanager
def add(registry: str) -> Iterator[None]:
    """Runs the example of the page that ends in an entry of this registry; afterwards there are the others alone."""
    blocks = [*read_blocks(PAGE, "py"), *read_blocks(PAGE, "python")]
    (example,) = (block for block in blocks if re.search(rf"^{registry}\[", block, re.MULTILINE))
    with contextlib.ExitStack() as stack:
        for each in (KINDS, NETWORKS, REFERENCE_FREE, COMPARISONS, METRICS):
            stack.enter_context(mock.patch.dict(each))
        exec(compile(example, PAGE.name, "exec"), {"__name__": "__main__"})
        yield


@pytest.fixture(scope="module")
def lol(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_lol(tmp_path_factory.mktemp("lol"))


def test_data_kind(tmp_path: Path) -> None:
    (tmp_path / "walk").mkdir()
    for number in range(10):
        # Scenes of their own: no two alike.
        image = np.kron(np.random.default_rng(number).integers(0, 90, (24, 24, 1)), np.ones((2, 2, 3), int))
        write_picture(Picture(image.astype(np.uint8)), tmp_path / "walk" / f"night-{number}.png")
    write_picture(Picture(np.zeros((48, 48, 3), np.uint8)), tmp_path / "walk" / "day.png")
    run = Run(tmp_path / "run")
    with add("KINDS"):
        assert main(["fit", "--data", f"nights:{tmp_path / 'walk'}", *TINY, "--out", str(run.folder)]) == 0
    # Of ten nights two are held out, and no day is among the others.
    assert '"train_files": 8' in (run.folder / "data.json").read_text()


def test_network(lol: Path, tmp_path: Path) -> None:
    with add("NETWORKS"):
        command = ["fit", "--data", str(lol), *TINY, "--set", "network=plain", "--out", str(tmp_path / "run")]
        assert main(command) == 0
        # Three kernels of 3x3x3, and three biases.
        assert load_network(Run(tmp_path / "run"))[0].count_params() == 84


def test_loss(lol: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["fit", "--data", str(lol), *TINY, "--set", "loss_weights.color_shift=20"]
    with add("REFERENCE_FREE"):
        assert main([*command, "--out", str(tmp_path / "run")]) == 0
        recipe = Run(tmp_path / "run").read_recipe()
    losses = {name: value for name, (value,) in read_history(tmp_path / "run").training.items()}
    assert losses["color_shift"] > 0
    total = sum(weight * losses[name] for name, weight in recipe.loss_weights.to_fields().items() if name in losses)
    # Six digits are recorded.
    assert losses["loss"] == pytest.approx(total, rel=1e-4)
    assert recipe.title.endswith("loss_weights.color_shift=20.0)")
    capsys.readouterr()
    assert main([*command, "--out", str(tmp_path / "other")]) == 1
    assert "there is no field 'loss_weights.color_shift' to set" in capsys.readouterr().err


def test_metric(lol: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", "--data", str(lol), *TINY, "--out", str(tmp_path / "run")]) == 0
    with add("METRICS"):
        assert main(["evaluate", str(tmp_path / "run"), "--data", str(lol), "--metrics", "black"]) == 0
        assert re.search(r"^black pixels, %  ", capsys.readouterr().out, re.MULTILINE)
        figures = read_evaluation(tmp_path / "run").list_figures(METRICS["black"])
    # The recipe keeps 30 pairs for tests, and of 44 none for validation.
    assert len(figures) == 30
    assert all(0 <= figure <= 100 for figure in figures.values())
