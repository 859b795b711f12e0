"""A tanh near zero becomes a line in the weights before it; any other stays what it is."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from converters.activation import record_activations
from converters.calibration import CalibrationSet, choose_calibration_set
from converters.conversion import convert, quantize
from converters.flat_tanh import MOST_DEVIATION, bound_inputs, fit_line, flatten_tanh
from converters.inspection import describe_output, read_kind, take_census
from converters.operators import run
from tests.generate_models import SIDE_PX, write_dark_pictures

Build = Callable[[Any], Any]


@pytest.fixture(scope="module")
def dark(tmp_path_factory: pytest.TempPathFactory) -> CalibrationSet:
    folder = tmp_path_factory.mktemp("dark")
    write_dark_pictures(folder, 6)
    return choose_calibration_set(folder, width=SIDE_PX, height=SIDE_PX, count=6, seed=1)


def convert_float(build: Build) -> bytes:
    image = keras.Input((SIDE_PX, SIDE_PX, 3), batch_size=1, name="image")
    return convert(keras.Model(image, build(image)), precision="float32")


def convolve(largest_weight: float, **options: Any) -> Any:
    kernel = keras.initializers.RandomUniform(-largest_weight, largest_weight, seed=5)
    bias = keras.initializers.Constant(-0.01)
    options = {"activation": "tanh", "name": "maps", **options}
    return keras.layers.Conv2D(3, 2, padding="same", kernel_initializer=kernel, bias_initializer=bias, **options)


def read_ranges(model: bytes, dark: CalibrationSet) -> Any:
    return record_activations(model, dark.tensors()).estimate_ranges("min-max")


def test_line_is_the_nearest_and_its_distance_known() -> None:
    # tanh x = x - x^3 / 3 + ...; on [-h, h] the line of least squares is x - h^2 x / 5, which at h is
    # h^3 (1/3 - 1/5) off. The next term is 2/15 h^5.
    slope, offset, deviation = fit_line(-0.2, 0.2)
    assert slope == pytest.approx(1 - 0.2**2 / 5, abs=0.2**4)
    assert offset == pytest.approx(0, abs=1e-12)
    assert deviation == pytest.approx(0.2**3 * 2 / 15, abs=0.2**5)
    assert fit_line(-2, 2)[2] > MOST_DEVIATION


def test_range_of_one_value_is_met_exactly() -> None:
    slope, offset, deviation = fit_line(0.3, 0.3)
    assert (slope * 0.3 + offset, deviation) == (pytest.approx(np.tanh(0.3)), 0)


def test_small_maps_have_all_levels_of_int8(dark: CalibrationSet) -> None:
    model = convert_float(lambda image: convolve(0.008)(image))
    ranges = read_ranges(model, dark)
    int8 = quantize(model, ranges)
    assert "TANH" not in take_census(int8).op
    assert not {"FLOAT32", "FLOAT16"} & take_census(int8).dtype.keys()
    low, high = ranges["StatefulPartitionedCall_1:0"]
    step = describe_output(int8, "curves").scale
    assert step == pytest.approx((high - low) / 255, rel=1e-3)
    images = list(dark.images)
    found, expected = run(int8, images), run(model, images)
    # Half a step of the output, twelve weights that are half a step off at inputs of 1, and the line: maps of 0.1 at
    # most are off by less than 0.1^3 / 3. Half a step of the 8-bit tanh is 0.004.
    tolerance = step / 2 + 12 * 0.008 / 254 + 0.1**3 / 3
    assert max(float(np.abs(one - other).max()) for one, other in zip(found, expected, strict=True)) < tolerance


def test_flattened_float_model_returns_nearly_the_same(dark: CalibrationSet) -> None:
    model = convert_float(lambda image: convolve(0.008)(image))
    flat = flatten_tanh(model, read_ranges(model, dark))
    images = list(dark.images)
    for one, other in zip(run(flat, images), run(model, images), strict=True):
        np.testing.assert_allclose(one, other, atol=0.1**3 / 3)


def branch(image: Any) -> Any:
    """A convolution whose output goes on without the tanh too."""
    maps = convolve(0.008, activation=None)(image)
    return keras.layers.Add()([maps, keras.layers.Activation("tanh")(maps)])


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(lambda image: convolve(1.0)(image), id="wide range"),
        pytest.param(branch, id="shared input"),
        pytest.param(
            lambda image: keras.layers.Activation("tanh")(keras.layers.Rescaling(0.01)(image)), id="no weights"
        ),
        pytest.param(
            lambda image: keras.layers.Activation("tanh")(convolve(0.008, activation="relu")(image)),
            id="another activation between",
        ),
    ],
)
def test_other_tanh_stays(build: Build, dark: CalibrationSet) -> None:
    model = convert_float(build)
    flat = flatten_tanh(model, read_ranges(model, dark))
    assert take_census(flat).op["TANH"] == 1
    images = list(dark.images)
    for one, other in zip(run(flat, images), run(model, images), strict=True):
        np.testing.assert_array_equal(one, other)


def test_input_of_a_tanh_has_levels_only_where_its_output_changes() -> None:
    model = convert_float(lambda image: keras.layers.Activation("tanh")(convolve(1.0, activation=None)(image)))
    (name,) = set(read_tanh_inputs(model))
    ranges = bound_inputs(model, {name: (-2.0, 5.2), "another": (-9.0, 9.0)})
    # tanh x > 127.5 / 128, which rounds to the last level, where x > 3.1.
    assert ranges == {name: (-2.0, pytest.approx(3.12, abs=0.01)), "another": (-9.0, 9.0)}


def test_input_that_something_else_reads_too_keeps_its_range() -> None:
    model = convert_float(branch)
    (name,) = set(read_tanh_inputs(model))
    assert bound_inputs(model, {name: (-2.0, 5.2)}) == {name: (-2.0, 5.2)}


def read_tanh_inputs(model: bytes) -> list[str]:
    """The names of the tensors that a tanh reads."""
    graph = schema.ModelT.InitFromPackedBuf(model, 0)
    main = graph.subgraphs[0]
    tanh = schema.BuiltinOperator.TANH
    return [main.tensors[node.inputs[0]].name.decode() for node in main.operators if read_kind(graph, node) == tanh]


def test_layer_that_stays_in_float_keeps_its_tanh(dark: CalibrationSet) -> None:
    model = convert_float(lambda image: convolve(0.008)(image))
    mixed = quantize(model, read_ranges(model, dark), float_layers=("maps",))
    assert take_census(mixed).op["TANH"] == 1
    assert describe_output(mixed, "curves").dtype == "float32"


def test_signature_still_names_the_tensors(dark: CalibrationSet) -> None:
    model = convert_float(lambda image: convolve(0.008)(image))
    graph = schema.ModelT.InitFromPackedBuf(flatten_tanh(model, read_ranges(model, dark)), 0)
    main, (signature,) = graph.subgraphs[0], graph.signatureDefs
    assert [entry.tensorIndex for entry in signature.inputs] == list(main.inputs)
    assert [entry.tensorIndex for entry in signature.outputs] == list(main.outputs)


def test_convolution_that_stays_in_float_keeps_its_tanh(dark: CalibrationSet) -> None:
    model = convert_float(
        lambda image: keras.layers.Activation("tanh", name="bend")(convolve(0.008, activation=None)(image))
    )
    mixed = quantize(model, read_ranges(model, dark), float_layers=("maps",))
    assert take_census(mixed).op["TANH"] == 1


def test_depthwise_convolution_takes_the_line_too(dark: CalibrationSet) -> None:
    kernel = keras.initializers.RandomUniform(-0.02, 0.02, seed=5)
    model = convert_float(
        keras.layers.DepthwiseConv2D(2, padding="same", activation="tanh", depthwise_initializer=kernel, name="maps")
    )
    flat = flatten_tanh(model, read_ranges(model, dark))
    assert "TANH" not in take_census(flat).op
    images = list(dark.images)
    for one, other in zip(run(flat, images), run(model, images), strict=True):
        # Four weights of 0.02 at most.
        np.testing.assert_allclose(one, other, atol=0.08**3 / 3)
