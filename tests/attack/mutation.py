"""Damage that suits any file: bits, runs of bytes, and numbers that are as large as they can be."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

Mutator = Callable[[bytearray, random.Random], None]

EXTREMES = (0, 1, 2, 3, 7, 8, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 2**31 - 1, 2**31, 2**32 - 1)


def mutate(data: bytes, chance: random.Random, *, most: int = 4, start: int = 0) -> bytes:
    """Damage some bytes from `start` on, in one to `most` ways."""
    head, changed = data[:start], bytearray(data[start:])
    for _ in range(chance.randint(1, most)):
        chance.choice(_MUTATORS)(changed, chance)
    return head + bytes(changed)


def _choose_run(data: bytearray, chance: random.Random) -> slice:
    start = chance.randrange(len(data) + 1)
    # Mostly short: a long run leaves nothing to be misread.
    return slice(start, min(len(data), start + chance.choice((1, 2, 4, 8, 16, 64, 256, 4096))))


def _flip_bit(data: bytearray, chance: random.Random) -> None:
    if data:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _randomize(data: bytearray, chance: random.Random) -> None:
    run = _choose_run(data, chance)
    data[run] = chance.randbytes(run.stop - run.start)


def _fill(data: bytearray, chance: random.Random) -> None:
    run = _choose_run(data, chance)
    data[run] = bytes([chance.choice((0, 0xFF, 0x20, 0x7F))]) * (run.stop - run.start)


def _delete(data: bytearray, chance: random.Random) -> None:
    del data[_choose_run(data, chance)]


def _repeat(data: bytearray, chance: random.Random) -> None:
    run = _choose_run(data, chance)
    data[run.start : run.start] = data[run] * chance.choice((1, 2, 50))


def _insert(data: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(data) + 1)
    data[start:start] = chance.randbytes(chance.choice((1, 2, 4, 8, 100)))


def _truncate(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(len(data) + 1) :]


def _exchange(data: bytearray, chance: random.Random) -> None:
    first, second = _choose_run(data, chance), _choose_run(data, chance)
    data[first], data[second] = data[second], data[first]


def _write_number(data: bytearray, chance: random.Random) -> None:
    kind = chance.choice(("<I", ">I", "<H", ">H", "B", "<Q", ">Q"))
    size = struct.calcsize(kind)
    if len(data) >= size:
        number = chance.choice(EXTREMES) & (256**size - 1)
        # Headers are where numbers mean most.
        end = min(len(data), chance.choice((64, 512, len(data)))) - size
        struct.pack_into(kind, data, chance.randint(0, max(0, end)), number)


_MUTATORS: tuple[Mutator, ...] = (
    *(_flip_bit, _randomize, _fill, _delete, _repeat, _insert, _truncate, _exchange),
    # Most of what did harm so far was a number.
    *([_write_number] * 4),
)
