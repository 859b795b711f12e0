"""Several frames of one moment as one with less noise, which no curve can give.

Frames are moved onto the first (rotation and translation, ECC: Evangelidis and Psarakis, TPAMI 2008) and averaged. What
moved by itself is left out of the mean there: a pixel counts the less the further it is from the first frame's, in
units of the noise. The mean of n frames has 1/√n of the noise, and more than eight bits.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.errors import ImageError

Uint8Array = npt.NDArray[np.uint8]
Uint16Array = npt.NDArray[np.uint16]
FloatArray = npt.NDArray[np.float32]

# Motion is found on a copy of this size: fast, and its pixels are means of noisy ones.
_ALIGN_PX = 480
_ITERATIONS = 60
_PRECISION = 1e-4
# Of the frame: hands shake less, and whoever moves further is not in the same picture.
_MOST_SHIFT = 0.1
# Frames of a real burst at a mean of 2 of 255 levels reach 0.6, pictures of different things hardly more than 0.
_LEAST_CORRELATION = 0.4
# Of the noise's usual difference: where a sample differs by so many it counts 1/e, by twice as many a fiftieth.
_GHOST_FACTOR = 3.0
_GHOST_BLUR_PX = 2.0


def merge_burst(frames: list[Uint8Array]) -> Uint16Array:
    """Average frames of one scene, each (H, W, 3) uint8, onto the first.

    Frames that cannot be aligned are left out.

    Returns:
        (H, W, 3) uint16: 65535 is white.

    Raises:
        ImageError: no frames, or of different sizes.
    """
    if not frames or any(frame.shape != frames[0].shape for frame in frames):
        raise ImageError(f"expected frames of one size, found {[frame.shape for frame in frames]}")
    first = frames[0].astype(np.float32)
    reference = _prepare(frames[0])
    total, weights = first.copy(), np.ones(first.shape[:2], np.float32)
    for frame in frames[1:]:
        motion = _find_motion(reference, _prepare(frame), frame.shape[1])
        if motion is None:
            continue
        moved, is_inside = _move(frame, motion)
        weight = _weigh(first, moved) * is_inside
        total += moved * weight[..., np.newaxis]
        weights += weight
    total *= 257 / weights[..., np.newaxis]
    merged: Uint16Array = np.clip(np.rint(total, out=total), 0, 65535).astype(np.uint16)
    return merged


def _prepare(frame: Uint8Array) -> FloatArray:
    """Small, gray, on a root axis: in the dark, where curves are steep, edges count too."""
    scale = min(1.0, _ALIGN_PX / frame.shape[1])
    size = max(1, round(frame.shape[1] * scale)), max(1, round(frame.shape[0] * scale))
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    gray = np.sqrt(small.mean(axis=2, dtype=np.float32))
    return np.asarray(cv2.GaussianBlur(gray, (0, 0), 1.0), np.float32)


def _find_motion(reference: FloatArray, frame: FloatArray, width: int) -> FloatArray | None:
    """The 2x3 matrix from the reference's full-size pixels to the frame's, or None if there is none to be found."""
    start = np.eye(2, 3, dtype=np.float32)
    window = cv2.createHanningWindow(reference.shape[::-1], cv2.CV_32F)
    # Copies, because OpenCV multiplies its arguments by the window in place.
    (start[0, 2], start[1, 2]), _ = cv2.phaseCorrelate(reference.copy(), frame.copy(), window)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, _ITERATIONS, _PRECISION)
    try:
        # OpenCV's type information asks for a mask, which OpenCV does not.
        _, motion = cv2.findTransformECC(  # type: ignore[call-overload]
            reference, frame, start, cv2.MOTION_EUCLIDEAN, criteria, None, 5
        )
    except cv2.error:
        # Nothing alike in both, or no texture at all.
        return None
    if not _correlate(reference, frame, motion) >= _LEAST_CORRELATION:
        return None
    scale = width / reference.shape[1]
    # The centers of small pixels are not where the corners are.
    offset = (scale - 1) / 2
    motion[:, 2] = motion[:, 2] * scale + offset - motion[:, :2] @ np.full(2, offset, np.float32)
    middle = np.array([width / 2, width / 2], np.float32)
    shift = motion[:, :2] @ middle + motion[:, 2] - middle
    return np.asarray(motion, np.float32) if np.abs(shift).max() <= _MOST_SHIFT * width else None


def _correlate(reference: FloatArray, frame: FloatArray, motion: FloatArray) -> float:
    """Pearson's correlation once moved, away from the edges; NaN without any texture."""
    moved = cv2.warpAffine(frame, motion, reference.shape[::-1], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    edge = max(1, min(reference.shape) // 10)
    inner = slice(edge, -edge), slice(edge, -edge)
    here, there = (part - part.mean() for part in (reference[inner], moved[inner]))
    norm = float(np.linalg.norm(here) * np.linalg.norm(there))
    return float((here * there).sum()) / norm if norm else float("nan")


def _move(frame: Uint8Array, motion: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The frame on the first one's pixels, float32, and 1 where it has any."""
    size = frame.shape[1], frame.shape[0]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = np.asarray(cv2.warpAffine(frame.astype(np.float32), motion, size, flags=flags), np.float32)
    inside = cv2.warpAffine(np.ones(frame.shape[:2], np.float32), motion, size, flags=flags)
    return moved, (inside > 0.999).astype(np.float32)


def _weigh(first: FloatArray, moved: FloatArray) -> FloatArray:
    """How much each pixel is the same thing in both: 1, falling to 0 where something moved."""
    difference = np.abs(moved - first).mean(axis=2)
    blurred = np.asarray(cv2.GaussianBlur(difference, (0, 0), _GHOST_BLUR_PX), np.float32)
    # Sensor noise grows with the square root of light; most of a picture does not move, so the median is noise.
    light = np.sqrt(np.asarray(cv2.GaussianBlur(first.mean(axis=2), (0, 0), _GHOST_BLUR_PX), np.float32) + 4)
    noise = max(float(np.median(blurred / light)), 1e-3)
    distance = blurred / (light * np.float32(noise * _GHOST_FACTOR))
    weight: FloatArray = np.exp(-distance * distance)
    return weight
