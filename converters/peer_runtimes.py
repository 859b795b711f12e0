"""Other runtimes behind TFLite's interface, so that all else of the path is the same code."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from edge_dce.models.network import Interpreter


class RefusalError(Exception):
    """A runtime cannot run a file."""


class Engine(Protocol):
    """From the input tensor to the output tensor, both as TFLite has them."""

    def __call__(self, tensor: npt.NDArray[Any]) -> npt.NDArray[Any]: ...


class PeerInterpreter:
    """An engine as an `Interpreter`.

    Args:
        engine: what computes.
        like: TFLite's interpreter of the same file, for what it tells of the tensors.
    """

    def __init__(self, engine: Engine, like: Interpreter) -> None:
        self._engine = engine
        self._input, self._output = like.get_input_details(), like.get_output_details()
        self._tensor: npt.NDArray[Any] = np.empty(0)
        self._result: npt.NDArray[Any] = np.empty(0)

    def allocate_tensors(self) -> None: ...

    def get_input_details(self) -> list[dict[str, Any]]:
        return self._input

    def get_output_details(self) -> list[dict[str, Any]]:
        return self._output

    def set_tensor(self, tensor_index: int, value: npt.NDArray[Any]) -> None:
        self._tensor = value

    def tensor(self, tensor_index: int) -> Callable[[], npt.NDArray[Any]]:
        return lambda: self._result

    def invoke(self) -> None:
        self._result = self._engine(self._tensor)


def open_onnxruntime(path: Path, threads: int) -> Engine:
    """An ONNX file on ONNX Runtime's CPU.

    Raises:
        RefusalError: it cannot run the file.
    """
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as errors

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except (
        errors.Fail,
        errors.InvalidGraph,
        errors.InvalidProtobuf,
        errors.NotImplemented,
        errors.RuntimeException,
    ) as error:
        raise RefusalError(_last_line(error)) from error
    (name,) = (each.name for each in session.get_inputs())

    def run(tensor: npt.NDArray[Any]) -> npt.NDArray[Any]:
        result: npt.NDArray[Any] = session.run(None, {name: tensor})[0]
        return result

    return run


def open_openvino(path: Path, threads: int) -> Engine:
    """An ONNX or TFLite file on OpenVINO's CPU.

    Raises:
        RefusalError: it cannot run the file.
    """
    import openvino

    settings = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
    try:
        request = openvino.Core().compile_model(str(path), "CPU", settings).create_infer_request()
    except RuntimeError as error:
        raise RefusalError(_last_line(error)) from error

    def run(tensor: npt.NDArray[Any]) -> npt.NDArray[Any]:
        # Shares memory both ways: a copy would be no part of the engine's work.
        result: npt.NDArray[Any] = request.infer({0: tensor}, share_inputs=True, share_outputs=True)[0]
        return result

    return run


# By the name of the package.
RUNTIMES = {"onnxruntime": open_onnxruntime, "openvino": open_openvino}


def find_runtimes() -> list[str]:
    """Those of RUNTIMES that are installed."""
    return [name for name in RUNTIMES if importlib.util.find_spec(name) is not None]


def describe_runtime(name: str) -> str:
    """Name and version, as cards have them."""
    return f"{name} {importlib.metadata.version(name)}"


def _last_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]
