from pathlib import Path

import numpy as np
import pytest

from edge_dce.pixels.metrics import psnr
from tests.training.lol_folder import write_lol
from training.cli import main
from training.datasets.kinds import find_lol
from training.wraparound import compute_wrapped_psnr, tabulate_wraparound


def make_noise(seed: int, high: int = 256) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, high, (256, 256, 3)).astype(np.uint8)


def test_a_difference_of_190_counts_as_2() -> None:
    dark, bright = np.full((4, 4, 3), 10, np.uint8), np.full((4, 4, 3), 200, np.uint8)
    # 190² = 36100 = 141 · 256 + 4, whichever of the two is subtracted.
    for one, other in ((dark, bright), (bright, dark)):
        assert compute_wrapped_psnr(one, other) == pytest.approx(10 * np.log10(255**2 / 4), abs=1e-9)


def test_wrapped_psnr_is_right_up_to_15_levels_and_27_9_db_for_anything_unrelated() -> None:
    near, noise = make_noise(1, 16), make_noise(2)
    assert compute_wrapped_psnr(near, np.zeros_like(near)) == pytest.approx(psnr(near, np.zeros_like(near)), abs=1e-9)
    # k² modulo 256 has mean 105.5 and deviation 86 over all bytes; over 196,608 samples its mean strays by 0.2, which
    # is 0.008 dB (one sigma).
    assert compute_wrapped_psnr(make_noise(3), noise) == pytest.approx(27.90, abs=0.05)


def test_table_tells_black_from_the_normal_picture_in_float64_only(tmp_path: Path) -> None:
    table = tabulate_wraparound(find_lol(str(write_lol(tmp_path, 3)), tmp_path))
    assert [row[0] for row in table.rows] == ["dark input", "CLAHE", "gamma 0.4", "all black", "random bytes"]
    wrapped, true = (np.array([float(row[column]) for row in table.rows]) for column in (1, 3))
    # 3 pictures of 1,440 samples: the mean of k² modulo 256 strays by 86/√4320 = 1.3, which is 0.05 dB (one sigma).
    np.testing.assert_allclose(wrapped, 27.9, atol=0.4)
    assert np.ptp(true) > 1


def test_command_takes_the_reports_30_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["psnr-wraparound", "--data", str(write_lol(tmp_path, 32))]) == 0
    assert capsys.readouterr().out.startswith("30 pairs")
