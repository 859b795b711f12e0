"""Memory of tensors, kept by the process for the next ones."""

from __future__ import annotations

import ctypes

import keras

# Of glibc's malloc.h.
_TRIM_THRESHOLD = -1
_MMAP_THRESHOLD = -3
_NEVER = -1
_LARGEST_INT = 2**31 - 1
# What glibc took at most before version 2.35, HEAP_MAX_SIZE / 2 (mallopt(3)).
_MOST_BEFORE = 4 * 1024 * 1024 * ctypes.sizeof(ctypes.c_long)


class MemoryKeeper(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no type information
    """Keeps what tensors leave, by TensorFlow on Linux with glibc; elsewhere it does nothing.

    TensorFlow feeds Python's batches by an operator that sets M_MMAP_THRESHOLD to 128 KiB (its log calls that
    M_TRIM_THRESHOLD), which also stops glibc from raising either. Larger tensors are then taken from the kernel and
    given back again and again, cleared page by page each time (docs/decisions/0008).
    """

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        # Not earlier: the operator sets it when it gives its first batch. Once an epoch costs nothing.
        if batch == 0 and keras.backend.backend() == "tensorflow":
            keep_freed_memory()


def keep_freed_memory() -> None:
    """Let the C library keep freed memory, where it is glibc: blocks below 2 GiB, of glibc before 2.35 up to 32 MiB."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(_TRIM_THRESHOLD, _NEVER)
    if not mallopt(_MMAP_THRESHOLD, _LARGEST_INT):
        mallopt(_MMAP_THRESHOLD, _MOST_BEFORE)
