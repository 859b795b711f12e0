"""How sure a mean over pictures is: intervals by bootstrap, so that "better" means something. Needs no Keras."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# Of fewer pictures an interval says nothing.
FEWEST = 5
_ROUNDS = 2000
_SEED = 2001
_PERCENTILES = (2.5, 97.5)


def estimate_interval(figures: Sequence[float]) -> tuple[float, float]:
    """Where the mean of such pictures lies in 95 of 100 cases: percentiles of the means of 2000 draws with replacement.

    Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 1979. The draws are always
    the same, and so are intervals. Pictures of one scene are no independent evidence, so it is rather too narrow.
    """
    samples = np.asarray(figures, np.float64)
    draws = np.random.default_rng(_SEED).integers(len(samples), size=(_ROUNDS, len(samples)))
    low, high = np.percentile(samples[draws].mean(axis=1), _PERCENTILES)
    return float(low), float(high)
