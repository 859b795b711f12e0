"""history.png: small, and drawn from whatever a run has written so far."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from training.history import HistoryError
from training.plots import PlotError, draw_history

LOSSES = ("color_constancy", "exposure", "illumination_smoothness", "loss", "spatial_consistency")


def write_history(folder: Path, epochs: int, *, validation: bool = True) -> Path:
    random = np.random.default_rng(1)
    names = [*LOSSES, *(f"val_{name}" for name in LOSSES if validation)]
    rows = [
        ",".join([str(epoch), *(f"{value / epoch:.6g}" for value in random.uniform(0.5, 1, len(names)))])
        for epoch in range(1, epochs + 1)
    ]
    (folder / "history.csv").write_text("\n".join([",".join(["epoch", *names]), *rows]) + "\n")
    return folder


def decode(png: bytes) -> np.ndarray:
    assert png.startswith(b"\x89PNG")
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)


def count_orange(image: np.ndarray) -> int:
    blue, _, red = (image[..., channel].astype(int) for channel in range(3))
    return int(np.count_nonzero(red - blue > 150))


def test_history_of_many_epochs_is_a_picture_of_less_than_100_kb(tmp_path: Path) -> None:
    png = draw_history(write_history(tmp_path, 300))
    assert len(png) < 100_000
    height, width = decode(png).shape[:2]
    assert width > 900
    assert height > 450


def test_same_history_gives_same_bytes(tmp_path: Path) -> None:
    folder = write_history(tmp_path, 5)
    assert draw_history(folder) == draw_history(folder)


def test_validation_is_drawn_where_there_is_one(tmp_path: Path) -> None:
    # Orange is the validation's alone: lines and legend.
    assert count_orange(decode(draw_history(write_history(tmp_path, 9)))) > 200
    assert count_orange(decode(draw_history(write_history(tmp_path, 9, validation=False)))) == 0


def test_one_epoch_is_seen_as_a_dot(tmp_path: Path) -> None:
    one = count_orange(decode(draw_history(write_history(tmp_path, 1))))
    # The legend's line alone is about 30 x 3 pixels; five panels add a dot of about 6 x 6 each.
    assert one > 150


def test_losses_that_became_nan_do_not_stop_the_drawing(tmp_path: Path) -> None:
    path = write_history(tmp_path, 3) / "history.csv"
    path.write_text(path.read_text() + ",".join(["4", *["nan"] * 10]) + "\n")
    decode(draw_history(tmp_path))


def test_name_of_a_run_is_no_mathematics(tmp_path: Path) -> None:
    folder = tmp_path / "$\\broken"
    folder.mkdir()
    decode(draw_history(write_history(folder, 2)))


def test_run_without_or_with_damaged_history_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PlotError, match=r"no history\.csv here"):
        draw_history(tmp_path)
    path = write_history(tmp_path, 2) / "history.csv"
    path.write_text(path.read_text() + "3,0.1\n")
    with pytest.raises(HistoryError, match="one row of numbers per epoch"):
        draw_history(tmp_path)
    path.write_text("epoch,loss\n")
    with pytest.raises(PlotError, match="at least one row"):
        draw_history(tmp_path)
