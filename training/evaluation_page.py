"""An evaluation to look at: tables, and pictures from the worst on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.reports.page import make_data_uri, render_page
from edge_dce.reports.table import Table

from .dataset import Pair
from .evaluation import METHODS, Evaluation, ImageRow
from .scoring import read_pair
from .trained_network import TrainedNetwork

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

WORST = 3
# Four side by side fill a desktop window; a page of a dozen rows stays around a megabyte.
_WIDTH_PX = 400
_JPEG_QUALITY = 85
# Dark to bright in even steps of lightness, also for the color-blind.
_COLORS = cv2.COLORMAP_VIRIDIS


@dataclasses.dataclass(frozen=True)
class _Row:
    """One dark picture as the page shows it: what it is called, and URIs of images by what they show."""

    name: str
    part: str
    is_worst: bool
    scores: str
    images: Mapping[str, str]


def draw_page(
    evaluation: Evaluation, trained: TrainedNetwork, parts: Mapping[str, Sequence[Pair]], *, pictures: int = 12
) -> bytes:
    """The evaluation as one HTML file.

    Args:
        evaluation: of `trained` on `parts`.
        pictures: how many dark pictures to show: the three worst first, then others evenly from bad to good.
    """
    pairs = {(part, pair.low.name): pair for part, several in parts.items() for pair in several}
    chosen = choose_rows(evaluation.images, pictures)
    read = [read_pair(pairs[row.part, row.name]) for row in chosen]
    curves = [trained.estimate_curves([low])[0] for low, _ in read]
    strengths = [measure_strength(each) for each in curves]
    low_end = min((float(strength.min()) for strength in strengths), default=0.0)
    high_end = max((float(strength.max()) for strength in strengths), default=0.0)
    rows = []
    for number, (row, (low, normal), each, strength) in enumerate(zip(chosen, read, curves, strengths, strict=True)):
        images = {
            "dark picture": low,
            "enhanced picture": trained.apply(low, each),
            "normal-light picture": normal,
            "curve map": draw_strength(strength, low_end, high_end, low.shape[:2]),
        }
        uris = {name: make_data_uri(image, width_px=_WIDTH_PX, quality=_JPEG_QUALITY) for name, image in images.items()}
        rows.append(_Row(row.name, row.part, number < WORST, _describe_scores(row, evaluation.name), uris))
    return render_page(
        __package__,
        "evaluation_page.html",
        evaluation=evaluation,
        network_row=list(METHODS).index("network"),
        rows=rows,
        strengths=(low_end, high_end),
        gradient=_list_colors(),
        every_picture=_tabulate_pictures(evaluation),
    )


def choose_rows(rows: Sequence[ImageRow], count: int) -> list[ImageRow]:
    """The three of lowest PSNR, worst first, then others at even distances in the ranking, up to the best."""
    ranked = sorted(rows, key=lambda row: row.scores["network"].psnr_db)
    worst, others = ranked[: min(WORST, count)], ranked[WORST:]
    wanted = min(count - len(worst), len(others))
    # From the far end, so that the best is always among them.
    places = [round((number + 1) * len(others) / wanted) - 1 for number in range(wanted)]
    return worst + [others[place] for place in places]


def measure_strength(curves: FloatArray) -> FloatArray:
    """How strongly each place is brightened per step: the mean of −a over maps and colors, (h, w) in [-1, 1]."""
    strength: FloatArray = -curves.mean(axis=2)
    return strength


def draw_strength(strength: FloatArray, low: float, high: float, size: tuple[int, int]) -> Uint8Array:
    """A map as (height, width, 3) uint8 RGB of `size`: `low` is the color map's dark end, `high` its bright end."""
    levels = np.clip((strength - low) / max(high - low, 1e-6) * 255, 0, 255).astype(np.uint8)
    # Nearest, so that the map is seen at the resolution it has.
    resized = cv2.resize(levels, size[::-1], interpolation=cv2.INTER_NEAREST)
    return _color(resized.astype(np.uint8, copy=False))


def _color(levels: Uint8Array) -> Uint8Array:
    colored: Uint8Array = cv2.cvtColor(cv2.applyColorMap(levels, _COLORS), cv2.COLOR_BGR2RGB).astype(np.uint8)
    return colored


def _list_colors() -> str:
    """The color map from its dark to its bright end, as CSS names colors."""
    stops = _color(np.linspace(0, 255, 9).astype(np.uint8).reshape(1, -1))[0]
    return ", ".join(f"rgb({red} {green} {blue})" for red, green, blue in stops)


def _describe_scores(row: ImageRow, name: str) -> str:
    *others, network = (f"{label or name} {row.scores[method].psnr_db:.2f} dB" for method, label in METHODS.items())
    return f"{network}, SSIM {row.scores['network'].ssim:.3f} ({', '.join(others)})"


def _tabulate_pictures(evaluation: Evaluation) -> Table:
    header = ["picture", "part"]
    header += [f"{label or evaluation.name}, {figure}" for label in METHODS.values() for figure in ("dB", "SSIM")]
    rows = []
    for row in evaluation.images:
        figures = [cell for method in METHODS for cell in row.scores[method].to_cells()[:2]]
        rows.append((row.name, row.part, *figures, f"{row.scores['network'].brightness:.3f}"))
    return Table((*header, f"{evaluation.name}, brightness"), rows)
