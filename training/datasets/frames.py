"""Frames of a video as picture files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edge_dce.errors import VideoError
from edge_dce.files.output import make_folder
from edge_dce.files.pictures import Picture, write_picture
from edge_dce.files.video_reader import VideoReader
from edge_dce.pixels.levels import round_to_levels

from ..cache import hash_files

_DONE = "done"


def extract_frames(video: Path, cache: Path, *, interval_s: float = 1.0) -> list[Path]:
    """The first frame and one for every `interval_s` after it, as PNG files of 8 bits in `cache`, in order.

    Raises:
        VideoError: no video, or one without frames.
        OutputError: the cache cannot be written.
    """
    folder = cache / f"frames-{hash_files([video])[:32]}-{interval_s:g}"
    if not (folder / _DONE).exists():
        make_folder(folder)
        _write_frames(video, folder, interval_s)
        (folder / _DONE).touch()
    paths = sorted(folder.glob("*.png"))
    if not paths:
        raise VideoError(f"{video}: expected at least one frame, found none; choose another video")
    return paths


def _write_frames(video: Path, folder: Path, interval_s: float) -> None:
    due_s = 0.0
    with VideoReader(video) as reader:
        first_pts: int | None = None
        while (portion := reader.read()) is not None and portion.frame is not None:
            first_pts = portion.pts if first_pts is None else first_pts
            time_s = float((portion.pts - first_pts) * (reader.video.time_base or 0))
            if time_s >= due_s:
                frame = portion.frame
                if frame.dtype != np.uint8:
                    frame = round_to_levels(frame / np.float32(np.iinfo(frame.dtype).max))
                write_picture(Picture(frame), folder / f"{round(time_s * 1000):09}.png", overwrite=True)
                due_s = time_s + interval_s
            reader.give_back(portion.frame)
