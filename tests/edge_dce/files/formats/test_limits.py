"""How large a picture may be is known before it is decoded."""

import struct
import zlib
from pathlib import Path

import pytest

from edge_dce.errors import ImageError
from edge_dce.files.formats.png_chunks import SIGNATURE, pack_chunk
from edge_dce.files.pictures import read_picture
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
