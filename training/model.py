"""The trainable model: a curve-estimating network under the losses of its recipe."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

import keras
from keras import ops

from . import losses
from .losses import Tensor
from .network import NETWORKS
from .perceptual import load_perceptual_distance
from .recipe import Recipe

# What every run measures; further losses are measured where they count.
ZERO_REFERENCE = ("spatial_consistency", "exposure", "color_constancy", "illumination_smoothness")
_FURTHER = ("perceptual", "absolute", "structure")


class ZeroDCE(keras.Model):  # type: ignore[misc]  # keras has no type information
    """Wraps a curve-estimating network so that `fit` needs images only, unless the recipe compares with partners.

    Called on (B, H, W, channels) float32 in [0, 1] it returns the network's curves.
    """

    def __init__(self, network: keras.Model, recipe: Recipe) -> None:
        super().__init__(name="zero_dce_training")
        self.network = network
        self.recipe = recipe
        self.loss_names = ZERO_REFERENCE + tuple(name for name in _FURTHER if getattr(recipe.loss_weights, name) > 0)
        self._trackers = {name: keras.metrics.Mean(name=name) for name in self.loss_names}
        # A plain function: VGG is none of this model's layers, to be trained or saved.
        self._perceptual_distance = load_perceptual_distance() if "perceptual" in self.loss_names else None

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        return self.network(images, training=training)

    def compute_loss(
        self,
        x: Tensor = None,
        y: Tensor = None,
        y_pred: Tensor = None,
        sample_weight: Tensor = None,
        training: bool = True,
    ) -> Tensor:
        """The weighted total; each loss is also tracked, unweighted, under its own name."""
        values = self._measure(x, y, _fit_to(x, ops.cast(y_pred, "float32")))
        for name, value in values.items():
            # As Keras weighs its own loss: the last batch of a validation may be a smaller one.
            self._trackers[name].update_state(value, sample_weight=ops.shape(x)[0])
        return sum(getattr(self.recipe.loss_weights, name) * value for name, value in values.items())

    def _measure(self, images: Tensor, partners: Tensor | None, curves: Tensor) -> dict[str, Tensor]:
        recipe = self.recipe
        enhanced = losses.apply_curves(images, curves, root=recipe.curve_root)
        values = {
            "spatial_consistency": losses.spatial_consistency(images, enhanced),
            "exposure": losses.exposure(enhanced, recipe.exposure_target, recipe.exposure_region_px),
            "color_constancy": losses.color_constancy(enhanced),
            "illumination_smoothness": losses.illumination_smoothness(curves),
        }
        if self._perceptual_distance is not None:
            values["perceptual"] = self._perceptual_distance(enhanced, images if partners is None else partners)
        if recipe.is_paired:
            compared = {"absolute": losses.absolute, "structure": losses.structure}
            values |= {name: compared[name](enhanced, partners) for name in compared if name in self.loss_names}
        return values


class CoupledDecayAdam(keras.optimizers.Adam):  # type: ignore[misc]  # keras has no type information
    """Adam whose weight decay is a gradient like any other, as in torch.optim.Adam.

    Keras's own `weight_decay` is the decoupled kind of AdamW. Clipping comes first, as in the authors' code.
    """

    def __init__(
        self,
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule,
        *,
        coupled_decay: float,
        clip_norm: float | None,
        ema: float | None,
    ) -> None:
        super().__init__(learning_rate, global_clipnorm=clip_norm, use_ema=ema is not None, ema_momentum=ema or 0.99)
        self._coupled_decay = coupled_decay
        # Replaced where each worker computes the gradient of its own share, see training.distribution.
        self.average_gradients: Callable[[Sequence[Tensor]], Sequence[Tensor]] = lambda gradients: gradients

    def apply(self, grads: Sequence[Tensor], trainable_variables: Sequence[keras.Variable] | None = None) -> None:
        # Before clipping, which must see the norm of the whole batch's gradient.
        super().apply(self.average_gradients(grads), trainable_variables)

    def update_step(self, gradient: Tensor, variable: keras.Variable, learning_rate: Tensor) -> None:
        super().update_step(gradient + self._coupled_decay * variable, variable, learning_rate)


def build_model(recipe: Recipe, *, steps_per_epoch: int) -> ZeroDCE:
    """A compiled model with fresh weights and an optimizer whose variables exist, ready to train or to restore into.

    Raises:
        RecipeError: the perceptual loss's weights are not to be had.
    """
    keras.utils.set_random_seed(recipe.seed)
    with _computing_in("mixed_bfloat16" if recipe.mixed_precision else "float32"):
        network = NETWORKS[recipe.network].build(channels=recipe.channels, initializer=recipe.initializer)
    model = ZeroDCE(network, recipe)
    learning_rate: float | keras.optimizers.schedules.LearningRateSchedule = recipe.learning_rate
    if recipe.cosine_decay:
        learning_rate = keras.optimizers.schedules.CosineDecay(recipe.learning_rate, recipe.epochs * steps_per_epoch)
    optimizer = CoupledDecayAdam(
        learning_rate, coupled_decay=recipe.weight_decay or 0.0, clip_norm=recipe.clip_norm, ema=recipe.ema
    )
    # XLA's convolutions on a CPU take 1.3 times as long as those that TensorFlow brings, in bfloat16 2.3 times.
    model.compile(optimizer=optimizer, jit_compile=False if keras.backend.backend() == "tensorflow" else "auto")
    model.build((None, None, None, recipe.channels))
    optimizer.build(model.trainable_variables)
    return model


def _fit_to(images: Tensor, curves: Tensor) -> Tensor:
    """Curves at the images' size, upsampled as `edge_dce.pixels.curve` does it: bilinearly, with half-pixel centers."""
    if curves.shape[1:3] == images.shape[1:3]:
        return curves
    height, width = images.shape[1:3]
    return ops.image.resize(curves, (height, width), interpolation="bilinear")


@contextlib.contextmanager
def _computing_in(policy: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
