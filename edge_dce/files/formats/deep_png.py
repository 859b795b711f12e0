"""PNG files of 16 bits per sample, which Pillow reads and writes only where they are grey.

Reading is OpenCV's. Writing is done here, because OpenCV does not write grey with alpha.
Format: W3C PNG (third edition), sections 5 to 11.
"""

from __future__ import annotations

import struct

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.files.formats.deflating import cut_strips, start_compression
from edge_dce.files.formats.png_chunks import SIGNATURE, pack_chunk
from edge_dce.files.picture import Samples

Uint16Array = npt.NDArray[np.uint16]

# By the number of channels: grey, grey with alpha, RGB, RGBA.
_PNG_COLOR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}


def decode(data: bytes) -> Uint16Array | None:
    """(H, W, C) samples of a picture file in the order grey, RGB or RGBA; None where it does not hold 16 bits."""
    try:
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if decoded is None or decoded.dtype != np.uint16:
        return None
    samples: Uint16Array = decoded.reshape(*decoded.shape[:2], -1).astype(np.uint16, copy=False)
    if samples.shape[2] < 3:
        return samples
    # Blue first, as OpenCV has it; its own exchange takes a fifth of the time of NumPy's.
    exchange = cv2.COLOR_BGR2RGB if samples.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
    return cv2.cvtColor(samples, exchange).astype(np.uint16, copy=False)


def mix_grey(image: Samples) -> Samples:
    """(H, W, 1) luma of (H, W, 3) RGB by ITU-R BT.601 in the whole numbers that Pillow uses: grey stays what it is."""
    red, green, blue = (image[..., channel].astype(np.uint32) for channel in range(3))
    mixed = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16
    typed: Samples = mixed.astype(image.dtype)  # type: ignore[assignment]
    return typed[..., np.newaxis]


def encode_png(samples: Uint16Array) -> bytes:
    """A PNG file of (H, W, C) samples: grey, grey with alpha, RGB or RGBA by the number of channels."""
    height, width, channels = samples.shape
    header = struct.pack(">IIBBBBB", width, height, 16, _PNG_COLOR_TYPES[channels], 0, 0, 0)
    chunks = [SIGNATURE, pack_chunk(b"IHDR", header)]
    compressor = start_compression()
    above = np.zeros(width * channels * 2, np.uint8)
    for rows in cut_strips(samples):
        strip = samples[rows]
        stored = np.ascontiguousarray(strip.astype(">u2")).view(np.uint8).reshape(len(strip), -1)
        # Filter type 2, "Up": bytes less those of the row above.
        filtered = np.empty((len(strip), 1 + stored.shape[1]), np.uint8)
        filtered[:, 0] = 2
        np.subtract(stored[0], above, out=filtered[0, 1:])
        np.subtract(stored[1:], stored[:-1], out=filtered[1:, 1:])
        above = stored[-1]
        chunks.append(pack_chunk(b"IDAT", compressor.compress(filtered.data)))
    chunks += [pack_chunk(b"IDAT", compressor.flush()), pack_chunk(b"IEND", b"")]
    return b"".join(chunks)
