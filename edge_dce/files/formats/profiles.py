"""ICC profiles: what the simple ones say, and how one is made.

Format: ICC.1:2022 (sections 7, 9 and 10). A simple profile is one of curves and a matrix, as screens and cameras have;
of others, such as those of printers, LittleCMS knows more.
"""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edge_dce.errors import ImageError
from edge_dce.files.formats.transfer import Transfer, is_like_srgb, make_gamma

FloatArray = npt.NDArray[np.float64]

# Of H.273: x and y of red, green, blue and white.
_D65 = (0.3127, 0.3290)
PRIMARIES: dict[int, tuple[float, ...]] = {
    1: (0.640, 0.330, 0.300, 0.600, 0.150, 0.060, *_D65),
    5: (0.640, 0.330, 0.290, 0.600, 0.150, 0.060, *_D65),
    6: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *_D65),
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *_D65),
    11: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.314, 0.351),
    12: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *_D65),
}
SRGB_PRIMARIES = PRIMARIES[1]
_UNKNOWN_PRIMARIES = 2
_D50 = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
# Rounded numbers of many programs are that far from one another, and primaries of 601 and P3 further.
_LIKENESS = 0.006


@dataclasses.dataclass(frozen=True)
class SimpleProfile:
    """A profile of curves and a matrix.

    Attributes:
        curves: the transfer functions of red, green and blue, or the one of grey.
        colorants: (3, 3), columns are the XYZ of red, green and blue under D50; None for grey.
    """

    curves: tuple[Transfer, ...]
    colorants: FloatArray | None

    @property
    def has_srgb_curves(self) -> bool:
        return all(is_like_srgb(curve) for curve in self.curves)

    @property
    def has_srgb_colors(self) -> bool:
        if self.colorants is None:
            return True
        return bool(np.abs(self.colorants - find_colorants(SRGB_PRIMARIES)).max() <= _LIKENESS)


def find_primaries(code: int) -> tuple[float, ...]:
    """The primaries of a code point of H.273.

    Raises:
        ImageError: one that pictures do not have.
    """
    if code == _UNKNOWN_PRIMARIES:
        return SRGB_PRIMARIES
    if code not in PRIMARIES:
        raise ImageError(f"colors of primaries {code} of H.273, which are not known; convert it to sRGB")
    return PRIMARIES[code]


def are_srgb(primaries: Sequence[float]) -> bool:
    """Whether primaries are those of sRGB, up to rounding."""
    return bool(np.abs(np.subtract(primaries, SRGB_PRIMARIES)).max() <= _LIKENESS)


def find_colorants(primaries: Sequence[float]) -> FloatArray:
    """(3, 3) XYZ of red, green and blue in columns, seen under D50.

    Raises:
        ImageError: primaries that span no colors.
    """
    points = np.array(primaries, np.float64).reshape(4, 2)
    if np.any(points[:, 1] <= 0):
        raise ImageError("colors of impossible primaries; get a fresh copy")
    columns = np.stack([points[:, 0] / points[:, 1], np.ones(4), (1 - points.sum(axis=1)) / points[:, 1]])
    try:
        scaled = columns[:, :3] * np.linalg.solve(columns[:, :3], columns[:, 3])
    except np.linalg.LinAlgError:
        raise ImageError("colors of impossible primaries; get a fresh copy") from None
    adaptation = np.diag((_BRADFORD @ _D50) / (_BRADFORD @ columns[:, 3]))
    colorants: FloatArray = np.linalg.inv(_BRADFORD) @ adaptation @ _BRADFORD @ scaled
    return colorants


def make_profile(colorants: FloatArray) -> bytes:
    """A profile (version 4) of the transfer function of sRGB and these colors."""
    curve = struct.pack(">4sIHH5i", b"para", 0, 3, 0, *_fix([2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045]))
    tags = {
        b"desc": _pack_text("RGB"),
        b"cprt": _pack_text("CC0"),
        b"wtpt": _pack_xyz(_D50),
        **{name: _pack_xyz(colorants[:, at]) for at, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))},
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    at = 128 + 4 + 12 * len(tags)
    table, data = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += struct.pack(">4sII", name, at + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    size = at + len(data)
    header = struct.pack(">I4sI4s4s4s", size, b"", 0x04000000, b"mntr", b"RGB ", b"XYZ ")
    header += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp").ljust(44, b"\0") + _pack_xyz(_D50)[8:]
    return header.ljust(128, b"\0") + table + data


def read_simple(profile: bytes) -> SimpleProfile | None:
    """What a profile of curves and a matrix says; None for any other, a damaged one among them."""
    try:
        tags = _read_tags(profile)
        if profile[16:20] == b"GRAY":
            return SimpleProfile((_read_curve(tags[b"kTRC"]),), None)
        if profile[16:20] != b"RGB " or b"A2B0" in tags:
            return None
        curves = tuple(_read_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC"))
        columns = [struct.unpack(">3i", tags[name][8:20]) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
    except (KeyError, ValueError, struct.error):
        return None
    return SimpleProfile(curves, np.array(columns, np.float64).T / 65536)


def is_srgb(profile: bytes | None) -> bool:
    """Whether colors are those of sRGB, as they are without a profile."""
    simple = read_simple(profile) if profile else None
    return not profile or (simple is not None and simple.has_srgb_curves and simple.has_srgb_colors)


def read_cicp(profile: bytes) -> tuple[int, int] | None:
    """The code points of H.273 that a profile names, as those of HDR do."""
    try:
        tag = _read_tags(profile).get(b"cicp", b"")
    except struct.error:
        return None
    return (tag[8], tag[9]) if len(tag) >= 12 else None


def _read_tags(profile: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack(">I", profile[128:132])
    tags = {}
    for number in range(min(count, 100)):
        name, at, size = struct.unpack(">4sII", profile[132 + 12 * number : 144 + 12 * number])
        tags[name] = profile[at : at + size]
    return tags


def _read_curve(tag: bytes) -> Transfer:
    if tag[:4] == b"para":
        return _read_parametric(tag)
    if tag[:4] != b"curv":
        raise ValueError("no curve")
    (count,) = struct.unpack(">I", tag[8:12])
    values = np.frombuffer(tag, ">u2", count, 12).astype(np.float64)
    if count == 0:
        return make_gamma(1.0)
    if count == 1:
        return make_gamma(float(values[0]) / 256)
    return lambda numbers: np.interp(numbers, np.linspace(0, 1, count), values / 65535)


def _read_parametric(tag: bytes) -> Transfer:
    (kind,) = struct.unpack(">H", tag[8:10])
    names = ("g", "gab", "gabc", "gabcd", "gabcdef")[kind] if kind < 5 else ""
    if not names:
        raise ValueError("no such curve")
    numbers = struct.unpack(f">{len(names)}i", tag[12 : 12 + 4 * len(names)])
    g, a, b, c, d, e, f = (dict(zip(names, numbers, strict=True)).get(name, 0) / 65536 for name in "gabcdef")
    if kind == 0:
        return make_gamma(g)
    if kind < 3:
        # Below the point where the power begins, the curve is flat.
        d, e, f, c = -b / a if a else 0.0, c, c, 0.0

    def decode(x: FloatArray) -> FloatArray:
        power = np.maximum(a * x + b, 0) ** g + e
        light: FloatArray = np.clip(np.where(x >= d, power, c * x + f), 0, 1)
        return light

    return decode


def _fix(numbers: Sequence[float] | FloatArray) -> list[int]:
    return [round(float(number) * 65536) for number in numbers]


def _pack_xyz(xyz: FloatArray) -> bytes:
    return struct.pack(">4sI3i", b"XYZ ", 0, *_fix(xyz))


def _pack_text(text: str) -> bytes:
    encoded = text.encode("utf-16-be")
    return struct.pack(">4s3I2s2sII", b"mluc", 0, 1, 12, b"en", b"US", len(encoded), 28) + encoded
