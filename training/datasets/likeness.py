"""Which files show the same scene, told by their content: whatever their size, format and exposure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.files.pictures import read_image

from ..cache import hash_files, read_made

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

_SIDE_PX = 24
# Raise it when the same file would get another print.
_VERSION = 1
# Correlation of two prints from which they are of one scene. Of every second partner of LOL's 485 none lies between
# 0.93 and 0.991; copies of them of half the size, as JPEG of quality 70, have 0.992 or more.
ALIKE = 0.98


def take_prints(paths: Sequence[Path], cache: Path) -> FloatArray:
    """(N, 576) float32 of mean 0 and length 1: pictures of one scene have a product near 1.

    The print of a picture is the ranks of its brightness in 24 x 24 places, which no exposure and no tone changes.

    Raises:
        ImageError, OutputError: a picture cannot be read, or the cache not be written.
    """
    rows = [
        read_made(f"print {_VERSION} {hash_files([path])}", (_SIDE_PX**2 * 2,), _make(path), cache=cache)
        for path in paths
    ]
    ranks = np.stack(rows).view(np.uint16).astype(np.float32) if rows else np.zeros((0, _SIDE_PX**2), np.float32)
    ranks -= ranks.mean(axis=1, keepdims=True)
    length: FloatArray = np.maximum(np.linalg.norm(ranks, axis=1, keepdims=True), 1e-6)
    return ranks / length


def find_alike(prints: FloatArray) -> list[tuple[int, int]]:
    """The numbers of prints that are of one scene, smaller first."""
    alike: list[tuple[int, int]] = []
    for number in range(len(prints) - 1):
        others = np.nonzero(prints[number + 1 :] @ prints[number] >= ALIKE)[0]
        alike += [(number, number + 1 + int(other)) for other in others]
    return alike


def _make(path: Path) -> Callable[[Uint8Array], None]:
    def fill(samples: Uint8Array) -> None:
        grey = read_image(path).astype(np.float32).mean(axis=2)
        # Not rounded: a dark picture has few levels, and what differs lies between them.
        grey = np.asarray(cv2.resize(grey, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA)).ravel()
        # Equal places share their rank: a plain picture has none that differ.
        _, inverse, counts = np.unique(grey, return_inverse=True, return_counts=True)
        ranks = (np.cumsum(counts) - (counts + 1) / 2)[inverse]
        samples[...] = np.rint(ranks).astype(np.uint16).view(np.uint8)

    return fill
