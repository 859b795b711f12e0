"""How large a picture may be is known before it is decoded."""

import io
import os
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from edge_dce.errors import ImageError
from edge_dce.files.formats.limits import MOST_FILE_BYTES
from edge_dce.files.formats.png_chunks import SIGNATURE, pack_chunk
from edge_dce.files.pictures import count_pixels, read_picture
from tests.edge_dce.files.formats.made_files import LONG, describe, make_noise, make_tiff


def make_png(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1000))
    return SIGNATURE + pack_chunk(b"IHDR", header) + pack_chunk(b"IDAT", rows) + pack_chunk(b"IEND", b"")


@pytest.mark.parametrize(("width", "height"), [(20_000_000, 1), (1, 20_000_000), (300_001, 2)])
def test_a_row_without_end_is_refused_at_once(tmp_path: Path, width: int, height: int) -> None:
    (tmp_path / "row.png").write_bytes(make_png(width, height))
    with pytest.raises(ImageError, match="a side is longer than 300000 pixels"):
        read_picture(tmp_path / "row.png")


@pytest.mark.parametrize(("width", "named"), [(2**31, "megapixels"), (400_000, "a side"), (0, "damaged")])
def test_tiff_that_promises_too_much_is_refused_at_once(tmp_path: Path, width: int, named: str) -> None:
    samples = make_noise(1)
    entries = describe(samples, 16, 1) | {256: (LONG, [width])}
    (tmp_path / "scan.tif").write_bytes(make_tiff((entries, [samples.tobytes()])))
    with pytest.raises(ImageError, match=named):
        read_picture(tmp_path / "scan.tif")


def test_more_channels_than_a_picture_has_are_refused(tmp_path: Path) -> None:
    samples = make_noise(60)
    (tmp_path / "bands.tif").write_bytes(make_tiff((describe(samples, 16, 1), [samples.tobytes()])))
    with pytest.raises(ImageError, match="60 channels"):
        read_picture(tmp_path / "bands.tif")


def make_tile(side_px: int, bits: int) -> bytes:
    """A TIFF of 16x16 pixels in one tile of that side."""
    entries = {256: 16, 257: 16, 258: bits, 259: 8, 262: 1, 277: 1, 322: side_px, 323: side_px}
    data = zlib.compress(bytes(min(side_px**2 * bits // 8, 10_000_000)), 9)
    entries |= {324: 8 + 2 + 12 * (len(entries) + 2) + 4, 325: len(data)}
    packed = b"".join(struct.pack("<HHII", tag, LONG, 1, number) for tag, number in entries.items())
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + packed + bytes(4) + data


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("side_px", [2049, 18_000, 1 << 30])
def test_tile_that_is_much_larger_than_its_picture_is_refused_at_once(tmp_path: Path, side_px: int, bits: int) -> None:
    (tmp_path / "map.tif").write_bytes(make_tile(side_px, bits))
    with pytest.raises(ImageError, match=f"tiles of {side_px}x{side_px} pixels"):
        read_picture(tmp_path / "map.tif")


@pytest.mark.parametrize("bits", [8, 16])
def test_tile_as_maps_have_them_is_read(tmp_path: Path, bits: int) -> None:
    (tmp_path / "map.tif").write_bytes(make_tile(512, bits))
    assert read_picture(tmp_path / "map.tif").image.shape == (16, 16, 3)


def test_file_larger_than_any_picture_is_refused_before_it_is_read(tmp_path: Path) -> None:
    for name, start in {"photo.jpg": b"\xff\xd8\xff\xe0", "scan.tif": b"II*\0\x08\0\0\0", "a.png": SIGNATURE}.items():
        path = tmp_path / name
        path.write_bytes(start)
        # Its zeros are nowhere on the disk.
        os.truncate(path, MOST_FILE_BYTES + 1)
        assert count_pixels(path) == 0
        with pytest.raises(ImageError, match="a file of 2 GB, expected a picture of at most 2 GB"):
            read_picture(path)


@pytest.mark.parametrize(
    "filling", [b"\0", b"\xff", b"\xff\xe5\0\2", b"\xff\xd0"], ids=["zeros", "fill", "empty segments", "restarts"]
)
def test_jpeg_of_fillings_is_refused_before_they_are_read_one_by_one(tmp_path: Path, filling: bytes) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (16, 16)).save(stream, "JPEG")
    data = stream.getvalue()
    (tmp_path / "photo.jpg").write_bytes(data[:2] + 40_000 * filling + data[2:])
    assert count_pixels(tmp_path / "photo.jpg") == 0
    with pytest.raises(ImageError, match="segments without content"):
        read_picture(tmp_path / "photo.jpg")
    (tmp_path / "photo.jpg").write_bytes(data[:2] + 10 * b"\xff" + data[2:])
    assert read_picture(tmp_path / "photo.jpg").image.shape == (16, 16, 3)


def test_entries_that_all_name_the_same_values_are_refused(tmp_path: Path) -> None:
    samples = make_noise(1)
    data = make_tiff((describe(samples, 16, 1), [samples.tobytes()]))
    values = bytes(100_000)
    entries = b"".join(struct.pack("<HHII", 1000 + number, LONG, 25_000, 8) for number in range(300))
    (tmp_path / "scan.tif").write_bytes(
        b"II*\0" + struct.pack("<I", 8 + len(values)) + values + struct.pack("<H", 300) + entries + bytes(4) + data
    )
    with pytest.raises(ImageError, match="entries that lie upon each other"):
        read_picture(tmp_path / "scan.tif")
