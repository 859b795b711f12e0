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
_MOST_DIRECTORIES, _MOST_ENTRIES, _MOST_VALUES = 4096, 4096, 1 << 22
# Bytes of a number of each type of classic TIFF but pointers, and how many make a value.
_NUMBERS = {**dict.fromkeys((1, 2, 6, 7), (1, 1)), **dict.fromkeys((3, 8), (2, 1)), **dict.fromkeys((4, 9, 11), (4, 1))}
_NUMBERS |= {5: (4, 2), 10: (4, 2), 12: (8, 1)}
_MOST_BYTES = 1 << 16
_SUB_DIRECTORIES = 330
_IS_REDUCED, _IS_MASK = 1, 4
_RAW_PHOTOMETRICS = frozenset({32803, 34892})
_DNG_VERSION = 50706


@dataclasses.dataclass(frozen=True)
class Directory:
    """The whole numbers of one directory by tag.

    Attributes:
        order: "<" or ">", of the file.
        names: all tags that are there.
        values: type and little-endian numbers of those that are not long.
        children: those that its SubIFDs tag names.
    """

    order: str
    tags: dict[int, tuple[int, ...]]
    names: frozenset[int] = frozenset()
    values: dict[int, tuple[int, bytes]] = dataclasses.field(default_factory=dict)
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


class _Budget:
    """How many bytes of values may still be read: entries that name the same ones would make much of a small file."""

    def __init__(self, data: bytes) -> None:
        # Some programs share a few between entries.
        self._left_bytes = len(data) + (1 << 16)

    def take(self, size: int) -> None:
        """Raises ValueError."""
        if size > self._left_bytes:
            raise ValueError("truncated or damaged: entries that lie upon each other")
        self._left_bytes -= size


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
    budget = _Budget(data)
    while at and at not in seen and len(seen) < _MOST_DIRECTORIES:
        seen.add(at)
        try:
            directory, at = _read_directory(data, at, order, is_big, budget, depth=0)
        except (ValueError, struct.error):
            if len(seen) > 1:
                # Some programs leave the link of the last one to chance.
                return
            raise
        yield directory


def _read_directory(
    data: bytes, at: int, order: str, is_big: bool, budget: _Budget, *, depth: int
) -> tuple[Directory, int]:
    count_code, entry_bytes, offset_code = ("Q", 20, "Q") if is_big else ("H", 12, "I")
    (count,) = struct.unpack_from(f"{order}{count_code}", data, at)
    if count > _MOST_ENTRIES:
        raise ValueError(f"truncated or damaged: a directory of {count} entries")
    at += struct.calcsize(count_code)
    tags: dict[int, tuple[int, ...]] = {}
    names: set[int] = set()
    values: dict[int, tuple[int, bytes]] = {}
    for number in range(count):
        tag, kind, start, times = _find_values(data, at + number * entry_bytes, f"{order}HH{offset_code}")
        names.add(tag)
        # One that leads nowhere may be one that nobody needs.
        if kind in _TYPES and start + times * np.dtype(_TYPES[kind]).itemsize <= len(data):
            budget.take(times * np.dtype(_TYPES[kind]).itemsize)
            tags[tag] = tuple(np.frombuffer(data, order + _TYPES[kind], times, start).tolist())
        size, together = _NUMBERS.get(kind, (1, 0))
        if 0 < times * together * size <= min(_MOST_BYTES, len(data) - start):
            numbers = np.frombuffer(data, f"{order}u{size}", times * together, start)
            values[tag] = kind, numbers.astype(f"<u{size}").tobytes()
    (following,) = struct.unpack_from(f"{order}{offset_code}", data, at + count * entry_bytes)
    # Below the directories of raw files there are no more.
    offsets = tags.get(_SUB_DIRECTORIES, ())[:64] if depth < 2 else ()
    children = []
    for offset in offsets:
        with contextlib.suppress(ValueError, struct.error):
            children.append(_read_directory(data, offset, order, is_big, budget, depth=depth + 1)[0])
    return Directory(order, tags, frozenset(names), values, tuple(children)), following


def _find_values(data: bytes, at: int, layout: str) -> tuple[int, int, int, int]:
    """Tag and type of an entry, where its values are, and how many; an impossible type where they cannot be."""
    tag, kind, times = struct.unpack_from(layout, data, at)
    size, together = _NUMBERS.get(kind, (np.dtype(_TYPES.get(kind, "u1")).itemsize, 1))
    start = at + struct.calcsize(layout)
    if times * size * together > struct.calcsize(layout[0] + layout[-1]):
        (start,) = struct.unpack_from(layout[0] + layout[-1], data, start)
    is_possible = 0 < times <= _MOST_VALUES and start < len(data)
    return tag, kind if is_possible else 0, start, times
