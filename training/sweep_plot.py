"""A sweep as one picture: how it went, and what each field had to do with it."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

_COLOR, _BEST_COLOR, _FRAME_COLOR = "#1f5fa8", "#f08a24", "#9aa4ae"
_PANEL_INCHES = (3.2, 2.6)


@dataclasses.dataclass(frozen=True)
class Trial:
    """A finished run: what it is judged by, and the values of the fields that were varied."""

    value: float
    settings: Mapping[str, Any]


def draw_sweep(
    trials: Sequence[Trial], metric: str, logarithmic: Sequence[str] = (), *, is_higher_better: bool = False
) -> bytes:
    """An SVG: the value by trial with the best so far, then the value over each field; the best is marked.

    Args:
        trials: one at least.
        metric: name of the value.
        logarithmic: the fields that are shown on such an axis.
    """
    # It takes a second to import.
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    choose = max if is_higher_better else min
    values = [trial.value for trial in trials]
    best = values.index(choose(values))
    fields = list(trials[0].settings)
    size = (_PANEL_INCHES[0] * (1 + len(fields)), _PANEL_INCHES[1])
    figure = Figure(figsize=size, layout=ConstrainedLayoutEngine())
    panels = figure.subplots(1, 1 + len(fields), sharey=True, squeeze=False).ravel()
    numbers = list(range(1, len(trials) + 1))
    panels[0].step(numbers, list(accumulate(values, choose)), where="post", color=_BEST_COLOR, label="best so far")
    panels[0].legend(frameon=False, fontsize=8)
    panels[0].xaxis.get_major_locator().set_params(integer=True)
    panels[0].set_ylabel(metric, fontsize=9)
    for panel, name in zip(panels, ["trial", *fields], strict=True):
        places = numbers if name == "trial" else [trial.settings[name] for trial in trials]
        panel.plot(places, values, "o", color=_COLOR, markersize=4)
        panel.plot([places[best]], [values[best]], "o", color=_BEST_COLOR, markersize=8)
        if name in logarithmic:
            panel.set_xscale("log")
        panel.set_xlabel(name, fontsize=9)
        panel.spines[["top", "right"]].set_visible(False)
        panel.tick_params(labelsize=8, color=_FRAME_COLOR)
    content = io.BytesIO()
    figure.savefig(content, format="svg", metadata={"Date": None})
    return content.getvalue()
