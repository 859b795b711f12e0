"""The pictures whose activations set the int8 scales."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from converters.source import ConversionError
from edge_dce import card
from edge_dce.folders import find_pictures
from edge_dce.images import read_image
from edge_dce.preprocessing import normalize, shrink

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

_HISTOGRAM_BINS = 16


@dataclasses.dataclass(frozen=True)
class CalibrationSet:
    """Low-light images at the network's size, (N, height, width, 3) uint8, and the record of what they are."""

    images: Uint8Array
    record: card.Calibration

    def tensors(self) -> Iterator[list[FloatArray]]:
        """What the converter asks for: one list of input tensors per sample."""
        for image in (make_step_wedge(*self.images.shape[1:3]), *self.images):
            yield [normalize(image)]


def choose_calibration_set(
    folder: Path, *, width: int, height: int, count: int, seed: int, evaluation: Iterable[Path] = ()
) -> CalibrationSet:
    """Choose up to `count` pictures of a folder by `seed` and bring them to the network's size.

    The function that brings them there is the one that inference uses.

    Raises:
        ImageError: no pictures in the folder, or a broken one.
        ConversionError: a picture is also one of `evaluation`, by content.
    """
    selected = choose_pictures(folder, count=count, seed=seed)
    digests = [hash_file(path) for path in selected]
    held_out = {hash_file(path): path for path in evaluation}
    for path, digest in zip(selected, digests, strict=True):
        if digest in held_out:
            raise ConversionError(
                f"{path}: calibration picture is also evaluation picture {held_out[digest]}; use separate folders"
            )
    images = np.stack([shrink(read_image(path), width, height) for path in selected])
    histogram, _ = np.histogram(images.mean(axis=(1, 2, 3)), bins=_HISTOGRAM_BINS, range=(0, 255))
    record = card.Calibration(
        files=len(selected),
        manifest_sha256=hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest(),
        seed=seed,
        brightness_histogram=tuple(int(bin_count) for bin_count in histogram),
    )
    return CalibrationSet(images, record)


def choose_pictures(folder: Path, *, count: int, seed: int) -> list[Path]:
    """Up to `count` pictures of a folder, chosen by `seed`, sorted by name.

    Raises:
        ImageError: no pictures in the folder.
    """
    paths = find_pictures(folder)
    chosen = np.random.default_rng(seed).permutation(len(paths))[:count]
    return [paths[index] for index in sorted(chosen)]


def make_step_wedge(height: int, width: int) -> Uint8Array:
    """A grey ramp from black to white, (height, width, 3) uint8.

    Dark pictures never reach 1.0, so alone they shrink the input scale and lamps clip. The wedge pins the input range
    to [0, 1] exactly and shows the calibration what bright regions do inside the network.
    """
    ramp = np.rint(np.linspace(0, 255, width)).astype(np.uint8)
    return np.broadcast_to(ramp[np.newaxis, :, np.newaxis], (height, width, 3))


def hash_file(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
