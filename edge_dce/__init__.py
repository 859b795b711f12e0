"""Bring light to dark pictures on small devices.

In three lines:

    picture = edge_dce.read_picture("night.jpg")
    bright = edge_dce.load().enhance(picture.image)
    edge_dce.write_picture(picture.with_image(bright), "night-enhanced.jpg")

Every error raised on purpose is an EdgeDceError.
"""

from edge_dce import version as _version
from edge_dce.card import ModelCard
from edge_dce.catalog import DEFAULT_MODEL
from edge_dce.enhancer import Enhancer, load
from edge_dce.errors import (
    CameraError,
    CardError,
    EdgeDceError,
    ImageError,
    ModelError,
    OutputError,
    RuntimeMissingError,
    VideoError,
)
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
    "RuntimeMissingError",
    "Smoothing",
    "Stream",
    "VideoError",
    "enhance_video",
    "load",
    "read_picture",
    "write_picture",
]
