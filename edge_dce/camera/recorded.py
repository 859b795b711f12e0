"""Video files and pictures in place of a camera, at a camera's pace."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from edge_dce.camera.frames import ClosingSource, Frame, Pace, to_eight_bits
from edge_dce.errors import CameraError, ImageError, VideoError
from edge_dce.files.folders import find_pictures
from edge_dce.files.pictures import read_image
from edge_dce.pixels.fitting import fit_size

if TYPE_CHECKING:
    from edge_dce.files.video_reader import VideoReader

Uint8Array = npt.NDArray[np.uint8]

_DEFAULT_FPS = 30.0
_PICTURE_S = 2.0


class VideoFileSource(ClosingSource):
    """A video file, RGB, upright, at its own rate, with the colors that `edge-dce enhance` sees in it.

    For a slow reader it skips frames, every other one at most; for a still slower one, or on a machine that cannot
    decode it in time, it plays slower.
    """

    def __init__(
        self, path: Path, *, size: tuple[int, int] | None = None, fps: float | None = None, loop: bool = True
    ) -> None:
        """
        Args:
            size: (width, height); None keeps the file's.
            fps: None keeps the file's; any other plays it slower or faster.
            loop: start again at the end.

        Raises:
            CameraError: missing, not a video that can be decoded, or PyAV is missing.
        """
        self.name, self._path, self._loop = str(path), path, loop
        if not path.is_file():
            raise CameraError(f"{path}: no such file; check the path")
        self._reader = _open_reader(path)
        self.size = size or (self._reader.width, self._reader.height)
        own_fps = float(self._reader.video.average_rate or 0)
        # Some containers carry no rate, some nonsense.
        self.fps = fps or (own_fps if 1 <= own_fps <= 240 else _DEFAULT_FPS)
        self._pace = Pace(self.fps)
        self._sequence = 0

    def read(self) -> Frame | None:
        # Decoding is what a skipped frame costs too: skipping all that were missed would miss ever more.
        if self._pace.wait():
            self._next_image(may_begin_anew=False)
        image = self._next_image(may_begin_anew=self._loop)
        if image is None:
            return None
        frame = Frame(fit_size(image, self.size), "RGB", time.monotonic(), self._sequence)
        self._sequence += 1
        return frame

    def close(self) -> None:
        self._reader.close()

    def _next_image(self, *, may_begin_anew: bool) -> Uint8Array | None:
        try:
            frame = self._reader.read_frame()
            if frame is None and may_begin_anew:
                self._reader.close()
                # Opening anew works for every container; seeking does not.
                self._reader = _open_reader(self._path)
                frame = self._reader.read_frame()
        except (CameraError, VideoError) as error:
            raise CameraError(f"{self.name}: cannot be read any more ({error})") from error
        return None if frame is None else to_eight_bits(frame)


def _open_reader(path: Path) -> VideoReader:
    try:
        from edge_dce.files.video_reader import VideoReader

        return VideoReader(path)
    except ImportError as error:
        raise CameraError(f"{path}: videos need PyAV ({error}); run: pip install 'edge-dce[video]'") from error
    except VideoError as error:
        raise CameraError(str(error)) from error


class PicturesSource(ClosingSource):
    """The pictures of a folder, or a single one, RGB, each shown for two seconds, from the start again at the end."""

    def __init__(self, path: Path, *, size: tuple[int, int] | None = None, fps: float | None = None) -> None:
        """
        Args:
            size: (width, height); None takes the first picture's. Others get black borders.
            fps: of the frames, not of the pictures.

        Raises:
            CameraError: not a picture, or no pictures in it.
        """
        self.name = str(path)
        self.fps = fps or _DEFAULT_FPS
        try:
            self._paths = find_pictures(path) if path.is_dir() else [path]
            first = read_image(self._paths[0])
        except ImageError as error:
            raise CameraError(str(error)) from error
        self.size = size or (first.shape[1], first.shape[0])
        self._image = fit_size(first, self.size)
        self._shown = 0
        self._frames_per_picture = max(1, round(_PICTURE_S * self.fps))
        self._pace = Pace(self.fps)
        self._sequence = 0

    def read(self) -> Frame:
        self._pace.wait()
        due = self._sequence // self._frames_per_picture % len(self._paths)
        if due != self._shown:
            self._show(due)
        frame = Frame(self._image, "RGB", time.monotonic(), self._sequence)
        self._sequence += 1
        return frame

    def _show(self, number: int) -> None:
        try:
            self._image = fit_size(read_image(self._paths[number]), self.size)
        except ImageError as error:
            raise CameraError(str(error)) from error
        self._shown = number
