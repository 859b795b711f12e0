"""Intervals of means."""

import numpy as np
import pytest

from training.bootstrap import estimate_interval


def test_interval_is_that_of_a_normal_mean() -> None:
    figures = np.random.default_rng(1).normal(20, 3, 400)
    # The mean of 400 figures of deviation s lies within 1.96 s / 20; An end that
    # 2000 draws find is off by 0.03 of that (one sigma): sqrt(0.025 · 0.975 / 2000) by the density there; four of them.
    half = 1.96 * figures.std() / 20
    assert estimate_interval(list(figures)) == pytest.approx(
        (figures.mean() - half, figures.mean() + half), abs=0.12 * half
    )


def test_equal_figures_have_no_width() -> None:
    assert estimate_interval([7.0] * 9) == (7.0, 7.0)
