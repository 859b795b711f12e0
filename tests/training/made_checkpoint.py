"""Writes checkpoints as PyTorch does, both formats of them, without PyTorch."""

import collections
import io
import pickle
import sys
import types
import zipfile
from collections.abc import Mapping
from pathlib import Path
from unittest import mock

import numpy as np


class FloatStorage:
    """Stands for torch.FloatStorage in a pickle."""


def _rebuild_tensor_v2(*_: object) -> None:
    """Stands for PyTorch's function of that name in a pickle."""


class Tensor:
    """Is pickled as PyTorch pickles a tensor."""

    def __init__(self, key: int, samples: np.ndarray) -> None:
        self.key, self.samples = key, samples

    def __reduce__(self) -> tuple[object, ...]:
        strides = tuple(stride // 4 for stride in self.samples.strides)
        arguments = (self, 0, self.samples.shape, strides, False, collections.OrderedDict())
        return _rebuild_tensor_v2, (Storage(self), *arguments[1:])


class Storage:
    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


class Pickler(pickle.Pickler):
    is_legacy = False

    def persistent_id(self, each: object) -> object:
        if not isinstance(each, Storage):
            return None
        view = (None,) if self.is_legacy else ()
        return ("storage", FloatStorage, str(each.tensor.key), "cpu", each.tensor.samples.size, *view)


class LegacyPickler(Pickler):
    is_legacy = True


def write_checkpoint(path: Path, state: Mapping[str, np.ndarray], *, is_legacy: bool = False) -> Path:
    """A `state_dict` of float32 tensors as a file; the path."""
    # Pickles name what they hold by module; while this writes them, there is a module of that name.
    torch, inside = types.ModuleType("torch"), types.ModuleType("torch._utils")
    torch.FloatStorage, inside._rebuild_tensor_v2 = FloatStorage, _rebuild_tensor_v2  # type: ignore[attr-defined]
    with (
        mock.patch.object(FloatStorage, "__module__", "torch"),
        mock.patch.object(_rebuild_tensor_v2, "__module__", "torch._utils"),
        mock.patch.dict(sys.modules, {"torch": torch, "torch._utils": inside}),
    ):
        _write(path, state, is_legacy)
    return path


def _write(path: Path, state: Mapping[str, np.ndarray], is_legacy: bool) -> None:
    tensors = {name: Tensor(key, samples) for key, (name, samples) in enumerate(state.items())}
    with path.open("wb") as stream:
        if is_legacy:
            for header in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
                pickle.dump(header, stream, protocol=2)
            LegacyPickler(stream, protocol=2).dump(collections.OrderedDict(tensors))
            pickle.dump([str(tensor.key) for tensor in tensors.values()], stream, protocol=2)
            for samples in state.values():
                stream.write(samples.size.to_bytes(8, "little") + samples.tobytes())
        else:
            with zipfile.ZipFile(stream, "w") as archive:
                pickled = io.BytesIO()
                Pickler(pickled, protocol=2).dump(collections.OrderedDict(tensors))
                archive.writestr("archive/data.pkl", pickled.getvalue())
                for key, samples in enumerate(state.values()):
                    archive.writestr(f"archive/data/{key}", samples.tobytes())
