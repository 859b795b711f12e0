"""A model file ready to be timed, whatever its contract."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from edge_dce.benchmark.image_network import ImageNetwork
from edge_dce.enhancer import Enhancer
from edge_dce.errors import ModelError
from edge_dce.models.card import ModelFile, read_model_file
from edge_dce.models.catalog import find_model
from edge_dce.models.contracts import IMAGE
from edge_dce.models.network import Interpreter
from edge_dce.models.runtime import MAX_THREADS, open_interpreter
from edge_dce.models.xnnpack import uses_xnnpack
from edge_dce.pixels.look import Look

Uint8Array = npt.NDArray[np.uint8]


class Subject(Protocol):
    """What is measured: an `Enhancer`, or an `ImageNetwork` for files that return the image itself."""

    model: ModelFile
    threads: int
    width: int
    height: int

    @property
    def contract(self) -> str: ...
    def quantize_input(self, image: Uint8Array) -> npt.NDArray[Any]: ...
    def invoke(self, tensor: npt.NDArray[Any]) -> npt.NDArray[Any]: ...
    def enhance(self, image: Uint8Array, look: Look = ...) -> npt.NDArray[Any]: ...


class TimedInterpreter:
    """An interpreter that remembers how long its last `invoke` took, so that what we add around it can be told.

    Attributes:
        xnnpack: whether XNNPACK runs any part of the model; None if the runtime does not tell.
    """

    def __init__(self, interpreter: Interpreter) -> None:
        self._interpreter = interpreter
        self.xnnpack = uses_xnnpack(interpreter)
        self._last_ms = 0.0

    def read_last_ms(self) -> float:
        return self._last_ms

    def allocate_tensors(self) -> None:
        self._interpreter.allocate_tensors()

    def get_input_details(self) -> list[dict[str, Any]]:
        return self._interpreter.get_input_details()

    def get_output_details(self) -> list[dict[str, Any]]:
        return self._interpreter.get_output_details()

    def set_tensor(self, tensor_index: int, value: npt.NDArray[Any]) -> None:
        self._interpreter.set_tensor(tensor_index, value)

    def tensor(self, tensor_index: int) -> Callable[[], npt.NDArray[Any]]:
        return self._interpreter.tensor(tensor_index)

    def invoke(self) -> None:
        start = time.perf_counter()
        self._interpreter.invoke()
        self._last_ms = (time.perf_counter() - start) * 1e3


def open_subject(
    name_or_path: str | Path, *, threads: int, contract: str | None = None, accelerator: str | None = None
) -> tuple[Subject, TimedInterpreter]:
    """Load a model for measurement.

    Args:
        contract: for a file without a card that could be of several.
        accelerator: as `edge_dce.load` takes it.

    Raises:
        RuntimeMissingError, ModelError: as `edge_dce.load`.
    """
    if not 1 <= threads <= MAX_THREADS:
        raise ModelError(f"expected 1 to {MAX_THREADS} threads, found {threads}")
    model = read_model_file(find_model(name_or_path))
    interpreter = TimedInterpreter(open_interpreter(model, threads=threads, accelerator=accelerator))
    if (model.card.contract if model.card else contract) == IMAGE.name:
        return ImageNetwork(model, interpreter, threads=threads), interpreter
    enhancer = Enhancer(model, interpreter, threads=threads, contract=contract)
    if enhancer.channels == 4:
        raise ModelError(f"{model.path}: expected a model for RGB or GREY pictures, found RGBN; use another")
    return enhancer, interpreter
