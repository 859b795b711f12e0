"""A model compiled for an accelerator: LiteRT's `CompiledModel` in the place of an interpreter.

A network runs there as a whole or is refused: with the CPU as a fallback LiteRT would not tell which of the two ran. On
the CPU the results are those of the interpreter to the bit. GPU and NPU are untried, because none was at hand.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_dce.models.network import Interpreter

CPU, GPU, NPU = "cpu", "gpu", "npu"
ACCELERATORS = (CPU, GPU, NPU)
_PACKAGE = "ai_edge_litert"


class CompiledInterpreter:
    """A compiled model, with the part of an interpreter that edge_dce uses."""

    def __init__(self, content: bytes, accelerator: str, plain: Interpreter, *, threads: int) -> None:
        """
        Args:
            accelerator: one of `ACCELERATORS`.
            plain: an interpreter of the same model, which tells of its tensors.

        Raises:
            ImportError: this package has no compiled models.
            RuntimeError: there is no such accelerator, or it refuses the model.
        """
        api = importlib.import_module(f"{_PACKAGE}.compiled_model")
        wanted = {CPU: api.HardwareAccelerator.CPU, GPU: api.HardwareAccelerator.GPU, NPU: api.HardwareAccelerator.NPU}
        options = api.Options(
            hardware_accelerators=wanted[accelerator],
            cpu_options=api.CpuOptions(num_threads=threads),
        )
        self._model = api.CompiledModel.from_buffer(content, environment=_open_environment(), options=options)
        self._details = plain.get_input_details(), plain.get_output_details()
        inputs, outputs = self._model.create_input_buffers(0), self._model.create_output_buffers(0)
        self._buffers = inputs, outputs
        self._by_tensor = {
            details["index"]: (buffer, details)
            for side, buffers in zip(self._details, self._buffers, strict=True)
            for details, buffer in zip(side, buffers, strict=True)
        }
        # The first that is written makes LiteRT look around once more, and tell of it.
        for details in self._details[0]:
            self.set_tensor(details["index"], np.zeros(details["shape"], details["dtype"]))

    def allocate_tensors(self) -> None:
        """Nothing to do: compiling has done it."""

    def get_input_details(self) -> list[dict[str, Any]]:
        return self._details[0]

    def get_output_details(self) -> list[dict[str, Any]]:
        return self._details[1]

    def set_tensor(self, tensor_index: int, value: npt.NDArray[Any]) -> None:
        buffer, details = self._by_tensor[tensor_index]
        if value.shape != tuple(details["shape"]) or value.dtype != details["dtype"]:
            raise ValueError(
                f"expected {tuple(details['shape'])} {np.dtype(details['dtype'])}, found {value.shape} {value.dtype}"
            )
        buffer.write(np.ascontiguousarray(value))

    def tensor(self, tensor_index: int) -> Callable[[], npt.NDArray[Any]]:
        buffer, details = self._by_tensor[tensor_index]
        shape = tuple(int(side) for side in details["shape"])

        def read() -> npt.NDArray[Any]:
            stored: npt.NDArray[Any] = buffer.read(int(np.prod(shape)), details["dtype"])
            return stored.reshape(shape)

        return read

    def invoke(self) -> None:
        self._model.run_by_index(0, *self._buffers)


@functools.cache
def _open_environment() -> Any:
    package = importlib.import_module(_PACKAGE)
    api = importlib.import_module(f"{_PACKAGE}.environment")
    folder = Path(package.__file__ or "").resolve().parent
    environment = api.Environment.create(options=api.EnvironmentOptions(runtime_path=str(folder)))
    # It lives as long as the process, whose standard error it would otherwise write its end to.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(environment))
    return environment
