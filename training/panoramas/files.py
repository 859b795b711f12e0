"""Equirectangular panoramas in linear light, read from files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.errors import ImageError

FloatArray = npt.NDArray[np.float32]

# OpenCV keeps its OpenEXR reader behind this switch, and reads the switch at the first file.
os.environ.setdefault("OPENCV_IO_ENABLE_OPENEXR", "1")


def find_panoramas(folder: Path) -> list[Path]:
    """The panorama files directly inside a folder, sorted by name.

    Raises:
        ImageError: no such folder, or no panorama in it.
    """
    if not folder.is_dir():
        raise ImageError(f"{folder}: no such folder; expected one of panoramas")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in _READERS and path.is_file())
    if not paths:
        raise ImageError(f"{folder}: expected panoramas ending in {' '.join(_READERS)}, found none")
    return paths


def read_panorama(path: Path) -> FloatArray:
    """(H, W, 3) RGB in linear light of any scale, 0 or more; the left edge meets the right one, W = 2·H.

    Reads Radiance's .hdr, OpenEXR's .exr where OpenCV was built with it, and lossless .webp that holds Radiance's RGBE.

    Raises:
        ImageError: the file cannot be read, or holds something else.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    suffix = path.suffix.lower()
    if suffix == ".exr" and not _reads_openexr():
        raise ImageError(f"{path}: this build of OpenCV reads no OpenEXR; convert it to .hdr")
    try:
        samples = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) if data else None
    except cv2.error:
        samples = None
    light = None if samples is None else _READERS[suffix](samples)
    if light is None or light.shape[1] != 2 * light.shape[0]:
        raise ImageError(f"{path}: expected a panorama in linear light, twice as wide as high; export it as .hdr")
    # A renderer's file may hold infinite suns and values that are none.
    return np.nan_to_num(np.clip(light, 0, np.finfo(np.float16).max), nan=0.0)


def _read_floats(samples: npt.NDArray[np.generic]) -> FloatArray | None:
    if samples.dtype != np.float32 or samples.ndim != 3 or samples.shape[2] < 3:
        return None
    return np.ascontiguousarray(samples[..., 2::-1], np.float32)


def _read_rgbe(samples: npt.NDArray[np.generic]) -> FloatArray | None:
    """value = mantissa · 2^(exponent - 128) / 256: Ward, "Real Pixels", Graphics Gems II (1991)."""
    if samples.dtype != np.uint8 or samples.ndim != 3 or samples.shape[2] != 4:
        return None
    exponents = samples[..., 3:].astype(np.int32) - 128 - 8
    return np.ldexp(samples[..., 2::-1].astype(np.float32), exponents).astype(np.float32)


def _reads_openexr() -> bool:
    build = cv2.getBuildInformation().splitlines()
    return any(line.strip().startswith("OpenEXR:") and not line.rstrip().endswith("NO") for line in build)


_READERS: dict[str, Callable[[npt.NDArray[np.generic]], FloatArray | None]] = {
    ".hdr": _read_floats,
    ".exr": _read_floats,
    ".webp": _read_rgbe,
}
