"""The adversary of a network in training: a small network that learns to tell its pictures from bright ones.

A PatchGAN (Isola et al., "Image-to-image translation with conditional adversarial networks", CVPR 2017) with the loss
of LSGAN (Mao et al., "Least squares generative adversarial networks", ICCV 2017). It judges each place by itself and
sees no dark picture, so that a normal-light picture of any scene would do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import keras
from keras import layers, ops

from .losses import Tensor
from .recipe import RecipeError

_FILTERS = (16, 32, 64)
_LEAK = 0.2
# As Isola et al. have it, and with them most who train in turn.
_LEARNING_RATE, _MOMENTUM, _SQUARE_MOMENTUM = 2e-4, 0.5, 0.999
_EPSILON = 1e-7

Tensors = Sequence[Tensor]
Measure = Callable[[Tensors], Tensor]


class Discriminator(layers.Layer):  # type: ignore[misc]  # keras has no type information
    """A patch discriminator with its own Adam, whose whole state is weights of this layer.

    No weight of it is trainable: the optimizer of the model that it is part of leaves it alone, and each engine carries
    its state through a compiled step, a checkpoint and a resumed run as it does that of any layer.
    """

    def __init__(self, channels: int) -> None:
        """For pictures of so many channels.

        Raises:
            RecipeError: Keras runs on an engine that this cannot differentiate on.
        """
        super().__init__(name="discriminator", trainable=False)
        engine = keras.backend.backend()
        if engine not in _DIFFERENTIATE:
            raise RecipeError(
                f"the adversarial loss: expected KERAS_BACKEND {' or '.join(_DIFFERENTIATE)}, found {engine}; choose "
                "one, or set loss_weights.adversarial=0"
            )
        self._differentiate = _DIFFERENTIATE[engine]
        # Replaced where each worker computes the gradient of its own share, see training.distribution.
        self.average_gradients: Callable[[Tensors], Tensors] = lambda gradients: gradients
        self.network = build_patch_network(channels)
        self.network.trainable = False
        self._steps = self.add_weight(shape=(), initializer="zeros", trainable=False, name="steps")
        self._means, self._squares = (
            [
                self.add_weight(shape=weight.shape, initializer="zeros", trainable=False, name=f"{moment}_{number}")
                for number, weight in enumerate(self.network.variables)
            ]
            for moment in ("mean", "square")
        )
        self.built = True

    def measure(self, real: Tensor, made: Tensor) -> Tensor:
        """How badly it tells `real` pictures from `made` ones, (B, H, W, channels) float32 in [0, 1].

        Half the sum of the mean squared distances of its answers from 1 and from 0: 0 where it always knows, 1/4 where
        it cannot tell.
        """
        return self._measure([variable.value for variable in self.network.variables], real, made)

    def learn(self, real: Tensor, made: Tensor) -> Tensor:
        """Take one step towards telling them apart; what `measure` gave before it. No gradient reaches `made`."""
        made = ops.stop_gradient(made)
        variables = self.network.variables
        loss, gradients = self._differentiate(
            lambda values: self._measure(values, real, made), [variable.value for variable in variables]
        )
        self._apply(self.average_gradients(gradients))
        return loss

    def judge(self, made: Tensor) -> Tensor:
        """What a network that made these pictures is to minimize: half the mean squared distance from 1."""
        return ops.mean(ops.square(self.network(made) - 1)) / 2

    def _measure(self, values: Tensors, real: Tensor, made: Tensor) -> Tensor:
        def answer(images: Tensor) -> Tensor:
            return self.network.stateless_call([], values, images)[0]

        return (ops.mean(ops.square(answer(real) - 1)) + ops.mean(ops.square(answer(made)))) / 2

    def _apply(self, gradients: Tensors) -> None:
        """Adam, as Kingma and Ba (ICLR 2015) write its efficient form at the end of section 2."""
        steps = self._steps + 1
        self._steps.assign(steps)
        rate = _LEARNING_RATE * ops.sqrt(1 - ops.power(_SQUARE_MOMENTUM, steps)) / (1 - ops.power(_MOMENTUM, steps))
        for weight, mean, square, gradient in zip(
            self.network.variables, self._means, self._squares, gradients, strict=True
        ):
            new_mean = _MOMENTUM * mean + (1 - _MOMENTUM) * gradient
            new_square = _SQUARE_MOMENTUM * square + (1 - _SQUARE_MOMENTUM) * ops.square(gradient)
            mean.assign(new_mean)
            square.assign(new_square)
            weight.assign(weight - rate * new_mean / (ops.sqrt(new_square) + _EPSILON))


def build_patch_network(channels: int) -> keras.Model:
    """Three strided 4x4 convolutions and one that answers for each place: 42,865 parameters of 3 channels.

    (B, H, W, channels) float32 in [0, 1] to (B, H/8, W/8, 1), rounded up; an answer sees 46 pixels each way.
    """
    image = keras.Input((None, None, channels), name="image")
    tensor = layers.Rescaling(2.0, offset=-1.0)(image)
    for number, filters in enumerate(_FILTERS, start=1):
        tensor = layers.Conv2D(filters, 4, strides=2, padding="same", name=f"down{number}")(tensor)
        tensor = layers.LeakyReLU(negative_slope=_LEAK)(tensor)
    return keras.Model(image, layers.Conv2D(1, 4, padding="same", name="answer")(tensor), name="patches")


def _differentiate_on_jax(measure: Measure, values: Tensors) -> tuple[Tensor, Tensors]:
    import jax

    loss, gradients = jax.value_and_grad(measure)(list(values))
    return loss, gradients


def _differentiate_on_tensorflow(measure: Measure, values: Tensors) -> tuple[Tensor, Tensors]:
    import tensorflow

    # Not of the variables themselves, which the tape of the step under way would see as well.
    values = [tensorflow.convert_to_tensor(value) for value in values]
    with tensorflow.GradientTape() as tape:
        tape.watch(values)
        loss = measure(values)
    return loss, tape.gradient(loss, values)


# Keras has no function for gradients that all engines share.
_DIFFERENTIATE: Mapping[str, Callable[[Measure, Tensors], tuple[Tensor, Tensors]]] = {
    "jax": _differentiate_on_jax,
    "tensorflow": _differentiate_on_tensorflow,
}
