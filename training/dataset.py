"""The batches that curve networks learn from."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from .cache import read_shrunk
from .datasets.picture import DarkPicture
from .recipe import Recipe, RecipeError

FloatArray = npt.NDArray[np.float32]
Uint8Array = npt.NDArray[np.uint8]


@dataclasses.dataclass(frozen=True)
class Shard:
    """One of `count` equal, contiguous shares of a batch."""

    index: int = 0
    count: int = 1

    def take(self, positions: range) -> range:
        """This share of the positions; their number is a multiple of `count`."""
        share = len(positions) // self.count
        return positions[self.index * share : (self.index + 1) * share]


def load_batches(
    pictures: Sequence[DarkPicture],
    recipe: Recipe,
    *,
    cache: Path,
    panoramas: Path | None = None,
    first_epoch: int = 0,
    shard: Shard = Shard(),
) -> Batches:
    """Augmented training batches.

    Raises:
        RecipeError: there are panoramas, of which the recipe takes no views, or no pictures.
        ImageError, OutputError: as `read_shrunk`.
    """
    if panoramas is not None or not pictures:
        raise RecipeError(f"recipe '{recipe.name}': expected --data and no --panoramas; see --show")
    weights = [picture.weight for picture in pictures]
    samples = _read_samples(pictures, recipe, cache)
    return Batches(*samples, recipe, first_epoch=first_epoch, shard=shard, weights=weights)


def load_validation(pictures: Sequence[DarkPicture], recipe: Recipe, *, cache: Path) -> Batches | None:
    """Every held-out picture once, as it is; None where there are none. Raises as `load_batches`."""
    if not pictures:
        return None
    plain = dataclasses.replace(
        recipe,
        shuffle=False,
        flip=False,
        rotate=False,
        crop_px=None,
        exposure_gain=1.0,
        exposure_shift=0.0,
        noise=0.0,
        epoch_images=0,
    )
    return Batches(*_read_samples(pictures, plain, cache), plain, keep_remainder=True)


class Batches(keras.utils.PyDataset):  # type: ignore[misc]  # keras has no type information
    """Batches of one epoch after the other, a function of (seed, epoch, index) only: a resumed run sees the same.

    A batch is (low,), or (low, high) where the recipe shows partners: (B, side, side, channels) float32 in
    [0, 1].
    """

    def __init__(
        self,
        low: Uint8Array,
        high: Uint8Array | None,
        recipe: Recipe,
        *,
        first_epoch: int = 0,
        keep_remainder: bool = False,
        shard: Shard = Shard(),
        weights: Sequence[float] | None = None,
    ) -> None:
        """`keep_remainder` adds the last, smaller batch: for validation, which must see every picture.

        `shard` leaves of each batch that share only; all shares together are the batch without sharding. `weights` say
        how often each picture is shown, relative to others; None shows all alike.
        """
        # Threads make the next batches while the network trains on this one; numpy releases the lock in its loops.
        super().__init__(workers=2, use_multiprocessing=False, max_queue_size=4)
        self._low, self._high = low, high
        self._recipe = recipe
        self._epoch = first_epoch
        self._shard = shard
        self._weights = np.array(weights if weights is not None else [1.0] * len(low))
        images, batch = len(low), recipe.batch_size
        self._steps = -(-images // batch) if keep_remainder else count_steps(images, recipe)

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, index: int) -> tuple[FloatArray, ...]:
        recipe = self._recipe
        order = self._draw_order()
        positions = range(index * recipe.batch_size, min((index + 1) * recipe.batch_size, len(order)))
        samples = [self._augment(order[position], position) for position in self._shard.take(positions)]
        return tuple(np.stack(side) for side in zip(*samples, strict=True))

    def on_epoch_end(self) -> None:
        self._epoch += 1

    def _draw_order(self) -> npt.NDArray[np.intp]:
        images = len(self._low)
        if np.ptp(self._weights) > 0:
            random = np.random.default_rng([self._recipe.seed, self._epoch])
            return draw_by_weight(self._weights, count_images(images, self._recipe), random)
        turns = [np.arange(images) for _ in range(-(-count_images(images, self._recipe) // images))]
        if self._recipe.shuffle:
            random = np.random.default_rng([self._recipe.seed, self._epoch])
            for turn in turns:
                random.shuffle(turn)
        return np.concatenate(turns)[: count_images(images, self._recipe)]

    def _augment(self, number: int, position: int) -> tuple[FloatArray, ...]:
        recipe = self._recipe
        # A stream for each picture: a shard need not make what comes before it.
        random = np.random.default_rng([recipe.seed, self._epoch, position])
        low = _normalize(self._low[number])
        high = _normalize(self._high[number]) if self._high is not None else low
        if random.random() < recipe.exposure_shift:
            low = high * np.float32(random.uniform(0.1, 1.0))
        low, high = _move(low, high, recipe, random)
        if random.random() < 0.5:
            low = np.minimum(low * np.float32(math.exp(random.uniform(0, math.log(recipe.exposure_gain)))), 1)
        if recipe.noise > 0:
            low = _add_noise(low, random.uniform(0, recipe.noise), random)
        return (low, high) if recipe.shows_partners else (low,)


def draw_by_weight(weights: npt.NDArray[np.float64], count: int, random: np.random.Generator) -> npt.NDArray[np.intp]:
    """`count` numbers in random order, each as often as its weight says, rounded up or down.

    Systematic sampling: where one is drawn, its neighbor is less likely to be, so that no set is shown too often.
    """
    ends = np.cumsum(weights) / weights.sum() * count
    order = np.searchsorted(ends, np.arange(count) + random.random(), side="right")
    order = np.minimum(order, len(weights) - 1)
    random.shuffle(order)
    return order


def count_images(images: int, recipe: Recipe) -> int:
    """How many pictures an epoch shows of a set of `images`: all, and those of a small set several times."""
    return max(images, recipe.epoch_images)


def count_steps(images: int, recipe: Recipe) -> int:
    """Steps per epoch; an incomplete last batch is dropped unless it is the only one."""
    return max(1, count_images(images, recipe) // recipe.batch_size)


def _read_samples(pictures: Sequence[DarkPicture], recipe: Recipe, cache: Path) -> tuple[Uint8Array, Uint8Array | None]:
    def read(paths: list[Path]) -> Uint8Array:
        return read_shrunk(paths, recipe.resize_px, channels=recipe.channels, cache=cache)

    low = read([picture.low for picture in pictures])
    if not recipe.uses_partners:
        return low, None
    return low, read([picture.high for picture in pictures if picture.high is not None])


def _normalize(image: Uint8Array) -> FloatArray:
    return np.asarray(image, np.float32) / np.float32(255)


def _move(
    low: FloatArray, high: FloatArray, recipe: Recipe, random: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Crop, mirror and turn both alike."""
    top = left = 0
    side_px = recipe.resize_px
    if recipe.crop_px is not None:
        top, left = random.integers(0, recipe.resize_px - recipe.crop_px + 1, size=2)
        side_px = recipe.crop_px
    down, right = random.choice((-1, 1), size=2) if recipe.flip else (1, 1)
    turns = int(random.integers(0, 4)) if recipe.rotate else 0

    def move(image: FloatArray) -> FloatArray:
        return np.rot90(image[top : top + side_px, left : left + side_px][::down, ::right], turns)

    return move(low), move(high)


def _add_noise(image: FloatArray, level: float, random: np.random.Generator) -> FloatArray:
    """Shot and read noise: variance level·x + level²."""
    deviation = np.sqrt(level * image + np.float32(level) ** 2)
    noise = random.standard_normal(image.shape, dtype=np.float32)
    noisy: FloatArray = np.clip(image + deviation * noise, 0, 1).astype(np.float32)
    return noisy
