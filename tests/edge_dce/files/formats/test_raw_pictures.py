"""A raw file is what its sensor recorded, or an error that says what to install; never its thumbnail."""

import sys
from pathlib import Path

import numpy as np
import pytest

from edge_dce.errors import ImageError
from edge_dce.files.pictures import read_picture
from tests.edge_dce.files.formats.made_files import describe, make_dng, make_tiff

THUMBNAIL = np.full((12, 16, 3), 200, np.uint8)


def make_mosaic(level: int, height: int = 96, width: int = 128) -> np.ndarray:
    return np.full((height, width), level, np.uint16)


def test_raw_file_is_developed_with_16_bits(tmp_path: Path) -> None:
    pytest.importorskip("rawpy", reason="the extra `raw` is not installed")
    (tmp_path / "photo.dng").write_bytes(make_dng(make_mosaic(6554), THUMBNAIL))
    picture = read_picture(tmp_path / "photo.dng")
    assert picture.image.shape == (96, 128, 3)
    assert picture.image.dtype == np.uint16
    # A tenth of the light is 0.349 in the numbers of sRGB; LibRaw scales its white by some percent.
    assert picture.image[20:-20, 20:-20].mean() / 65535 == pytest.approx(0.349, rel=0.1)


def test_exif_of_a_raw_file_is_kept_and_its_structure_is_not(tmp_path: Path) -> None:
    pytest.importorskip("rawpy", reason="the extra `raw` is not installed")
    from PIL import Image

    (tmp_path / "photo.dng").write_bytes(make_dng(make_mosaic(6554), THUMBNAIL))
    exif = Image.Exif()
    exif.load(read_picture(tmp_path / "photo.dng").exif or b"")
    assert dict(exif) == {271: "a maker", 272: "a camera"}


def test_raw_file_by_any_name_without_rawpy_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rawpy", None)
    for name in ("photo.dng", "photo.tif"):
        (tmp_path / name).write_bytes(make_dng(make_mosaic(6554), THUMBNAIL))
        with pytest.raises(ImageError, match=r"pip install 'edge-dce\[raw\]'"):
            read_picture(tmp_path / name)


@pytest.mark.parametrize(
    "start",
    [
        b"II*\0\x10\0\0\0CR\2\0",
        b"\0\0\0\x18ftypcrx \0\0\0\1",
        b"FUJIFILMCCD-RAW 0201",
        b"IIRO\x08\0\0\0",
        b"IIU\0\x18\0\0\0",
    ],
    ids=["cr2", "cr3", "raf", "orf", "rw2"],
)
def test_raw_files_of_other_makers_are_known_by_their_first_bytes(tmp_path: Path, start: bytes) -> None:
    (tmp_path / "photo.jpg").write_bytes(start + bytes(2000))
    with pytest.raises(ImageError, match="raw file"):
        read_picture(tmp_path / "photo.jpg")


def test_raw_file_as_nikon_and_sony_build_it_is_not_its_preview(tmp_path: Path) -> None:
    pytest.importorskip("rawpy", reason="the extra `raw` is not installed")
    preview = describe(THUMBNAIL, 8, 2)
    mosaic = make_mosaic(100)[..., np.newaxis]
    sensor = describe(mosaic, 16, 32803)
    data = make_tiff((preview, [THUMBNAIL.tobytes()]), below=(sensor, [mosaic.tobytes()]))
    (tmp_path / "photo.nef").write_bytes(data)
    # No camera that LibRaw knows made it, so that it may be refused, but not be the preview.
    try:
        shape = read_picture(tmp_path / "photo.nef").image.shape
    except ImageError as error:
        assert "LibRaw" in str(error)  # noqa: PT017
    else:
        assert shape[:2] == (96, 128)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_truncated_raw_file_is_one_error(tmp_path: Path, share: float) -> None:
    pytest.importorskip("rawpy", reason="the extra `raw` is not installed")
    whole = make_dng(make_mosaic(6554), THUMBNAIL)
    (tmp_path / "photo.dng").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ImageError):
        read_picture(tmp_path / "photo.dng")
