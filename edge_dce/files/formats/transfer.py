"""From the numbers in a file to the light that they stand for, and to the numbers that sRGB has for it.

Formulas: IEC 61966-2-1 (sRGB), ITU-R BT.2100 (PQ, HLG), BT.2408 (203 nits for white); code points: ITU-T H.273.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from edge_dce.errors import ImageError

FloatArray = npt.NDArray[np.float64]
Uint16Array = npt.NDArray[np.uint16]

# Relative light, 1 for white, of numbers from 0 to 1.
Transfer = Callable[[FloatArray], FloatArray]

SRGB_CODE = 13
HDR_CODES = frozenset({16, 18})
# Viewers take the curve of television and an unknown one for that of sRGB.
_LIKE_SRGB = frozenset({1, 2, 6, SRGB_CODE, 14, 15})
_WHITE_NITS = 203.0
# HDR keeps the numbers of sRGB up to here; what is brighter, white and beyond, shares the rest.
_KNEE = 0.75
# 9 levels of 255: nearly as far as the pure gamma of 2.2 is from sRGB, which viewers hold for the same.
_LIKENESS = 9 / 255
_CODES = 65536


def decode_srgb(numbers: FloatArray) -> FloatArray:
    """Light of sRGB's numbers."""
    light: FloatArray = np.where(numbers <= 0.04045, numbers / 12.92, ((numbers + 0.055) / 1.055) ** 2.4)
    return light


def encode_srgb(light: FloatArray) -> FloatArray:
    """sRGB's numbers for light, which may be brighter than white."""
    numbers: FloatArray = np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 0) ** (1 / 2.4) - 0.055)
    return numbers


def find_transfer(code: int) -> Transfer:
    """The transfer function of a code point.

    Raises:
        ImageError: one that pictures do not have.
    """
    if code in _LIKE_SRGB:
        return decode_srgb
    known: dict[int, Transfer] = {
        4: make_gamma(2.2),
        5: make_gamma(2.8),
        8: make_gamma(1.0),
        16: _decode_pq,
        18: _decode_hlg,
    }
    if code not in known:
        raise ImageError(f"samples coded by transfer function {code} of H.273, which is not known; convert it to sRGB")
    return known[code]


def make_gamma(exponent: float) -> Transfer:
    """Light is the number to the power of `exponent`."""
    return lambda numbers: numbers**exponent


def is_like_srgb(transfer: Transfer) -> bool:
    """Whether numbers mean what they mean in sRGB, as far as anybody sees."""
    numbers = np.linspace(0, 1, 256)
    with np.errstate(all="ignore"):
        return bool(np.abs(encode_srgb(transfer(numbers)) - numbers).max() <= _LIKENESS)


def tabulate(transfer: Transfer) -> Uint16Array:
    """(65536,) sRGB's numbers of 16 bits for those of a transfer function.

    Light beyond white is compressed: above the knee numbers v become k + (1 - k)·t·(1 + a) / (t + a), where t goes from
    0 at the knee k to 1 at the brightest, and `a` gives the slope 1 at the knee.
    """
    with np.errstate(all="ignore"):
        # A damaged profile can ask for a power of anything.
        numbers = np.nan_to_num(encode_srgb(transfer(np.linspace(0, 1, _CODES))), posinf=1.0)
    span = float(numbers[-1]) - _KNEE
    if numbers[-1] > 1:
        share = np.maximum(numbers - _KNEE, 0) / span
        bend = 1 / (span / (1 - _KNEE) - 1)
        compressed = _KNEE + (1 - _KNEE) * share * (1 + bend) / (share + bend)
        numbers = np.where(numbers > _KNEE, compressed, numbers)
    table: Uint16Array = np.rint(np.clip(numbers, 0, 1) * (_CODES - 1)).astype(np.uint16)
    return table


def invert(table: Uint16Array) -> Uint16Array:
    """(65536,) the numbers that a table brings to 0, 1, 2 ..., of a table that never falls."""
    reached, first = np.unique(table, return_index=True)
    last = np.searchsorted(table, reached, side="right") - 1
    inverse: Uint16Array = np.rint(np.interp(np.arange(_CODES), reached, (first + last) / 2)).astype(np.uint16)
    # Of black and white, the ends rather than the middles.
    inverse[0], inverse[-1] = first[0] if reached[0] == 0 else inverse[0], last[-1]
    return inverse


def _decode_pq(numbers: FloatArray) -> FloatArray:
    root = numbers ** (32 / 2523)
    share = np.maximum(root - 107 / 128, 0) / (2413 / 128 - 2392 / 128 * root)
    nits: FloatArray = 10000 * share ** (8192 / 1305)
    return nits / _WHITE_NITS


def _decode_hlg(numbers: FloatArray) -> FloatArray:
    """As on a screen of 1000 nits, channel by channel."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(numbers <= 0.5, numbers**2 / 3, (np.exp((numbers - c) / a) + b) / 12)
    light: FloatArray = 1000 * scene**1.2 / _WHITE_NITS
    return light
