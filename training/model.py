"""The trainable model: DCE-Net under the four losses."""

from __future__ import annotations

from typing import Any

import keras

from training import losses
from training.network import build_dce_net
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
        enhanced = losses.apply_curves(x, y_pred)
        values = {
            "spatial_consistency": losses.spatial_consistency(x, enhanced),
            "exposure": losses.exposure(enhanced, self.recipe.exposure_target),
            "color_constancy": losses.color_constancy(enhanced),
            "illumination_smoothness": losses.illumination_smoothness(y_pred),
        }
        for name, value in values.items():
            self._trackers[name].update_state(value)
        return sum(getattr(self.recipe.loss_weights, name) * value for name, value in values.items())


def build_model(recipe: Recipe, *, steps_per_epoch: int) -> ZeroDCE:
    """A compiled model with fresh weights and an optimizer whose variables exist, ready to train or to restore into."""
    keras.utils.set_random_seed(recipe.seed)
    network = build_dce_net(initializer=recipe.initializer)
    model = ZeroDCE(network, recipe)
    learning_rate: Any = recipe.learning_rate
    if recipe.cosine_decay:
        learning_rate = keras.optimizers.schedules.CosineDecay(recipe.learning_rate, recipe.epochs * steps_per_epoch)
    if recipe.weight_decay:
        for layer in network.layers:
            if isinstance(layer, keras.layers.Conv2D):
                # Half: the gradient of c·w² is 2·c·w, and torch.optim.Adam adds weight_decay·w.
                layer.kernel_regularizer = keras.regularizers.L2(recipe.weight_decay / 2)
                layer.bias_regularizer = keras.regularizers.L2(recipe.weight_decay / 2)
    optimizer = keras.optimizers.Adam(learning_rate, global_clipnorm=recipe.clip_norm)
    model.compile(optimizer=optimizer)
    model.build((None, None, None, 3))
    optimizer.build(model.trainable_variables)
    return model
