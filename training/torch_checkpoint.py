"""PyTorch checkpoints as numpy arrays, read without PyTorch, and without running what a pickle may hold.

Both formats: the zip archive of PyTorch 1.6 and later, and the stream of pickles before it, which the authors of
Zero-DCE published. The unpickler knows tensors, their storages and ordered dictionaries; every other name in a file is
an error, so that no file can run code.
"""

from __future__ import annotations

import collections
import dataclasses
import io
import pickle
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from edge_dce.errors import EdgeDceError

FloatArray = npt.NDArray[np.float32]

# torch/serialization.py.
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001
_DTYPES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "<u1",
}


class CheckpointError(EdgeDceError):
    """A PyTorch checkpoint cannot be read."""


@dataclasses.dataclass
class _Storage:
    """The samples that tensors are views of; those of a legacy file come after the tensors."""

    dtype: str
    samples: npt.NDArray[Any] | None = None


@dataclasses.dataclass(frozen=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def to_array(self) -> FloatArray:
        samples = self.storage.samples
        if samples is None or len(self.shape) != len(self.strides):
            raise ValueError("a tensor without samples")
        last = self.offset + sum((side - 1) * stride for side, stride in zip(self.shape, self.strides, strict=True))
        if min((self.offset, *self.shape, *self.strides)) < 0 or last >= len(samples):
            raise ValueError("a tensor outside its storage")
        strides = [stride * samples.itemsize for stride in self.strides]
        view = np.lib.stride_tricks.as_strided(samples[self.offset :], self.shape, strides, writeable=False)
        return np.array(view, np.float32)


def read_checkpoint(path: Path) -> dict[str, FloatArray]:
    """The tensors of a saved `state_dict` by name, float32, in PyTorch's layout; a prefix "module." is left out.

    Raises:
        CheckpointError: no checkpoint, a damaged one, or one that holds more than tensors.
    """
    try:
        state = _read_zip(path) if zipfile.is_zipfile(path) else _read_legacy(path)
        if isinstance(state.get("state_dict"), Mapping):
            state = state["state_dict"]
        return {str(name).removeprefix("module."): _check_tensor(tensor).to_array() for name, tensor in state.items()}
    # What reading a file that holds something else comes to.
    except (
        OSError, EOFError, ValueError, KeyError, TypeError, IndexError, AttributeError, MemoryError, OverflowError,
        pickle.UnpicklingError, zipfile.BadZipFile,
    ) as error:  # fmt: skip
        cause = " ".join(str(error).split())[:200]
        raise CheckpointError(
            f"{path}: expected a PyTorch state_dict of tensors, found something else ({cause}); "
            "save it again with torch.save(model.state_dict(), path)"
        ) from error


class _Unpickler(pickle.Unpickler):
    """Of a pickle what makes tensors, and nothing else."""

    def __init__(self, stream: IO[bytes], storages: dict[str, _Storage]) -> None:
        super().__init__(stream, encoding="utf-8")
        self._storages = storages

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild_tensor
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return _rebuild_parameter
        raise pickle.UnpicklingError(f"{module}.{name} is no tensor")

    def persistent_load(self, pid: Sequence[Any]) -> _Storage:
        kind, dtype, key, *_ = pid
        if kind != "storage" or dtype not in _DTYPES.values():
            raise pickle.UnpicklingError(f"{kind!r} is no storage")
        return self._storages.setdefault(str(key), _Storage(dtype))


def _rebuild_tensor(
    storage: _Storage, offset: int, shape: Sequence[int], strides: Sequence[int], *_: object
) -> _Tensor:
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


def _rebuild_parameter(tensor: _Tensor, *_: object) -> _Tensor:
    return tensor


def _read_zip(path: Path) -> Mapping[Any, Any]:
    storages: dict[str, _Storage] = {}
    with zipfile.ZipFile(path) as archive:
        (pickled,) = (name for name in archive.namelist() if name.rpartition("/")[2] == "data.pkl")
        folder = pickled.removesuffix("data.pkl")
        state = _load(io.BytesIO(archive.read(pickled)), storages)
        for key, storage in storages.items():
            storage.samples = np.frombuffer(archive.read(f"{folder}data/{key}"), storage.dtype)
    return state


def _read_legacy(path: Path) -> Mapping[Any, Any]:
    storages: dict[str, _Storage] = {}
    with path.open("rb") as stream:
        if (_Unpickler(stream, {}).load(), _Unpickler(stream, {}).load()) != (_LEGACY_MAGIC, _LEGACY_PROTOCOL):
            raise ValueError("no magic number")
        # Says which machine wrote it; all that PyTorch runs on are little-endian.
        _Unpickler(stream, {}).load()
        state = _load(stream, storages)
        for key in _Unpickler(stream, {}).load():
            storage = storages[str(key)]
            count = int.from_bytes(stream.read(8), "little")
            size = count * np.dtype(storage.dtype).itemsize
            storage.samples = np.frombuffer(stream.read(size), storage.dtype, count)
    return state


def _load(stream: IO[bytes], storages: dict[str, _Storage]) -> Mapping[Any, Any]:
    state = _Unpickler(stream, storages).load()
    if not isinstance(state, Mapping):
        raise TypeError(f"a {type(state).__name__}")
    return state


def _check_tensor(value: object) -> _Tensor:
    if not isinstance(value, _Tensor):
        raise TypeError(f"a {type(value).__name__} among the tensors")
    return value
