"""The element `edgedce`: gst-launch-1.0 v4l2src ! videoconvert ! edgedce ! videoconvert ! autovideosink

GStreamer's own Python imports this file, as a module without a package.
"""

from __future__ import annotations

from typing import Any

import gi
import numpy as np

gi.require_version("Gst", "1.0")
gi.require_version("GstBase", "1.0")
gi.require_version("GstVideo", "1.0")
from gi.repository import GLib, GObject, Gst, GstBase, GstVideo  # noqa: E402

from edge_dce.enhancer import load  # noqa: E402
from edge_dce.errors import EdgeDceError  # noqa: E402
from edge_dce.models.catalog import DEFAULT_MODEL  # noqa: E402
from edge_dce.pixels.look import AUTO, Look  # noqa: E402
from edge_dce.pixels.smoothing import FRAME_BY_FRAME, STEADY  # noqa: E402
from edge_dce.stream import Stream  # noqa: E402

_CAPS = Gst.Caps.from_string("video/x-raw, format=(string){ BGR, RGB }")
_SIDES = (("sink", Gst.PadDirection.SINK), ("src", Gst.PadDirection.SRC))


class EdgeDce(GstBase.BaseTransform):
    """Enhances frames in place, with a tone that changes gently from frame to frame unless `smooth` is false."""

    __gstmetadata__ = ("Low-light enhancement", "Filter/Effect/Video", "Brings light to dark pictures", "edge-dce")
    __gsttemplates__ = tuple(
        Gst.PadTemplate.new(name, direction, Gst.PadPresence.ALWAYS, _CAPS) for name, direction in _SIDES
    )

    model = GObject.Property(type=str, default=DEFAULT_MODEL, nick="bundled model or path")
    strength = GObject.Property(type=float, default=1.0, minimum=0.0, maximum=1.5)
    max_brightness = GObject.Property(type=float, default=1.0, minimum=0.5, maximum=1.0)
    denoise = GObject.Property(type=str, default=AUTO, nick="auto, or 0 to 1")
    smooth = GObject.Property(type=bool, default=True)

    def __init__(self) -> None:
        super().__init__()
        self.set_in_place(True)
        self._stream: Stream | None = None
        self._info = GstVideo.VideoInfo()

    def do_start(self) -> bool:
        try:
            denoise = AUTO if self.denoise == AUTO else float(self.denoise)
            look = Look(self.strength, self.max_brightness, denoise)
            smoothing = STEADY if self.smooth else FRAME_BY_FRAME
            self._stream = Stream(load(self.model), look=look, smoothing=smoothing)
        except (EdgeDceError, ValueError) as error:
            self._fail(str(error))
            return False
        return True

    def do_set_caps(self, incoming: Any, _: Any) -> bool:
        self._info = GstVideo.VideoInfo.new_from_caps(incoming)
        return True

    def do_transform_ip(self, buffer: Any) -> Any:
        stream = self._stream
        assert stream is not None
        width, height, row_bytes = self._info.width, self._info.height, self._info.stride[0]
        channel_order = "BGR" if self._info.finfo.format == GstVideo.VideoFormat.BGR else "RGB"
        with buffer.map(Gst.MapFlags.READ | Gst.MapFlags.WRITE) as mapped:
            rows = np.frombuffer(mapped.data, np.uint8, height * row_bytes).reshape(height, row_bytes)
            # Rows are padded to four bytes.
            pixels = rows[:, : 3 * width].reshape(height, width, 3)
            try:
                stream.enhance_into(pixels, pixels, channel_order=channel_order)
            except EdgeDceError as error:
                return self._fail(str(error))
            if row_bytes != 3 * width:
                rows[:, : 3 * width] = pixels.reshape(height, -1)
        return Gst.FlowReturn.OK

    def _fail(self, message: str) -> Any:
        error = GLib.Error.new_literal(Gst.ResourceError.quark(), message, Gst.ResourceError.FAILED)
        self.post_message(Gst.Message.new_error(self, error, ""))
        return Gst.FlowReturn.ERROR


GObject.type_register(EdgeDce)
__gstelementfactory__ = ("edgedce", Gst.Rank.NONE, EdgeDce)
