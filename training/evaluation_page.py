"""An evaluation to look at: tables, and pictures from the worst on."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.reports.page import make_page
from edge_dce.reports.table import Table

from .dataset import Pair
from .evaluation import METHODS, Evaluation, ImageRow
from .scoring import read_pair
from .trained import Trained

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

WORST = 3
# Four side by side fill a desktop window; a page of a dozen rows stays around a megabyte.
_WIDTH_PX = 400
_JPEG_QUALITY = 85
# Dark to bright in even steps of lightness, also for the color-blind.
_COLORS = cv2.COLORMAP_VIRIDIS


def draw_page(
    evaluation: Evaluation, trained: Trained, parts: Mapping[str, Sequence[Pair]], *, pictures: int = 12
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
    body = [_draw_head(evaluation), _draw_tables(evaluation)]
    if chosen:
        body.append(_draw_legend(low_end, high_end))
    for number, (row, (low, normal), each, strength) in enumerate(zip(chosen, read, curves, strengths, strict=True)):
        images = (low, trained.apply(low, each), normal, draw_strength(strength, low_end, high_end, low.shape[:2]))
        body.append(_draw_figure(row, images, evaluation.name, is_worst=number < WORST))
    body.append(_draw_all_figures(evaluation))
    return make_page(f"Evaluation of {evaluation.name}", "\n".join(body))


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


def _draw_head(evaluation: Evaluation) -> str:
    recipe = evaluation.recipe
    facts = f"Recipe {recipe.name}, network {recipe.network}, {evaluation.parameters:,} parameters, "
    facts += f"{evaluation.epochs} epoch{'' if evaluation.epochs == 1 else 's'}."
    warnings = "".join(f'<p class="warning">{html.escape(warning)}</p>' for warning in evaluation.warnings)
    return f'<h1>{html.escape(evaluation.name)}</h1>\n<p class="soft">{html.escape(facts)}</p>{warnings}'


def _draw_tables(evaluation: Evaluation) -> str:
    strong = list(METHODS).index("network")
    tables = "\n".join(f"<div>{evaluation.tabulate(part).to_html(strong=strong)}</div>" for part in evaluation.parts)
    return f"""<h2>Means</h2>
<div class="tables">
{tables}
</div>
<p class="soft">Pictures at their native size against the ground truth as it is, never resized or aligned. PSNR in
float64, peak 255. Brightness is the mean of all samples, from 0 to 1. Gamma and CLAHE need no network: a network that
scores less is of no use.</p>"""


def _draw_legend(low: float, high: float) -> str:
    stops = _color(np.linspace(0, 255, 9).astype(np.uint8).reshape(1, -1))[0]
    gradient = ", ".join(f"rgb({red} {green} {blue})" for red, green, blue in stops)
    names = "".join(f"<span>{name}</span>" for name in ("dark", "enhanced", "normal light", "curve map"))
    return f"""<h2>Pictures, the worst first</h2>
<p class="soft">Curve maps show how strongly a step brightens each place, &minus;a averaged over maps and colors, on one
scale for all: {low:.2f}<span class="bar" style="background: linear-gradient(90deg, {gradient})"></span>{high:.2f}</p>
<div class="pictures columns">{names}</div>"""


def _draw_figure(row: ImageRow, images: Sequence[Uint8Array], name: str, *, is_worst: bool) -> str:
    scores = [f"{label or name} {row.scores[method].psnr_db:.2f} dB" for method, label in METHODS.items()]
    ssim = row.scores["network"].ssim
    caption = (
        f"<b>{html.escape(row.name)}</b> {html.escape(row.part)}{', among the worst' if is_worst else ''} &middot; "
    )
    caption += html.escape(f"{scores[-1]}, SSIM {ssim:.3f} ({', '.join(scores[:-1])})")
    drawn = "".join(f'<img alt="{alt}" src="{_encode(image)}">' for image, alt in zip(images, _ALTS, strict=True))
    return f'<figure><figcaption>{caption}</figcaption><div class="pictures">{drawn}</div></figure>'


_ALTS = ("dark picture", "enhanced picture", "normal-light picture", "curve map")


def _draw_all_figures(evaluation: Evaluation) -> str:
    header = ["picture", "part"]
    header += [f"{label or evaluation.name}, {figure}" for label in METHODS.values() for figure in ("dB", "SSIM")]
    rows = []
    for row in evaluation.images:
        figures = [cell for method in METHODS for cell in row.scores[method].to_cells()[:2]]
        rows.append((row.name, row.part, *figures, f"{row.scores['network'].brightness:.3f}"))
    table = Table((*header, f"{evaluation.name}, brightness"), rows)
    return f'<details><summary>Every picture</summary><div class="wide">{table.to_html()}</div></details>'


def _encode(image: Uint8Array) -> str:
    """A picture as a JPEG data URI, at most 400 pixels wide."""
    height, width = image.shape[:2]
    if width > _WIDTH_PX:
        size = (_WIDTH_PX, max(1, round(height * _WIDTH_PX / width)))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    return f"data:image/jpeg;base64,{base64.b64encode(encoded.tobytes()).decode()}"
