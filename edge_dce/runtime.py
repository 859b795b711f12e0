"""The TFLite interpreter, whichever package provides it. The only module that imports one."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import importlib.metadata
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from edge_dce.card import ModelFile
from edge_dce.errors import ModelError, RuntimeMissingError

# In order of preference: on x86-64 the first runs int8 models about eight times faster than the second.
_RUNTIMES = (("ai-edge-litert", "ai_edge_litert.interpreter"), ("tflite-runtime", "tflite_runtime.interpreter"))
_TRIAL_SECONDS = 120
MAX_THREADS = 256
# File descriptor 2 belongs to the whole process: one model at a time.
_holding_back = threading.Lock()
# The whole trial is passed as source: it must start without edge_dce being importable in the child.
_TRIAL = """
import importlib, sys
interpreter = importlib.import_module(sys.argv[1]).Interpreter(model_content=sys.stdin.buffer.read())
interpreter.allocate_tensors()
interpreter.invoke()
"""


class Interpreter(Protocol):
    """The part of `tf.lite.Interpreter` that edge_dce uses; both runtimes and the fake in the tests provide it."""

    def allocate_tensors(self) -> None: ...
    def get_input_details(self) -> list[dict[str, Any]]: ...
    def get_output_details(self) -> list[dict[str, Any]]: ...
    def set_tensor(self, tensor_index: int, value: npt.NDArray[Any]) -> None: ...
    def tensor(self, tensor_index: int) -> Callable[[], npt.NDArray[Any]]: ...
    def invoke(self) -> None: ...


@dataclasses.dataclass(frozen=True)
class Runtime:
    """An importable TFLite runtime."""

    name: str
    version: str
    module: str


def find_runtime() -> Runtime:
    """The best installed runtime.

    Raises:
        RuntimeMissingError: none is installed, or the installed one cannot work with the installed numpy.
    """
    for name, module in _RUNTIMES:
        try:
            importlib.import_module(module)
        except ImportError:
            continue
        if name == "tflite-runtime" and int(np.__version__.split(".")[0]) >= 2:
            raise RuntimeMissingError(
                f"tflite-runtime needs numpy 1, found numpy {np.__version__}; run: pip install 'edge-dce[tflite]'"
            )
        return Runtime(name, importlib.metadata.version(name), module)
    raise RuntimeMissingError(
        "expected a TFLite runtime, found none; run: pip install 'edge-dce[litert]' "
        "(or 'edge-dce[tflite]' on Python 3.11 and older)"
    )


def open_interpreter(model: ModelFile, *, threads: int) -> Interpreter:
    """An interpreter with its tensors allocated, ready for `set_tensor` and `invoke`.

    A runtime can crash the whole process on damaged model bytes. A card vouches for its model by hash; a file without
    card is run once in a child process first.

    Raises:
        RuntimeMissingError: see `find_runtime`.
        ModelError: the runtime refuses the model, or dies on it.
    """
    runtime = find_runtime()
    if model.card is None:
        _try_in_child(model, runtime)
    try:
        with _hold_back_notices():
            interpreter: Interpreter = importlib.import_module(runtime.module).Interpreter(
                model_content=model.content, num_threads=threads
            )
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise _refused(model.path, runtime, str(error)) from error
    return interpreter


def count_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_threads() -> int:
    """Up to four of the cores this process may use: more gains nothing on networks this small."""
    return min(4, count_cores())


@contextlib.contextmanager
def _hold_back_notices() -> Iterator[None]:
    """Drop what the runtime tells about itself ("INFO: Created TensorFlow Lite XNNPACK delegate for CPU.").

    It writes straight to file descriptor 2 and has no switch for it. Whatever else arrives there is passed on after.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(_holding_back)
        try:
            held = stack.enter_context(tempfile.TemporaryFile())
            stderr = os.dup(2)
        except OSError:
            # Nowhere to hold it, or no standard error at all: then let it pass.
            yield
            return
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            held.seek(0)
            for line in held:
                if not line.startswith(b"INFO: "):
                    os.write(2, line)


def _try_in_child(model: ModelFile, runtime: Runtime) -> None:
    try:
        child = subprocess.run(
            [sys.executable, "-c", _TRIAL, runtime.module],
            input=model.content,
            capture_output=True,
            timeout=_TRIAL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _refused(model.path, runtime, f"no result after {_TRIAL_SECONDS} s") from None
    if child.returncode < 0:
        raise _refused(model.path, runtime, f"a trial run died of signal {-child.returncode}")
    if child.returncode > 0:
        lines = child.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise _refused(model.path, runtime, lines[-1])


def _refused(path: Path, runtime: Runtime, reason: str) -> ModelError:
    flat = " ".join(reason.split())
    return ModelError(f"{path}: {runtime.name} {runtime.version} cannot run this model ({flat}); get a fresh copy")
