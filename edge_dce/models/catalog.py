"""The bundled models, and how a user's word for a model becomes a file."""

from __future__ import annotations

from pathlib import Path

from edge_dce.errors import ModelError

DEFAULT_MODEL = "edge-tone-192x128-int8"
_FOLDER = Path(__file__).resolve().parent
# Bundled model -> what it is for, in the forty characters that `edge-dce models` has on a line of a terminal.
_PURPOSES = {
    "edge-tone-192x128-int8": "best pictures, and fastest",
    "edge-tone-192x128-float16": "best pictures, if int8 is slow here",
    "zero-dce-scene-256x256-int8": "gives every picture the same brightness",
    "zero-dce-scene-256x256-float16": "same brightness, if int8 is slow here",
    "zero-dce-pp-128x128-int8": "smallest file",
    "zero-dce-pp-128x128-float16": "smallest file, if int8 is slow here",
    "zero-dce-128x128-int8": "backlit subjects, rooms around a lamp",
    "zero-dce-128x128-float16": "backlit subjects, if int8 is slow here",
}


def bundled_models() -> list[Path]:
    """The `.tflite` files that come with the package, sorted by name."""
    return sorted(_FOLDER.glob("*.tflite"))


def find_purpose(path: Path) -> str:
    """What a bundled model is for, in a few words; `path` is one of `bundled_models`."""
    return _PURPOSES[path.stem]


def find_model(name_or_path: str | Path) -> Path:
    """The file of a bundled model's name (its stem), else the path itself.

    Raises:
        ModelError: a bare name that is neither bundled nor a file here.
    """
    for path in bundled_models():
        if path.stem == str(name_or_path):
            return path
    path = Path(name_or_path)
    if path.suffix != ".tflite" and not path.exists():
        names = " ".join(model.stem for model in bundled_models())
        raise ModelError(f"{name_or_path}: no such model; expected a path to a .tflite file or one of: {names}")
    return path
