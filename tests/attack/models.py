"""Models and their cards: damaged bytes that a card vouches for, and cards that say anything or unpack to anything."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import random
import zipfile
from pathlib import Path
from typing import Any

from tests.attack.case import Case
from tests.attack.mutation import mutate
from tests.attack.pictures import make_seeds as make_pictures

_MODELS = Path(__file__).parents[1] / "models"
_ENTRY = "edge-dce-card.json"
# A model may be as large as it likes, up to what its trial lets it take: 4 GiB, and what the process has without it.
_LIMIT_BYTES = 9 << 29
_VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 3, 10**30, 1e308, float("nan"), float("inf"), "", [], {}, [[[]]], [None], {"": {}}),
    *("x" * 100_000, "\x1b[2J\x1b]0;title\x07", "\x00", "\u202e\u200b", "\ud800", "../../etc/passwd", [0] * 50_000),
)


def make_seeds() -> dict[str, bytes]:
    """Models with cards, and a picture to try them on."""
    seeds = {path.name: path.read_bytes() for path in sorted(_MODELS.glob("tiny-*.tflite"))}
    return seeds | {"picture.png": make_pictures()["color.png"]}


def make_model_case(seeds: dict[str, bytes], chance: random.Random) -> Case:
    """The model's bytes are damaged; half of the time its own card says that they are as they should be."""
    content, card = _split(seeds[_choose(seeds, chance)])
    content = content[:8] + mutate(content[8:], chance)
    kind = chance.random()
    if kind < 0.5:
        fields = json.loads(card) | {"sha256": hashlib.sha256(content).hexdigest()}
        content = _append(content, json.dumps(fields).encode())
    elif kind < 0.6:
        content = _append(content, card)
    return _make_enhance_case(seeds, content)


def make_card_case(seeds: dict[str, bytes], chance: random.Random) -> Case:
    """The model is as it should be; what stands in its card or how it is packed is not."""
    content, card = _split(seeds[_choose(seeds, chance)])
    kind = chance.random()
    if kind < 0.5:
        fields = json.loads(card)
        for _ in range(chance.randint(1, 3)):
            _change_field(fields, chance)
        data = _append(content, json.dumps(fields).encode("utf-8", "surrogatepass"))
    elif kind < 0.6:
        data = _append(content, mutate(card, chance))
    elif kind < 0.8:
        packed = _append(content, card)
        data = mutate(packed, chance, start=len(content))
    else:
        data = _pack_oddly(content, card, chance)
    if chance.random() < 0.5:
        return Case({"model.tflite": data}, ["info", "model.tflite"], None, limit_bytes=_LIMIT_BYTES)
    return _make_enhance_case(seeds, data)


def _make_enhance_case(seeds: dict[str, bytes], model: bytes) -> Case:
    files = {"model.tflite": model, "input.png": seeds["picture.png"]}
    argv = ["enhance", "input.png", "--model", "model.tflite", "-o", "output.png"]
    return Case(files, argv, "output.png", limit_bytes=_LIMIT_BYTES)


def _choose(seeds: dict[str, bytes], chance: random.Random) -> str:
    return chance.choice([name for name in sorted(seeds) if name.endswith(".tflite")])


def _split(data: bytes) -> tuple[bytes, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return data[: archive.getinfo(_ENTRY).header_offset], archive.read(_ENTRY)


def _append(content: bytes, card: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO(content)
    with zipfile.ZipFile(stream, "a", method) as archive:
        archive.writestr(zipfile.ZipInfo(_ENTRY), card, method)
    return stream.getvalue()


def _change_field(fields: dict[str, Any], chance: random.Random) -> None:
    name = chance.choice(sorted(fields))
    inner = fields[name]
    what = chance.random()
    if isinstance(inner, dict) and inner and what < 0.7:
        _change_field(inner, chance)
    elif what < 0.1:
        del fields[name]
    elif what < 0.2:
        fields[chance.choice(("unknown", "\x1b[31m", "schema", "x" * 5000))] = copy.deepcopy(chance.choice(_VALUES))
    else:
        fields[name] = copy.deepcopy(chance.choice(_VALUES))


def _pack_oddly(content: bytes, card: bytes, chance: random.Random) -> bytes:
    stream = io.BytesIO(content)
    kind = chance.choice(("lzma", "bzip2", "bomb", "nested", "twice", "many", "deep"))
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as archive:
        if kind in ("lzma", "bzip2"):
            archive.writestr(zipfile.ZipInfo(_ENTRY), card, zipfile.ZIP_LZMA if kind == "lzma" else zipfile.ZIP_BZIP2)
        elif kind == "bomb":
            archive.writestr(_ENTRY, b" " * 200_000_000 + card)
        elif kind == "deep":
            archive.writestr(_ENTRY, b"[" * 1_000_000 + b"]" * 1_000_000)
        else:
            archive.writestr(_ENTRY, card)
            if kind == "nested":
                archive.writestr("inner.zip", _append(b"", card))
            elif kind == "twice":
                archive.writestr(f"x/{_ENTRY}", card)
            else:
                for number in range(2000):
                    archive.writestr(f"label-{number}-\u00e9.txt", b"")
    data = stream.getvalue()
    # Bombs compress to a fraction of what they are; a corrupt one must not be worse.
    return data if chance.random() < 0.5 else mutate(data, chance, start=len(content))
