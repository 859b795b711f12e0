from pathlib import Path

import pytest

from training.history import History, HistoryError, read_history, record_epoch


def test_run_without_a_finished_epoch_has_an_empty_history(tmp_path: Path) -> None:
    assert read_history(tmp_path) == History([], {}, {})


def test_validation_goes_by_the_names_of_training(tmp_path: Path) -> None:
    for epoch in (1, 2):
        record_epoch(tmp_path, epoch, {"loss": 1 / epoch, "exposure": 0.5, "val_loss": 2 / epoch})
    expected = History([1, 2], {"loss": [1, 0.5], "exposure": [0.5, 0.5]}, {"loss": [2, 1]})
    assert read_history(tmp_path) == expected
    assert (tmp_path / "history.csv").read_text().splitlines()[0] == "epoch,loss,exposure,val_loss"


def test_repeated_epoch_replaces_its_row_and_those_after_it(tmp_path: Path) -> None:
    for epoch, loss in ((1, 0.9), (2, 0.8), (3, 0.7), (2, 0.6)):
        record_epoch(tmp_path, epoch, {"loss": loss})
    assert read_history(tmp_path) == History([1, 2], {"loss": [0.9, 0.6]}, {})


@pytest.mark.parametrize("text", ["epoch,loss\n1,0.5\n2\n", "loss\n0.5\n", "epoch,loss\n1,much\n", "epoch\n1,2\n"])
def test_damaged_history_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "history.csv").write_text(text)
    with pytest.raises(HistoryError, match=r"history\.csv: expected one row of numbers per epoch"):
        read_history(tmp_path)


def test_history_that_cannot_be_continued_is_named(tmp_path: Path) -> None:
    record_epoch(tmp_path, 1, {"loss": 1.0, "val_loss": 1.0})
    with pytest.raises(HistoryError, match="one row of numbers per epoch"):
        record_epoch(tmp_path, 2, {"loss": 0.5})
