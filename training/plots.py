"""A run's history as one picture that is read at a glance."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.errors import EdgeDceError

from .history import FILE_NAME, TOTAL, History, read_history

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Blue and orange stay apart for the color-blind too, and in grey the orange is the lighter.
_TRAINING_COLOR, _VALIDATION_COLOR = "#1f5fa8", "#f08a24"
_COLUMNS = 3
_PANEL_INCHES = (3.4, 2.3)
_DPI = 100
# Above this ratio of largest to smallest value a linear axis would show the first epochs and nothing else.
_LOGARITHMIC_RATIO = 20


class PlotError(EdgeDceError):
    """A history cannot be drawn."""


def draw_history(folder: Path) -> bytes:
    """A PNG of a run's losses: one panel for the total and one for each loss, over epochs, training and validation.

    Reads `history.csv` alone, touches no state that others share and takes a fraction of a second, so it may be called
    after every epoch, from any thread.

    Raises:
        PlotError: there is no history yet, or matplotlib is not installed.
        HistoryError: it is damaged.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine
    except ImportError as error:
        raise PlotError(f"history.png needs matplotlib ({error}); run: pip install '.[train]'") from None
    history = read_history(folder)
    if not history.epochs or TOTAL not in history.training:
        raise PlotError(
            f"{folder}: no {FILE_NAME} here with at least one row and a column '{TOTAL}'; "
            "it is written after the first epoch of 'fit'"
        )
    names = sorted(history.training, key=lambda name: (name != TOTAL, name))
    rows = math.ceil(len(names) / _COLUMNS)
    # Not pyplot, whose figures live in a list of its own until someone closes them.
    # The strip above the panels is for the name and the legend.
    layout = ConstrainedLayoutEngine(rect=(0, 0, 1, 0.97))
    figure = Figure(figsize=(_COLUMNS * _PANEL_INCHES[0], rows * _PANEL_INCHES[1] + 0.5), layout=layout)
    panels = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
    for panel, name in zip(panels, names, strict=False):
        _draw_panel(panel, name, history)
    for panel in panels[len(names) :]:
        panel.set_axis_off()
    _draw_legend(figure, folder.resolve().name, has_validation=bool(history.validation))
    # Its methods have no types.
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    return _encode(np.asarray(canvas.buffer_rgba())[..., :3])


def _draw_panel(panel: Axes, name: str, history: History) -> None:
    style: dict[str, Any] = {"linewidth": 1.8 if name == TOTAL else 1.4, "solid_capstyle": "round"}
    if len(history.epochs) == 1:
        # A line needs two points.
        style["marker"] = "o"
    drawn = [*history.training[name], *history.validation.get(name, ())]
    panel.plot(history.epochs, history.training[name], color=_TRAINING_COLOR, zorder=3, **style)
    if name in history.validation:
        panel.plot(history.epochs, history.validation[name], color=_VALIDATION_COLOR, zorder=2, **style)
    finite = [value for value in drawn if math.isfinite(value)]
    if finite and min(finite) > 0 and max(finite) > _LOGARITHMIC_RATIO * min(finite):
        panel.set_yscale("log")
    title = "total loss" if name == TOTAL else name.replace("_", " ")
    panel.set_title(title, loc="left", pad=8, fontsize=10, fontweight="bold" if name == TOTAL else "normal")
    panel.spines[["top", "right"]].set_visible(False)
    panel.grid(axis="y", color="#e3e6ea", linewidth=0.8)
    panel.set_axisbelow(True)
    panel.tick_params(labelsize=8, color="#9aa4ae", labelcolor="#3c444c")
    locator: Any = panel.xaxis.get_major_locator()
    locator.set_params(integer=True)


def _draw_legend(figure: Figure, name: str, *, has_validation: bool) -> None:
    from matplotlib.lines import Line2D

    entries = [Line2D([], [], color=_TRAINING_COLOR, linewidth=2.5, label="training")]
    if has_validation:
        entries.append(Line2D([], [], color=_VALIDATION_COLOR, linewidth=2.5, label="validation"))
    title = figure.suptitle(f"{name}: losses by epoch", x=0.01, ha="left", fontsize=11)
    # A name may hold what matplotlib takes for mathematics.
    title.set_parse_math(False)
    figure.legend(handles=entries, loc="upper right", ncols=2, frameon=False, fontsize=9)


def _encode(image: npt.NDArray[np.uint8]) -> bytes:
    """(H, W, 3) uint8 RGB as PNG."""
    # Sixteen levels per color smooth the edges of lines and letters as well as 256, in less than half the bytes.
    coarse = (image & 0xF0) | (image >> 4)
    _, encoded = cv2.imencode(".png", cv2.cvtColor(coarse, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 9])
    return encoded.tobytes()
