"""The models to choose from, and how they are opened on this device."""

from __future__ import annotations

from pathlib import Path

from edge_dce.enhancer import Enhancer, load
from edge_dce.models.catalog import bundled_models, find_model
from edge_dce.models.runtime import default_threads

from .device import is_android


def list_models(folder: Path) -> list[str]:
    """Names of the bundled models, then paths of the `.tflite` files in a folder; a missing one holds none."""
    own = sorted(str(path) for path in folder.glob("*.tflite"))
    return [path.stem for path in bundled_models()] + own


def open_model(name_or_path: str) -> Enhancer:
    """Raises ModelError, RuntimeMissingError: as `edge_dce.load`."""
    if not is_android():
        return load(name_or_path)
    from edge_dce.models.card import read_model_file

    from .android.java_interpreter import open_java_interpreter

    model, threads = read_model_file(find_model(name_or_path)), default_threads()
    return Enhancer(model, open_java_interpreter(model, threads=threads), threads=threads)
