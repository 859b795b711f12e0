"""A photo from file to file: the share of each stage, what cleaning adds, and the memory of the whole process."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

import edge_dce
from edge_dce.benchmark.latency import Ratio, divide_pairs
from edge_dce.enhancer import Enhancer
from edge_dce.enhancing.picture import enhance_for
from edge_dce.errors import EdgeDceError
from edge_dce.files.pictures import Picture, encode_picture, read_image
from edge_dce.pixels.look import Look
from edge_dce.terminal.child import run_python

Uint8Array = npt.NDArray[np.uint8]

SIZE = (4000, 3000)
_NOISE_LEVELS = 3
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
    """Durations in ms, run by run, without denoising; of the whole by default; both in turn.

    `peak_rss_mb` is the most memory that `edge-dce enhance` on the same photo ever held. Earlier records have no
    `default_ms`.
    """

    size: tuple[int, int]
    decode_ms: tuple[float, ...]
    enhance_ms: tuple[float, ...]
    encode_ms: tuple[float, ...]
    peak_rss_mb: float
    default_ms: tuple[float, ...] = ()

    @property
    def totals_ms(self) -> tuple[float, ...]:
        """From file to file, without denoising."""
        return tuple(map(sum, zip(self.decode_ms, self.enhance_ms, self.encode_ms, strict=True)))

    @property
    def enhance_share(self) -> float:
        """Median share of enhancement in the whole."""
        return float(np.median(np.divide(self.enhance_ms, self.totals_ms)))

    @property
    def default_ratio(self) -> Ratio | None:
        """How many times as long the whole takes by default as without denoising."""
        return divide_pairs(self.default_ms, self.totals_ms) if self.default_ms else None


def add_noise(image: Uint8Array, size: tuple[int, int], *, seed: int = 2001) -> Uint8Array:
    """(H, W, 3) uint8 of that (width, height) with noise, as a dark photo of so many pixels would have."""
    enlarged = cv2.resize(image, size).astype(np.float32)
    noise = np.random.default_rng(seed).normal(0, _NOISE_LEVELS, enlarged.shape)
    noisy: Uint8Array = np.clip(enlarged + noise, 0, 255).astype(np.uint8)
    return noisy


def measure_photo(photo: Path, work_folder: Path, *, runs: int = 21) -> PhotoTimes:
    """Time a 12-megapixel JPEG made from `photo`, noise added, through the default model.

    Args:
        work_folder: where the JPEG and its result are written.

    Raises:
        EdgeDceError: the child process failed.
    """
    source, target = work_folder / "photo.jpg", work_folder / "photo-enhanced.jpg"
    source.write_bytes(encode_picture(Picture(add_noise(read_image(photo), SIZE)), ".jpg"))
    enhancer = edge_dce.load()
    plain: list[tuple[float, float, float]] = []
    default: list[tuple[float, float, float]] = []
    for _ in range(runs):
        for look, times in ((Look(denoise=0), plain), (Look(), default)):
            # The run before tells how much memory is at hand: decoding takes a sixth longer after one that encoded in
            # one piece. Who enhances many photos enhances them all alike.
            _time_stages(enhancer, source, target, look)
            times.append(_time_stages(enhancer, source, target, look))
    decode, enhance, encode = zip(*plain, strict=True)
    return PhotoTimes(SIZE, decode, enhance, encode, _measure_child(source, target), tuple(map(sum, default)))


def _time_stages(enhancer: Enhancer, source: Path, target: Path, look: Look) -> tuple[float, float, float]:
    """Milliseconds to decode, enhance and write."""
    start = time.perf_counter()
    picture = edge_dce.read_picture(source)
    decoded = time.perf_counter()
    enhanced = enhance_for(target, picture, enhancer, look)
    done = time.perf_counter()
    edge_dce.write_picture(enhanced, target, overwrite=True)
    return (decoded - start) * 1e3, (done - decoded) * 1e3, (time.perf_counter() - done) * 1e3


def _measure_child(source: Path, target: Path) -> float:
    result = run_python(["-c", _CHILD, str(source.resolve()), str(target.resolve())])
    if result.failure:
        raise EdgeDceError(f"edge-dce enhance failed on {source}: {result.failure}")
    return float(result.output.split()[-1])
