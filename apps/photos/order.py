"""What a program may ask of `POST /enhance`: the parameters, their bounds, and their description (OpenAPI 3.0)."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from typing import Any

from edge_dce.errors import EdgeDceError, LookError
from edge_dce.files.formats.registry import find_writer
from edge_dce.files.pictures import DEFAULT_QUALITY, WRITABLE_SUFFIXES
from edge_dce.pixels.look import AUTO, LEAST_MAX_BRIGHTNESS, MAX_STRENGTH, Look
from edge_dce.version import VERSION

MOST_BYTES = 64_000_000
# How many may wait while one is worked on.
MOST_WAITING = 4
LEAST_SIDE_PX = 16
MOST_SIDE_PX = 65_535
MOST_QUALITY = 100
FORMATS = tuple(sorted(suffix.removeprefix(".") for suffix in WRITABLE_SUFFIXES))
_NAMES = ("strength", "max_brightness", "denoise", "model", "format", "quality", "max_side")
LEFT_OUT_HEADER = "X-Left-Out"
_STATUSES = {
    "400": "a parameter that is unknown or out of its range",
    "401": "no token, or a wrong one, where the server wants one",
    "403": "asked by a page of another site, or by another name than localhost without a token",
    "408": "the picture came too slowly",
    "413": f"more than {MOST_BYTES // 10**6} MB",
    "415": "a form, multipart/form-data, around the picture instead of its bytes",
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
        quality: of JPEG and WebP, from 1 to 100.
        max_side_px: the picture is shrunk first so that its longer side has at most so many pixels; None keeps it.
    """

    look: Look
    model: str
    suffix: str | None = None
    quality: int = DEFAULT_QUALITY
    max_side_px: int | None = None


def read_order(query: Mapping[str, str], models: Iterable[str]) -> Order:
    """The order of a query; the first model is used where none is named.

    Raises:
        OrderError: see there.
    """
    unknown = sorted(set(query) - {*_NAMES, "token"})
    if unknown:
        raise OrderError(f"expected parameters out of {' '.join(_NAMES)}, found '{unknown[0]}'")
    models = list(models)
    model = query.get("model", models[0])
    if model not in models:
        raise OrderError(f"expected a model out of {' '.join(models)}, found '{model}'")
    kind = query.get("format")
    if kind is not None and kind not in FORMATS:
        raise OrderError(f"expected a format out of {' '.join(FORMATS)}, found '{kind}'")
    suffix = None if kind is None else f".{kind}"
    quality = _read_integer(query, "quality", 1, MOST_QUALITY)
    side_px = _read_integer(query, "max_side", LEAST_SIDE_PX, MOST_SIDE_PX, " pixels")
    return Order(_read_look(query), model, suffix, quality or DEFAULT_QUALITY, side_px)


def find_media_type(suffix: str) -> str:
    """Of files with a suffix that can be written, such as "image/jpeg"."""
    known = find_writer(suffix)
    assert known is not None
    return f"image/{known.name.lower()}"


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


def _read_integer(query: Mapping[str, str], name: str, low: int, high: int, unit: str = "") -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not re.fullmatch("[0-9]{1,6}", text) or not low <= int(text) <= high:
        raise OrderError(f"expected a {name} from {low} to {high}{unit}, found '{text}'")
    return int(text)


def describe(models: Mapping[str, str], *, wants_token: bool) -> dict[str, Any]:
    """What /openapi.json says.

    Args:
        models: the names that orders may have, the usual one first, and what each is for.
    """
    file = {"schema": {"type": "string", "format": "binary"}}
    left_out = {"description": "What of the source the result does not hold.", "schema": {"type": "string"}}
    enhanced = {
        "description": "The enhanced picture.",
        "headers": {LEFT_OUT_HEADER: left_out},
        "content": dict.fromkeys(sorted(map(find_media_type, WRITABLE_SUFFIXES)), file),
    }
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


def _list_parameters(models: Mapping[str, str]) -> list[tuple[str, str, dict[str, Any]]]:
    plain = Look()
    networks = {
        "type": "string",
        "enum": list(models),
        "x-enum-descriptions": list(models.values()),
        "default": next(iter(models)),
    }
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
        ("model", "which network", networks),
        ("format", "of the result; without it that of the source, or PNG", {"type": "string", "enum": list(FORMATS)}),
        (
            "quality",
            "of JPEG and WebP",
            {"type": "integer", "minimum": 1, "maximum": MOST_QUALITY, "default": DEFAULT_QUALITY},
        ),
        (
            "max_side",
            "shrink first, to at most so many pixels on the longer side; of an animation the first frame is kept",
            {"type": "integer", "minimum": LEAST_SIDE_PX, "maximum": MOST_SIDE_PX},
        ),
    ]
