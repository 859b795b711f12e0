"""What a person has set, kept in a file from one start to the next."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from edge_dce.files.output import make_folder, write_file
from edge_dce.models.catalog import DEFAULT_MODEL
from edge_dce.pixels.look import MAX_STRENGTH

PHOTO, BURST, VIDEO = "photo", "burst", "video"
MODES = (PHOTO, BURST, VIDEO)
LEAST_BURST, MOST_BURST = 4, 8


@dataclasses.dataclass(frozen=True)
class Preferences:
    """Everything that is kept.

    Attributes:
        camera: as `edge_dce.camera.open_source` takes it.
        model: bundled model or path.
        strength: of the enhancement, 0 to 1.5; None follows the answers about photos.
        mode: one of `MODES`: what the shutter does.
        burst_frames: how many frames a burst merges.
        is_denoising: noise is taken away, in the live view and in photos.
        is_split: the line between before and after is shown.
        is_mirrored: left and right of the live view are exchanged.
        keeps_original: a photo's frame is saved beside it, losslessly.
        shows_histogram, shows_diagnostics: overlays of the live view.
    """

    camera: str = "auto"
    model: str = DEFAULT_MODEL
    strength: float | None = None
    mode: str = PHOTO
    burst_frames: int = 6
    is_denoising: bool = True
    is_split: bool = False
    is_mirrored: bool = False
    keeps_original: bool = False
    shows_histogram: bool = False
    shows_diagnostics: bool = False


def read_preferences(path: Path) -> Preferences:
    """The preferences in a file; what it lacks, or what makes no sense there, is as it was in the beginning."""
    try:
        stored = json.loads(path.read_text())
    except (OSError, ValueError):
        return Preferences()
    if not isinstance(stored, dict):
        return Preferences()
    plain = Preferences()
    good = {field.name: stored[field.name] for field in dataclasses.fields(Preferences) if _fits(field.name, stored)}
    return dataclasses.replace(plain, **good)


def write_preferences(preferences: Preferences, path: Path) -> None:
    """Raises OutputError: it cannot be written."""
    make_folder(path.parent)
    write_file(path, f"{json.dumps(dataclasses.asdict(preferences), indent=1)}\n".encode(), overwrite=True)


def _fits(name: str, stored: dict[str, Any]) -> bool:
    value = stored.get(name)
    if name == "strength":
        return value is None or (type(value) in (int, float) and 0 <= value <= MAX_STRENGTH)
    if name == "mode":
        return value in MODES
    if name == "burst_frames":
        return type(value) is int and LEAST_BURST <= value <= MOST_BURST
    return type(value) is type(getattr(Preferences, name))
