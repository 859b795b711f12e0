"""Views of panoramas as pairs: a dark picture, as a camera would have taken it, and a good one of the same view."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
import multiprocessing
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge_dce.errors import ImageError

from ..cache import hash_files, read_made
from ..masks import Samples, draw_blob, draw_skyline
from .camera import Camera, cut_view, draw_camera
from .files import find_panoramas, read_panorama
from .rendering import RENDERINGS, average_light
from .sensor import Noise, Sensor, decode_srgb, encode_srgb, expose, find_exposure, mix_luma, quantize, record

FloatArray = npt.NDArray[np.float32]
Uint8Array = npt.NDArray[np.uint8]

SIZE = (600, 400)
# Raise it when the same panoramas would give other views: earlier entries of the cache are then not found any more.
_VERSION = 2
# One in seven needs nothing: its picture is the good one.
_GOOD_SHARE = 1 / 7
# Of the others, those that are exposed for their brightest part: a window stays, a room is lost.
_BACKLIT_SHARE = 0.25
_DARKEST_LEVEL, _BRIGHTEST_LEVEL = 5.0, 90.0
# A picture as bright as this share of its partner needs nothing either: nobody wants photos darkened.
_ENOUGH = 0.9
# Of a collage: how much more or less light its front gets, how often it is as bright as its highlights allow, and what
# mean luma that may give at most.
_MOST_RATIO = 24.0
_BRIGHT_SHARE, _BRIGHT_LEVELS = 0.5, (50.0, 190.0)
# In the darkest photos of phones, and in those taken by day.
_STRONGEST, _WEAKEST = Noise(shot=4e-4, read=1.2e-3), Noise(shot=2e-5, read=1e-4)
_NIGHT_WORDS = ("night", "moon", "dusk")


@dataclasses.dataclass(frozen=True)
class ViewSettings:
    """Which views are cut of a folder of panoramas.

    Attributes:
        count: of each panorama about as many.
        seed: view number n is a function of (files, settings, n) only.
        size: (width, height) of a view, or turned.
        rendering: of the partners, one of `rendering.RENDERINGS`.
        collage_share: how often a view of the same panorama stands in front of another, see `make_collage`.
    """

    count: int
    seed: int
    size: tuple[int, int] = SIZE
    rendering: str = "filmic"
    collage_share: float = 0.0

    def share_out(self, panoramas: int) -> list[range]:
        """The numbers of the views that each of so many panoramas gives."""
        firsts = [-(-place * self.count // panoramas) for place in range(panoramas + 1)]
        return [range(first, end) for first, end in itertools.pairwise(firsts)]

    def begin(self, number: int) -> tuple[np.random.Generator, Camera]:
        """The random numbers of a view, and the camera that is the first they give."""
        random = np.random.default_rng([self.seed, number])
        return random, draw_camera(random, self.size)


@dataclasses.dataclass(frozen=True)
class View:
    """A pair; pictures are (H, W, 3) uint8 RGB, `size` or turned.

    Args:
        dark: with noise, and after JPEG where `sensor` says so.
        clean_dark: `dark` without noise and JPEG.
        partner: the good picture of the same view.
        sensor: how `dark` was recorded; `sensor.noise.measure_at` gives its noise in levels.
    """

    dark: Uint8Array
    clean_dark: Uint8Array
    partner: Uint8Array
    sensor: Sensor


def cut_views(folder: Path, settings: ViewSettings) -> Iterator[View]:
    """The views of a folder of panoramas, in the order of its files.

    A file whose name says night, moon or dusk is rendered as a night.

    Raises:
        ImageError: as `find_panoramas` and `read_panorama`.
    """
    paths = find_panoramas(folder)
    for path, numbers in zip(paths, settings.share_out(len(paths)), strict=True):
        yield from _cut_views_of(path, numbers, settings)


def read_pairs(folder: Path, settings: ViewSettings, *, cache: Path) -> tuple[Uint8Array, Uint8Array]:
    """`dark` and `partner` of `cut_views` as two (count, height, width, 3) arrays, mapped from the cache.

    Upright views lie on their left side, so that all have one shape; `stand_up` those of `find_upright`.

    Raises:
        ImageError: as `cut_views`.
        OutputError: the cache cannot be written.
    """
    width, height = settings.size
    paths = find_panoramas(folder)
    shares = settings.share_out(len(paths))

    def fill(samples: Uint8Array) -> None:
        cut = functools.partial(_cut_pairs, settings)
        # Processes rather than threads: most of a view is made by numpy. Spawned, since engines of Keras do not survive
        # a fork.
        with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
            for number, pair in enumerate(itertools.chain.from_iterable(pool.map(cut, paths, shares))):
                samples[number] = pair

    shape = (settings.count, 2, height, width, 3)
    pairs = read_made(_describe(settings, paths), shape, fill, cache=cache)
    return pairs[:, 0], pairs[:, 1]


def find_upright(settings: ViewSettings) -> list[bool]:
    """Of each view whether it is upright."""
    cameras = (settings.begin(number)[1] for number in range(settings.count))
    return [camera.size != settings.size for camera in cameras]


def stand_up(image: Uint8Array) -> Uint8Array:
    """An upright view as the camera took it, of `read_pairs`."""
    return np.rot90(image, -1)


def _describe(settings: ViewSettings, paths: Sequence[Path]) -> str:
    """What views depend on, as a key of the cache."""
    collages = f" collages {settings.collage_share}" if settings.collage_share > 0 else ""
    drawn = f"{settings.count} {settings.seed} {settings.size}"
    names = " ".join(path.name for path in paths)
    return f"views {_VERSION} {settings.rendering}{collages} {drawn} {names} {hash_files(paths)}"


def _cut_pairs(settings: ViewSettings, path: Path, numbers: Iterable[int]) -> list[tuple[Uint8Array, Uint8Array]]:
    """What `read_pairs` holds of the views of one panorama."""
    views = _cut_views_of(path, numbers, settings)
    return [(_lay_down(view.dark, settings.size), _lay_down(view.partner, settings.size)) for view in views]


def _cut_views_of(path: Path, numbers: Iterable[int], settings: ViewSettings) -> Iterator[View]:
    panorama = read_panorama(path)
    is_night = any(word in path.stem.lower() for word in _NIGHT_WORDS)
    for number in numbers:
        random, camera = settings.begin(number)
        light = cut_view(panorama, camera)
        # Without collages no number is drawn for them: sets of before stay as they are.
        if settings.collage_share > 0 and random.random() < settings.collage_share:
            front = cut_view(panorama, draw_camera(random, settings.size))
            yield make_collage(light, front, random, is_night=is_night, rendering=settings.rendering)
        else:
            yield make_view(light, random, is_night=is_night, rendering=settings.rendering)


def _lay_down(image: Uint8Array, size: tuple[int, int]) -> Uint8Array:
    """The picture itself if it has that (width, height), else turned by a quarter, counterclockwise."""
    width, height = size
    return image if image.shape[:2] == (height, width) else np.rot90(image)


def make_view(
    light: FloatArray, random: np.random.Generator, *, is_night: bool = False, rendering: str = "filmic"
) -> View:
    """A pair from the light of a view (H, W, 3), of any scale.

    Raises:
        ImageError: there is no light.
    """
    _expect_light(light)
    sensor = _draw_sensor(_draw_exposure(light, random, is_night), random)
    exposed = expose(light, sensor)
    partner = RENDERINGS[rendering](_see(light, sensor), sensor.exposure, is_night=is_night)
    is_bright = mix_luma(encode_srgb(exposed)).mean() * 255 > _ENOUGH * partner.mean()
    if is_bright or random.random() < _GOOD_SHARE:
        sensor = Sensor(exposure=1.0, noise=_draw_noise(random, _WEAKEST), jpeg_quality=sensor.jpeg_quality)
        exposed = decode_srgb(partner.astype(np.float32) / np.float32(255))
    dark, clean_dark = record(exposed, sensor, random)
    return View(dark, clean_dark, partner, sensor)


def make_collage(
    light: FloatArray,
    front: FloatArray,
    random: np.random.Generator,
    *,
    is_night: bool = False,
    rendering: str = "filmic",
) -> View:
    """A pair of a view with another one in front of it, or as the ground under it, in light of its own.

    What is where then tells nothing: a network has to look at how much there is of which brightness. Half of them are
    as bright as their highlights allow. No sample of the partner is darker than the same exposure would have it without
    noise and with the right white balance. A front of the other orientation is turned by a quarter.

    Raises:
        ImageError: there is no light in one of them.
    """
    _expect_light(light)
    _expect_light(front)
    if front.shape != light.shape:
        front = np.rot90(front)
    ratio = average_light(light) / average_light(front) * _MOST_RATIO ** random.uniform(-1, 1)
    height, width = light.shape[:2]
    mask = _draw_mask(height, width, random)
    joined: FloatArray = np.asarray(light * (1 - mask) + front * (ratio * mask), np.float32)
    exposure = _draw_exposure(joined, random, is_night)
    if not is_night and random.random() < _BRIGHT_SHARE:
        exposure = min(_hold_highlights(joined, random), find_exposure(joined, random.uniform(*_BRIGHT_LEVELS)))
    sensor = _draw_sensor(exposure, random)
    dark, clean_dark = record(expose(joined, sensor), sensor, random)
    seen = _see(joined, sensor)
    partner = RENDERINGS[rendering](seen, sensor.exposure, is_night=is_night)
    bright = quantize(encode_srgb(seen * np.float32(sensor.exposure)))
    return View(dark, clean_dark, np.maximum(partner, bright), sensor)


def _draw_mask(height: int, width: int, random: np.random.Generator) -> Samples:
    if random.random() < 0.5:
        return draw_blob(height, width, random.uniform(0.06, 0.5), random)
    return draw_skyline(height, width, random)


def _expect_light(light: FloatArray) -> None:
    if not light.max() > 0:
        raise ImageError("a view without any light; expected a panorama of a scene")


def _see(light: FloatArray, sensor: Sensor) -> FloatArray:
    """What a partner is made of: it knows no more than the sensor saw, and what is clipped there is white."""
    return np.minimum(light, 1 / np.float32(sensor.exposure))


def _draw_exposure(light: FloatArray, random: np.random.Generator, is_night: bool) -> float:
    brightest = _BRIGHTEST_LEVEL / 2 if is_night else _BRIGHTEST_LEVEL
    exposure = find_exposure(light, _draw_between(random, _DARKEST_LEVEL, brightest))
    if random.random() < _BACKLIT_SHARE:
        exposure = min(_hold_highlights(light, random), find_exposure(light, brightest))
    return exposure


def _hold_highlights(light: FloatArray, random: np.random.Generator) -> float:
    """The exposure that clips 0.2 to 4 % of the pixels."""
    clipped = random.uniform(0.2, 4)
    return 1 / max(float(np.percentile(light.max(axis=2), 100 - clipped)), 1e-6)


def _draw_sensor(exposure: float, random: np.random.Generator) -> Sensor:
    red, blue = np.exp(random.normal(0, 0.06, 2))
    return Sensor(
        exposure=exposure,
        white_balance=(float(red), 1.0, float(blue)),
        noise=_draw_noise(random, _STRONGEST),
        has_mosaic=random.random() < 0.5,
        jpeg_quality=int(random.integers(60, 99)) if random.random() < 0.5 else None,
    )


def _draw_noise(random: np.random.Generator, strongest: Noise) -> Noise:
    """From a fiftieth of the strongest; both kinds of noise grow with the gain of the sensor."""
    gain = _draw_between(random, 0.02, 1.0)
    return Noise(shot=strongest.shot * gain, read=strongest.read * gain * random.uniform(0.5, 1))


def _draw_between(random: np.random.Generator, low: float, high: float) -> float:
    """Evenly over the logarithm."""
    return low * math.exp(random.uniform(0, math.log(high / low)))
