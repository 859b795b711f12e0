"""Tensors in and out: the one place that feeds an interpreter and reads it.

Outside are real numbers and pictures, inside are tensors of whatever type, scale and zero point a file has. It needs
numpy alone: `converters.proof` uses it under the Python of another environment.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from edge_dce.errors import ModelError
from edge_dce.pixels.buffers import Buffers
from edge_dce.pixels.levels import normalize, round_to_levels

Uint8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

# Integers that reach further are not made for numbers from 0 to 1.
_LEAST_LEVELS = 100
# Types that hold the levels of an image without a scale, and where they put black.
_LEVELS = {"uint8": 0, "int8": -128}


class Interpreter(Protocol):
    """The part of `tf.lite.Interpreter` that edge_dce uses; both runtimes and the fake in the tests provide it."""

    def allocate_tensors(self) -> None: ...
    def get_input_details(self) -> list[dict[str, Any]]: ...
    def get_output_details(self) -> list[dict[str, Any]]: ...
    def set_tensor(self, tensor_index: int, value: npt.NDArray[Any]) -> None: ...
    def tensor(self, tensor_index: int) -> Callable[[], npt.NDArray[Any]]: ...
    def invoke(self) -> None: ...


@dataclasses.dataclass(frozen=True)
class Encoding:
    """How a tensor holds real numbers: real = scale · (stored − zero_point), or as they are where the scale is 0."""

    dtype: np.dtype[Any]
    scale: float = 0.0
    zero_point: int = 0

    @property
    def is_integer(self) -> bool:
        return self.dtype.kind in "iu"

    @property
    def holds_levels(self) -> bool:
        """Whether what is stored are the levels of an image, its bytes as they are."""
        return self.dtype == np.uint8 and self.zero_point == 0 and abs(self.scale * 255 - 1) < 1e-5

    @property
    def spans_levels(self) -> bool:
        """Whether real numbers are the levels of an image, 0 to 255: from 0 to 1 such a scale would have two values."""
        return self.is_integer and self.scale * (np.iinfo(self.dtype).max - self.zero_point) > _LEAST_LEVELS

    def encode(self, values: FloatArray) -> npt.NDArray[Any]:
        """Real numbers as they are stored; integers are rounded and clipped to what the type holds."""
        if not (self.is_integer and self.scale):
            return values.astype(self.dtype, copy=False)
        limits = np.iinfo(self.dtype)
        steps = np.rint(values / self.scale) + self.zero_point
        stored: npt.NDArray[Any] = np.clip(steps, limits.min, limits.max).astype(self.dtype)
        return stored

    def decode(self, stored: npt.NDArray[Any], out: FloatArray) -> FloatArray:
        """`out`, of the shape of `stored`, with the real numbers."""
        np.copyto(out, stored, casting="unsafe")
        if self.is_integer and self.scale:
            out -= np.float32(self.zero_point)
            out *= np.float32(self.scale)
        return out


@dataclasses.dataclass(frozen=True)
class Port:
    """The input or an output of a network.

    Attributes:
        index: of its tensor.
        shape: with the batch of one.
    """

    index: int
    shape: tuple[int, ...]
    encoding: Encoding


class Network:
    """A loaded model of one input, which takes a picture, and of one output that matters. Not for several threads.

    Attributes:
        name: of the model in errors.
        input, output: what goes in and comes out.
    """

    def __init__(
        self, name: str | Path, interpreter: Interpreter, *, output: int = 0, assumes_levels: bool = False
    ) -> None:
        """
        Args:
            output: which one is read.
            assumes_levels: integers without a scale are the levels of an image, signed ones moved down by 128. Without
                it only uint8 as input can be that, and any other is refused.

        Raises:
            ModelError: tensors of no fixed size, of something other than numbers, or of integers without a scale.
        """
        self.name = name
        self._interpreter = interpreter
        self._assumes_levels = assumes_levels
        self.input = self._describe("input", interpreter.get_input_details()[0])
        self.output = self._describe("output", interpreter.get_output_details()[output])
        self._buffers = Buffers()
        self._reporting = _FailureReport(name)

    def quantize(self, image: Uint8Array) -> npt.NDArray[Any]:
        """A uint8 image of the input's shape, without the batch, as the tensor that the network takes.

        It may be the image itself, or be overwritten by the next call.
        """
        if self.input.encoding.holds_levels:
            return image[np.newaxis]
        values: FloatArray = self._buffers.reserve("values", (1, *image.shape), np.float32)
        return self.input.encoding.encode(normalize(image, out=values))

    def invoke(self, tensor: npt.NDArray[Any]) -> FloatArray:
        """`feed`, `run` and `read` in one, and so are the next two; see there for errors."""
        self.feed(tensor)
        self.run()
        return self.read()

    def invoke_stored(self, tensor: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """As `invoke`, but a copy of the output as it is stored."""
        self.feed(tensor)
        self.run()
        return self._view().copy()

    def invoke_image(self, tensor: npt.NDArray[Any]) -> Uint8Array:
        """As `invoke`, but the output as a uint8 image."""
        self.feed(tensor)
        self.run()
        return self._view().copy() if self.output.encoding.holds_levels else round_to_levels(self.read())

    def feed(self, tensor: npt.NDArray[Any]) -> None:
        """Set the input, as `quantize` returned it.

        Raises:
            ModelError: it is of another shape or type than the input.
        """
        with self._reporting:
            self._interpreter.set_tensor(self.input.index, tensor)

    def run(self) -> None:
        """Compute the output of what was fed last.

        Raises:
            ModelError: the runtime failed.
        """
        with self._reporting:
            self._interpreter.invoke()

    def read(self) -> FloatArray:
        """The output as real numbers, float32, without the batch; overwritten by the next call.

        Raises:
            ModelError: values that are not numbers.
        """
        stored = self._view()
        values = self.output.encoding.decode(stored, self._buffers.reserve("output", stored.shape, np.float32))
        if not self.output.encoding.is_integer and not are_finite(values):
            raise ModelError(f"{self.name}: the network returned values that are not numbers; use another model")
        return values

    def _view(self) -> npt.NDArray[Any]:
        """The interpreter's own memory, which must be let go before the next call."""
        with self._reporting:
            view: npt.NDArray[Any] = self._interpreter.tensor(self.output.index)()[0]
            return view

    def _describe(self, side: str, details: dict[str, Any]) -> Port:
        shape = tuple(int(length) for length in details["shape"])
        # A batch that is open is one picture; any other open side has the length one until it is resized.
        signature = list(details.get("shape_signature", shape))
        if side == "input" and any(pair == (1, -1) for pair in zip(shape[1:], signature[1:], strict=False)):
            raise ModelError(f"{self.name}: expected a fixed input size, found a dynamic one; convert it with a size")
        encoding = describe_encoding(details)
        if encoding.dtype.kind not in "fiu":
            raise ModelError(f"{self.name}: expected numbers as {side}, found {encoding.dtype}; use another model")
        if encoding.is_integer and encoding.scale == 0:
            plain = _LEVELS if self._assumes_levels else {"uint8": 0} if side == "input" else {}
            if encoding.dtype.name not in plain:
                raise ModelError(f"{self.name}: expected a scale for the integer {side}, found none; convert it again")
            encoding = dataclasses.replace(encoding, scale=1 / 255, zero_point=plain[encoding.dtype.name])
        if side == "input" and encoding.spans_levels:
            # A network that divides by 255 itself, quantized; the scale tells.
            encoding = dataclasses.replace(encoding, scale=encoding.scale / 255)
        return Port(details["index"], shape, encoding)


class _FailureReport:
    """Within it, what a runtime raises becomes a ModelError.

    A class, as contextlib's generator takes time that can be measured, and a frame enters three times.
    """

    def __init__(self, name: str | Path) -> None:
        self._name = name

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        if isinstance(error, (ValueError, RuntimeError, MemoryError)):
            reason = " ".join(str(error).split()) or "out of memory"
            raise ModelError(f"{self._name}: the runtime failed on an image ({reason})") from error


def are_finite(values: npt.NDArray[Any]) -> bool:
    """Whether all values, floating point, are numbers."""
    # The sum is a number only if all are, and needs no array of its own; that of huge numbers need not be one.
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(values.sum()) or np.isfinite(values).all())


def describe_encoding(details: dict[str, Any]) -> Encoding:
    """The encoding of a tensor, from what an interpreter tells of it."""
    scale, zero_point = details["quantization"]
    return Encoding(np.dtype(details["dtype"]), float(scale), int(zero_point))


def read_tensor(interpreter: Interpreter, details: dict[str, Any]) -> FloatArray:
    """Real numbers, float32, of any tensor of an interpreter that keeps them, after a run.

    Raises:
        ValueError: there is nothing in it.
    """
    stored = interpreter.tensor(details["index"])()
    return describe_encoding(details).decode(stored, np.empty(stored.shape, np.float32))
