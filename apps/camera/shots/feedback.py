"""Darker, right, brighter: what people said about their photos. It stays on the device until they export it.

The answers set the strength that the app starts with. Exported, they tell `python -m training fit --feedback FILE`
which brightness to ask for (training/feedback.py).
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from edge_dce.errors import EdgeDceError
from edge_dce.files.output import make_folder, write_file
from edge_dce.pixels.look import MAX_STRENGTH

DARKER, RIGHT, BRIGHTER = "darker", "right", "brighter"
VERDICTS = (DARKER, RIGHT, BRIGHTER)
SCHEMA = 1
# How far from the strength of a photo the one is that the person wanted, as far as an answer can tell.
_STEP = 0.15
# Of the way to what an answer asks for; the latest few answers decide, one alone does not.
_SHARE = 0.4
_LEAST_STRENGTH = 0.2


class FeedbackError(EdgeDceError):
    """The file of answers cannot be read."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """What one person said about one photo.

    Attributes:
        verdict: how the person wants it: one of `VERDICTS`.
        strength: that the photo was taken with.
        brightness_before, brightness_after: mean of the picture's samples, in [0, 1].
        model: name of the model.
        time: ISO 8601, local with offset.
    """

    verdict: str
    strength: float
    brightness_before: float
    brightness_after: float
    model: str
    time: str


def suggest_strength(answers: list[Answer], start: float = 1.0) -> float:
    """The strength that the answers, oldest first, ask for."""
    strength = start
    for answer in answers:
        wanted = answer.strength + _STEP * (VERDICTS.index(answer.verdict) - 1)
        strength += _SHARE * (wanted - strength)
    return min(max(strength, _LEAST_STRENGTH), MAX_STRENGTH)


def format_answers(answers: list[Answer]) -> str:
    """As JSON: what is kept, and what is exported."""
    document = {"schema": SCHEMA, "answers": [dataclasses.asdict(answer) for answer in answers]}
    return json.dumps(document, indent=1) + "\n"


class FeedbackLog:
    """The answers in a file, oldest first."""

    def __init__(self, path: Path) -> None:
        """Raises FeedbackError: the file is there, but holds something else."""
        self._path = path
        self.answers = _read(path) if path.exists() else []

    def add(self, answer: Answer) -> None:
        """Raises OutputError: it cannot be written."""
        self.answers.append(answer)
        make_folder(self._path.parent)
        write_file(self._path, format_answers(self.answers).encode(), overwrite=True)

    def export(self, path: Path) -> None:
        """Raises OutputError: it cannot be written there, or is there already."""
        make_folder(path.parent)
        write_file(path, format_answers(self.answers).encode())


def _read(path: Path) -> list[Answer]:
    try:
        document: dict[str, Any] = json.loads(path.read_text())
        answers = [Answer(**fields) for fields in document["answers"]]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise FeedbackError(
            f"{path}: expected answers about photos, found otherwise ({error}); move it away"
        ) from error
    if document.get("schema") != SCHEMA or any(answer.verdict not in VERDICTS for answer in answers):
        raise FeedbackError(f"{path}: expected answers of schema {SCHEMA}; move it away, or update the app")
    return answers
