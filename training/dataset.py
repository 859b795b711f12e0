"""LOL pairs as training batches."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import keras
import numpy as np
import numpy.typing as npt

from edge_dce.errors import ImageError
from edge_dce.images import find_pictures, read_picture
from training.recipe import Recipe

FloatArray = npt.NDArray[np.float32]
Uint8Array = npt.NDArray[np.uint8]


@dataclasses.dataclass(frozen=True)
class Pair:
    """A low-light picture and the normal-light picture of the same scene."""

    low: Path
    high: Path


def find_pairs(data: Path) -> list[Pair]:
    """All pairs of a LOL folder (`low/` and `high/`, in `data` or `data/our485`), sorted by file name.

    The order is that of the names as strings, which is what the report's "first 30" means.

    Raises:
        ImageError: no such folders, or a low-light picture without partner.
    """
    for root in (data, data / "our485"):
        if (root / "low").is_dir() and (root / "high").is_dir():
            break
    else:
        raise ImageError(f"{data}: expected folders 'low' and 'high' (or 'our485' holding them), as LOL has them")
    pairs = [Pair(low, root / "high" / low.name) for low in find_pictures(root / "low")]
    for pair in pairs:
        if not pair.high.exists():
            raise ImageError(f"{pair.low}: no picture of the same name under {pair.high.parent}")
    return pairs


def split_pairs(pairs: Sequence[Pair], recipe: Recipe) -> dict[str, list[Pair]]:
    """The recipe's test, train and validation part of sorted pairs.

    Raises:
        ImageError: too few pictures to leave any for training.
    """
    test_files, validation_from = recipe.test_files, recipe.validation_from
    if len(pairs) <= test_files:
        raise ImageError(
            f"expected more than {test_files} pairs (recipe '{recipe.name}' keeps {test_files} for testing), "
            f"found {len(pairs)}; add pictures"
        )
    return {
        "test": list(pairs[:test_files]),
        "train": list(pairs[test_files:validation_from]),
        "validation": list(pairs[validation_from:]),
    }


def read_resized(paths: Sequence[Path], side_px: int) -> Uint8Array:
    """Pictures as one (N, side, side, 3) uint8 array, shrunk by area averaging; decoded once, kept in memory."""

    def read(path: Path) -> Uint8Array:
        resized = cv2.resize(read_picture(path).image, (side_px, side_px), interpolation=cv2.INTER_AREA)
        return resized.astype(np.uint8, copy=False)

    with ThreadPoolExecutor() as pool:
        return np.stack(list(pool.map(read, paths)))


@dataclasses.dataclass(frozen=True)
class Shard:
    """One of `count` equal, contiguous shares of a batch."""

    index: int = 0
    count: int = 1

    def take(self, positions: range) -> range:
        """This share of the positions; their number is a multiple of `count`."""
        share = len(positions) // self.count
        return positions[self.index * share : (self.index + 1) * share]


class Batches(keras.utils.PyDataset):
    """Batches of one epoch after the other, a function of (seed, epoch, index) only: a resumed run sees the same."""

    def __init__(
        self,
        low: Uint8Array,
        high: Uint8Array,
        recipe: Recipe,
        *,
        first_epoch: int = 0,
        keep_remainder: bool = False,
        shard: Shard = Shard(),
    ) -> None:
        """`keep_remainder` adds the last, smaller batch: for validation, which must see every picture.

        `shard` leaves of each batch that share only; all shares together are the batch without sharding.
        """
        super().__init__()
        self._low, self._high = low, high
        self._recipe = recipe
        self._epoch = first_epoch
        self._shard = shard
        images, batch = len(low), recipe.batch_size
        self._steps = -(-images // batch) if keep_remainder else count_steps(images, recipe)

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, index: int) -> tuple[FloatArray]:
        recipe = self._recipe
        order = np.arange(len(self._low))
        if recipe.shuffle:
            np.random.default_rng([recipe.seed, self._epoch]).shuffle(order)
        positions = range(index * recipe.batch_size, min((index + 1) * recipe.batch_size, len(order)))
        return (np.stack([self._augment(order[position], position) for position in self._shard.take(positions)]),)

    def on_epoch_end(self) -> None:
        self._epoch += 1

    def _augment(self, number: int, position: int) -> FloatArray:
        recipe = self._recipe
        # A stream for each picture: a shard need not make what comes before it.
        random = np.random.default_rng([recipe.seed, self._epoch, position])
        if random.random() < recipe.exposure_shift:
            image = self._high[number].astype(np.float32) * np.float32(random.uniform(0.1, 1.0) / 255)
        else:
            image = self._low[number].astype(np.float32) / np.float32(255)
        if recipe.crop_px is not None:
            top, left = random.integers(0, recipe.resize_px - recipe.crop_px + 1, size=2)
            image = image[top : top + recipe.crop_px, left : left + recipe.crop_px]
        if recipe.flip:
            image = image[:: random.choice((-1, 1)), :: random.choice((-1, 1))]
        return image


def count_steps(images: int, recipe: Recipe) -> int:
    """Steps per epoch; an incomplete last batch is dropped unless it is the only one."""
    return max(1, images // recipe.batch_size)
