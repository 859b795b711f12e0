"""The directories of a TIFF file: what each of its pictures is, before anything is decoded.

Format: TIFF 6.0, section 2; BigTIFF; TIFF/EP (ISO 12234-2) and DNG, which raw files of most cameras are.
"""

from __future__ import annotations

import contextlib
import dataclasses
import struct
from collections.abc import Iterator

import numpy as np

_HEADERS = {b"II*\0": ("<", False), b"MM\0*": (">", False), b"II+\0": ("<", True), b"MM\0+": (">", True)}
_TYPES = {
    1: "u1",
    2: "u1",
    3: "u2",
    4: "u4",
    6: "i1",
    7: "u1",
    8: "i2",
    9: "i4",
    13: "u4",
    16: "u8",
    17: "i8",
    18: "u8",
}
# More than any sound file has, so that a hostile one costs nothing.
_MOST_DIRECTORIES, _MOST_ENTRIES, _MOST_VALUES = 4096, 4096, 1 << 24
_SUB_DIRECTORIES = 330
_IS_REDUCED, _IS_MASK = 1, 4
_RAW_PHOTOMETRICS = frozenset({32803, 34892})
_DNG_VERSION = 50706


@dataclasses.dataclass(frozen=True)
class Directory:
    """The numbers of one directory by tag, fractions and floating-point values left out.

    Attributes:
        order: "<" or ">", of the file.
        names: all tags that are there.
        children: those that its SubIFDs tag names.
    """

    order: str
    tags: dict[int, tuple[int, ...]]
    names: frozenset[int] = frozenset()
    children: tuple[Directory, ...] = ()

    def find(self, tag: int, default: int = 0) -> int:
        """The first number of a tag."""
        return self.tags.get(tag, (default,))[0]

    @property
    def pixels(self) -> int:
        return self.find(256) * self.find(257)

    @property
    def is_main(self) -> bool:
        """Whether it is a picture, rather than a smaller copy or the mask of one."""
        return not self.find(254) & (_IS_REDUCED | _IS_MASK) and self.find(255, 1) != 2

    @property
    def is_raw(self) -> bool:
        """Whether it, or one below it, holds what a sensor recorded."""
        return (
            self.find(262) in _RAW_PHOTOMETRICS
            or _DNG_VERSION in self.tags
            or any(child.is_raw for child in self.children)
        )


def is_tiff(head: bytes) -> bool:
    """Whether a file that begins so is a TIFF."""
    return head[:4] in _HEADERS


def read_directories(data: bytes) -> list[Directory]:
    """The directories of a TIFF, in the order of its chain.

    Raises:
        ValueError, struct.error: damaged.
    """
    return list(_walk_chain(data, *_HEADERS[data[:4]]))


def _walk_chain(data: bytes, order: str, is_big: bool) -> Iterator[Directory]:
    (at,) = struct.unpack_from(f"{order}Q" if is_big else f"{order}I", data, 8 if is_big else 4)
    seen: set[int] = set()
    while at and at not in seen and len(seen) < _MOST_DIRECTORIES:
        seen.add(at)
        try:
            directory, at = _read_directory(data, at, order, is_big, depth=0)
        except (ValueError, struct.error):
            if len(seen) > 1:
                # Some programs leave the link of the last one to chance.
                return
            raise
        yield directory


def _read_directory(data: bytes, at: int, order: str, is_big: bool, depth: int) -> tuple[Directory, int]:
    count_code, entry_bytes, offset_code = ("Q", 20, "Q") if is_big else ("H", 12, "I")
    (count,) = struct.unpack_from(f"{order}{count_code}", data, at)
    if count > _MOST_ENTRIES:
        raise ValueError(f"truncated or damaged: a directory of {count} entries")
    at += struct.calcsize(count_code)
    tags: dict[int, tuple[int, ...]] = {}
    names = set()
    for number in range(count):
        tag, numbers = _read_entry(data, at + number * entry_bytes, f"{order}HH{offset_code}", offset_code)
        names.add(tag)
        if numbers is not None:
            tags[tag] = numbers
    (following,) = struct.unpack_from(f"{order}{offset_code}", data, at + count * entry_bytes)
    # Below the directories of raw files there are no more.
    offsets = tags.get(_SUB_DIRECTORIES, ())[:64] if depth < 2 else ()
    children = []
    for offset in offsets:
        with contextlib.suppress(ValueError, struct.error):
            children.append(_read_directory(data, offset, order, is_big, depth + 1)[0])
    return Directory(order, tags, frozenset(names), tuple(children)), following


def _read_entry(data: bytes, at: int, layout: str, offset_code: str) -> tuple[int, tuple[int, ...] | None]:
    tag, kind, count = struct.unpack_from(layout, data, at)
    if kind not in _TYPES or not 0 < count <= _MOST_VALUES:
        return tag, None
    dtype = np.dtype(layout[0] + _TYPES[kind])
    start = at + struct.calcsize(layout)
    if count * dtype.itemsize > struct.calcsize(offset_code):
        (start,) = struct.unpack_from(layout[0] + offset_code, data, start)
    if start + count * dtype.itemsize > len(data):
        # It may be one that nobody needs.
        return tag, None
    return tag, tuple(np.frombuffer(data, dtype, count, start).tolist())
