"""Frames from a camera or from what stands in for one.

    with LatestFrame(lambda: open_source("auto")) as camera:
        frame = camera.wait()

A `FrameSource` delivers one frame after the other; `LatestFrame` reads one on a thread of its own and keeps the newest
frame only, so that whoever is slow misses frames instead of getting old ones.

sources                                 every kind of source by name: another one is one entry
devices, remote, recorded, synthetic    the sources themselves: cameras, streams of a network, files, a drawn night
frames                                  what a source delivers;  latest, handover: the newest to whoever waits for it
"""

from edge_dce.camera.frames import Frame, FrameSource
from edge_dce.camera.latest import LatestFrame
from edge_dce.camera.sources import open_source

__all__ = ["Frame", "FrameSource", "LatestFrame", "open_source"]
