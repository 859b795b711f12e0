"""Other people's networks: every kind of layer, with trained statistics, against Keras and the plain converter."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from converters import publication
from converters.activation import record_activations
from converters.cli import main
from converters.conversion import convert, quantize
from converters.errors import ConversionError
from converters.file_network import build_network
from converters.inspection import take_census
from converters.operators import compare_operators, run
from converters.publication import Order, publish
from converters.source import SourceNetwork, load_network
from converters.updates import drop_updates
from converters.verification import Reference
from tests.generate_models import write_dark_pictures

SIDE_PX = 32
SIZE = (SIDE_PX, SIDE_PX)
# Sums of a few hundred products of float32 numbers near 1, in another order: some 2^-20 apart.
FLOAT_TOLERANCE = 1e-5

Build = Callable[[Any], Any]


def join(merge: Any) -> Build:
    return lambda tensor: merge([tensor, layers.Conv2D(tensor.shape[-1], 1)(tensor)])


def squeeze_and_excite(tensor: Any) -> Any:
    whole = layers.GlobalAveragePooling2D()(tensor)
    weights = layers.Dense(tensor.shape[-1], activation="sigmoid")(whole)
    return layers.Multiply()([tensor, layers.Reshape((1, 1, tensor.shape[-1]))(weights)])


def nest(tensor: Any) -> Any:
    parts = [layers.Resizing(*tensor.shape[1:3]), layers.Conv2D(8, 3, padding="same"), layers.BatchNormalization()]
    return keras.Sequential([keras.Input(tensor.shape[1:]), *parts])(tensor)


KINDS: dict[str, Build] = {
    "resizing": lambda tensor: layers.Resizing(24, 24)(tensor),
    "resizing nearest": lambda tensor: layers.Resizing(16, 16, interpolation="nearest")(tensor),
    "rescaling": lambda tensor: layers.Rescaling(2.0, -0.3)(tensor),
    "random flip": lambda tensor: layers.RandomFlip()(tensor),
    "noise": lambda tensor: layers.GaussianNoise(0.2)(tensor),
    "normalization": lambda tensor: layers.Normalization(
        mean=[0.1] * tensor.shape[-1], variance=[0.04] * tensor.shape[-1]
    )(tensor),
    "batch normalization": lambda tensor: layers.BatchNormalization()(tensor),
    "layer normalization": lambda tensor: layers.LayerNormalization()(tensor),
    "instance normalization": lambda tensor: layers.GroupNormalization(groups=-1)(tensor),
    "strided": lambda tensor: layers.Conv2D(8, 3, strides=2, padding="same")(tensor),
    "dilated": lambda tensor: layers.Conv2D(8, 3, dilation_rate=2, padding="same")(tensor),
    "grouped": lambda tensor: layers.Conv2D(8, 3, groups=2, padding="same")(tensor),
    "depthwise": lambda tensor: layers.DepthwiseConv2D(3, padding="same")(tensor),
    "separable": lambda tensor: layers.SeparableConv2D(8, 3, padding="same")(tensor),
    "transposed": lambda tensor: layers.Conv2DTranspose(8, 3, strides=2, padding="same")(tensor),
    "transposed valid": lambda tensor: layers.Conv2DTranspose(8, 2, strides=2)(tensor),
    "up nearest": lambda tensor: layers.UpSampling2D(2)(tensor),
    "up bilinear": lambda tensor: layers.UpSampling2D(2, interpolation="bilinear")(tensor),
    "padded": lambda tensor: layers.ZeroPadding2D(2)(tensor),
    "cropped": lambda tensor: layers.Cropping2D(2)(tensor),
    "maximum pooled": lambda tensor: layers.MaxPooling2D(2)(tensor),
    "mean pooled": lambda tensor: layers.AveragePooling2D(2)(tensor),
    "global maximum": lambda tensor: layers.Multiply()([tensor, layers.GlobalMaxPooling2D(keepdims=True)(tensor)]),
    "squeeze and excite": squeeze_and_excite,
    "added": join(layers.Add()),
    "maximum": join(layers.Maximum()),
    "concatenated": join(layers.Concatenate()),
    "dense": lambda tensor: layers.Dense(8)(tensor),
    "leaky": lambda tensor: layers.LeakyReLU()(tensor),
    "prelu": lambda tensor: layers.PReLU(shared_axes=[1, 2], alpha_initializer="uniform")(tensor),
    "elu": lambda tensor: layers.ELU()(tensor),
    "swish": lambda tensor: layers.Activation("silu")(tensor),
    "gelu": lambda tensor: layers.Activation("gelu")(tensor),
    "dropout": lambda tensor: layers.SpatialDropout2D(0.3)(tensor),
    "dropout always": lambda tensor: layers.Dropout(0.3)(tensor, training=True),
    "nested": nest,
}
PAIRS = [
    *itertools.product(("resizing", "random flip", "nested"), ("batch normalization", "dropout", "global maximum")),
    ("transposed", "rescaling"),
    ("transposed valid", "normalization"),
    ("maximum pooled", "up nearest"),
    ("strided", "up bilinear"),
    ("depthwise", "instance normalization"),
    ("batch normalization", "leaky"),
    ("leaky", "concatenated"),
    ("transposed", "batch normalization"),
]


def build_foreign_network(kinds: Sequence[str]) -> keras.Model:
    """The layers between convolutions, then batch normalization, with the statistics of some training."""
    keras.utils.set_random_seed(1)
    image = keras.Input((*SIZE, 3))
    tensor = layers.Conv2D(8, 3, padding="same")(image)
    for kind in kinds:
        tensor = KINDS[kind](tensor)
    tensor = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same")(tensor)))
    if tensor.shape[1:3] != SIZE:
        tensor = layers.Resizing(*SIZE)(tensor)
    network = keras.Model(image, layers.Conv2D(3, 1, activation="sigmoid")(tensor), name="foreign")
    train_statistics(network)
    return network


def train_statistics(network: keras.Model) -> None:
    random = np.random.default_rng(3)
    for layer in network._flatten_layers():
        if isinstance(layer, layers.BatchNormalization):
            layer.moving_mean.assign(random.normal(0, 0.3, layer.moving_mean.shape))
            layer.moving_variance.assign(random.uniform(0.05, 2, layer.moving_variance.shape))
            layer.gamma.assign(random.uniform(0.5, 1.5, layer.gamma.shape))


def make_images() -> list[Any]:
    return [np.random.default_rng(top).integers(0, top, (*SIZE, 3)).astype(np.uint8) for top in (40, 200)]


def save(network: keras.Model, path: Path) -> SourceNetwork:
    network.save(path)
    return load_network(path, returns="image")


# Where TensorFlow's converter moves a single number into the bias of several channels, it is wrong by itself.
PLAIN_IS_WRONG = [("transposed", "rescaling")]


@pytest.mark.parametrize("kinds", [*[(kind,) for kind in KINDS], *PAIRS], ids=" + ".join)
def test_layers_do_in_a_file_what_they_do_in_keras_and_the_plain_converter(
    kinds: tuple[str, ...], tmp_path: Path
) -> None:
    network, images = build_foreign_network(kinds), make_images()
    tensors = [image[np.newaxis] / np.float32(255) for image in images]
    source = save(network, tmp_path / "foreign.keras")
    model = convert(build_network(source, "image", *SIZE), precision="float32")
    fixed = keras.Model(image := keras.Input((*SIZE, 3), batch_size=1), network(image, training=False))
    plain = tf.lite.TFLiteConverter.from_keras_model(fixed).convert()
    reference = Reference(source, *SIZE)
    for tensor, picture, found, alike in zip(tensors, images, run(model, images), run(plain, images), strict=True):
        expected = network.predict_on_batch(tensor)[0]
        np.testing.assert_allclose(found, expected, atol=FLOAT_TOLERANCE)
        if kinds not in PLAIN_IS_WRONG:
            np.testing.assert_allclose(found, alike, atol=FLOAT_TOLERANCE)
        np.testing.assert_allclose(reference.run_network(picture), expected, atol=FLOAT_TOLERANCE)
    # In integers too every operator is found, and a runtime takes the file.
    integers = quantize(model, record_activations(model, tensors).estimate_ranges("min-max"), has_image_output=True)
    assert compare_operators(model, integers, images)


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_single_number_as_bias_becomes_one_for_each_channel(precision: str, tmp_path: Path) -> None:
    network = build_foreign_network(("transposed", "rescaling"))
    source = save(network, tmp_path / "foreign.keras")
    model = convert(build_network(source, "image", *SIZE), precision=precision)
    # Weights of 11 bits in sums of 72: 2^-11 each, and less in the mean.
    tolerance = FLOAT_TOLERANCE if precision == "float32" else 2e-3
    (image, _) = make_images()
    expected = network.predict_on_batch(image[np.newaxis] / np.float32(255))[0]
    np.testing.assert_allclose(run(model, [image])[0], expected, atol=tolerance)


def make_order(folder: Path, *precisions: str) -> Order:
    return Order(
        precisions,
        (SIZE,),
        write_dark_pictures(folder / "evaluation", 3),
        calibration=write_dark_pictures(folder / "dark", 6),
    )


@pytest.mark.parametrize("kind", ["up nearest", "global maximum"])
def test_layers_with_a_like_in_integers_leave_no_float(kind: str, tmp_path: Path) -> None:
    source = save(build_foreign_network((kind,)), tmp_path / "foreign.keras")
    model = convert(build_network(source, "image", *SIZE), precision="float32")
    tensors = [image[np.newaxis] / np.float32(255) for image in make_images()]
    integers = quantize(model, record_activations(model, tensors).estimate_ranges("min-max"), has_image_output=True)
    assert "FLOAT32" not in take_census(integers).dtype


def test_file_with_a_layer_that_has_no_integers_is_called_mixed_at_once(tmp_path: Path) -> None:
    source = save(build_foreign_network(("leaky",)), tmp_path / "foreign.keras")
    (item,) = publish(source, make_order(tmp_path, "int8"), tmp_path / "out")
    assert item.path.name == "foreign-image-32x32-mixed.tflite"
    (layer,) = item.card.float_layers
    assert layer.startswith("leaky_re_lu")
    assert len(item.attempts) == 1


@keras.saving.register_keras_serializable("tests")
class Restless(keras.layers.Layer):  # type: ignore[misc]  # keras has no type information
    """Computes otherwise as it is traced for a file, whatever a word about training says."""

    def call(self, tensor: Any) -> Any:
        return tensor * (1.0 if tf.executing_eagerly() else 0.5)


@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_float_file_that_is_off_stops_the_order_with_its_own_message(precision: str, tmp_path: Path) -> None:
    image = keras.Input((*SIZE, 3))
    network = keras.Model(image, layers.Activation("sigmoid")(Restless()(image)))
    source = save(network, tmp_path / "restless.keras")
    with pytest.raises(ConversionError, match=r"60 dB between .* conversion is wrong, not quantization"):
        list(publish(source, make_order(tmp_path, precision), tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_file_of_other_weights_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = build_foreign_network(("dense",))
    monkeypatch.setattr(
        publication,
        "convert",
        lambda network, precision: convert(keras.Model(other.input, other.output), precision=precision),
    )
    source = save(build_foreign_network(("strided",)), tmp_path / "foreign.keras")
    with pytest.raises(ConversionError, match="conversion is wrong"):
        list(publish(source, make_order(tmp_path, "float32"), tmp_path / "out"))


def test_layer_that_tflite_lacks_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = keras.Input((*SIZE, 3))
    small = layers.Resizing(16, 16, interpolation="bicubic")(image)
    keras.Model(image, layers.Resizing(*SIZE)(small)).save(tmp_path / "cubic.keras")
    order = make_order(tmp_path)
    command = [str(tmp_path / "cubic.keras"), "--returns", "image", "--size", "32x32", "--precision", "float32"]
    assert main([*command, "--evaluation", str(order.evaluation), "-o", str(tmp_path / "out")]) == 1
    assert "expected operators that TFLite has, found ResizeBicubic" in capsys.readouterr().err


class TrainingModule(tf.Module):  # type: ignore[misc]  # TensorFlow has no type information
    """Normalizes each picture by itself and keeps a running mean, as Keras exports networks with a Resizing layer."""

    def __init__(self, network: keras.Model, *, uses_mean: bool = False) -> None:
        super().__init__()
        self.network, self._uses_mean = network, uses_mean
        self.variables_of_network = network.variables
        self.mean = tf.Variable(0.0)

    @tf.function(input_signature=[tf.TensorSpec((None, *SIZE, 3), name="image")])
    def serve(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        self.mean.assign(0.9 * self.mean + 0.1 * tf.reduce_mean(image))
        output = self.network(image, training=True)
        return {"enhanced": output * (1 - 0.1 * self.mean) if self._uses_mean else output}


def save_training_module(folder: Path, *, uses_mean: bool = False) -> Path:
    module = TrainingModule(build_foreign_network(("nested",)), uses_mean=uses_mean)
    tf.saved_model.save(module, folder, signatures=module.serve)
    return folder


def test_saved_model_in_training_mode_is_converted_as_it_is_and_said_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, order = save_training_module(tmp_path / "saved"), make_order(tmp_path)
    command = [str(folder), "--returns", "image", "--size", "32x32", "--min-psnr", "30/25"]
    command += ["--evaluation", str(order.evaluation), "--calibration", str(order.calibration)]
    assert main([*command, "--trust", "-o", str(tmp_path / "out")]) == 0
    assert "was saved in training mode: it changes 5 of its variables" in capsys.readouterr().err


def test_file_of_a_training_mode_keeps_no_variables(tmp_path: Path) -> None:
    source = load_network(save_training_module(tmp_path / "saved"), returns="image", is_trusted=True)
    model = convert(build_network(source, "image", *SIZE), precision="float32")
    assert not {"ASSIGN_VARIABLE", "CALL_ONCE", "READ_VARIABLE", "VAR_HANDLE"} & take_census(model).op.keys()
    assert "RESOURCE" not in take_census(model).dtype
    assert drop_updates(model) is model
    for image, found in zip(make_images(), run(model, make_images()), strict=True):
        np.testing.assert_allclose(found, Reference(source, *SIZE).run_network(image), atol=FLOAT_TOLERANCE)


def test_output_that_depends_on_earlier_pictures_is_refused(tmp_path: Path) -> None:
    source = load_network(save_training_module(tmp_path / "saved", uses_mean=True), returns="image", is_trusted=True)
    with pytest.raises(ConversionError, match="depends on variables that it changes itself"):
        convert(build_network(source, "image", *SIZE), precision="float32")


def test_saved_model_for_inference_has_no_note(tmp_path: Path) -> None:
    build_foreign_network(("strided",)).export(tmp_path / "saved", verbose=False)
    assert dataclasses.asdict(load_network(tmp_path / "saved", returns="image", is_trusted=True))["notes"] == ()
