"""TIFF files: which of their pictures is the picture, and what its samples mean.

A white list says which samples are understood; everything else is refused by name, because a TIFF that is read by
guessing is a negative, or 16 times too dark. Pillow decodes samples of up to 8 bits. Deeper ones it only decompresses,
as rows of bytes, and their meaning is found here.
"""

from __future__ import annotations

import dataclasses
import io
import math
import struct
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from PIL import Image, TiffImagePlugin

from edge_dce.errors import ImageError
from edge_dce.files.formats.tiff_directories import Directory, read_directories
from edge_dce.files.picture import divide_by_alpha

Uint8Array = npt.NDArray[np.uint8]
Uint16Array = npt.NDArray[np.uint16]

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 1, 2, 3, 5, 6
_NAMES = {4: "a mask", 8: "CIE Lab", 9: "ICC Lab", 10: "ITU Lab", 32844: "LogL", 32845: "LogLuv"}
_FORMAT_NAMES = {2: "signed", 3: "floating-point", 5: "complex", 6: "complex"}
_NONE, _LZW, _DEFLATE, _PACKBITS, _OLD_DEFLATE, _ZSTD = 1, 5, 8, 32773, 32946, 50000
_LOSSLESS = frozenset({_NONE, _LZW, _DEFLATE, _PACKBITS, _OLD_DEFLATE, _ZSTD})
# What Pillow decompresses besides, of 8 bits: faxes, JPEG old and new, LZMA. libtiff may be built without others.
_SHALLOW_COMPRESSIONS = _LOSSLESS | {2, 3, 4, 6, 7, 32771, 34925}
_CHANNELS = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3, _PALETTE: 1, _CMYK: 4, _YCBCR: 3}
# Photometric interpretations and the bits of a sample that Pillow decodes right.
_SHALLOW = {
    _WHITE_IS_ZERO: (1, 2, 4, 8),
    _BLACK_IS_ZERO: (1, 2, 4, 8),
    _RGB: (8,),
    _PALETTE: (1, 2, 4, 8),
    _CMYK: (8, 16),
    _YCBCR: (8,),
}
_DEEP = (10, 12, 14, 16)
_MOST_CHANNELS = 8
# Pillow holds them four times over.
_BAND_BYTES = 1 << 23
# Of one tile, which is decoded whole: 2048 by 2048, or a few times the picture.
_MOST_TILE_PX, _MOST_TILE_SHARE = 1 << 22, 4
# What the fourth channel of RGB, or the second of grey, says.
_PREMULTIPLIED, _ALPHA = 1, 2


@dataclasses.dataclass(frozen=True)
class Page:
    """The picture of a TIFF file.

    Attributes:
        number: of its directory.
        directory: what it says.
        further: how many other pictures there are, copies and masks not counted.
        extra_channels: channels that mean neither color nor alpha.
    """

    number: int
    directory: Directory
    further: int
    extra_channels: int

    @property
    def is_deep(self) -> bool:
        """Whether `decode_deep` is for it, and not Pillow."""
        return self.directory.find(258, 1) > 8 and self.directory.find(262) != _CMYK


def find_page(data: bytes) -> Page:
    """The picture of a TIFF that is no raw file.

    Raises:
        ImageError: its samples mean what is not understood.
        ValueError, struct.error: damaged.
    """
    directories = read_directories(data)
    if not directories:
        raise ValueError("truncated or damaged: no directory")
    main = [number for number, directory in enumerate(directories) if directory.is_main] or [0]
    page = directories[main[0]]
    if page.pixels < 1 or any(page.find(tag, 1) < 1 for tag in (277, 278, 322, 323)):
        raise ValueError("truncated or damaged: no pixels")
    tile_px = page.find(322) * page.find(323)
    if tile_px > max(_MOST_TILE_PX, _MOST_TILE_SHARE * page.pixels):
        raise ImageError(f"tiles of {page.find(322)}x{page.find(323)} pixels for {page.pixels}; save it in strips")
    if any(child.is_main and child.pixels > page.pixels for child in page.children):
        raise ImageError("the picture lies in a directory below that of a smaller one; save it as a plain TIFF or PNG")
    return Page(main[0], page, len(main) - 1, _check_meaning(page))


def decode_deep(data: bytes, page: Directory) -> tuple[Uint16Array, Uint16Array | None]:
    """Samples of 10 to 16 bits as (H, W, 1 or 3) and alpha (H, W), both in the full range of 16 bits.

    Raises:
        ValueError, OSError and others of Pillow's: damaged.
    """
    samples = _decode_samples(data, page)
    bits = page.find(258)
    if bits < 16:
        # White is 4095 in 12 bits, for instance: bits repeat below, so that it becomes 65535.
        samples = ((samples << (16 - bits)) | (samples >> (2 * bits - 16))).astype(np.uint16)
    photometric = page.find(262)
    colors: Uint16Array = samples[..., : _CHANNELS[photometric]]
    if photometric == _WHITE_IS_ZERO:
        colors = np.invert(colors)
    kind = page.find(338)
    if samples.shape[2] == colors.shape[2] or kind not in (_PREMULTIPLIED, _ALPHA):
        return np.ascontiguousarray(colors), None
    alpha = np.ascontiguousarray(samples[..., colors.shape[2]])
    return np.ascontiguousarray(divide_by_alpha(colors, alpha) if kind == _PREMULTIPLIED else colors), alpha


def _check_meaning(page: Directory) -> int:
    """How many channels are neither color nor alpha, of samples that are understood."""
    photometric, bits = page.find(262, -1), page.find(258, 1)
    samples, planes = page.find(277, 1), page.find(284, 1)
    what = f"{bits} bits a sample, photometric interpretation {_NAMES.get(photometric, photometric)}"
    hint = "; save it as RGB or grey of 8 or 16 bits"
    if photometric not in _CHANNELS:
        raise ImageError(f"samples that are not understood ({what}){hint}")
    formats, depths = set(page.tags.get(339, (1,))), set(page.tags.get(258, (1,)))
    if not formats <= {1, 4}:
        named = _FORMAT_NAMES.get(max(formats), "unknown")
        raise ImageError(f"{bits} bits per sample, {named}; expected whole numbers of 8 or 16 bits")
    colors, is_grey_or_rgb = _CHANNELS[photometric], photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB)
    is_deep = is_grey_or_rgb and bits in _DEEP
    if samples > _MOST_CHANNELS:
        raise ImageError(f"{samples} channels a pixel; expected at most {_MOST_CHANNELS}; save it as RGB or grey")
    if len(depths) > 1 or samples < colors or not (is_deep or bits in _SHALLOW[photometric]):
        raise ImageError(f"samples that are not understood ({what}, {samples} a pixel){hint}")
    is_planar = planes == 2 and samples > 1
    if (page.find(266, 1) != 1 and bits > 1) or (is_planar and photometric != _RGB) or planes not in (1, 2):
        raise ImageError(f"samples in an order that is not understood ({what}, {planes} planes){hint}")
    if not (_can_decompress(page) if is_deep else page.find(259, 1) in _SHALLOW_COMPRESSIONS):
        stored = f"compression {page.find(259, 1)}{' in tiles' if 322 in page.tags else ''}"
        raise ImageError(f"{bits} bits a sample by {stored}, which is not understood{hint}")
    kinds = page.tags.get(338, ())
    return samples - colors - (1 if kinds[:1] in ((_PREMULTIPLIED,), (_ALPHA,)) else 0)


def _can_decompress(page: Directory) -> bool:
    bits, predictor, is_tiled = page.find(258, 1), page.find(317, 1), 322 in page.tags
    whole_bytes = bits % 8 == 0 or (predictor == 1 and not is_tiled)
    return page.find(259, 1) in _LOSSLESS and predictor in (1, 2) and whole_bytes


def _decode_samples(data: bytes, page: Directory) -> Uint16Array:
    """(H, W, C) numbers as stored."""
    channels, bits = page.find(277, 1), page.find(258)
    width, height = page.find(256), page.find(257)
    planes = channels if page.find(284, 1) == 2 else 1
    together = channels // planes
    step = page.find(322, width) if 322 in page.tags else width
    across = -(-width // step) * step
    decoded = np.empty((height, width, channels), np.uint16)
    for plane in range(planes):
        top = 0
        for rows in _decompress(data, page, -(-across * together * bits // 8), plane, planes):
            numbers = rows.view(f"{page.order}u2") if bits == 16 else _unpack(rows, bits)
            numbers = numbers[:, : across * together].reshape(len(rows), across, together)
            if page.find(317, 1) == 2:
                # Each number was stored less the one to its left in the same strip or tile.
                blocks = numbers.reshape(len(rows), across // step, step, together)
                numbers = np.cumsum(blocks, axis=2, dtype=np.uint16).reshape(numbers.shape)
            decoded[top : top + len(rows), :, plane * together : (plane + 1) * together] = numbers[:, :width]
            top += len(rows)
    return decoded


def _decompress(data: bytes, page: Directory, row_bytes: int, plane: int, planes: int) -> Iterator[Uint8Array]:
    """The bytes of each row of one plane, some rows at a time: what fills up the last tiles may be most of them."""
    is_tiled = 322 in page.tags
    offsets, counts = (page.tags.get(tag, ()) for tag in ((324, 325) if is_tiled else (273, 279)))
    if not offsets or len(offsets) != len(counts) or len(offsets) % planes:
        raise ValueError("truncated or damaged: strips without a place")
    own = slice(plane * len(offsets) // planes, (plane + 1) * len(offsets) // planes)
    places = list(zip(offsets[own], counts[own], strict=True))
    height = page.find(257)
    tile_bytes = page.find(322, 1) * (page.find(258) // 8) * (page.find(277, 1) // planes)
    across = row_bytes // tile_bytes if is_tiled else 1
    rows_each = page.find(323) if is_tiled else min(page.find(278, height), height)
    if rows_each < 1 or len(places) < across * -(-height // rows_each):
        raise ValueError("truncated or damaged: strips are missing")
    held = memoryview(data)
    # Pillow counts these bytes as pixels, and refuses too many at a time.
    lines_each = max(1, _BAND_BYTES // (rows_each * row_bytes))
    columns_each = max(1, _BAND_BYTES // (rows_each * tile_bytes)) if is_tiled else 1
    for first in range(0, -(-height // rows_each), lines_each):
        rows = min(lines_each * rows_each, height - first * rows_each)
        lines = range(first, first + -(-rows // rows_each))
        bands = []
        for left in range(0, across, columns_each):
            columns = range(left, min(left + columns_each, across))
            wanted = (places[line * across + column] for line in lines for column in columns)
            pieces = [held[at : at + size] for at, size in wanted]
            if page.find(259, 1) == _NONE and not is_tiled:
                bands.append(_join(pieces, rows, rows_each, row_bytes))
                continue
            width = len(columns) * tile_bytes if is_tiled else row_bytes
            tags = {256: width, 257: rows, 258: 8, 259: page.find(259, 1), 262: _BLACK_IS_ZERO, 277: 1}
            tags |= {322: tile_bytes, 323: rows_each} if is_tiled else {278: min(rows_each, rows)}
            bands.append(_open(tags, pieces, is_tiled=is_tiled))
        yield bands[0] if len(bands) == 1 else np.concatenate(bands, axis=1)


def _join(strips: list[memoryview], rows: int, rows_each: int, row_bytes: int) -> Uint8Array:
    """The rows of strips that are stored as they are: of one strip perhaps, whatever its size."""
    stored = [strip[: rows_each * row_bytes] for strip in strips]
    numbers = np.frombuffer(stored[0] if len(stored) == 1 else b"".join(stored), np.uint8)
    if len(numbers) < rows * row_bytes:
        raise ValueError("truncated or damaged: a strip ends early")
    return numbers[: rows * row_bytes].reshape(rows, row_bytes)


def _open(tags: dict[int, int], pieces: list[memoryview], *, is_tiled: bool) -> Uint8Array:
    """The rows of compressed strips or tiles."""
    try:
        with TiffImagePlugin.TiffImageFile(io.BytesIO(_pack(tags, pieces, is_tiled=is_tiled))) as opened:
            return np.array(opened)
    except Image.DecompressionBombError:
        raise ImageError(f"a strip of {tags[256] * tags[257] >> 20} MB; save it in smaller strips") from None


def _pack(tags: dict[int, int], pieces: list[memoryview], *, is_tiled: bool) -> bytes:
    sizes = np.array([len(piece) for piece in pieces], np.uint32)
    starts = (8 + np.cumsum(sizes) - sizes).astype(np.uint32)
    body_bytes = int(sizes.sum())
    lists = (8 + body_bytes, 8 + body_bytes + 4 * len(pieces))
    is_single = len(pieces) == 1
    places = (int(starts[0]), int(sizes[0])) if is_single else lists
    entries = {**{tag: (1, value) for tag, value in tags.items()}}
    for tag, place in zip((324, 325) if is_tiled else (273, 279), places, strict=True):
        entries[tag] = (len(pieces), place)
    packed = b"".join(struct.pack("<HHII", tag, 4, *entry) for tag, entry in sorted(entries.items()))
    directory = struct.pack("<H", len(entries)) + packed + struct.pack("<I", 0)
    at = 8 + body_bytes + 8 * len(pieces)
    return b"".join([struct.pack("<2sHI", b"II", 42, at), *pieces, starts.tobytes(), sizes.tobytes(), directory])


def _unpack(rows: Uint8Array, bits: int) -> Uint16Array:
    """Numbers of 9 to 15 bits without a gap: so many from as few whole bytes as hold them exactly."""
    shared = math.gcd(bits, 8)
    together, size = 8 // shared, bits // shared
    padded = np.pad(rows, ((0, 0), (0, -rows.shape[1] % size))).reshape(len(rows), -1, size)
    joined = np.zeros(padded.shape[:2], np.uint64)
    for place in range(size):
        joined = (joined << 8) | padded[..., place]
    numbers = np.empty((*padded.shape[:2], together), np.uint16)
    for place in range(together):
        numbers[..., place] = (joined >> (bits * (together - 1 - place))) & ((1 << bits) - 1)
    return numbers.reshape(len(rows), -1)
