"""Scenes that no data set has enough of, made of photos that are exposed well: pairs that teach manners.

A black sky stays black, a sunset stays as it is, somebody in front of a window is lifted and the window is not, a lamp
keeps its color, grey stays grey. Needs no Keras.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from .masks import Samples, draw_blob, draw_field, draw_skyline, scatter

Uint8Array = npt.NDArray[np.uint8]

# Lamps, windows, signs: RGB of the brightest.
_LIGHTS = (
    (1.0, 0.5, 0.08),
    (1.0, 0.62, 0.2),
    (1.0, 0.75, 0.4),
    (1.0, 0.35, 0.1),
    (1.0, 0.2, 0.15),
    (0.4, 0.6, 1.0),
    (0.95, 0.9, 0.75),
    (1.0, 0.55, 0.0),
    (0.3, 1.0, 0.5),
)
# The mean of a grey picture, of 1, from which it needs nothing.
_BRIGHT_ENOUGH = 0.45
# Levels of 255.
_BLACKEST_SKY, _BRIGHTEST_SKY = 0.0, 2.2
_LEAST_NOISE, _MOST_NOISE = 0.3, 1.5


@dataclasses.dataclass(frozen=True)
class MadeScene:
    """A pair.

    Attributes:
        dark, partner: (H, W, 3) uint8 RGB.
        noise: standard deviation of the noise in `dark`, in levels of 255.
    """

    dark: Uint8Array
    partner: Uint8Array
    noise: float


def make_scene(first: Uint8Array, second: Uint8Array, random: np.random.Generator) -> MadeScene:
    """A scene of a random kind, made of two photos of one size, (H, W, 3) uint8 RGB each."""
    makers, shares = zip(*_MAKERS, strict=True)
    make = makers[int(random.choice(len(makers), p=shares))]
    dark, partner = make(*(photo.astype(np.float32) / np.float32(255) for photo in (first, second)), random)
    noise = random.uniform(_LEAST_NOISE, _MOST_NOISE)
    dark = dark + random.standard_normal(dark.shape, dtype=np.float32) * np.float32(noise / 255)
    return MadeScene(_quantize(dark), _quantize(partner), noise)


def make_night(photo: Samples, _: Samples, random: np.random.Generator) -> tuple[Samples, Samples]:
    """Lit things, or windows alone, under a black sky that must not be lifted."""
    height, width = photo.shape[:2]
    lit = (photo**2.2 * random.uniform(0.15, 1)) ** (1 / 2.2)
    if random.random() < 0.5:
        windows = scatter(height, width, random.uniform(0.02, 0.3), random)
        color = np.array(_LIGHTS[random.integers(len(_LIGHTS))], np.float32) * random.uniform(0.4, 1)
        lit = windows * color + (1 - windows) * lit * random.uniform(0.1, 0.6)
    ground = draw_skyline(height, width, random)
    tint = 1 + 0.15 * random.standard_normal(3)
    sky = (1 - ground) * (random.uniform(_BLACKEST_SKY, _BRIGHTEST_SKY) / 255 * tint)
    lifted = _lift(lit, random.uniform(0.08, 0.25), random.uniform(1.2, 2.2))
    return ground * lit + sky, ground * lifted + sky


def make_sunset(_: Samples, photo: Samples, random: np.random.Generator) -> tuple[Samples, Samples]:
    """A colorful sky over a dark ground: lifted a little, if at all."""
    height, width = photo.shape[:2]
    top, bottom = random.uniform((0.15, 0.2, 0.35), (0.6, 0.5, 0.8)), random.uniform((0.85, 0.4, 0.1), (1, 0.75, 0.45))
    down = np.linspace(0, 1, height, dtype=np.float32)[:, np.newaxis, np.newaxis]
    clouds = (draw_field(height, width, 6, random) - 0.5) * random.uniform(0, 0.3)
    sky = np.clip(top * (1 - down) + bottom * down + clouds, 0, 1)
    ground = draw_skyline(height, width, random)
    ground[: int(height * random.uniform(0.3, 0.8))] = 0
    dark = photo * random.uniform(0.05, 0.35)
    lifted = _lift(dark, random.uniform(0.05, 0.15), random.uniform(1.2, 2.2))
    return sky * (1 - ground) + dark * ground, sky * (1 - ground) + lifted * ground


def make_backlit(first: Samples, second: Samples, random: np.random.Generator) -> tuple[Samples, Samples]:
    """A dark subject in front of something bright: the one is lifted three times or more, the other stays."""
    height, width = first.shape[:2]
    darkest = random.uniform(0.45, 0.7)
    if random.random() < 0.6:
        tint = random.uniform(0.75, 1, 3)
        bright: Samples = darkest + (1 - darkest) * draw_field(height, width, 5, random) * tint
    else:
        bright = 0.8 * darkest + (1 - 0.8 * darkest) * first
    level = random.uniform(0.04, 0.14)
    subject = np.clip(second / max(float(second.mean()), 0.1) * level, 0, 0.4)
    lifted = _lift(subject, 1.6 * level, random.uniform(3, 4))
    mask = draw_blob(height, width, random.uniform(0.06, 0.4), random)
    return bright * (1 - mask) + subject * mask, bright * (1 - mask) + lifted * mask


def make_lamp(_: Samples, photo: Samples, random: np.random.Generator) -> tuple[Samples, Samples]:
    """A colored lamp in a dark room: the room is lifted, the lamp keeps its color."""
    height, width = photo.shape[:2]
    color = np.array(_LIGHTS[random.integers(len(_LIGHTS))], np.float32)
    radius = random.uniform(0.05, 0.3) * height
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    distance = np.hypot(rows - random.uniform(0.2, 0.6) * height, columns - random.uniform(0.2, 0.8) * width)
    distance = distance[..., np.newaxis]
    lamp = np.clip((radius - distance) / (radius * random.uniform(0.02, 0.4)), 0, 1)
    glow = np.exp(-distance / (radius * random.uniform(1, 5))) * random.uniform(0.02, 0.35) * color
    room = photo * random.uniform(0.05, 0.25) + glow * (0.4 + photo)
    lifted = np.clip(_lift(room, random.uniform(0.08, 0.2), random.uniform(1.8, 3)), 0, 1)
    return room * (1 - lamp) + color * lamp, lifted * (1 - lamp) + color * lamp


def make_grey(photo: Samples, _: Samples, random: np.random.Generator) -> tuple[Samples, Samples]:
    """No color before, none after, in a photo or a ramp; the brighter it is, the less it is lifted."""
    grey = np.repeat(photo.mean(axis=2, keepdims=True), 3, axis=2)
    if random.random() < 0.4:
        grey[:] = np.linspace(0, 1, grey.shape[1], dtype=np.float32)[:, np.newaxis]
    grey *= random.uniform(0.1, 1)
    need = float(np.clip(2 - 2 * grey.mean() / _BRIGHT_ENOUGH, 0, 1))
    return grey, _lift(grey, random.uniform(0.15, 0.3), 1 + need * random.uniform(0.2, 1.2))


_Maker = Callable[[Samples, Samples, np.random.Generator], tuple[Samples, Samples]]
# Another kind of scene is one function and one entry here, with its share of all.
_MAKERS: tuple[tuple[_Maker, float], ...] = (
    (make_night, 0.18),
    (make_sunset, 0.18),
    (make_backlit, 0.24),
    (make_lamp, 0.2),
    (make_grey, 0.2),
)


def _lift(samples: Samples, level: float, factor: float) -> Samples:
    """Up to `level` of the brightest channel `factor` times brighter, far above it unchanged; hues are kept."""
    meeting = min(0.97, max(level * factor * 1.1, level * 2.5))
    x = np.array((0, level, 1.5 * level, meeting, 1))
    y = np.maximum(x, (0, level * factor, 1.06 * level * factor, meeting, 1))
    brightest = np.maximum(samples.max(axis=2, keepdims=True), 1e-4)
    lifted: Samples = samples * (np.interp(brightest, x, y) / brightest)
    return lifted


def _quantize(samples: Samples) -> Uint8Array:
    return np.clip(np.rint(samples * 255), 0, 255).astype(np.uint8)
