"""Fake quantization: forward as int8 rounds, backward as if it did not, and nothing of it in what is exported."""

import keras
import numpy as np
import pytest
from keras import ops

from training.network import NETWORKS
from training.quantization import FakeQuantization, insert_rounding


def test_samples_are_rounded_to_256_levels_of_their_range() -> None:
    samples = np.random.default_rng(1).uniform(-1, 3, (1, 2000)).astype(np.float32)
    rounded = ops.convert_to_numpy(FakeQuantization()(samples))
    step = (samples.max() - samples.min()) / 255
    # Half a step, and float32's rounding of the quotient.
    assert np.abs(rounded - samples).max() <= step * 0.501
    assert len(np.unique(np.rint(rounded / step))) <= 257


def test_zero_stays_zero() -> None:
    rounded = FakeQuantization()(np.array([[-0.37, 0.0, 1.21]], np.float32))
    assert ops.convert_to_numpy(rounded)[0, 1] == 0


def test_gradient_passes_as_if_nothing_were_rounded() -> None:
    kernel = np.array([[0.3], [-0.7]], np.float32)
    image = keras.Input((2,))
    layer = keras.layers.Dense(1, use_bias=False)
    network = keras.Model(image, FakeQuantization(0.25)(layer(image)))
    layer.set_weights([kernel])
    network.compile(optimizer=keras.optimizers.SGD(1.0), loss=lambda _, output: ops.sum(output))
    network.train_on_batch(np.array([[2.0, 3.0]], np.float32), np.zeros((1, 1), np.float32))
    # The derivative of the sum is the input.
    np.testing.assert_allclose(layer.get_weights()[0], kernel - [[2.0], [3.0]], rtol=1e-6)


@pytest.mark.parametrize("name", ["tone", "zero-dce-scene"])
def test_network_with_rounding_has_the_same_weights(name: str) -> None:
    network = NETWORKS[name].build()
    rounding = insert_rounding(network)
    network.set_weights([weights + 0.01 for weights in network.get_weights()])
    for one, other in zip(rounding.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_tone_with_rounding_stays_close_to_the_tone() -> None:
    keras.utils.set_random_seed(1)
    network = NETWORKS["tone"].build()
    last = network.get_layer("numbers")
    kernel, bias = last.get_weights()
    last.set_weights([np.random.default_rng(1).normal(0, 0.1, kernel.shape), bias])
    image = np.random.default_rng(2).uniform(0, 0.2, (1, 64, 64, 3)).astype(np.float32)
    plain, rounded = (ops.convert_to_numpy(each(image)) for each in (network, insert_rounding(network)))
    # A few steps of 1/128; and it did round.
    assert 0 < np.abs(plain - rounded).max() < 4 / 128
    np.testing.assert_allclose(rounded * 128, np.rint(rounded * 128), atol=1e-3)
