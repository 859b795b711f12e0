"""Bring light to dark pictures on small devices.

    edge_dce.enhance("night.jpg")       # writes night-enhanced.jpg and returns its name
    bright = edge_dce.enhance(image)    # a numpy array, the bytes of a file or an image of Pillow: gives back the same

    with edge_dce.load() as enhancer:   # another model, or many pictures
        bright = enhancer(image, edge_dce.Look(strength=0.8))
        enhancer.enhance_into(frame, frame, channel_order="BGR")

enhance, enhance_many           whatever holds a picture; one after the other
load, Enhancer, Look            a model, and how the result shall look
Stream, Smoothing               frames in time; enhance_video takes a file
Picture, read_picture, write_picture    files with all that they say

Every error raised on purpose is an EdgeDceError; a ModelWarning says that a model file will hardly do what is wanted.

Inside:

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
    ModelWarning,
    OutputError,
    ReportError,
    RuntimeMissingError,
    VideoError,
)
from edge_dce.models.catalog import DEFAULT_MODEL

if typing.TYPE_CHECKING:
    from edge_dce.enhancer import Enhancer, load
    from edge_dce.enhancing.anything import enhance, enhance_many
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
    "ModelWarning",
    "OutputError",
    "Picture",
    "ReportError",
    "RuntimeMissingError",
    "Smoothing",
    "Stream",
    "VideoError",
    "enhance",
    "enhance_many",
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
    "enhance": "enhancing.anything",
    "enhance_many": "enhancing.anything",
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
