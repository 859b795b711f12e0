"""The bundled models, and how a user's word for a model becomes a file."""

from __future__ import annotations

from pathlib import Path

from edge_dce.errors import ModelError
from edge_dce.terminal.suggestions import find_alike

DEFAULT_MODEL = "edge-tone-192x128-int8"
_FOLDER = Path(__file__).resolve().parent
# Bundled model -> what it is for, in the forty characters that `edge-dce models` has on a line of a terminal.
_PURPOSES = {
    "edge-tone-192x128-int8": "fastest, and nearly the best",
    "edge-tone-192x128-float16": "best pictures, if int8 is slow here",
    "zero-dce-scene-256x256-int8": "gives every picture the same brightness",
    "zero-dce-scene-256x256-float16": "same brightness, if int8 is slow here",
    "zero-dce-pp-128x128-int8": "smallest file",
    "zero-dce-pp-128x128-float16": "smallest file, if int8 is slow here",
    "zero-dce-128x128-int8": "backlit subjects, rooms around a lamp",
    "zero-dce-128x128-float16": "backlit subjects, if int8 is slow here",
}


# Bundled model -> sha256 of its file without the card, which `edge-dce info` shows.
_SHA256 = {
    "edge-tone-192x128-float16": "cfba2e75ce1bdf6a68cf6c135afbf7864c60e8bd00e5c54119f1a351496cf90b",
    "edge-tone-192x128-int8": "b251ec30d46f642effe1bc48c24bc068e2f5827db7ab1de4c8f1b4c6bf597f53",
    "zero-dce-128x128-float16": "ea2126d3208c465f274d4c5e25a488ac836dc4bea0fca8daf221d8cc9da0b94e",
    "zero-dce-128x128-int8": "e3c1f6a4a5b3dfdadf517f7d9cf255d4145a2a0d57a8602f0cb10fcfdb749009",
    "zero-dce-pp-128x128-float16": "560eae248b7176a39eee201f547168a94869a751499e0f2f8215947f0a6b949d",
    "zero-dce-pp-128x128-int8": "d37604f48f4215700d1bc63884b52701ce957e5d13fb631935db871c9bc08872",
    "zero-dce-scene-256x256-float16": "00b026410e115ed056852f1dd64627e0d65b856d55d6cc18966124e6fbf666aa",
    "zero-dce-scene-256x256-int8": "846e17d8c347ba6d9b40fb66c31396b66507d52662f6934c0d8c6f79e74c7de0",
}


def bundled_models() -> list[Path]:
    """The `.tflite` files that come with the package, sorted by name."""
    return sorted(_FOLDER.glob("*.tflite"))


def is_bundled(sha256: str) -> bool:
    """Whether a model's bytes without the card, of this hash, are those of a bundled one."""
    return sha256 in _SHA256.values()


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
        names = [model.stem for model in bundled_models()]
        alike = find_alike(str(name_or_path), names)
        hint = f"did you mean {' or '.join(alike)}?" if alike else "see: edge-dce models"
        raise ModelError(
            f"{name_or_path}: no such model; expected a path to a .tflite file or one of: {' '.join(names)}; {hint}"
        )
    return path
