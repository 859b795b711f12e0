"""A photo from file to file: the share of each stage, and the memory of the whole process."""

from __future__ import annotations

import collections
import dataclasses
import time
from pathlib import Path

import cv2
import numpy as np

import edge_dce
from edge_dce.benchmark.latency import Ratio, divide_pairs
from edge_dce.errors import EdgeDceError
from edge_dce.files.pictures import Picture, encode_picture, read_image
from edge_dce.pixels.curve import BARE, PLAIN
from edge_dce.terminal.child import run_python

SIZE = (4000, 3000)
_CHILD = """
import sys
from edge_dce.cli import main
from edge_dce.machine import read_peak_rss_mb
status = main(["enhance", sys.argv[1], "-o", sys.argv[2], "--overwrite"])
print(read_peak_rss_mb())
sys.exit(status)
"""


@dataclasses.dataclass(frozen=True)
class PhotoTimes:
    """Durations in ms, run by run, and the most memory that `edge-dce enhance` on the same photo ever held.

    Attributes:
        enhance_ms, encode_ms: without cleaning.
        cleaned_enhance_ms, cleaned_encode_ms: with it, after the same decoding; none in records of earlier versions.
    """

    size: tuple[int, int]
    decode_ms: tuple[float, ...]
    enhance_ms: tuple[float, ...]
    encode_ms: tuple[float, ...]
    peak_rss_mb: float
    cleaned_enhance_ms: tuple[float, ...] = ()
    cleaned_encode_ms: tuple[float, ...] = ()

    @property
    def enhance_share(self) -> float:
        """Median share of enhancement in the whole."""
        totals = np.sum([self.decode_ms, self.enhance_ms, self.encode_ms], axis=0)
        return float(np.median(np.divide(self.enhance_ms, totals)))

    @property
    def cleaned_ratio(self) -> Ratio | None:
        """How many times as long as without cleaning the whole takes with it."""
        if not self.cleaned_enhance_ms:
            return None
        totals_ms = [
            np.sum([self.decode_ms, *stages], axis=0).tolist()
            for stages in ((self.cleaned_enhance_ms, self.cleaned_encode_ms), (self.enhance_ms, self.encode_ms))
        ]
        return divide_pairs(*totals_ms)


def measure_photo(photo: Path, work_folder: Path, *, runs: int = 7) -> PhotoTimes:
    """Time a 12-megapixel JPEG made from `photo`, noise added, through the default model.

    Args:
        work_folder: where the JPEG and its result are written.

    Raises:
        EdgeDceError: the child process failed.
    """
    source, target = work_folder / "photo.jpg", work_folder / "photo-enhanced.jpg"
    image = cv2.resize(read_image(photo), SIZE).astype(np.float32)
    noise = np.random.default_rng(2001).normal(0, 3, image.shape)
    source.write_bytes(encode_picture(Picture(np.clip(image + noise, 0, 255).astype(np.uint8)), ".jpg"))

    enhancer = edge_dce.load()
    stages: dict[str, list[float]] = collections.defaultdict(list)
    for _ in range(runs + 1):
        start = time.perf_counter()
        picture = edge_dce.read_picture(source)
        stages["decode_ms"].append((time.perf_counter() - start) * 1e3)
        for prefix, look in (("", BARE), ("cleaned_", PLAIN)):
            start = time.perf_counter()
            enhanced = picture.with_image(enhancer.enhance(picture.image, look))
            done = time.perf_counter()
            edge_dce.write_picture(enhanced, target, overwrite=True)
            stages[f"{prefix}enhance_ms"].append((done - start) * 1e3)
            stages[f"{prefix}encode_ms"].append((time.perf_counter() - done) * 1e3)
    # The first run also maps the libraries' code.
    durations = {stage: tuple(values[1:]) for stage, values in stages.items()}
    return PhotoTimes(SIZE, peak_rss_mb=_measure_child(source, target), **durations)


def _measure_child(source: Path, target: Path) -> float:
    result = run_python(["-c", _CHILD, str(source.resolve()), str(target.resolve())])
    if result.failure:
        raise EdgeDceError(f"edge-dce enhance failed on {source}: {result.failure}")
    return float(result.output.split()[-1])
