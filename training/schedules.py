"""How the learning rate goes over a training, by name. Another way is one function and one entry in `SCHEDULES`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import keras

from .recipe import Recipe

# A number, or a schedule of Keras's, which has no type information.
Rate: TypeAlias = Any
# Called with a recipe and the number of steps per epoch.
Schedule = Callable[[Recipe, int], Rate]


def _stay(recipe: Recipe, steps_per_epoch: int) -> Rate:
    return recipe.learning_rate


def _follow_cosine(recipe: Recipe, steps_per_epoch: int) -> Rate:
    return keras.optimizers.schedules.CosineDecay(recipe.learning_rate, recipe.epochs * steps_per_epoch)


def _step_down(recipe: Recipe, steps_per_epoch: int) -> Rate:
    return keras.optimizers.schedules.ExponentialDecay(
        recipe.learning_rate, recipe.decay_epochs * steps_per_epoch, recipe.decay_factor, staircase=True
    )


def _warm_up(recipe: Recipe, steps_per_epoch: int) -> Rate:
    return keras.optimizers.schedules.CosineDecay(
        0.0,
        (recipe.epochs - recipe.warmup_epochs) * steps_per_epoch,
        warmup_target=recipe.learning_rate,
        warmup_steps=recipe.warmup_epochs * steps_per_epoch,
    )


SCHEDULES: Mapping[str, Schedule] = {
    "constant": _stay,
    "cosine": _follow_cosine,
    "step": _step_down,
    "warmup-cosine": _warm_up,
}
