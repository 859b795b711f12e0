"""An interpreter that returns what a test tells it to, for paths that no real model takes on demand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edge_dce.models.card import ModelFile

NO_CARD = ModelFile(Path("fake.tflite"), b"", None)


class FakeInterpreter:
    """Same details and methods as a TFLite interpreter; `output` is what the output tensor holds."""

    def __init__(
        self,
        output: np.ndarray,
        *,
        input_shape: tuple[int, ...] = (1, 4, 6, 3),
        input_dtype: type = np.float32,
        input_quantization: tuple[float, int] = (0.0, 0),
        output_quantization: tuple[float, int] = (0.0, 0),
        error: Exception | None = None,
    ) -> None:
        self.output = output
        self.error = error
        self.inputs: list[np.ndarray] = []
        self._input = {
            "index": 0,
            "shape": np.array(input_shape),
            "dtype": input_dtype,
            "quantization": input_quantization,
        }
        self._output = {
            "index": 1,
            "shape": np.array(output.shape),
            "dtype": output.dtype.type,
            "quantization": output_quantization,
        }

    def allocate_tensors(self) -> None: ...

    def get_input_details(self) -> list[dict[str, Any]]:
        return [self._input]

    def get_output_details(self) -> list[dict[str, Any]]:
        return [self._output]

    def set_tensor(self, tensor_index: int, value: np.ndarray) -> None:
        assert tensor_index == 0
        self.inputs.append(value.copy())

    def invoke(self) -> None:
        if self.error is not None:
            raise self.error

    def tensor(self, tensor_index: int) -> Callable[[], np.ndarray]:
        assert tensor_index == 1
        return lambda: self.output
