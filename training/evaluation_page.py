"""An evaluation to look at: tables, and pictures from the worst on."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from edge_dce.reports.page import make_data_uri, render_page
from edge_dce.reports.table import Table

from .datasets.picture import DarkPicture
from .evaluation import METHODS, Evaluation, ImageRow
from .metrics.registry import METRICS, Metric
from .scoring import name_rows, read_sample
from .trained_network import TrainedNetwork

Uint8Array = npt.NDArray[np.uint8]

WORST = 3
# Four side by side fill a desktop window; a page of a dozen rows stays around a megabyte.
_WIDTH_PX = 400
_JPEG_QUALITY = 85
# Of columns, of which there are many.
_SHORT_LABELS = {"psnr_db": "dB"}


@dataclasses.dataclass(frozen=True)
class _Row:
    """One dark picture as the page shows it: what it is called, and URIs of images by what they show."""

    name: str
    part: str
    is_worst: bool
    scores: str
    images: Mapping[str, str | None]


def draw_page(
    evaluation: Evaluation,
    trained: TrainedNetwork,
    parts: Mapping[str, Sequence[DarkPicture]],
    *,
    metrics: Sequence[Metric] = (),
    pictures: int = 12,
) -> bytes:
    """The evaluation as one HTML file.

    Args:
        evaluation: of `trained` on `parts`.
        metrics: those that tables show; none are the usual ones.
        pictures: how many dark pictures to show: the three worst first, then others evenly from bad to good.
    """
    pictures_of = dict(zip(name_rows(parts), itertools.chain(*parts.values()), strict=True))
    chosen = choose_rows(evaluation.images, pictures)
    samples = [read_sample(pictures_of[row.part, row.name], trained.recipe.channels) for row in chosen]
    outputs = [trained.estimate([sample.low])[0] for sample in samples]
    drawings = trained.draw(outputs, [sample.low.shape[:2] for sample in samples])
    rows = []
    for number, (row, sample, output, drawing) in enumerate(
        zip(chosen, samples, outputs, drawings.images, strict=True)
    ):
        images = {
            "dark picture": sample.dark,
            "enhanced picture": trained.apply(sample.low, output)[..., :3],
            "normal-light picture": sample.truth,
            drawings.title: drawing,
        }
        uris = {name: None if image is None else _encode(image) for name, image in images.items()}
        is_worst = number < WORST and sample.truth is not None
        rows.append(_Row(row.name, row.part, is_worst, _describe_scores(row, evaluation.name), uris))
    usual = dict.fromkeys(metric for part in evaluation.parts for metric in evaluation.choose_metrics(part))
    return render_page(
        __package__,
        "evaluation_page.html",
        evaluation=evaluation,
        metrics=metrics,
        explained=metrics or usual,
        has_truth=any(row.normal_brightness is not None for row in evaluation.images),
        network_row=list(METHODS).index("network"),
        rows=rows,
        drawings=drawings,
        every_picture=_tabulate_pictures(evaluation, metrics),
    )


def choose_rows(rows: Sequence[ImageRow], count: int) -> list[ImageRow]:
    """The three of lowest PSNR, worst first, then others at even distances in the ranking, up to the best.

    Pictures without a truth have no PSNR and come after the others, the darkest first.
    """
    ranked = sorted(rows, key=_rank)
    worst, others = ranked[: min(WORST, count)], ranked[WORST:]
    wanted = min(count - len(worst), len(others))
    # From the far end, so that the best is always among them.
    places = [round((number + 1) * len(others) / wanted) - 1 for number in range(wanted)]
    return worst + [others[place] for place in places]


def _encode(image: Uint8Array) -> str:
    return make_data_uri(image, width_px=_WIDTH_PX, quality=_JPEG_QUALITY)


def _rank(row: ImageRow) -> tuple[bool, float]:
    score = row.scores["network"]
    psnr = METRICS["psnr"].field
    return psnr not in score, score.get(psnr, score[METRICS["brightness"].field])


def _describe_scores(row: ImageRow, name: str) -> str:
    psnr, ssim = METRICS["psnr"], METRICS["ssim"]
    score = row.scores["network"]
    if psnr.field not in score:
        known = (metric for metric in METRICS.values() if metric.field in score)
        return "; ".join(f"{metric.label}: {metric.format(score)}" for metric in known)
    *others, network = (f"{label or name} {psnr.format(row.scores[method])} dB" for method, label in METHODS.items())
    return f"{network}, SSIM {ssim.format(score)} ({', '.join(others)})"


def _tabulate_pictures(evaluation: Evaluation, metrics: Sequence[Metric]) -> Table:
    brightness = METRICS["brightness"]
    has_truth = any(row.normal_brightness is not None for row in evaluation.images)
    shown = metrics or [METRICS[name] for name in (("psnr", "ssim") if has_truth else ("loe", "clipped"))]
    labels = [_SHORT_LABELS.get(metric.field, metric.label) for metric in shown]
    header = [
        "picture",
        "part",
        *(f"{method or evaluation.name}, {label}" for method in METHODS.values() for label in labels),
    ]
    rows = []
    for row in evaluation.images:
        figures = [metric.format(row.scores[method]) for method in METHODS for metric in shown]
        rows.append((row.name, row.part, *figures, brightness.format(row.scores["network"])))
    return Table((*header, f"{evaluation.name}, {brightness.label}"), rows)
