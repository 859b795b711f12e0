"""One folder of the page, LiteRT.js, a model and the camera app's shader."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from edge_dce.errors import ModelError, OutputError
from edge_dce.files.output import make_folder
from edge_dce.models.card import read_model_file
from edge_dce.models.catalog import find_model
from edge_dce.models.contracts import TONE
from edge_dce.pixels.look import MAX_STRENGTH
from edge_dce.pixels.smoothing import STEADY

from ..camera.view.shader import make_shader
from ..camera.view.tone_shader import make_tone_piece
from ..pi.web.page_files import SPLIT_LINE
from .litert import LOADER, RUNTIME, copy_litert

# LiteRT.js returns no integers.
DEFAULT_MODEL = "edge-tone-192x128-float16"
_HERE = Path(__file__).resolve().parent
_PAGE = _HERE / "page"
_ICON = _HERE.parent / "camera" / "icon.png"
# The list of the other files, by which a build is known.
_LIST = "files.js"


def build(folder: Path, *, packages: Path, model: str = DEFAULT_MODEL) -> None:
    """Make the folder, or replace what an earlier build put there.

    Args:
        packages: the node_modules that npm made of package-lock.json.
        model: a bundled name, or the path of a file of the contract tone with float32 input and output and a card.

    Raises:
        ModelError: another model.
        OutputError: the folder holds something else or cannot be written, or the packages are not those of the lock.
    """
    data, sides = _read_model(model)
    if folder.exists() and not (folder / _LIST).is_file() and any(folder.iterdir()):
        raise OutputError(f"{folder}: expected an earlier build or an empty folder, found other files; name another")
    make_folder(folder.parent)
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        unfinished = Path(name) / "web"
        shutil.copytree(_PAGE, unfinished, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
        for path in (_ICON, *SPLIT_LINE):
            shutil.copy(path, unfinished)
        copy_litert(packages, unfinished)
        (unfinished / "model.tflite").write_bytes(data)
        _write_generated(unfinished, *sides)
        _write_list(unfinished)
        if folder.exists():
            shutil.rmtree(folder)
        unfinished.rename(folder)


def list_files(folder: Path) -> list[Path]:
    """What a browser loads on its first visit."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".txt")


def describe(folder: Path) -> str:
    """How much that is, and how to try it."""
    sizes = {path.relative_to(folder).as_posix(): path.stat().st_size for path in list_files(folder)}
    total, litert = sum(sizes.values()), sum(size for name, size in sizes.items() if name.startswith("litert/"))
    return (
        f"{folder}: {total:,} bytes on the first visit, of them LiteRT.js {litert:,} and the model "
        f"{sizes['model.tflite']:,}\nTry it: python3 -m http.server --directory {folder} 8003, then http://localhost:8003"
    )


def _read_model(model: str) -> tuple[bytes, tuple[int, int]]:
    """The file, and the (width, height) of what it sees."""
    path = find_model(model)
    file = read_model_file(path)
    if file.card is None:
        raise ModelError(f"{path}: expected a model with a card; make one with edge-dce convert")
    found = file.card.contract, file.card.input.dtype, file.card.output.dtype
    if found != (TONE.name, "float32", "float32"):
        raise ModelError(
            f"{path}: expected the contract tone, float32 in and float32 out, found {', '.join(found)}; "
            "make one with edge-dce convert --precision float16"
        )
    return path.read_bytes(), (file.card.input.shape[2], file.card.input.shape[1])


def _write_generated(folder: Path, width: int, height: int) -> None:
    """What Python is the home of."""
    files = [{"name": name, "bytes": (folder / name).stat().st_size} for name in (RUNTIME, "model.tflite")]
    values: dict[str, Any] = {
        "FRAGMENTS": f"#version 100\n{make_shader(make_tone_piece())}",
        "MAX_STRENGTH": MAX_STRENGTH,
        "NETWORK": {"width": width, "height": height, "loader": LOADER, "files": files},
        "SMOOTHING": dataclasses.asdict(STEADY),
    }
    lines = [f"export const {name} = {json.dumps(value)};\n" for name, value in values.items()]
    (folder / "generated.js").write_text("// Written by apps/web/building.py.\n\n" + "".join(lines), encoding="utf-8")


def _write_list(folder: Path) -> None:
    """What the service worker keeps, under a name that changes with any byte of it."""
    build_hash = hashlib.sha256()
    names = ["."]
    for path in list_files(folder):
        names.append(path.relative_to(folder).as_posix())
        build_hash.update(names[-1].encode() + path.read_bytes())
    text = f'self.BUILD = "{build_hash.hexdigest()[:16]}";\nself.FILES = {json.dumps(names)};\n'
    (folder / _LIST).write_text(text, encoding="utf-8")
