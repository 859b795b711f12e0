"""Pictures: every format that is read, with the numbers of their headers changed and their checksums mended."""

from __future__ import annotations

import contextlib
import io
import random
import struct
import tempfile
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, PngImagePlugin, features

from benchmarks.shape_files import write_png, write_stripped_tiff, write_tiled_tiff
from tests.attack.case import Case
from tests.attack.mutation import EXTREMES, mutate
from tests.edge_dce.files.formats.made_files import make_dng

_SIDES = (0, 1, 2, 24, 255, 4096, 16_384, 65_535, 65_536, 1_000_000, 20_000_000, 0x7FFFFFFF, 0xFFFFFFFF)
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# What names sizes and places in files of boxes.
_BOXES = (b"ispe", b"iloc", b"iinf", b"infe", b"ipma", b"pixi", b"colr", b"irot", b"grid", b"meta", b"hvcC", b"av1C")
_XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></x:xmpmeta>'


def make_seeds() -> dict[str, bytes]:
    """Whole files by suffix and a name."""
    chance = np.random.default_rng(0)
    color = Image.fromarray(chance.integers(0, 60, (16, 24, 3), np.uint8))
    alpha = Image.fromarray(chance.integers(0, 60, (16, 24, 4), np.uint8), "RGBA")
    deep = Image.fromarray(chance.integers(0, 9000, (16, 24), np.uint16))
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Title", "night")
    texts.add_itxt("Comment", "caf\u00e9 \U0001f319", zip=True)
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a street at night"
    gray, palette = color.convert("L"), color.convert("P")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profiled = {"icc_profile": profile, "xmp": _XMP, "exif": exif}
    return _make_by_hand(color, exif) | {
        "profile.png": _encode(color, "PNG", icc_profile=profile),
        "moving.png": _encode(color, "PNG", save_all=True, append_images=[alpha.convert("RGB"), color], duration=40),
        "packets.jpg": _encode(color, "JPEG", **profiled),
        "packets.webp": _encode(alpha, "WEBP", **profiled),
        "moving-alpha.webp": _encode(alpha, "WEBP", save_all=True, append_images=[alpha], duration=20, lossless=True),
        "pages.tif": _encode(color, "TIFF", save_all=True, append_images=[gray, alpha], icc_profile=profile),
        "planes.tif": _encode(color, "TIFF", compression="jpeg"),
        "color.png": _encode(color, "PNG", pnginfo=texts, exif=exif),
        "alpha.png": _encode(alpha, "PNG"),
        "palette.png": _encode(palette, "PNG", transparency=3),
        "deep.png": _encode(deep, "PNG"),
        "bits.png": _encode(color.convert("1"), "PNG"),
        "color.jpg": _encode(color, "JPEG", exif=exif, comment=b"night"),
        "progressive.jpg": _encode(color, "JPEG", progressive=True, subsampling=2),
        "gray.jpg": _encode(gray, "JPEG"),
        "inks.jpg": _encode(color.convert("CMYK"), "JPEG"),
        "plain.tif": _encode(color, "TIFF", exif=exif),
        "packed.tif": _encode(color, "TIFF", compression="tiff_lzw"),
        "deflated.tif": _encode(alpha, "TIFF", compression="tiff_adobe_deflate"),
        "deep.tif": _encode(deep, "TIFF"),
        "gray.tif": _encode(gray, "TIFF", compression="packbits"),
        "lossy.webp": _encode(color, "WEBP", exif=exif),
        "lossless.webp": _encode(alpha, "WEBP", lossless=True),
        "moving.webp": _encode(color, "WEBP", save_all=True, append_images=[color]),
        "color.bmp": _encode(color, "BMP"),
        "palette.bmp": _encode(palette, "BMP"),
        "palette.gif": _encode(palette, "GIF", save_all=True, append_images=[palette]),
        "color.ppm": _encode(color, "PPM"),
        "gray.pgm": _encode(gray, "PPM"),
    }


def _make_by_hand(color: Image.Image, exif: Image.Exif) -> dict[str, bytes]:
    """What Pillow does not write, or not everywhere."""
    seeds = {"raw.dng": make_dng(np.full((96, 128), 900, np.uint16), np.full((12, 16, 3), 20, np.uint8))}
    with tempfile.TemporaryDirectory() as folder:
        for name, write, bits in (
            ("tiles.tif", lambda *it: write_tiled_tiff(*it, tile_px=16), 8),
            ("deep-tiles.tif", lambda *it: write_tiled_tiff(*it, tile_px=16), 16),
            ("strips.tif", write_stripped_tiff, 16),
            ("deep-color.png", write_png, 16),
        ):
            write(Path(folder, name), 24, 20, bits)
            seeds[name] = Path(folder, name).read_bytes()
    if features.check("avif"):
        seeds["still.avif"] = _encode(color, "AVIF", exif=exif, xmp=_XMP)
        seeds["moving.avif"] = _encode(color, "AVIF", save_all=True, append_images=[color, color], duration=40)
    with contextlib.suppress(ImportError):
        import pillow_heif

        stream = io.BytesIO()
        pillow_heif.from_pillow(color.resize((64, 64))).save(stream, quality=60)
        seeds["still.heic"] = stream.getvalue()
    return seeds


def make_case(seeds: dict[str, bytes], chance: random.Random) -> Case:
    name = chance.choice(sorted(seeds))
    data, suffix = seeds[name], name[name.rindex(".") :]
    kind = chance.random()
    if suffix == ".png" and kind < 0.1:
        data = _make_long(chance)
    elif suffix == ".png" and kind < 0.5:
        data = _change_png(data, chance)
    elif suffix == ".jpg" and kind < 0.3:
        data = _change_jpeg_size(data, chance)
    elif suffix in (".tif", ".dng") and kind < 0.5:
        data = _change_tiff(data, chance)
    elif suffix in (".avif", ".heic") and kind < 0.5:
        data = _change_boxes(data, chance)
    elif kind < 0.2 and len(places := _find_packets(data)) > 0:
        # EXIF, XMP and profiles are programs' own small languages.
        data = mutate(data, chance, start=chance.choice(places))
    elif kind > 0.95:
        # What a suffix promises need not be inside.
        data = chance.choice([seeds[other] for other in sorted(seeds)])
    else:
        data = mutate(data, chance)
    output = chance.choice((".png", ".jpg", ".tif", ".webp", suffix))
    output = output if output in (".png", ".jpg", ".tif", ".webp") else ".png"
    return Case({f"input{suffix}": data}, ["enhance", f"input{suffix}", "-o", f"output{output}"], f"output{output}")


def _encode(image: Image.Image, file_format: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, file_format, **options)  # type: ignore[arg-type]
    return stream.getvalue()


def _change_png(data: bytes, chance: random.Random) -> bytes:
    """Damage chunks and mend their checksums, which would give it away before anything is read."""
    chunks = _split_png(data)
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(chunks))
        kind, body = chunks[place]
        what = chance.random()
        if kind == b"IHDR" and len(body) == 13 and what < 0.8:
            body = _change_header(body, chance)
        elif kind == b"IDAT" and what < 0.5:
            # Small files of many pixels.
            body = zlib.compress(bytes(chance.choice((100, 10_000, 3_000_000))), 9)
        elif what < 0.9:
            body = mutate(body, chance) if body else body
        else:
            chunks.insert(place, (chance.choice((b"tEXt", b"zTXt", b"iCCP", b"eXIf", b"sBIT", b"gAMA", b"PLTE")), body))
            continue
        chunks[place] = (kind, body)
    return _PNG_SIGNATURE + b"".join(_pack_chunk(kind, body) for kind, body in chunks)


def _pack_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _make_long(chance: random.Random) -> bytes:
    """Millions of black pixels in some kilobytes, in one row or a few."""
    sides = [chance.choice((1_000, 40_000, 1_000_000, 20_000_000)), chance.choice((1, 3))]
    chance.shuffle(sides)
    width, height = sides
    color_type, channels = chance.choice(((0, 1), (2, 3)))
    header = struct.pack(">IIBBBBB", width, height, 8, color_type, 0, 0, 0)
    rows = zlib.compress(bytes(height * (1 + width * channels)), 9)
    return _PNG_SIGNATURE + b"".join(
        _pack_chunk(*chunk) for chunk in ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    )


def _change_header(header: bytes, chance: random.Random) -> bytes:
    width, height, *rest = struct.unpack(">IIBBBBB", header)
    if chance.random() < 0.7:
        width, height = (chance.choice((side, *_SIDES)) for side in (width, height))
    else:
        rest[chance.randrange(5)] = chance.choice((0, 1, 2, 3, 4, 6, 8, 16, 255))
    return struct.pack(">IIBBBBB", width, height, *rest)


def _split_png(data: bytes) -> list[tuple[bytes, bytes]]:
    chunks, place = [], len(_PNG_SIGNATURE)
    while place < len(data):
        (length,) = struct.unpack_from(">I", data, place)
        chunks.append((data[place + 4 : place + 8], data[place + 8 : place + 8 + length]))
        place += 12 + length
    return chunks


def _change_jpeg_size(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    frames = [place for marker in (b"\xff\xc0", b"\xff\xc2") if (place := data.find(marker)) > 0]
    if frames:
        sides = [chance.choice((1, 24, 4096, 65_500, 65_535)) for _ in range(2)]
        struct.pack_into(">HH", changed, frames[0] + 5, *sides)
    return bytes(changed)


def _find_packets(data: bytes) -> list[int]:
    """Where EXIF, XMP and color profiles begin, as far as they are not compressed."""
    places = [data.find(mark) for mark in (b"Exif\0\0", b"EXIF", b"<x:xmpmeta", b"acsp", b"ICC_PROFILE")]
    return [place for place in places if place > 0]


def _change_boxes(data: bytes, chance: random.Random) -> bytes:
    """Change numbers behind the names of boxes of AVIF and HEIC: sides, places, counts."""
    changed = bytearray(data)
    marks = [mark for mark in _BOXES if mark in data]
    for _ in range(chance.randint(1, 3)):
        mark = chance.choice(marks)
        kind = chance.choice((">I", ">H", "B"))
        place = data.index(mark) + chance.randrange(-4, 24)
        if place + 4 <= len(data):
            number = chance.choice((*EXTREMES, *_SIDES)) & (256 ** struct.calcsize(kind) - 1)
            struct.pack_into(kind, changed, place, number)
    return bytes(changed)


def _change_tiff(data: bytes, chance: random.Random) -> bytes:
    """Change what entries of the first directory say: sides, tiles, types, counts, places."""
    changed = bytearray(data)
    (directory,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, directory)
    for _ in range(chance.randint(1, 3)):
        entry = directory + 2 + 12 * chance.randrange(count)
        field = chance.choice(((0, "<H"), (2, "<H"), (4, "<I"), (8, "<I"), (8, "<I"), (8, "<I")))
        number = chance.choice((*EXTREMES, *_SIDES, 322, 323, 284, 339, 262))
        struct.pack_into(field[1], changed, entry + field[0], number & (0xFFFF if field[1] == "<H" else 0xFFFFFFFF))
    return bytes(changed)
