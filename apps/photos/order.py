"""What a program may ask of `POST /enhance`: the parameters, their bounds, and their description (OpenAPI 3.0)."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from edge_dce.errors import EdgeDceError, LookError
from edge_dce.files.pictures import WRITABLE_SUFFIXES
from edge_dce.pixels.look import AUTO, LEAST_MAX_BRIGHTNESS, MAX_STRENGTH, Look
from edge_dce.version import VERSION

MOST_BYTES = 64_000_000
# How many may wait while one is worked on.
MOST_WAITING = 4
LEAST_SIDE_PX = 16
MOST_SIDE_PX = 65_535
# Suffix without its dot -> the type of its files, the usual suffix of each type first.
MEDIA_TYPES = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "bmp": "image/bmp",
}
FORMATS = tuple(name for name in MEDIA_TYPES if f".{name}" in WRITABLE_SUFFIXES)
_NAMES = ("strength", "max_brightness", "denoise", "model", "format", "max_side")
_STATUSES = {
    "400": "a parameter that is unknown or out of its range",
    "401": "no token, or a wrong one, where the server wants one",
    "403": "asked by a page of another site, or by another name than localhost without a token",
    "408": "the picture came too slowly",
    "413": f"more than {MOST_BYTES // 10**6} MB",
    "422": "no picture, one of an unknown kind, too many pixels, or none that the format can hold",
    "500": "the model failed",
    "503": f"{MOST_WAITING} wait already; Retry-After says when to come again",
}


class OrderError(EdgeDceError):
    """A parameter that is unknown or out of its range."""


@dataclasses.dataclass(frozen=True)
class Order:
    """One enhancement.

    Attributes:
        model: a name out of those offered.
        suffix: of the result, such as ".jpg"; None for that of the source.
        max_side_px: the picture is shrunk first so that its longer side has at most so many pixels; None keeps it.
    """

    look: Look
    model: str
    suffix: str | None = None
    max_side_px: int | None = None


def read_order(query: Mapping[str, str], models: Sequence[str]) -> Order:
    """The order of a query; the first model is used where none is named.

    Raises:
        OrderError: see there.
    """
    unknown = sorted(set(query) - {*_NAMES, "token"})
    if unknown:
        raise OrderError(f"expected parameters out of {' '.join(_NAMES)}, found '{unknown[0]}'")
    model = query.get("model", models[0])
    if model not in models:
        raise OrderError(f"expected a model out of {' '.join(models)}, found '{model}'")
    kind = query.get("format")
    if kind is not None and kind not in FORMATS:
        raise OrderError(f"expected a format out of {' '.join(FORMATS)}, found '{kind}'")
    suffix = None if kind is None else f".{kind}"
    return Order(_read_look(query), model, suffix, _read_side(query.get("max_side")))


def _read_look(query: Mapping[str, str]) -> Look:
    values: dict[str, Any] = {}
    for name in ("strength", "max_brightness", "denoise"):
        if name in query and (name, query[name]) != ("denoise", AUTO):
            try:
                values[name] = float(query[name])
            except ValueError:
                raise OrderError(f"expected a number as {name}, found '{query[name]}'") from None
    try:
        return Look(**values)
    except LookError as error:
        raise OrderError(str(error)) from error


def _read_side(text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch("[0-9]{1,6}", text) or not LEAST_SIDE_PX <= int(text) <= MOST_SIDE_PX:
        raise OrderError(f"expected a max_side from {LEAST_SIDE_PX} to {MOST_SIDE_PX} pixels, found '{text}'")
    return int(text)


def describe(models: Sequence[str], *, wants_token: bool) -> dict[str, Any]:
    """What /openapi.json says."""
    file = {"schema": {"type": "string", "format": "binary"}}
    enhanced = {"description": "The enhanced picture.", "content": dict.fromkeys(MEDIA_TYPES.values(), file)}
    error = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
    refusals = {
        status: {"description": text, "content": {"application/json": {"schema": error}}}
        for status, text in _STATUSES.items()
    }
    operation: dict[str, Any] = {
        "summary": "Enhance a picture: the bytes of a file in, the bytes of a file out.",
        "operationId": "enhance",
        "parameters": [
            {"name": name, "in": "query", "required": False, "description": text, "schema": schema}
            for name, text, schema in _list_parameters(models)
        ],
        "requestBody": {
            "required": True,
            "description": f"A picture file of at most {MOST_BYTES // 10**6} MB.",
            "content": {"application/octet-stream": file},
        },
        "responses": {"200": enhanced, **refusals},
    }
    document: dict[str, Any] = {
        "openapi": "3.0.3",
        "info": {"title": "edge-dce", "version": VERSION, "description": "Brings light to dark pictures."},
        "servers": [{"url": "."}],
        "paths": {"/enhance": {"post": operation}},
    }
    if wants_token:
        document["components"] = {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}}
        document["security"] = [{"token": []}]
    return document


def _list_parameters(models: Sequence[str]) -> list[tuple[str, str, dict[str, Any]]]:
    plain = Look()
    number = {"type": "number", "minimum": 0, "maximum": 1}
    return [
        (
            "strength",
            "how strongly to enhance; 0 changes nothing",
            {"type": "number", "minimum": 0, "maximum": MAX_STRENGTH, "default": plain.strength},
        ),
        (
            "max_brightness",
            "protect highlights: brighten nothing beyond this level",
            {"type": "number", "minimum": LEAST_MAX_BRIGHTNESS, "maximum": 1, "default": plain.max_brightness},
        ),
        (
            "denoise",
            "noise to smooth away: measured, or a number; 0 is off",
            {"oneOf": [{"type": "string", "enum": [AUTO]}, number], "default": plain.denoise},
        ),
        ("model", "which network", {"type": "string", "enum": list(models), "default": models[0]}),
        ("format", "of the result; without it that of the source, or PNG", {"type": "string", "enum": list(FORMATS)}),
        (
            "max_side",
            "shrink first, to at most so many pixels on the longer side; of an animation the first frame is kept",
            {"type": "integer", "minimum": LEAST_SIDE_PX, "maximum": MOST_SIDE_PX},
        ),
    ]
