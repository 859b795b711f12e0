"""Bring light to dark pictures on small devices.

In three lines:

    picture = edge_dce.read_picture("night.jpg")
    bright = edge_dce.enhance_picture(picture, edge_dce.load())
    edge_dce.write_picture(bright, "night-enhanced.jpg")

Every error raised on purpose is an EdgeDceError.

enhancer, stream                a picture; the frames of a video or camera
pixels, files, models           arrays; pictures and videos on the disk; model files and the runtimes that run them
camera, enhancing               frames from cameras; what `edge-dce enhance` does
benchmark, doctor, machine      how fast and how good, what is wrong, what this machine is
cli, terminal, reports          the command, what it takes and says, tables and pages
"""

import importlib
import typing

from edge_dce import version as _version
from edge_dce.errors import (
    CameraError,
    CardError,
    EdgeDceError,
    ImageError,
    LookError,
    ModelError,
    OutputError,
    ReportError,
    RuntimeMissingError,
    VideoError,
)
from edge_dce.models.catalog import DEFAULT_MODEL

if typing.TYPE_CHECKING:
    from edge_dce.enhancer import Enhancer, load
    from edge_dce.enhancing.picture import enhance_picture
    from edge_dce.enhancing.video import enhance_video
    from edge_dce.files.pictures import Picture, read_picture, write_picture
    from edge_dce.models.card import ModelCard
    from edge_dce.pixels.look import Look
    from edge_dce.pixels.smoothing import Smoothing
    from edge_dce.stream import Stream

__version__ = _version.VERSION

__all__ = [
    "DEFAULT_MODEL",
    "CameraError",
    "CardError",
    "EdgeDceError",
    "Enhancer",
    "ImageError",
    "Look",
    "LookError",
    "ModelCard",
    "ModelError",
    "OutputError",
    "Picture",
    "ReportError",
    "RuntimeMissingError",
    "Smoothing",
    "Stream",
    "VideoError",
    "enhance_picture",
    "enhance_video",
    "load",
    "read_picture",
    "write_picture",
]

# These need numpy and OpenCV, and `edge-dce doctor` must start where those cannot be imported: found on first use.
_MODULES = {
    "Enhancer": "enhancer",
    "Look": "pixels.look",
    "ModelCard": "models.card",
    "Picture": "files.pictures",
    "Smoothing": "pixels.smoothing",
    "Stream": "stream",
    "enhance_picture": "enhancing.picture",
    "enhance_video": "enhancing.video",
    "load": "enhancer",
    "read_picture": "files.pictures",
    "write_picture": "files.pictures",
}


def __getattr__(name: str) -> typing.Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
