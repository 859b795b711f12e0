"""Tables of 65,536 bytes, looked up by 16-bit indices with whichever OpenCV is installed."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.pixels.buffers import Buffers

Uint8Array = npt.NDArray[np.uint8]
Uint16Array = npt.NDArray[np.uint16]

SIZE = 256 * 256


def look_up(indices: Uint16Array, table: Uint8Array, out: Uint8Array, workspace: Buffers) -> None:
    """Write `table[indices]` to `out`.

    Args:
        indices: (N, M) uint16.
        table: (65536,) uint8.
        out: (N, M) uint8, C-contiguous.
        workspace: of the calling thread.
    """
    if _CV2_TAKES_WIDE_INDICES:
        cv2.LUT(indices, table.reshape(1, -1), dst=out)
    else:
        positions = workspace.reserve("positions", indices.shape, np.intp)
        np.copyto(positions, indices)
        # "clip" never clips (every uint16 is a valid index); unlike "raise" it writes into `out` without a copy.
        np.take(table, positions, out=out, mode="clip")


def _cv2_takes_wide_indices() -> bool:
    try:
        cv2.LUT(np.zeros((1, 1), np.uint16), np.zeros((1, SIZE), np.uint8))
    except cv2.error:
        return False
    return True


# OpenCV 5 looks up 16-bit indices directly; with earlier ones numpy does, from wider indices, in twice the time.
_CV2_TAKES_WIDE_INDICES = _cv2_takes_wide_indices()
