"""The trainable model of a curve network: its curves on whole pictures, under the losses of its recipe."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from edge_dce.pixels.curve import apply_exact
from edge_dce.pixels.levels import normalize
from edge_dce.pixels.shrinking import shrink_channels

from . import losses
from .discriminator import Discriminator
from .losses import Tensor
from .perceptual import load_perceptual_distance
from .recipe import Recipe

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

# What every run measures; further losses are measured where they count.
ZERO_REFERENCE = ("spatial_consistency", "exposure", "color_constancy", "illumination_smoothness")
# Of the discriminator, whose loss no recipe weighs.
_DISCRIMINATION = "discrimination"


class ZeroDCE(keras.Model):  # type: ignore[misc]  # keras has no type information
    """Wraps a curve-estimating network so that `fit` needs images only, unless the recipe compares with partners.

    Called on (B, H, W, channels) float32 in [0, 1] it returns the network's curves.
    """

    def __init__(self, network: keras.Model, recipe: Recipe) -> None:
        super().__init__(name="zero_dce_training")
        self.network = network
        self.recipe = recipe
        known = (*losses.REFERENCE_FREE, "perceptual", "adversarial", *losses.COMPARISONS)
        self.loss_names = tuple(name for name in known if name in ZERO_REFERENCE or recipe.loss_weights.find(name) > 0)
        self.discriminator = Discriminator(recipe.channels) if "adversarial" in self.loss_names else None
        tracked = (*self.loss_names, *([_DISCRIMINATION] if self.discriminator is not None else []))
        self._trackers = {name: keras.metrics.Mean(name=name) for name in tracked}
        # A plain function: VGG is none of this model's layers, to be trained or saved.
        self._perceptual_distance = (
            load_perceptual_distance(recipe.perceptual_features) if "perceptual" in self.loss_names else None
        )

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
        enhanced, values = self._measure(x, y, _fit_to(x, ops.cast(y_pred, "float32")))
        total = sum(self.recipe.loss_weights.find(name) * value for name, value in values.items())
        if self.discriminator is not None:
            # First, so that the network answers to what the discriminator has just learned.
            discriminate = self.discriminator.learn if training else self.discriminator.measure
            values[_DISCRIMINATION] = discriminate(y, enhanced)
            values["adversarial"] = self.discriminator.judge(enhanced)
            total = total + self.recipe.loss_weights.adversarial * values["adversarial"]
        for name, value in values.items():
            # As Keras weighs its own loss: the last batch of a validation may be a smaller one.
            self._trackers[name].update_state(value, sample_weight=ops.shape(x)[0])
        return total

    def _measure(self, images: Tensor, partners: Tensor | None, curves: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The enhanced images, and every loss that needs no discriminator."""
        recipe = self.recipe
        enhanced = losses.apply_curves(images, curves, root=recipe.curve_root)
        step = losses.Step(images, enhanced, curves, recipe.exposure_target, recipe.exposure_region_px)
        values = {name: measure(step) for name, measure in losses.REFERENCE_FREE.items() if name in self.loss_names}
        if self._perceptual_distance is not None:
            values["perceptual"] = self._perceptual_distance(enhanced, partners if recipe.is_paired else images)
        if recipe.is_paired:
            compared = [name for name in losses.COMPARISONS if name in self.loss_names]
            values |= {name: losses.COMPARISONS[name](enhanced, partners) for name in compared}
        return enhanced, values


def _fit_to(images: Tensor, curves: Tensor) -> Tensor:
    """Curves at the images' size, upsampled as `edge_dce.pixels.curve` does it: bilinearly, with half-pixel centers."""
    if curves.shape[1:3] == images.shape[1:3]:
        return curves
    height, width = images.shape[1:3]
    return ops.image.resize(curves, (height, width), interpolation="bilinear")


def shrink_to_square(images: Sequence[Uint8Array], recipe: Recipe) -> FloatArray:
    """As `Task.shrink`."""
    side_px = recipe.resize_px
    return np.concatenate([normalize(shrink_channels(each, side_px, side_px, recipe.channels)) for each in images])


def apply_curve_map(image: Uint8Array, curves: FloatArray, recipe: Recipe) -> Uint8Array:
    """As `Task.apply`."""
    # One map of a grey network is for all colors of a picture, as on the device.
    maps = np.repeat(curves, image.shape[2], axis=2) if recipe.channels == 1 else curves
    return apply_exact(image, maps, root=recipe.curve_root)
