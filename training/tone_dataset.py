"""What a tone network learns from: pairs of full-size pictures of several sources, each with its noise.

The network sees the whole picture, small; the losses see a crop of it at full size, with all its noise.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import keras
import numpy as np
import numpy.typing as npt

from edge_dce.errors import ImageError
from edge_dce.pixels.noise import NoiseProfile, assume_noise, estimate_noise
from edge_dce.pixels.shrinking import shrink

from .cache import read_resized
from .dataset import Shard, count_steps
from .datasets.picture import DarkPicture
from .made_scenes import make_scene
from .panoramas.views import ViewSettings, find_upright, read_pairs, stand_up
from .recipe import Recipe, RecipeError, ToneSettings

FloatArray = npt.NDArray[np.float32]
Uint8Array = npt.NDArray[np.uint8]
# What `ToneModel` takes: by name, each with the batch as its first axis.
Batch = tuple[dict[str, FloatArray], dict[str, FloatArray]]

_WHOLE = Shard()
# The map of the noise is so much smaller than the crop.
NOISE_STEP_PX = 8
_MOST_MOVED_PX = 3
# Larger pictures take time, and are seen as smaller ones are.
_MOST_ENLARGED = 1.5


@dataclasses.dataclass(frozen=True)
class Shot:
    """A pair at full size.

    Attributes:
        dark, partner: (H, W, 3) uint8 RGB.
        noise: (256, 2) float32, the standard deviation of the noise in `dark` at each luma, in levels of 255: of luma,
            and of chroma averaged over 4 x 4 pixels.
    """

    dark: Uint8Array
    partner: Uint8Array
    noise: FloatArray


class _Pairs:
    """Pairs of pictures as they are."""

    def __init__(
        self,
        dark: Uint8Array,
        partners: Uint8Array,
        *,
        weights: Sequence[float] | None = None,
        upright: Sequence[bool] | None = None,
    ) -> None:
        """`weights` say how often each pair is drawn, relative to others, `upright` which pairs have to `stand_up`."""
        self._dark, self._partners, self._upright = dark, partners, upright
        # A draw without weights takes other random numbers: runs of one set stay as they are.
        self._chances = np.array(weights) / sum(weights) if weights and min(weights) < max(weights) else None
        # Estimated when first needed, and then kept: 1 kB each.
        self._measure = functools.cache(lambda number: measure_noise(dark[number]))

    def __len__(self) -> int:
        return len(self._dark)

    def take(self, number: int) -> Shot:
        shot = Shot(self._dark[number], self._partners[number], self._measure(number))
        if self._upright is None or not self._upright[number]:
            return shot
        return dataclasses.replace(shot, dark=stand_up(shot.dark), partner=stand_up(shot.partner))

    def draw(self, random: np.random.Generator) -> Shot:
        return self.take(self._choose(random))

    def draw_partner(self, random: np.random.Generator) -> Uint8Array:
        """A good picture alone, upright ones lying: all have one shape."""
        partner: Uint8Array = self._partners[self._choose(random)]
        return partner

    def _choose(self, random: np.random.Generator) -> int:
        if self._chances is None:
            return int(random.integers(len(self)))
        return int(random.choice(len(self), p=self._chances))


class _ExposedPairs(_Pairs):
    """Pairs of which half of the dark pictures are exposed by another factor."""

    def __init__(
        self, dark: Uint8Array, partners: Uint8Array, weights: Sequence[float], factors: tuple[float, float]
    ) -> None:
        super().__init__(dark, partners, weights=weights)
        self._lowest, self._highest = map(math.log, factors)

    def draw(self, random: np.random.Generator) -> Shot:
        shot = super().draw(random)
        if random.random() < 0.5:
            return shot
        factor = math.exp(random.uniform(self._lowest, self._highest))
        levels = np.arange(256, dtype=np.float32)
        dark = np.rint(np.minimum(levels * factor, 255)).astype(np.uint8)[shot.dark]
        noise = [factor * np.interp(levels / factor, levels, each) for each in shot.noise.T]
        return dataclasses.replace(shot, dark=dark, noise=np.stack(noise, axis=1).astype(np.float32))


class _MadeScenes:
    """Scenes made of the good pictures of another source."""

    def __init__(self, source: _Pairs) -> None:
        self._source = source

    def draw(self, random: np.random.Generator) -> Shot:
        # At half size a scene takes a quarter of the time, and has no detail to lose.
        first, second = (self._source.draw_partner(random)[::2, ::2] for _ in range(2))
        scene = make_scene(first, second, random)
        return Shot(scene.dark, scene.partner, _describe(assume_noise(scene.noise)))


_Source = _Pairs | _MadeScenes


class ToneBatches(keras.utils.PyDataset):  # type: ignore[misc]  # keras has no type information
    """Batches of one epoch after the other, a function of (seed, epoch, index) only: a resumed run sees the same.

    A batch is (inputs, partners), by name, float32 in [0, 1]: "whole", (B, h, w, 3) as the network sees it, and "crop",
    (B, crop, crop, 3) of the full-size picture. The inputs also have "again", the whole after the camera moved a little
    or with another number of pixels, and "noise", see `Shot`.
    """

    def __init__(
        self, sources: Sequence[tuple[_Source, float]], recipe: Recipe, *, first_epoch: int, shard: Shard, images: int
    ) -> None:
        super().__init__(workers=2, use_multiprocessing=False, max_queue_size=4)
        self._sources, shares = zip(*sources, strict=True)
        self._shares = np.array(shares) / sum(shares)
        self._recipe, self._epoch, self._shard = recipe, first_epoch, shard
        self._steps = count_steps(images, recipe)

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, index: int) -> Batch:
        batch = self._recipe.batch_size
        positions = self._shard.take(range(index * batch, (index + 1) * batch))
        return _stack([self._draw(position) for position in positions])

    def on_epoch_end(self) -> None:
        self._epoch += 1

    def _draw(self, position: int) -> Batch:
        recipe = self._recipe
        # A stream for each picture: a shard need not make what comes before it.
        random = np.random.default_rng([recipe.seed, self._epoch, position])
        shot = self._sources[random.choice(len(self._sources), p=self._shares)].draw(random)
        return _compose(_move(shot, recipe, random), recipe, random)


class _WholePictures(keras.utils.PyDataset):  # type: ignore[misc]  # keras has no type information
    """Every pair once, as it is, its crop the whole picture; nothing moves, so steadiness costs nothing here."""

    def __init__(self, pairs: _Pairs, recipe: Recipe) -> None:
        super().__init__()
        self._pairs, self._recipe = pairs, recipe

    def __len__(self) -> int:
        return -(-len(self._pairs) // self._recipe.batch_size)

    def __getitem__(self, index: int) -> Batch:
        first = index * self._recipe.batch_size
        numbers = range(first, min(first + self._recipe.batch_size, len(self._pairs)))
        return _stack([_compose(self._pairs.take(number), self._recipe) for number in numbers])


def load_tone_batches(
    pictures: Sequence[DarkPicture],
    recipe: Recipe,
    *,
    cache: Path,
    panoramas: Path | None = None,
    first_epoch: int = 0,
    shard: Shard = _WHOLE,
) -> ToneBatches:
    """Training batches of all sources that the recipe names.

    Raises:
        RecipeError: a source is missing that the recipe takes pictures from.
        ImageError, OutputError: a picture or panorama cannot be read, or the cache not be written.
    """
    settings = _get_settings(recipe)
    if settings.pair_share > 0 and not pictures:
        raise RecipeError(f"recipe '{recipe.name}': expected --data with pairs to train on; see --show")
    if settings.view_share > 0 and panoramas is None:
        raise RecipeError(f"recipe '{recipe.name}': expected --panoramas with a folder of panoramas; see --show")
    sources: list[tuple[_Source, float]] = []
    good: _Pairs | None = None
    if settings.pair_share > 0:
        weights = [picture.weight for picture in pictures]
        factors = settings.least_gain, recipe.exposure_gain
        good = _ExposedPairs(*_read_pairs(pictures, settings, cache), weights, factors)
        sources.append((good, settings.pair_share))
    if panoramas is not None and settings.view_share > 0:
        wanted = ViewSettings(
            settings.views,
            recipe.seed,
            size=(settings.picture_width_px, settings.picture_height_px),
            rendering=settings.rendering,
            collage_share=settings.collage_share,
        )
        good = _Pairs(*read_pairs(panoramas, wanted, cache=cache), upright=find_upright(wanted))
        sources.append((good, settings.view_share))
    if settings.made_share > 0 and good is not None:
        sources.append((_MadeScenes(good), settings.made_share))
    return ToneBatches(sources, recipe, first_epoch=first_epoch, shard=shard, images=len(pictures))


def load_tone_validation(pictures: Sequence[DarkPicture], recipe: Recipe, *, cache: Path) -> _WholePictures | None:
    """Every held-out pair once; None where there are none. Raises as `load_tone_batches`."""
    return _WholePictures(_Pairs(*_read_pairs(pictures, _get_settings(recipe), cache)), recipe) if pictures else None


def measure_noise(image: Uint8Array) -> FloatArray:
    """The noise of an (H, W, 3) uint8 RGB image, as `Shot` has it."""
    return _describe(estimate_noise(image, channel_order="RGB"))


def _describe(profile: NoiseProfile) -> FloatArray:
    return np.stack([profile.luma, profile.chroma], axis=1)


def _read_pairs(pictures: Sequence[DarkPicture], settings: ToneSettings, cache: Path) -> tuple[Uint8Array, Uint8Array]:
    high = [picture.high for picture in pictures if picture.high is not None]
    if len(high) < len(pictures):
        raise ImageError("expected a normal-light partner for every dark picture; a tone is learned from pairs")
    width, height = settings.picture_width_px, settings.picture_height_px
    low = [picture.low for picture in pictures]
    return read_resized(low, width, height, cache=cache), read_resized(high, width, height, cache=cache)


def _get_settings(recipe: Recipe) -> ToneSettings:
    assert recipe.tone is not None, "check_recipe lets no tone network pass without"
    return recipe.tone


def _move(shot: Shot, recipe: Recipe, random: np.random.Generator) -> Shot:
    """A part of the picture as if it were a whole one, perhaps mirrored."""
    smallest = _get_settings(recipe).smallest_part
    sizes = [max(recipe.crop_px or 0, round(side * random.uniform(smallest, 1))) for side in shot.dark.shape[:2]]
    window = _draw_window(shot.dark.shape, sizes, random)
    # Never upside down: where the sky is says something about the light.
    right = random.choice((-1, 1)) if recipe.flip else 1

    def move(image: Uint8Array) -> Uint8Array:
        return np.ascontiguousarray(image[window][:, ::right])

    return dataclasses.replace(shot, dark=move(shot.dark), partner=move(shot.partner))


def _compose(shot: Shot, recipe: Recipe, random: np.random.Generator | None = None) -> Batch:
    """One pair as the model takes it, without the axis of the batch; without `random` the crop is the whole."""
    settings = _get_settings(recipe)
    if random is None:
        height, width = (side // NOISE_STEP_PX * NOISE_STEP_PX for side in shot.dark.shape[:2])
        window: tuple[slice, ...] = (slice(height), slice(width))
    else:
        window = _draw_window(shot.dark.shape, [recipe.crop_px or 0] * 2, random)

    def look_at(image: Uint8Array) -> FloatArray:
        return _normalize(shrink(image, settings.width_px, settings.height_px))

    partners = {"whole": look_at(shot.partner), "crop": _normalize(shot.partner[window])}
    whole = look_at(shot.dark)
    again = look_at(_disturb(shot.dark, random)) if random is not None else whole
    return {"whole": whole, "again": again, "crop": _normalize(shot.dark[window]), "noise": shot.noise}, partners


def _disturb(image: Uint8Array, random: np.random.Generator) -> Uint8Array:
    """The same view, moved by a few pixels; half of the time of another size too."""
    top, bottom, left, right = random.integers(0, _MOST_MOVED_PX + 1, 4)
    moved = image[top : image.shape[0] - bottom, left : image.shape[1] - right]
    if random.random() < 0.5:
        return moved
    factor = math.exp(random.uniform(math.log(0.5), math.log(_MOST_ENLARGED)))
    height, width = (max(1, round(side * factor)) for side in moved.shape[:2])
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(moved, (width, height), interpolation=method), np.uint8)


def _draw_window(shape: tuple[int, ...], sizes: Sequence[int], random: np.random.Generator) -> tuple[slice, ...]:
    starts = [int(random.integers(side - size + 1)) for side, size in zip(shape, sizes, strict=False)]
    return tuple(slice(start, start + size) for start, size in zip(starts, sizes, strict=True))


def _normalize(image: Uint8Array) -> FloatArray:
    return np.asarray(image, np.float32) / np.float32(255)


def _stack(samples: Sequence[Batch]) -> Batch:
    def stack(dictionaries: Sequence[dict[str, FloatArray]]) -> dict[str, FloatArray]:
        return {name: np.stack([each[name] for each in dictionaries]) for name in dictionaries[0]}

    inputs, partners = zip(*samples, strict=True)
    return stack(inputs), stack(partners)
