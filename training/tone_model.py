"""The trainable model of a tone network: its tone on full-size crops, behind the filter, against the partners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from edge_dce.pixels.levels import normalize
from edge_dce.pixels.shrinking import shrink

from . import losses
from .denoising import remove_noise
from .losses import Tensor
from .recipe import TONE_LOSSES, Recipe
from .tone import Tone, apply_tone, decode, look_up, measure_slopes, tabulate
from .tone_dataset import NOISE_STEP_PX, measure_noise

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
# In levels of 255: more the device does not smooth away either.
_MOST_NOISE = 20.0


class ToneModel(keras.Model):  # type: ignore[misc]  # keras has no type information
    """Wraps a tone network so that `fit` takes the batches of `training.tone_dataset`.

    Called on their inputs it returns the network's numbers.
    """

    def __init__(self, network: keras.Model, recipe: Recipe) -> None:
        super().__init__(name="tone_training")
        self.network = network
        self.recipe = recipe
        self._compared = [name for name in losses.COMPARISONS if recipe.loss_weights.find(name) > 0]
        of_tones = [name for name in TONE_LOSSES if recipe.loss_weights.find(name) > 0]
        self.loss_names = (*self._compared, *of_tones)
        self._trackers = {name: keras.metrics.Mean(name=name) for name in self.loss_names}

    def build(self, input_shape: object = None) -> None:
        """Nothing to do: the network has its weights already."""
        self.built = True

    def call(self, inputs: Mapping[str, Tensor], training: bool = False) -> Tensor:
        return self.network(inputs["whole"], training=training)

    def compute_loss(
        self,
        x: Tensor = None,
        y: Tensor = None,
        y_pred: Tensor = None,
        sample_weight: Tensor = None,
        training: bool = True,
    ) -> Tensor:
        """The weighted total; the losses of the crop and of the tone are also tracked, unweighted, by name."""
        tone = decode(ops.cast(y_pred, "float32"))
        table = tabulate(tone.knots)
        values = self._compare(render(x["crop"], tone, table, x["noise"]), y["crop"])
        small = apply_tone(x["whole"], tone, table)
        if "steadiness" in self.loss_names:
            again = decode(ops.cast(self.network(x["again"], training=training), "float32"))
            values["steadiness"] = losses.absolute(apply_tone(x["whole"], again), small)
        if "neutrality" in self.loss_names:
            values["neutrality"] = losses.neutrality(table)
        for name, value in values.items():
            # As Keras weighs its own loss: the last batch of a validation may be a smaller one.
            self._trackers[name].update_state(value, sample_weight=ops.shape(y_pred)[0])
        whole_share = self.recipe.tone.whole_share if self.recipe.tone else 0.0
        return self._weigh(values) + whole_share * self._weigh(self._compare(small, y["whole"]))

    def _compare(self, enhanced: Tensor, partners: Tensor) -> dict[str, Tensor]:
        return {name: losses.COMPARISONS[name](enhanced, partners) for name in self._compared}

    def _weigh(self, values: Mapping[str, Tensor]) -> Tensor:
        return sum(self.recipe.loss_weights.find(name) * value for name, value in values.items())


def render(images: Tensor, tone: Tone, table: Tensor, noise: Tensor) -> Tensor:
    """What becomes of full-size pictures: their tones, then the filter, (B, H, W, 3) float32 in [0, 1].

    Args:
        images: (B, H, W, 3) float32 in [0, 1]; H and W are multiples of `NOISE_STEP_PX`.
        tone, table: as `decode` and `tabulate` return them.
        noise: (B, 256, 2) float32, see `tone_dataset.Shot`.
    """
    _, height, width, _ = images.shape
    added = ops.maximum(measure_slopes(table) - 1, 0)[..., None] * noise
    added = ops.stop_gradient(ops.minimum(added, _MOST_NOISE))
    luma = ops.matmul(images, _LUMA[:, np.newaxis])
    luma = ops.average_pool(luma, NOISE_STEP_PX, strides=NOISE_STEP_PX, padding="valid")
    levels = ops.cast(ops.round(luma * 255), "int32")
    maps = ops.image.resize(look_up(added, ops.repeat(levels, 2, axis=3)), (height, width), interpolation="bilinear")
    return remove_noise(apply_tone(images, tone, table), maps[..., :1], maps[..., 1:])


def shrink_for_tone(images: Sequence[Uint8Array], recipe: Recipe) -> FloatArray:
    """As `Task.shrink`."""
    assert recipe.tone is not None
    return np.concatenate([normalize(shrink(image, recipe.tone.width_px, recipe.tone.height_px)) for image in images])


def enhance(image: Uint8Array, numbers: FloatArray, recipe: Recipe) -> Uint8Array:
    """As `Task.apply`: the tone and the filter behind it, both as training sees them."""
    height, width = image.shape[:2]
    # Replicated to sides that the filter can divide.
    border = (0, -height % NOISE_STEP_PX, 0, -width % NOISE_STEP_PX)
    padded = np.asarray(cv2.copyMakeBorder(image, *border, cv2.BORDER_REPLICATE), np.uint8)
    tone = decode(numbers[np.newaxis])
    noise = measure_noise(image)[np.newaxis]
    samples: FloatArray = np.asarray(render(normalize(padded), tone, tabulate(tone.knots), noise))
    enhanced: Uint8Array = np.rint(samples[0, :height, :width] * 255).astype(np.uint8)
    return enhanced
