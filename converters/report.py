"""What a conversion came to, as one HTML file for people and one JSON file for programs."""

from __future__ import annotations

import base64
import dataclasses
import html
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.files.output import write_file
from edge_dce.files.pictures import Picture, encode_picture
from edge_dce.machine import describe_machine
from edge_dce.models.card import Calibration
from edge_dce.reports.page import make_page
from edge_dce.reports.table import EMPTY, Table

from .publication import Order, Publication
from .source import SourceNetwork
from .verification import Reference, enhance_both

Uint8Array = npt.NDArray[np.uint8]

SCHEMA = 1
_SIDE_PX = 420
_AMPLIFICATION = 8


def write_report(publications: Sequence[Publication], order: Order, source: SourceNetwork, folder: Path) -> Path:
    """Write report.html and report.json beside the files; the path of the HTML file."""
    record = _make_record(publications, order, source)
    write_file(folder / "report.json", (json.dumps(record, indent=1, allow_nan=False) + "\n").encode(), overwrite=True)
    path = folder / "report.html"
    write_file(path, _make_page(publications, source), overwrite=True)
    return path


def _make_record(publications: Sequence[Publication], order: Order, source: SourceNetwork) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "network": source.name,
        "source": dataclasses.asdict(source.origin),
        "machine": describe_machine(),
        "seed": order.seed,
        "files": [_record_file(publication) for publication in publications],
    }


def _record_file(publication: Publication) -> dict[str, Any]:
    card = publication.card
    return {
        "file": publication.path.name,
        "published": not publication.reasons,
        "reasons": publication.reasons,
        "size_bytes": publication.path.stat().st_size,
        "latency_ms": publication.judgement.verification.latency_ms,
        "card": dataclasses.asdict(card),
        "attempts": [
            {
                "how": attempt.draft.how,
                "precision": attempt.draft.precision,
                "fidelity": dataclasses.asdict(attempt.verification.fidelity),
                "reasons": attempt.reasons,
            }
            for attempt in publication.attempts
        ],
        "operators": [dataclasses.asdict(error) for error in publication.operators],
        "pictures": [
            {"file": comparison.picture.path.name, "psnr_db": comparison.psnr_db, "max_abs": comparison.max_abs}
            for comparison in publication.judgement.verification.comparisons
        ],
        "calibration_pictures": publication.manifest,
        "notes": publication.notes,
    }


def _make_page(publications: Sequence[Publication], source: SourceNetwork) -> bytes:
    origin, first = source.origin, publications[0]
    passed = sum(not publication.reasons for publication in publications)
    fidelity = first.judgement.verification.fidelity
    parts = [
        f"<h1>{html.escape(source.name)}: {passed} of {len(publications)} files published</h1>",
        f'<p class="soft">Recipe {html.escape(origin.recipe)}, {origin.epochs} epochs on {html.escape(origin.data)}. '
        f"Every file was run on {fidelity.images} held-out pictures with {html.escape(first.card.runtimes[-1])}.</p>",
        _show_files(publications),
        *(_show_rejection(publication) for publication in publications if publication.reasons),
        *(_show_attempts(publication) for publication in publications if len(publication.attempts) > 1),
        _show_worst(publications, source),
        _show_calibration(publications),
        *(_show_operators(publication) for publication in publications if publication.operators),
    ]
    return make_page(f"{source.name}: conversion", "\n".join(part for part in parts if part))


def _show_files(publications: Sequence[Publication]) -> str:
    header = ("file", "kB", "ms", "operators", "mean dB", "worst dB", "largest", "color", "banding", "lost dB")
    rows = []
    for publication in publications:
        verification = publication.judgement.verification
        fidelity = verification.fidelity
        rows.append(
            (
                publication.path.stem + (" (rejected)" if publication.reasons else ""),
                f"{publication.path.stat().st_size / 1000:.0f}",
                f"{verification.latency_ms:.1f}",
                str(sum(publication.card.census.op.values())),
                f"{fidelity.psnr_db:.1f}",
                f"{fidelity.worst_psnr_db:.1f}",
                str(fidelity.max_abs),
                _format(fidelity.color_shift, "{:.2f}"),
                _format(fidelity.banding, "{:.0%}"),
                _format(fidelity.drop_db, "{:+.3f}"),
            )
        )
    return (
        f'<h2>Files</h2><div class="wide">{Table(header, rows).to_html()}</div>'
        '<p class="soft">ms: median of the network alone on this machine. dB: enhanced pictures against '
        f"{html.escape(publications[0].judgement.verification.fidelity.against)}; largest: difference of a sample in "
        "levels of 255; color: largest mean shift of a channel of a picture, in levels; banding: tonal levels of "
        "smooth gradients that are lost; lost: PSNR against ground truth.</p>"
    )


def _show_rejection(publication: Publication) -> str:
    reasons = "; ".join(html.escape(reason) for reason in publication.reasons)
    return f'<p class="warning"><b>{html.escape(publication.path.stem)}</b> is rejected: {reasons}.</p>'


def _show_attempts(publication: Publication) -> str:
    rows = [
        (
            attempt.draft.how,
            attempt.draft.precision,
            f"{attempt.verification.fidelity.psnr_db:.1f}",
            f"{attempt.verification.fidelity.worst_psnr_db:.1f}",
            "passes" if attempt.passes else "missed",
        )
        for attempt in publication.attempts
    ]
    table = Table(("tried", "precision", "mean dB", "worst dB", "gate"), rows)
    strong = next((number for number, attempt in enumerate(publication.attempts) if attempt.passes), None)
    return (
        f"<h2>How {html.escape(publication.path.stem)} was found</h2>"
        f'<div class="wide">{table.to_html(strong=strong)}</div>'
    )


def _show_worst(publications: Sequence[Publication], source: SourceNetwork) -> str:
    """The worst picture of the file that differs most: what all the figures come to at worst."""
    publication = min(publications, key=lambda item: item.judgement.verification.fidelity.worst_psnr_db)
    subject = publication.judgement.draft.subject
    verification = publication.judgement.verification
    worst = verification.worst
    reference = Reference(source, subject.width, subject.height)
    expected, found = enhance_both(publication.judgement.draft.file, reference, worst.picture)
    difference = np.abs(expected.astype(np.int16) - found.astype(np.int16)) * _AMPLIFICATION
    shown = (
        ("Keras network", expected),
        (publication.card.precision, found),
        (f"difference x{_AMPLIFICATION}", np.minimum(difference, 255).astype(np.uint8)),
    )
    figures = "".join(
        f'<figure><img src="{_embed(image)}" alt="{html.escape(label)}">'
        f"<figcaption>{html.escape(label)}</figcaption></figure>"
        for label, image in shown
    )
    return (
        f"<h2>Worst picture</h2><p>{html.escape(worst.picture.path.name)} by "
        f"{html.escape(publication.path.stem)}: {verification.fidelity.worst_psnr_db:.1f} dB, "
        f"largest difference {worst.max_abs} of 255.</p>"
        f'<div class="pictures three">{figures}</div>'
    )


def _show_calibration(publications: Sequence[Publication]) -> str:
    publication = next((item for item in publications if item.card.calibration), None)
    if publication is None or publication.card.calibration is None:
        return ""
    record: Calibration = publication.card.calibration
    most = max(record.brightness_histogram)
    bars = "".join(
        f'<tr><td>{number * 16}–{number * 16 + 15}</td><td>{count}</td><td class="bars">'
        f'<span class="fill" style="width:{100 * count / most:.0f}%"></span></td></tr>'
        for number, count in enumerate(record.brightness_histogram)
    )
    notes = "".join(f'<p class="warning">{html.escape(note)}</p>' for note in publication.notes)
    facts = (
        f"{record.files} pictures chosen by seed {record.seed}; {record.duplicates} copies and {record.skipped} "
        f"unreadable files left out; {record.dark_share or 0:.0%} dark; "
        f"{'with' if record.has_highlight else 'without'} highlights; activation ranges of two halves differ by "
        f"{record.instability or 0:.0%} at most. Ranges: {html.escape(record.ranges)}."
    )
    return (
        f"<h2>Calibration</h2><p>{facts}</p>{notes}<table><thead><tr><th>mean brightness</th><th>pictures</th>"
        f"<th></th></tr></thead><tbody>{bars}</tbody></table>"
    )


def _show_operators(publication: Publication) -> str:
    rows = [
        (
            f"{error.layer} · {error.operator.lower()}",
            f"{error.sqnr_db:.1f}",
            f"{1000 * error.added:.2f}",
            f"{error.max_abs:.3g}",
            f"{error.span:.3g}",
        )
        for error in publication.operators
    ]
    worst = max(range(len(rows)), key=lambda number: publication.operators[number].added)
    table = Table(("layer · operator", "SQNR dB", "adds ‰", "largest", "range"), rows)
    # What was tried first is integer throughout.
    draft = publication.attempts[0].draft
    return (
        f"<details><summary>Operators of {html.escape(draft.name)}, {draft.precision} against float32</summary>"
        '<p class="soft">SQNR: power of the signal over power of its error, all that has gathered so far; adds: error '
        "that this operator adds to that of its worst input, in thousandths of the signal's power; largest: difference "
        f'in the tensor\'s own unit; range: what the float tensor spans.</p><div class="wide">'
        f"{table.to_html(strong=worst)}</div></details>"
    )


def _embed(image: Uint8Array) -> str:
    height, width = image.shape[:2]
    share = min(1.0, _SIDE_PX / max(height, width))
    small = cv2.resize(image, (round(width * share), round(height * share)), interpolation=cv2.INTER_AREA)
    data = encode_picture(Picture(np.asarray(small, np.uint8)), ".jpg")
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"


def _format(value: float | None, form: str) -> str:
    return EMPTY if value is None else form.format(value)
