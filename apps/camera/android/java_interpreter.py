"""The TFLite interpreter of an Android phone: Java's `org.tensorflow.lite.Interpreter` behind edge_dce's protocol.

There is no TFLite for Python on Android that builds; the Java library is in every Gradle repository. Samples cross
between the two as bytes: one copy each way, under a millisecond for a map of 256x256.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from jnius import JavaException, autoclass

from edge_dce.errors import ModelError
from edge_dce.models.card import ModelFile
from edge_dce.models.flatbuffer import check_flatbuffer

_DTYPES = {"FLOAT32": np.float32, "UINT8": np.uint8, "INT8": np.int8}
_INPUT, _OUTPUT = 0, 1


class JavaInterpreter:
    """`edge_dce.models.runtime.Interpreter`, for models of one input and one output."""

    def __init__(self, content: bytes, *, threads: int) -> None:
        """Raises ValueError: the runtime refuses the model."""
        # Without it pyjnius does not find setNumThreads, which Options inherits from there.
        autoclass("org.tensorflow.lite.InterpreterApi$Options")
        self._buffers = autoclass("java.nio.ByteBuffer")
        options = autoclass("org.tensorflow.lite.Interpreter$Options")()
        options.setNumThreads(threads)
        model = self._buffers.allocateDirect(len(content))
        model.order(autoclass("java.nio.ByteOrder").nativeOrder())
        model.put(content)
        model.rewind()
        try:
            self._interpreter = autoclass("org.tensorflow.lite.Interpreter")(model, options)
        except JavaException as error:
            raise ValueError(_first_line(error)) from error
        # The interpreter reads the model where it lies.
        self._model = model
        self._input = _describe(self._interpreter.getInputTensor(0), _INPUT)
        self._output = _describe(self._interpreter.getOutputTensor(0), _OUTPUT)
        self._value = b""
        self._result: npt.NDArray[Any] = np.zeros(self._output["shape"], self._output["dtype"])

    def allocate_tensors(self) -> None:
        """Raises ValueError: the runtime refuses the model."""
        try:
            self._interpreter.allocateTensors()
        except JavaException as error:
            raise ValueError(_first_line(error)) from error

    def get_input_details(self) -> list[dict[str, Any]]:
        return [self._input]

    def get_output_details(self) -> list[dict[str, Any]]:
        return [self._output]

    def set_tensor(self, tensor_index: int, value: npt.NDArray[Any]) -> None:
        """Raises ValueError: another shape or type than the input's."""
        if value.shape != tuple(self._input["shape"]) or value.dtype != self._input["dtype"]:
            expected = f"{tuple(self._input['shape'])} {self._input['dtype'].__name__}"
            raise ValueError(f"expected {expected}, found {value.shape} {value.dtype}")
        self._value = value.tobytes()

    def invoke(self) -> None:
        """Raises RuntimeError: the runtime failed."""
        found = self._buffers.allocate(self._result.nbytes)
        try:
            self._interpreter.run(self._buffers.wrap(self._value), found)
        except JavaException as error:
            raise RuntimeError(_first_line(error)) from error
        samples = np.frombuffer(found.array().tostring(), self._result.dtype)
        self._result = samples.reshape(self._result.shape)

    def tensor(self, tensor_index: int) -> Callable[[], npt.NDArray[Any]]:
        return lambda: self._result


def open_java_interpreter(model: ModelFile, *, threads: int) -> JavaInterpreter:
    """An interpreter ready for use, as `edge_dce.models.runtime.open_interpreter`.

    Raises:
        ModelError: the runtime refuses the model, its tables are damaged, or it has no card, which tells most damage by
            a hash. No child process can try a model here, so a hostile one could end or hang the app.
    """
    if model.card is None:
        raise ModelError(f"{model.path}: expected a model with a card; convert it with `edge-dce convert`")
    if not model.is_trusted:
        check_flatbuffer(model)
    try:
        interpreter = JavaInterpreter(model.content, threads=threads)
        interpreter.allocate_tensors()
    except ValueError as error:
        raise ModelError(f"{model.path}: LiteRT cannot run this model ({error}); get a fresh copy") from error
    return interpreter


def _describe(tensor: Any, index: int) -> dict[str, Any]:
    quantization, dtype = tensor.quantizationParams(), tensor.dataType().toString()
    if dtype not in _DTYPES:
        raise ValueError(f"expected a tensor of {' '.join(_DTYPES)}, found {dtype}")
    return {
        "index": index,
        "shape": np.array(tensor.shape()),
        "dtype": _DTYPES[dtype],
        "quantization": (float(quantization.getScale()), int(quantization.getZeroPoint())),
    }


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
