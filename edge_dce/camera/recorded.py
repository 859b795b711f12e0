"""Video files and pictures in place of a camera, at a camera's pace."""

from __future__ import annotations

import time
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.camera.frames import ClosingSource, Frame, Pace, to_bytes
from edge_dce.errors import CameraError, ImageError
from edge_dce.files.folders import find_pictures
from edge_dce.files.pictures import read_image
from edge_dce.pixels.fitting import fit_size

Uint8Array = npt.NDArray[np.uint8]

_DEFAULT_FPS = 30.0
_PICTURE_S = 2.0


class VideoFileSource(ClosingSource):
    """A video file, BGR, upright, at its own rate.

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
            CameraError: missing, or not a video that OpenCV can decode.
        """
        self.name = str(path)
        if not path.is_file():
            raise CameraError(f"{path}: no such file; check the path")
        self._capture = cv2.VideoCapture(str(path))
        is_there, first = self._capture.read()
        if not is_there:
            self.close()
            raise CameraError(f"{path}: expected a video file such as .mp4, found a file that cannot be decoded")
        self.size = size or (first.shape[1], first.shape[0])
        own_fps = self._capture.get(cv2.CAP_PROP_FPS)
        # Some containers carry no rate, some nonsense.
        self.fps = fps or (own_fps if 1 <= own_fps <= 240 else _DEFAULT_FPS)
        self._loop = loop
        self._first: Uint8Array | None = to_bytes(first)
        self._pace = Pace(self.fps)
        self._sequence = 0

    def read(self) -> Frame | None:
        # Decoding is what a skipped frame costs too: skipping all that were missed would miss ever more.
        if self._pace.wait():
            self._capture.grab()
        image = self._next_image()
        if image is None:
            return None
        frame = Frame(fit_size(image, self.size), "BGR", time.monotonic(), self._sequence)
        self._sequence += 1
        return frame

    def close(self) -> None:
        self._capture.release()

    def _next_image(self) -> Uint8Array | None:
        if self._first is not None:
            image, self._first = self._first, None
            return image
        is_there, decoded = self._capture.read()
        if not is_there and self._loop:
            # Opening anew works for every container; seeking does not.
            self._capture.open(self.name)
            is_there, decoded = self._capture.read()
            if not is_there:
                raise CameraError(f"{self.name}: cannot be read any more; check that the file is still there")
        return to_bytes(decoded) if is_there else None


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
