"""How charts look: SVG drawn by matplotlib that follows the colors of the page it is in."""

from __future__ import annotations

import dataclasses
import html
import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Stands for the page's text color until the SVG is done.
INK = "#010203"
# Okabe and Ito's palette, which color-blind people tell apart.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
# Drawn for the width of a phone; a larger screen enlarges it.
_WIDTH_IN = 4.4
# On an axis from a value to so many times it there is no room for figures at 2 and 5.
_CROWDED = 600
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["system-ui", "DejaVu Sans"],
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "grid.alpha": 0.18,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
    "grid.color": INK,
}


@dataclasses.dataclass(frozen=True)
class Chart:
    """One drawing: `name` for files, `title` says what it shows, `note` how to read it; `svg` is one <svg> element."""

    name: str
    title: str
    note: str
    svg: str


def make_chart(name: str, title: str, note: str, draw: Callable[[Axes], None], *, height_in: float) -> Chart:
    """One chart with a grid, `height_in` inches high; `draw` draws it."""
    with mpl.rc_context(_STYLE | {"svg.hashsalt": name}):
        figure = Figure(figsize=(_WIDTH_IN, height_in), layout="constrained")
        axes = figure.add_subplot()
        axes.grid(visible=True)
        axes.set_axisbelow(True)
        draw(axes)
        stream = io.StringIO()
        # Without a date the same results give the same file.
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    return Chart(name, title, note, _adapt(stream.getvalue(), name, title))


def _adapt(svg: str, name: str, title: str) -> str:
    """Make matplotlib's document one element of a page: as wide as its place, in its colors, with ids of its own."""
    element = svg[svg.index("<svg") :]
    element = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", element, count=1)
    element = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", element, count=1)
    element = re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    element = re.sub(r'\bid="', f'id="{name}-', element)
    element = re.sub(r'(url\(#|href="#)', rf"\1{name}-", element)
    label = html.escape(title, quote=True)
    return element.replace(INK, "currentColor").replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)


def set_time_axis(axes: Axes, label: str, *, axis: str = "x") -> None:
    """A logarithmic axis of milliseconds with figures that people read, at 1, 2 and 5."""
    set_scale, set_label, ticks = (
        (axes.set_xscale, axes.set_xlabel, axes.xaxis)
        if axis == "x"
        else (axes.set_yscale, axes.set_ylabel, axes.yaxis)
    )
    set_scale("log")
    set_label(label)
    low, high = ticks.get_view_interval()
    ticks.set_major_locator(LogLocator(subs=(1, 2, 5) if high < _CROWDED * low else (1,)))
    ticks.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ticks.set_minor_formatter(NullFormatter())
