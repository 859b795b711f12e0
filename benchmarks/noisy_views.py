"""Dark pictures whose clean versions are known: views of panoramas with noise of a stated strength."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

# Small and wide: the panoramas at hand have two pixels per degree. Enlarged more they would hold no texture to lose.
SIZE, FIELD_OF_VIEW = (288, 192), 85.0
# Mean luma of the dark pictures.
_LEVELS = (8.0, 45.0)
# The level of 255 that a strength of noise is stated at, and the sensor whose gain is turned up to reach it.
NOISE_AT = 16
_SHOT, _READ = 1e-4, 3e-4


@dataclasses.dataclass(frozen=True)
class NoisyView:
    """(H, W, 3) uint8 RGB as a camera wrote it, and without noise and JPEG."""

    dark: Uint8Array
    clean_dark: Uint8Array


def cut_noisy_views(
    folder: Path, count: int, noise_levels: float, *, jpeg_quality: int | None = None, seed: int = 2001
) -> Iterator[NoisyView]:
    """`count` views of a folder of panoramas; the same ones for every strength of noise.

    Args:
        noise_levels: standard deviation in levels of 255 around level 16, shot and read noise together.

    Raises:
        ImageError: there is no panorama in the folder, or one cannot be read.
    """
    # Here, because a device has no training package.
    from training.panoramas.sensor import Noise, Sensor, expose, find_exposure, record

    gain = noise_levels / Noise(_SHOT, _READ).measure_at(NOISE_AT)
    # Variance is shot·x + read²: both terms grow alike.
    noise = Noise(_SHOT * gain**2, _READ * gain)
    for number, (light, random) in enumerate(_cut_lights(folder, count, seed)):
        exposure = find_exposure(light, random.uniform(*_LEVELS))
        # Every other one through a mosaic: its noise comes in blotches.
        sensor = Sensor(exposure, noise=noise, has_mosaic=number % 2 == 1, jpeg_quality=jpeg_quality)
        yield NoisyView(*record(expose(light, sensor), sensor, random))


def render_views(folder: Path, count: int, *, seed: int = 2001) -> Iterator[Uint8Array]:
    """The same views as good pictures, without noise. Raises as `cut_noisy_views`."""
    from training.panoramas.rendering import render

    for light, _ in _cut_lights(folder, count, seed):
        yield render(light)


def _cut_lights(folder: Path, count: int, seed: int) -> Iterator[tuple[FloatArray, np.random.Generator]]:
    from training.panoramas.camera import Camera, cut_view
    from training.panoramas.files import find_panoramas, read_panorama

    paths = find_panoramas(folder)
    for number in range(count):
        random = np.random.default_rng([seed, number])
        yaw, pitch = random.uniform(-180, 180), random.uniform(-15, 15)
        camera = Camera(yaw, pitch, 0, FIELD_OF_VIEW, SIZE)
        yield cut_view(read_panorama(paths[number % len(paths)]), camera), random
