"""Memory of tensors, kept by the process for the next ones."""

from __future__ import annotations

import ctypes

import keras

# Of glibc's malloc.h.
_TRIM_THRESHOLD = -1
_MMAP_THRESHOLD = -3
_NEVER = 2**31 - 1


class MemoryKeeper(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no type information
    """Keeps what tensors leave, on Linux with glibc; elsewhere it does nothing.

    TensorFlow feeds Python's batches by an operator that fixes glibc's thresholds at 128 KiB ("Memory patch applied"
    in its log). Every larger tensor is then taken from the kernel and given back, cleared page by page each time, and
    no variable of the environment prevents it (docs/decisions/0008).
    """

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        # Not earlier: the operator fixes them when it gives its first batch.
        if batch == 0:
            keep_freed_memory()


def keep_freed_memory() -> None:
    """Let the C library keep freed memory of any size, where it is glibc."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, TypeError):
        return
    mallopt(_TRIM_THRESHOLD, _NEVER)
    mallopt(_MMAP_THRESHOLD, _NEVER)
