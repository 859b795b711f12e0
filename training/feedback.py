"""Answers about photos, as the camera app exports them, turned into the brightness that people asked for."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

from .recipe import RecipeError

_SCHEMA = 1
# What an answer is taken to mean: the 0.15 of strength that the app moves by make pictures 1.16 to 1.19 times as bright
# (median of 30 of LOL's validation part).
_FACTORS = {"darker": 1 / 1.17, "right": 1.0, "brighter": 1.17}
# A median of fewer is one person's mood on one evening.
_LEAST_ANSWERS = 5
# A mean outside of it is no brightness that a picture as a whole can have and still show something.
_LOWEST, _HIGHEST = 0.15, 0.75


def read_exposure_target(path: Path) -> float:
    """The grey level in [0, 1] that the answers in a file ask for: the median of what each photo should have had.

    Raises:
        RecipeError: missing, no such file, or too few answers in it.
    """
    try:
        document = json.loads(path.read_text())
        if document["schema"] != _SCHEMA:
            raise ValueError(f"schema {document['schema']}")
        wanted = [_FACTORS[answer["verdict"]] * float(answer["brightness_after"]) for answer in document["answers"]]
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    except (ValueError, TypeError, KeyError) as error:
        raise RecipeError(
            f"{path}: expected answers of schema {_SCHEMA}, found otherwise ({error}); export them from the camera app"
        ) from error
    if len(wanted) < _LEAST_ANSWERS:
        raise RecipeError(f"{path}: expected at least {_LEAST_ANSWERS} answers, found {len(wanted)}; take more photos")
    return round(min(max(statistics.median(wanted), _LOWEST), _HIGHEST), 3)
