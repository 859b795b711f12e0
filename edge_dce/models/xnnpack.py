"""XNNPACK for the int8 models of tflite-runtime, and whether a model runs on it at all.

tflite-runtime 2.14 brings XNNPACK and hands it float models only; its Python API has no switch for quantized ones, its
C API has, except in the wheel for 32-bit ARM. The kernels that it uses instead take 2 to 20 times as long on x86-64,
and round otherwise on ARM, so the delegate is made here. Only with the one version, its last, whose structure this is.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import platform
import sys
from typing import Any

_RUNTIME = ("tflite-runtime", "2.14.0")
_PROCESSORS = ("x86_64", "aarch64")
_LIBRARY = "tflite_runtime._pywrap_tensorflow_interpreter_wrapper"
_SIGNED_INT8, _UNSIGNED_INT8 = 1, 2


class _Options(ctypes.Structure):
    """`TfLiteXNNPackDelegateOptions` of xnnpack_delegate.h."""

    _fields_ = (
        ("num_threads", ctypes.c_int32),
        ("flags", ctypes.c_uint32),
        ("weights_cache", ctypes.c_void_p),
        ("handle_variable_ops", ctypes.c_bool),
    )


class Delegate:
    """What `tf.lite.Interpreter` takes for `experimental_delegates`; the interpreter lets go of it last."""

    def __init__(self, library: ctypes.CDLL, threads: int) -> None:
        options = library.TfLiteXNNPackDelegateOptionsDefault()
        options.num_threads = threads
        options.flags |= _SIGNED_INT8 | _UNSIGNED_INT8
        self._delete = library.TfLiteXNNPackDelegateDelete
        # None if XNNPACK cannot run on this processor.
        self.pointer: int | None = library.TfLiteXNNPackDelegateCreate(ctypes.byref(options))

    def _get_native_delegate_pointer(self) -> int | None:
        return self.pointer

    def __del__(self) -> None:
        self._delete(self.pointer)


def make_delegates(runtime: str, version: str, threads: int) -> list[Delegate]:
    """The delegates that a runtime needs to be given; mostly none, as it brings its own."""
    if (runtime, version) != _RUNTIME or sys.platform != "linux" or platform.machine() not in _PROCESSORS:
        return []
    try:
        library = _open_library()
    except AttributeError:
        # The wheel for 32-bit ARM, on a 64-bit kernel, or a build of somebody else's.
        return []
    delegate = Delegate(library, threads)
    return [delegate] if delegate.pointer else []


def uses_xnnpack(interpreter: Any) -> bool | None:
    """Whether XNNPACK runs any part of a model; None if the runtime does not tell.

    The notice on standard error would not do: it comes once per process, with the first model.
    """
    list_operators = getattr(interpreter, "_get_ops_details", None)
    if list_operators is None:
        return None
    return any(operator["op_name"] == "DELEGATE" for operator in list_operators())


@functools.cache
def _open_library() -> ctypes.CDLL:
    library = ctypes.CDLL(importlib.import_module(_LIBRARY).__file__)
    library.TfLiteXNNPackDelegateOptionsDefault.argtypes = []
    library.TfLiteXNNPackDelegateOptionsDefault.restype = _Options
    library.TfLiteXNNPackDelegateCreate.argtypes = [ctypes.POINTER(_Options)]
    library.TfLiteXNNPackDelegateCreate.restype = ctypes.c_void_p
    library.TfLiteXNNPackDelegateDelete.argtypes = [ctypes.c_void_p]
    library.TfLiteXNNPackDelegateDelete.restype = None
    return library
