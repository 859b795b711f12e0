"""What a conversion came to, as one HTML file for people and one JSON file for programs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edge_dce.files.output import write_file
from edge_dce.machine import describe_machine
from edge_dce.reports.page import make_data_uri, render_page
from edge_dce.reports.table import EMPTY, Table

from .publication import Order, Publication
from .source import SourceNetwork
from .translation import Translation
from .verification import Reference, Verification, enhance_both

SCHEMA = 1
_WIDTH_PX = 420
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
        "latency_ms": publication.judgement.verification.latency.p50_ms,
        "card": dataclasses.asdict(card),
        "onnx": publication.translation and _record_translation(publication.translation),
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


def _record_translation(translation: Translation) -> dict[str, Any]:
    return {
        "file": translation.path.name,
        "published": not translation.reasons,
        "reasons": translation.reasons,
        "size_bytes": translation.path.stat().st_size,
        "runtimes": {
            runtime: {"latency_ms": each.latency.p50_ms, "fidelity": dataclasses.asdict(each.fidelity)}
            for runtime, each in translation.verifications.items()
        },
    }


def _make_page(publications: Sequence[Publication], source: SourceNetwork) -> bytes:
    first = publications[0]
    return render_page(
        __package__,
        "report.html",
        source=source,
        publications=publications,
        passed=sum(not publication.reasons for publication in publications),
        fidelity=first.judgement.verification.fidelity,
        runtime=first.card.runtimes[-1],
        files=_tabulate_files(publications),
        searches=[_tabulate_attempts(publication) for publication in publications if len(publication.attempts) > 1],
        worst=_find_worst(publications, source),
        calibrated=next((publication for publication in publications if publication.card.calibration), None),
        operators=[_tabulate_operators(publication) for publication in publications if publication.operators],
    )


def _tabulate_files(publications: Sequence[Publication]) -> Table:
    header = (
        "file",
        "kB",
        "p50 / p90 ms",
        "operators",
        "mean dB",
        "worst dB",
        "largest",
        "color",
        "banding",
        "lost dB",
    )
    rows = []
    for publication in publications:
        operators = str(sum(publication.card.census.op.values()))
        mark = " (rejected)" if publication.reasons else ""
        rows.append(
            _make_row(publication.path.stem + mark, publication.path, operators, publication.judgement.verification)
        )
        translation = publication.translation
        if translation is not None:
            mark = " (rejected)" if translation.reasons else ""
            rows += [
                _make_row(f"{translation.path.name}, {runtime}{mark}", translation.path, EMPTY, verification)
                for runtime, verification in translation.verifications.items()
            ]
    return Table(header, rows)


def _make_row(name: str, path: Path, operators: str, verification: Verification) -> tuple[str, ...]:
    fidelity = verification.fidelity
    return (
        name,
        f"{path.stat().st_size / 1000:.0f}",
        str(verification.latency),
        operators,
        f"{fidelity.psnr_db:.1f}",
        f"{fidelity.worst_psnr_db:.1f}",
        str(fidelity.max_abs),
        _format(fidelity.color_shift, "{:.2f}"),
        _format(fidelity.banding, "{:.0%}"),
        _format(fidelity.drop_db, "{:+.3f}"),
    )


@dataclasses.dataclass(frozen=True)
class _RankedTable:
    """A table under a title, and the number of the row that matters most, if one does."""

    title: str
    table: Table
    strong: int | None


def _tabulate_attempts(publication: Publication) -> _RankedTable:
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
    strong = next((number for number, attempt in enumerate(publication.attempts) if attempt.passes), None)
    return _RankedTable(
        publication.path.stem, Table(("tried", "precision", "mean dB", "worst dB", "gate"), rows), strong
    )


def _tabulate_operators(publication: Publication) -> _RankedTable:
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
    return _RankedTable(f"{draft.name}, {draft.precision}", table, worst)


@dataclasses.dataclass(frozen=True)
class _WorstPicture:
    """The worst picture of the file that differs most: what all the figures come to at worst.

    Attributes:
        file, picture: what they are called.
        images: URIs by what they show.
    """

    file: str
    picture: str
    psnr_db: float
    max_abs: int
    images: Mapping[str, str]


def _find_worst(publications: Sequence[Publication], source: SourceNetwork) -> _WorstPicture:
    publication = min(publications, key=lambda item: item.judgement.verification.fidelity.worst_psnr_db)
    subject = publication.judgement.draft.subject
    verification = publication.judgement.verification
    worst = verification.worst
    reference = Reference(source, subject.width, subject.height)
    expected, found = enhance_both(publication.judgement.draft.file, reference, worst.picture)
    difference = np.abs(expected.astype(np.int16) - found.astype(np.int16)) * _AMPLIFICATION
    shown = {
        "Keras network": expected,
        publication.card.precision: found,
        f"difference x{_AMPLIFICATION}": np.minimum(difference, 255).astype(np.uint8),
    }
    return _WorstPicture(
        publication.path.stem,
        worst.picture.path.name,
        verification.fidelity.worst_psnr_db,
        worst.max_abs,
        {name: make_data_uri(image[..., :3], width_px=_WIDTH_PX) for name, image in shown.items()},
    )


def _format(value: float | None, form: str) -> str:
    return EMPTY if value is None else form.format(value)
