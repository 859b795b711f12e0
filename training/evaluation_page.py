"""An evaluation to look at: tables, and pictures from the worst on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from edge_dce.reports.page import make_data_uri, render_page
from edge_dce.reports.table import Table

from .datasets.picture import Pair
from .evaluation import METHODS, Evaluation, ImageRow
from .scoring import read_pair
from .trained_network import TrainedNetwork

Uint8Array = npt.NDArray[np.uint8]

WORST = 3
# Four side by side fill a desktop window; a page of a dozen rows stays around a megabyte.
_WIDTH_PX = 400
_JPEG_QUALITY = 85


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
    outputs = [trained.estimate([low])[0] for low, _ in read]
    drawings = trained.draw(outputs, [low.shape[:2] for low, _ in read])
    rows = []
    for number, (row, (low, normal), output, drawing) in enumerate(
        zip(chosen, read, outputs, drawings.images, strict=True)
    ):
        images = {
            "dark picture": low,
            "enhanced picture": trained.apply(low, output),
            "normal-light picture": normal,
            drawings.title: drawing,
        }
        uris = {name: make_data_uri(image, width_px=_WIDTH_PX, quality=_JPEG_QUALITY) for name, image in images.items()}
        rows.append(_Row(row.name, row.part, number < WORST, _describe_scores(row, evaluation.name), uris))
    return render_page(
        __package__,
        "evaluation_page.html",
        evaluation=evaluation,
        network_row=list(METHODS).index("network"),
        rows=rows,
        drawings=drawings,
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
