"""The TFLite interpreter, whichever package provides it. The only module that imports one."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import importlib.metadata
import os
import tempfile
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_dce.errors import ModelError, ModelWarning, RuntimeMissingError
from edge_dce.machine import count_usable_cores
from edge_dce.models.accelerator import CompiledInterpreter
from edge_dce.models.card import ModelFile
from edge_dce.models.flatbuffer import check_flatbuffer, measure_first_weights
from edge_dce.models.network import Interpreter, describe_encoding, read_tensor
from edge_dce.models.trial import Trial, judge_first_weights, try_model
from edge_dce.models.xnnpack import make_delegates

# In order of preference: the first takes every Python and numpy of today, and is the faster on x86-64.
_RUNTIMES = (("ai-edge-litert", "ai_edge_litert.interpreter"), ("tflite-runtime", "tflite_runtime.interpreter"))
MAX_THREADS = 256
# File descriptor 2 belongs to the whole process: one model at a time.
_holding_back = threading.Lock()
# No network for pictures needs more; a damaged one may ask for any amount.
_TRIAL_BYTES = 4 << 30
# The side that a network gets whose file leaves it open: what curves are estimated at when nothing else is asked for.
_OPEN_SIDE_PX = 256
_NOTICES = (b"INFO: ",)


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


def open_interpreter(model: ModelFile, *, threads: int, accelerator: str | None = None) -> Interpreter:
    """An interpreter with its tensors allocated, ready for `set_tensor` and `invoke`.

    A runtime can crash the whole process on damaged model bytes. Bundled models are known by their hash; the tables of
    any other file are checked, and then it is run in a child process first. An input whose height or width is open is
    opened at 256 pixels.

    Args:
        accelerator: compile the model for it, see `edge_dce.models.accelerator`; None does not.

    Raises:
        RuntimeMissingError: see `find_runtime`.
        ModelError: the runtime refuses the model, or dies on it, or there is no such accelerator.

    Warns:
        ModelWarning: the network hardly reacts to pictures as it will get them.
    """
    runtime = find_runtime()
    if not model.is_trusted:
        check_flatbuffer(model)
        trial = try_model(model, f"{runtime.name} {runtime.version}", threads=threads)
        doubt = trial.doubt or judge_first_weights(measure_first_weights(model))
        if doubt is not None:
            warnings.warn(f"{model.path}: {doubt}", ModelWarning, stacklevel=2)
    try:
        with hold_back_notices():
            interpreter = _create_interpreter(runtime, model.content, threads)
        return interpreter if accelerator is None else _compile(model, interpreter, runtime, threads, accelerator)
    except (ValueError, RuntimeError, MemoryError) as error:
        raise _refused(model.path, runtime, str(error) or "out of memory") from error


def run_trial(content: bytes, *, threads: int) -> Trial:
    """Load a model and run it on black and on noise; for a child process, which this may crash or hang.

    Raises:
        ValueError, RuntimeError, MemoryError: whatever the runtime raises.
    """
    runtime = find_runtime()
    _limit_memory()
    interpreter = _create_interpreter(runtime, content, threads)
    inputs = interpreter.get_input_details()
    random = np.random.default_rng(5)
    noises = [random.random(details["shape"], np.float32) for details in inputs]

    def run(white: float) -> list[npt.NDArray[np.float32]]:
        for details, noise in zip(inputs, noises, strict=True):
            encoding = describe_encoding(details)
            # Integers without a scale are levels themselves.
            holds_levels = encoding.is_integer and (not encoding.scale or encoding.spans_levels)
            factor = 255 * white if holds_levels else white
            interpreter.set_tensor(details["index"], encoding.encode(noise * np.float32(factor)))
        interpreter.invoke()
        return [read_tensor(interpreter, details) for details in interpreter.get_output_details()]

    black = run(0)
    change = _measure_change(black, run(1))
    takes_floats = not any(describe_encoding(details).is_integer for details in inputs)
    return Trial(change, _measure_change(black, run(255)) if takes_floats else None)


def _measure_change(one: list[npt.NDArray[np.float32]], other: list[npt.NDArray[np.float32]]) -> float:
    """Mean difference of the output that changes most; one that is no number does not count."""
    means = [float(np.abs(second - first).mean(dtype=np.float64)) for first, second in zip(one, other, strict=True)]
    return max((mean for mean in means if np.isfinite(mean)), default=0.0)


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
def hold_back_notices(notices: tuple[bytes, ...] = _NOTICES) -> Iterator[None]:
    """Drop what the runtime tells about itself ("INFO: Created TensorFlow Lite XNNPACK delegate for CPU.").

    It writes straight to file descriptor 2 and has no switch for it. Whatever else arrives there is passed on after.

    Args:
        notices: what the lines begin with that are dropped.
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
                if not line.startswith(notices):
                    os.write(2, line)


def _create_interpreter(runtime: Runtime, content: bytes, threads: int) -> Interpreter:
    interpreter: Any = importlib.import_module(runtime.module).Interpreter(
        model_content=content,
        num_threads=threads,
        experimental_delegates=make_delegates(runtime.name, runtime.version, threads),
    )
    _close_sides(interpreter)
    interpreter.allocate_tensors()
    opened: Interpreter = interpreter
    return opened


def _compile(
    model: ModelFile, plain: Interpreter, runtime: Runtime, threads: int, accelerator: str
) -> CompiledInterpreter:
    try:
        # It tells on many lines what it looks for, and what it does not find is no news: an error says so.
        with hold_back_notices((b"",)):
            return CompiledInterpreter(model.content, accelerator, plain, threads=threads)
    except (ImportError, AttributeError) as error:
        raise ModelError(
            f"{runtime.name} {runtime.version} compiles no models for accelerators; leave --accelerator out, or run: "
            "pip install 'edge-dce[litert]'"
        ) from error
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise ModelError(
            f"{model.path}: expected an accelerator '{accelerator}', found none that takes it whole ({reason}); "
            "leave --accelerator out"
        ) from error


def _close_sides(interpreter: Any) -> None:
    """Give a size to inputs whose file leaves it open; a batch that is open is one picture as it is."""
    for details in interpreter.get_input_details():
        signature = [int(side) for side in details["shape_signature"]]
        if len(signature) == 4 and -1 in signature[1:]:
            shape = [1, *(_OPEN_SIDE_PX if side == -1 else side for side in signature[1:])]
            interpreter.resize_tensor_input(details["index"], shape)


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
