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
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from edge_dce.errors import ModelError, RuntimeMissingError
from edge_dce.machine import count_usable_cores
from edge_dce.models.card import ModelFile
from edge_dce.models.flatbuffer import check_flatbuffer
from edge_dce.models.network import Interpreter
from edge_dce.models.xnnpack import make_delegates

# In order of preference: the first takes every Python and numpy of today, and is the faster on x86-64.
_RUNTIMES = (("ai-edge-litert", "ai_edge_litert.interpreter"), ("tflite-runtime", "tflite_runtime.interpreter"))
_TRIAL_SECONDS = 120
MAX_THREADS = 256
# File descriptor 2 belongs to the whole process: one model at a time.
_holding_back = threading.Lock()
# No network for pictures needs more; a damaged one may ask for any amount.
_TRIAL_BYTES = 4 << 30
_TRIAL = """
import sys
sys.path[:] = sys.argv[2:]
from edge_dce.models.runtime import run_trial
run_trial(sys.stdin.buffer.read(), threads=int(sys.argv[1]))
"""


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

    A runtime can crash the whole process on damaged model bytes. A card vouches for its model by hash; the tables of a
    file without card are checked, and then it is run in a child process first.

    Raises:
        RuntimeMissingError: see `find_runtime`.
        ModelError: the runtime refuses the model, or dies on it.
    """
    runtime = find_runtime()
    if model.card is None:
        check_flatbuffer(model)
        _try_in_child(model, runtime, threads)
    try:
        with hold_back_notices():
            return _create_interpreter(runtime, model.content, threads)
    except (ValueError, RuntimeError, MemoryError) as error:
        raise _refused(model.path, runtime, str(error) or "out of memory") from error


def run_trial(content: bytes, *, threads: int) -> None:
    """Load a model and run it on a black picture and on noise; for a child process, which this may crash or hang.

    Raises:
        ValueError, RuntimeError, MemoryError: whatever the runtime raises.
    """
    runtime = find_runtime()
    _limit_memory()
    interpreter = _create_interpreter(runtime, content, threads)
    random = np.random.default_rng(5)
    for span in (0, 255):
        for details in interpreter.get_input_details():
            noise = random.integers(0, span, details["shape"], endpoint=True)
            is_float = np.issubdtype(details["dtype"], np.floating)
            interpreter.set_tensor(details["index"], (noise / 255 if is_float else noise).astype(details["dtype"]))
        interpreter.invoke()


def default_threads() -> int:
    """Up to four of the cores this process may use, less one with tflite-runtime.

    Measured on two x86-64 cores, one, two and four threads in turn, bundled models at 256x256. With two threads instead
    of one the fastest runs take 0.5 to 0.65 of the time with either runtime, 0.6 to 1 for the `scene` models of 1 to 2
    ms, a whole 1080p frame 0.65 (zero-dce-pp) to 1 (zero-dce-scene). While other programs want the cores, medians
    change little with ai-edge-litert (0.8 to 1.15), but grow 1.5 to 7 times with tflite-runtime, whose threads wait for
    each other by spinning. More threads than cores gain nothing, and cost tflite-runtime another factor of 2.5 to 4.

    Raises:
        RuntimeMissingError: see `find_runtime`.
    """
    cores = count_usable_cores()
    spared = 1 if find_runtime().name == "tflite-runtime" else 0
    return max(1, min(4, cores - spared))


@contextlib.contextmanager
def hold_back_notices() -> Iterator[None]:
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


def _create_interpreter(runtime: Runtime, content: bytes, threads: int) -> Interpreter:
    interpreter: Interpreter = importlib.import_module(runtime.module).Interpreter(
        model_content=content,
        num_threads=threads,
        experimental_delegates=make_delegates(runtime.name, runtime.version, threads),
    )
    interpreter.allocate_tensors()
    return interpreter


def _try_in_child(model: ModelFile, runtime: Runtime, threads: int) -> None:
    try:
        child = subprocess.run(
            # The child finds the packages where this process did, whatever folder it starts in.
            [sys.executable, "-c", _TRIAL, str(threads), *sys.path],
            input=model.content,
            capture_output=True,
            timeout=_TRIAL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _refused(model.path, runtime, f"no result after {_TRIAL_SECONDS} s") from None
    except OSError as error:
        raise ModelError(
            f"{model.path}: a model without a card is tried in a child process, but none can start here "
            f"({error.strerror}); use a model with a card"
        ) from error
    if child.returncode < 0:
        raise _refused(model.path, runtime, f"a trial run was stopped by signal {-child.returncode}")
    if child.returncode > 0:
        lines = child.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise _refused(model.path, runtime, lines[-1])


def _limit_memory() -> None:
    """Let this process allocate 4 GiB more, or as much as the machine has, where the system can tell and limit it."""
    try:
        import resource

        page = os.sysconf("SC_PAGE_SIZE")
        limit = min(_TRIAL_BYTES, os.sysconf("SC_PHYS_PAGES") * page)
        used = int(Path("/proc/self/statm").read_text().split()[0]) * page
        resource.setrlimit(resource.RLIMIT_AS, (used + limit, resource.getrlimit(resource.RLIMIT_AS)[1]))
    except (ImportError, OSError, ValueError):
        return


def _refused(path: Path, runtime: Runtime, reason: str) -> ModelError:
    flat = " ".join(reason.split())
    return ModelError(f"{path}: {runtime.name} {runtime.version} cannot run this model ({flat}); get a fresh copy")
