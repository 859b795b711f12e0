"""Bring light to dark pictures on small devices.

In three lines:

    picture = edge_dce.read_picture("night.jpg")
    bright = edge_dce.load().enhance(picture.image)
    edge_dce.write_picture(picture.with_image(bright), "night-enhanced.jpg")

Every error raised on purpose is an EdgeDceError.
"""

import importlib
import typing

from edge_dce import version as _version
from edge_dce.catalog import DEFAULT_MODEL
from edge_dce.errors import (
    CameraError,
    CardError,
    EdgeDceError,
    ImageError,
    ModelError,
    OutputError,
    ReportError,
    RuntimeMissingError,
    VideoError,
)

if typing.TYPE_CHECKING:
    from edge_dce.card import ModelCard
    from edge_dce.enhancer import Enhancer, load
    from edge_dce.images import Picture, read_picture, write_picture
    from edge_dce.look import Look
    from edge_dce.smoothing import Smoothing, Stream
    from edge_dce.video import enhance_video

__version__ = _version.VERSION

__all__ = [
    "DEFAULT_MODEL",
    "CameraError",
    "CardError",
    "EdgeDceError",
    "Enhancer",
    "ImageError",
    "Look",
    "ModelCard",
    "ModelError",
    "OutputError",
    "Picture",
    "ReportError",
    "RuntimeMissingError",
    "Smoothing",
    "Stream",
    "VideoError",
    "enhance_video",
    "load",
    "read_picture",
    "write_picture",
]

# These need numpy and OpenCV, and `edge-dce doctor` must start where those cannot be imported: found on first use.
_MODULES = {
    "Enhancer": "enhancer",
    "Look": "look",
    "ModelCard": "card",
    "Picture": "images",
    "Smoothing": "smoothing",
    "Stream": "smoothing",
    "enhance_video": "video",
    "load": "enhancer",
    "read_picture": "images",
    "write_picture": "images",
}


def __getattr__(name: str) -> typing.Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
