"""Make the tiny models in tests/models: `python -m tests.generate_models` in the workshop environment.

They are committed because the device tests run where there is no TensorFlow. Weights are random but seeded, biased so
that the curves brighten.
"""

from __future__ import annotations

import dataclasses
import itertools
import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from converters.conversion import convert
from converters.formats import Bounds
from converters.publication import Order, publish
from converters.source import load_network
from edge_dce.files.pictures import Picture, write_picture
from edge_dce.pixels import tone

FOLDER = Path(__file__).resolve().parent / "models"
SIDE_PX = 16


def build_tiny_network(channels: int = 24) -> keras.Model:
    """One convolution: enough for every contract and every precision."""
    keras.utils.set_random_seed(1)
    image = keras.Input((None, None, 3), name="image")
    brighten = keras.initializers.Constant(-0.4)
    layer = keras.layers.Conv2D(channels, 3, padding="same", activation="tanh", bias_initializer=brighten)
    return keras.Model(image, layer(image), name="tiny")


def build_tiny_tone_network() -> keras.Model:
    """Of the kinds of layers that a network for the tone of the whole picture has; it lifts shadows."""
    keras.utils.set_random_seed(2)
    image = keras.Input((None, None, 3), name="image")
    features = keras.layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="down")(image)
    pooled = [keras.layers.GlobalAveragePooling2D()(features), keras.layers.GlobalMaxPooling2D()(features)]
    layer = keras.layers.Dense(tone.COUNT, activation="tanh", name="numbers")
    numbers = layer(keras.layers.Concatenate()(pooled))
    bias = np.zeros(tone.COUNT, np.float32)
    bias[: tone.INCREMENTS] = np.linspace(0.6, -0.6, tone.INCREMENTS)
    layer.bias.assign(bias)
    return keras.Model(image, numbers, name="tiny_tone")


def write_dark_pictures(folder: Path, count: int) -> Path:
    """Reproducible dark noise pictures, 24x20, one of them with a lamp; the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(len(folder.name))
    for number in range(count):
        image = random.integers(0, 40 + 10 * number, (20, 24, 3)).astype(np.uint8)
        if number == 0:
            image[4:8, 4:8] = 250
        write_picture(Picture(image), folder / f"{number}.png", overwrite=True)
    return folder


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        build_tiny_network().save(work / "tiny.keras")
        order = Order(
            precisions=("float32", "int8"),
            sizes=((SIDE_PX, SIDE_PX),),
            calibration=write_dark_pictures(work / "calibration", 6),
            evaluation=write_dark_pictures(work / "evaluation-pictures", 3),
            # Eight random maps are further from their mean than those of a trained network.
            bounds=Bounds(40, 35),
        )
        source = load_network(work / "tiny.keras")
        build_tiny_tone_network().save(work / "tiny-tone.keras")
        image = dataclasses.replace(order, contracts=("image",), precisions=("int8",))
        made = [publish(source, part, FOLDER, overwrite=True) for part in (order, image)]
        made.append(publish(load_network(work / "tiny-tone.keras"), order, FOLDER, overwrite=True))
        for publication in itertools.chain(*made):
            print(publication.path.name, publication.reasons, publication.judgement.verification.fidelity)
    fixed = keras.Input((SIDE_PX, SIDE_PX, 3), batch_size=1)
    for name, outputs in (
        ("without-card-24-maps", build_tiny_network()(fixed)),
        ("without-card-3-maps", build_tiny_network(3)(fixed)),
        ("wrong-shape", keras.layers.GlobalAveragePooling2D()(build_tiny_network(3)(fixed))),
    ):
        (FOLDER / f"{name}.tflite").write_bytes(convert(keras.Model(fixed, outputs), precision="float32"))
    write_hostile_models()
    write_foreign_models()


def write_hostile_models() -> None:
    """Two that are whole, and that no runtime can run: one never ends, the other asks for 120 GB."""
    for name, compute in (
        (
            "endless",
            lambda image: tf.while_loop(lambda value: tf.reduce_max(value) < 9, lambda value: [value * 0], [image]),
        ),
        ("greedy", lambda image: tf.image.resize(image, (100_000, 100_000))),
    ):
        function = tf.function(compute, input_signature=[tf.TensorSpec((1, SIDE_PX, SIDE_PX, 3), name="image")])
        converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], tf.Module())
        (FOLDER / f"{name}.tflite").write_bytes(converter.convert())


def write_foreign_models() -> None:
    """As people convert their networks: a batch that is open, sides that are open, an input that is scaled inside."""
    for name, size, scale in (
        ("open-batch", (SIDE_PX, SIDE_PX, 3), 1.0),
        ("open-sides", (None, None, 3), 1.0),
        ("scales-itself", (SIDE_PX, SIDE_PX, 3), 1 / 255),
    ):
        image = keras.Input(size, name="image")
        outputs = build_tiny_network()(keras.layers.Rescaling(scale)(image))
        converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(image, outputs))
        (FOLDER / f"{name}.tflite").write_bytes(converter.convert())


if __name__ == "__main__":
    main()
