"""What a kind of network learns, and what its output does to a picture: one entry in `training.model.TASKS` each."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import keras
import numpy as np
import numpy.typing as npt

from .drawings import Drawings
from .recipe import Recipe

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class Task:
    """One kind of network.

    Attributes:
        wrap: puts the losses of a recipe around a network: a model for `fit`, which has it as `network`.
        load_batches: the training batches; called as `dataset.load_batches`.
        load_validation: the batches of the held-out pictures; called as `dataset.load_validation`.
        shrink: uint8 images of any sizes as what a recipe's network sees, (N, h, w, channels) float32 in [0, 1]; they
            are (H, W, 3), and (H, W, 4) for a network of four channels.
        apply: enhances such an image by what the network returned for it, exactly.
        draw: what the network returned for several pictures, for people, each at its picture's (height, width).
    """

    wrap: Callable[[keras.Model, Recipe], keras.Model]
    load_batches: Callable[..., keras.utils.PyDataset]
    load_validation: Callable[..., keras.utils.PyDataset | None]
    shrink: Callable[[Sequence[Uint8Array], Recipe], FloatArray]
    apply: Callable[[Uint8Array, FloatArray, Recipe], Uint8Array]
    draw: Callable[[Sequence[FloatArray], Sequence[tuple[int, int]]], Drawings]
