"""The trainable model: DCE-Net under the four losses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras

from edge_dce.curve import CurveShape
from training import losses
from training.network import NETWORKS
from training.recipe import Recipe

LOSS_NAMES = ("spatial_consistency", "exposure", "color_constancy", "illumination_smoothness")


class ZeroDCE(keras.Model):
    """Wraps a curve-estimating network so that `fit` needs images only: no target exists.

    Called on (B, H, W, 3) float32 RGB in [0, 1] it returns the network's curves.
    """

    def __init__(self, network: keras.Model, recipe: Recipe) -> None:
        super().__init__(name="zero_dce_training")
        self.network = network
        self.recipe = recipe
        self._trackers = {name: keras.metrics.Mean(name=name) for name in LOSS_NAMES}

    def call(self, images: Any, training: bool = False) -> Any:
        return self.network(images, training=training)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The weighted total; each loss is also tracked, unweighted, under its own name."""
        enhanced = losses.apply_curves(x, y_pred, CurveShape(root=self.recipe.curve_root))
        values = {
            "spatial_consistency": losses.spatial_consistency(x, enhanced),
            "exposure": losses.exposure(enhanced, self.recipe.exposure_target),
            "color_constancy": losses.color_constancy(enhanced),
            "illumination_smoothness": losses.illumination_smoothness(y_pred),
        }
        for name, value in values.items():
            self._trackers[name].update_state(value)
        return sum(getattr(self.recipe.loss_weights, name) * value for name, value in values.items())


class CoupledDecayAdam(keras.optimizers.Adam):
    """Adam whose weight decay is a gradient like any other, as in torch.optim.Adam.

    Keras's own `weight_decay` is the decoupled kind of AdamW. Clipping comes first, as in the authors' code.
    """

    def __init__(self, learning_rate: Any, *, coupled_decay: float, clip_norm: float | None) -> None:
        super().__init__(learning_rate, global_clipnorm=clip_norm)
        self._coupled_decay = coupled_decay
        # Replaced where each worker computes the gradient of its own share, see training.distribution.
        self.average_gradients: Callable[[Sequence[Any]], Sequence[Any]] = lambda gradients: gradients

    def apply(self, grads: Sequence[Any], trainable_variables: Any = None) -> None:
        # Before clipping, which must see the norm of the whole batch's gradient.
        super().apply(self.average_gradients(grads), trainable_variables)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        super().update_step(gradient + self._coupled_decay * variable, variable, learning_rate)


def build_model(recipe: Recipe, *, steps_per_epoch: int) -> ZeroDCE:
    """A compiled model with fresh weights and an optimizer whose variables exist, ready to train or to restore into."""
    keras.utils.set_random_seed(recipe.seed)
    network = NETWORKS[recipe.network](initializer=recipe.initializer)
    model = ZeroDCE(network, recipe)
    learning_rate: Any = recipe.learning_rate
    if recipe.cosine_decay:
        learning_rate = keras.optimizers.schedules.CosineDecay(recipe.learning_rate, recipe.epochs * steps_per_epoch)
    optimizer = CoupledDecayAdam(learning_rate, coupled_decay=recipe.weight_decay or 0.0, clip_norm=recipe.clip_norm)
    model.compile(optimizer=optimizer)
    model.build((None, None, None, 3))
    optimizer.build(model.trainable_variables)
    return model
