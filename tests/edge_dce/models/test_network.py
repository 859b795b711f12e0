"""Tensors of every type, scale and shape, fed and read in one place."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edge_dce.errors import ModelError
from edge_dce.models.network import Encoding, Network, read_tensor
from tests.edge_dce.fake_interpreter import FakeInterpreter

ROOT = Path(__file__).resolve().parents[3]
IMAGE = np.array([[[0, 51, 255]]], np.uint8)


def make_network(output: np.ndarray, **options: object) -> tuple[Network, FakeInterpreter]:
    levels = bool(options.pop("assumes_levels", False))
    fake = FakeInterpreter(output, **{"input_shape": (1, 1, 1, 3), **options})  # type: ignore[arg-type]
    return Network("fake.tflite", fake, assumes_levels=levels), fake


@pytest.mark.parametrize(
    ("dtype", "quantization", "stored"),
    [
        (np.float32, (0.0, 0), [0, 0.2, 1]),
        (np.float16, (0.0, 0), [0, 0.2, 1]),
        (np.uint8, (1 / 255, 0), [0, 51, 255]),
        (np.int8, (1 / 255, -128), [-128, -77, 127]),
        (np.int16, (1 / 32767, 0), [0, 6553, 32767]),
        # Of networks that divide by 255 themselves.
        (np.uint8, (1.0, 0), [0, 51, 255]),
        (np.int8, (1.0, -128), [-128, -77, 127]),
        # A scale that does not reach white.
        (np.uint8, (0.5 / 255, 0), [0, 102, 255]),
    ],
)
def test_picture_is_stored_as_the_input_asks(dtype: type, quantization: tuple[float, int], stored: list[float]) -> None:
    network, fake = make_network(np.zeros((1, 2), np.float32), input_dtype=dtype, input_quantization=quantization)
    network.feed(network.quantize(IMAGE))
    assert fake.inputs[0].dtype == dtype
    # float16 has eleven bits.
    np.testing.assert_allclose(fake.inputs[0][0, 0, 0].astype(float), stored, rtol=2**-11)


def test_a_few_numbers_are_read_like_a_map() -> None:
    """What a network returns need be no map: a tone is some hundred numbers."""
    network, _ = make_network(np.array([[-128, 0, 127]], np.int8), output_quantization=(0.5, -28))
    np.testing.assert_array_equal(network.invoke(network.quantize(IMAGE)), [-50, 14, 77.5])
    np.testing.assert_array_equal(network.invoke_stored(network.quantize(IMAGE)), [-128, 0, 127])


def test_image_is_read_in_levels() -> None:
    for output, quantization in (
        (np.array([[0, 0.2, 1.4]], np.float32), (0.0, 0)),
        (np.array([[0, 51, 255]], np.uint8), (1 / 255, 0)),
        (np.array([[-128, -77, 127]], np.int8), (0.0, 0)),
    ):
        network, _ = make_network(output, output_quantization=quantization, assumes_levels=True)
        np.testing.assert_array_equal(network.invoke_image(network.quantize(IMAGE)), [0, 51, 255])


def test_numbers_whose_sum_is_none_are_numbers() -> None:
    values = np.full((1, 4), 3e38, np.float32)
    network, _ = make_network(values)
    np.testing.assert_array_equal(network.read(), values[0])


@pytest.mark.parametrize("values", [[0, np.nan], [0, np.inf], [np.inf, -np.inf]])
def test_values_that_are_no_numbers_are_an_error(values: list[float]) -> None:
    network, _ = make_network(np.array([values], np.float32))
    with pytest.raises(ModelError, match=r"fake\.tflite: the network returned values that are not numbers"):
        network.read()


def test_failing_runtime_is_one_line() -> None:
    network, _ = make_network(np.zeros((1, 2), np.float32), error=MemoryError())
    with pytest.raises(ModelError, match=r"the runtime failed on an image \(out of memory\)"):
        network.run()


@pytest.mark.parametrize("dtype", [np.complex64, np.bool_, np.bytes_])
def test_tensors_of_something_else_are_refused(dtype: type) -> None:
    with pytest.raises(ModelError, match="expected numbers as output"):
        make_network(np.zeros((1, 2), dtype))
    with pytest.raises(ModelError, match="expected numbers as input"):
        make_network(np.zeros((1, 2), np.float32), input_dtype=dtype)


def test_any_tensor_is_read_as_real_numbers() -> None:
    fake = FakeInterpreter(np.array([[3, 5]], np.int32), output_quantization=(0.5, 1))
    np.testing.assert_array_equal(read_tensor(fake, fake.get_output_details()[0]), [[1, 2]])
    assert Encoding(np.dtype(np.int32)).decode(np.array([7]), np.empty(1, np.float32)) == 7
    assert Encoding(np.dtype(np.int32)).encode(np.array([7], np.float32)) == 7


def test_numpy_is_all_it_needs() -> None:
    """`converters.proof` imports it where nothing else of ours is installed."""
    code = "import edge_dce.models.network, sys; print(sorted({'cv2', 'PIL', 'numpy'} & set(sys.modules)))"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert child.stdout == "['numpy']\n"
