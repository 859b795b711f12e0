"""A TIFF's samples are what they mean, or refused by name."""

import dataclasses
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge_dce.cli import main
from edge_dce.errors import ImageError
from edge_dce.files.formats import tiff_samples
from edge_dce.files.pictures import Picture, list_left_out, read_picture, write_picture
from tests.edge_dce.files.formats.made_files import (
    LONG,
    SHORT,
    Entry,
    describe,
    make_noise,
    make_scene,
    make_tiff,
    pack_bits,
)

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB = 0, 1, 2
TINY = str(Path(__file__).resolve().parents[3] / "models" / "tiny-16x16-int8.tflite")


def read(tmp_path: Path, data: bytes) -> Picture:
    (tmp_path / "made.tif").write_bytes(data)
    return read_picture(tmp_path / "made.tif")


def make_plain_16(samples: np.ndarray, photometric: int, **more: Entry) -> bytes:
    return make_tiff((describe(samples, 16, photometric, **more), [samples.astype("<u2").tobytes()]))


def test_white_is_zero_of_16_bits_is_no_negative(tmp_path: Path) -> None:
    samples = make_noise(1)
    data = make_tiff((describe(samples, 16, WHITE_IS_ZERO), [(65535 - samples).astype("<u2").tobytes()]))
    picture = read(tmp_path, data)
    assert picture.is_grey
    np.testing.assert_array_equal(picture.image[..., :1], samples)


@pytest.mark.parametrize("bits", [10, 12, 14])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("width", [32, 33])
def test_packed_bits_fill_the_whole_range(tmp_path: Path, channels: int, width: int, bits: int) -> None:
    white = 2**bits - 1
    samples = np.rint(make_scene(24, width, channels) * white).astype(np.uint16)
    photometric = RGB if channels == 3 else BLACK_IS_ZERO
    picture = read(tmp_path, make_tiff((describe(samples, bits, photometric), [pack_bits(samples, bits)])))
    # Exactly 65535 / 4095 would be 16.0037, for instance; bits that repeat are at most one off that, of 65535.
    assert np.abs(picture.image[..., :channels] - samples * (65535 / white)).max() <= 1
    assert picture.image.max() == 65535


def test_12_bits_white_is_zero(tmp_path: Path) -> None:
    samples = np.rint(make_scene(channels=1) * 4095).astype(np.uint16)
    picture = read(tmp_path, make_tiff((describe(samples, 12, WHITE_IS_ZERO), [pack_bits(4095 - samples, 12)])))
    assert np.abs(picture.image[..., :1] - samples * (65535 / 4095)).max() <= 1


@pytest.mark.parametrize("channels", [3, 4])
def test_planes_of_16_bits_keep_every_bit(tmp_path: Path, channels: int) -> None:
    samples = make_noise(channels)
    planes = [samples[..., channel].astype("<u2").tobytes() for channel in range(channels)]
    more = {"t338": (SHORT, [2])} if channels == 4 else {}
    picture = read(tmp_path, make_tiff((describe(samples, 16, RGB, t284=(SHORT, [2]), **more), planes)))
    np.testing.assert_array_equal(picture.image, samples[..., :3])
    if channels == 4:
        np.testing.assert_array_equal(picture.alpha, samples[..., 3])


def test_grey_with_alpha_of_16_bits_is_a_picture(tmp_path: Path) -> None:
    samples = make_noise(2)
    picture = read(
        tmp_path,
        make_tiff((describe(samples, 16, BLACK_IS_ZERO, t338=(SHORT, [2])), [samples.astype("<u2").tobytes()])),
    )
    assert picture.is_grey
    np.testing.assert_array_equal(picture.image[..., 0], samples[..., 0])
    np.testing.assert_array_equal(picture.alpha, samples[..., 1])


def test_colors_multiplied_by_alpha_are_divided_again(tmp_path: Path) -> None:
    colors = np.full((24, 32, 3), 40000, np.uint16)
    alpha = np.full((24, 32, 1), 16384, np.uint16)
    stored = np.concatenate([(colors.astype(np.uint32) * alpha // 65535).astype(np.uint16), alpha], axis=2)
    picture = read(
        tmp_path, make_tiff((describe(stored, 16, RGB, t338=(SHORT, [1])), [stored.astype("<u2").tobytes()]))
    )
    # A number that was cut off to a quarter comes back within 4.
    assert np.abs(picture.image.astype(int) - 40000).max() <= 4


def test_grey_multiplied_by_alpha_of_8_bits_is_divided_again(tmp_path: Path) -> None:
    stored = np.concatenate([np.full((8, 8, 1), 50, np.uint8), np.full((8, 8, 1), 128, np.uint8)], axis=2)
    picture = read(tmp_path, make_tiff((describe(stored, 8, BLACK_IS_ZERO, t338=(SHORT, [1])), [stored.tobytes()])))
    # Pillow cuts off rather than rounds.
    np.testing.assert_allclose(picture.image, 50 * 255 / 128, atol=1)
    assert picture.is_grey
    assert np.all(picture.alpha == 128)


def test_damaged_tiff_is_one_error_and_no_line_of_libtiff(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    stored = make_noise(3, np.uint8)
    Image.fromarray(stored).save(tmp_path / "made.tif", compression="tiff_lzw")
    data = bytearray((tmp_path / "made.tif").read_bytes())
    data[len(data) // 2 : len(data) // 2 + 200] = bytes(200)
    with pytest.raises(ImageError):
        read(tmp_path, bytes(data))
    assert capfd.readouterr().err == ""


def test_channels_without_a_meaning_are_left_out_and_named(tmp_path: Path) -> None:
    samples = make_noise(4)
    picture = read(
        tmp_path, make_tiff((describe(samples, 16, RGB, t338=(SHORT, [0])), [samples.astype("<u2").tobytes()]))
    )
    assert picture.alpha is None
    assert picture.left_out == {"extra channels": 1}


@pytest.mark.parametrize(
    ("bits", "photometric", "more", "named"),
    [
        (9, BLACK_IS_ZERO, {}, "9 bits"),
        (24, BLACK_IS_ZERO, {}, "24 bits"),
        (32, RGB, {}, "32 bits"),
        (16, RGB, {"t339": (SHORT, [2, 2, 2])}, "signed"),
        (32, RGB, {"t339": (SHORT, [3, 3, 3])}, "floating-point"),
        (16, RGB, {"t339": (SHORT, [3, 3, 3])}, "floating-point"),
        (8, 8, {}, "CIE Lab"),
        (8, BLACK_IS_ZERO, {"t338": (SHORT, [0, 0]), "t277": (SHORT, [3])}, "not understood"),
        (8, 32845, {}, "LogLuv"),
        (8, 5, {"t284": (SHORT, [2])}, "2 planes"),
        (16, RGB, {"t259": (SHORT, [7])}, "compression 7"),
        (8, RGB, {"t259": (SHORT, [34712])}, "compression 34712"),
        (8, RGB, {"t259": (SHORT, [50001])}, "compression 50001"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(
    tmp_path: Path, bits: int, photometric: int, more: dict, named: str
) -> None:
    samples = np.zeros((8, 8, 4 if photometric == 5 else 3 if photometric != BLACK_IS_ZERO else 1))
    data = make_tiff((describe(samples, bits, photometric, **more), [bytes(8 * 8 * 3 * 4)]))
    with pytest.raises(ImageError, match=named):
        read(tmp_path, data)


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_strips_of_every_compression_are_read(tmp_path: Path, compression: str | None) -> None:
    samples = make_noise(1)[..., 0]
    Image.fromarray(samples).save(tmp_path / "made.tif", compression=compression)
    np.testing.assert_array_equal(read_picture(tmp_path / "made.tif").image[..., 0], samples)


@pytest.mark.parametrize("rows", [1, 5, 24, 100])
@pytest.mark.parametrize("band_bytes", [1, 1500])
@pytest.mark.parametrize("is_planar", [False, True])
def test_strips_are_put_together_however_many_are_decoded_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int, band_bytes: int, is_planar: bool
) -> None:
    monkeypatch.setattr(tiff_samples, "_BAND_BYTES", band_bytes)
    samples = make_noise(3)
    stored = samples.astype("<u2")
    parts = [stored[..., channel] for channel in range(3)] if is_planar else [stored]
    strips = [part[top : top + rows].tobytes() for part in parts for top in range(0, 24, rows)]
    more = {"t284": (SHORT, [2])} if is_planar else {}
    data = make_tiff((describe(samples, 16, RGB, t278=(LONG, [rows]), **more), strips))
    np.testing.assert_array_equal(read(tmp_path, data).image, samples)


def make_tiled_16(samples: np.ndarray, side: int) -> bytes:
    """Deflated tiles, row after row; what is beyond the picture is filled up."""
    height, width, channels = samples.shape
    filled = np.pad(samples, ((0, -height % side), (0, -width % side), (0, 0)), constant_values=7)
    rows, columns = (length // side for length in filled.shape[:2])
    blocks = filled.reshape(rows, side, columns, side, channels).swapaxes(1, 2).reshape(-1, side, side, channels)
    entries = describe(samples, 16, 2, t322=(SHORT, [side]), t323=(SHORT, [side])) | {259: (SHORT, [8])}
    entries.pop(278)
    data = make_tiff((entries, [zlib.compress(block.astype("<u2").tobytes()) for block in blocks]))
    # The tags of strips become those of tiles; readers look up tags in whatever order.
    for strip, tile in ((273, 324), (279, 325)):
        data = data.replace(struct.pack("<HH", strip, LONG), struct.pack("<HH", tile, LONG), 1)
    return data


@pytest.mark.parametrize("band_bytes", [1, 10_000, 1 << 25])
def test_tiles_are_put_together_however_many_are_decoded_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, band_bytes: int
) -> None:
    monkeypatch.setattr("edge_dce.files.formats.tiff_samples._BAND_BYTES", band_bytes)
    samples = make_noise(3, height=70, width=50)
    assert np.array_equal(read(tmp_path, make_tiled_16(samples, 16)).image, samples)


def test_neither_tiles_nor_a_strip_count_as_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Beyond twice this Pillow refuses; a row of tiles has 19,200 bytes, the strip 21,000, and the picture 3,500 pixels.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 3500)
    monkeypatch.setattr(tiff_samples, "_BAND_BYTES", 1)
    samples = make_noise(3, height=70, width=50)
    whole = make_tiff((describe(samples, 16, RGB), [samples.astype("<u2").tobytes()]))
    for data in (make_tiled_16(samples, 16), whole):
        assert np.array_equal(read(tmp_path, data).image, samples)


def test_a_compressed_strip_that_is_too_large_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 3500)
    samples = make_noise(3, height=70, width=50)
    strip = zlib.compress(samples.astype("<u2").tobytes())
    with pytest.raises(ImageError, match="smaller strips"):
        read(tmp_path, make_tiff((describe(samples, 16, RGB, t259=(SHORT, [8])), [strip])))


def test_a_strip_that_ends_early_is_one_error(tmp_path: Path) -> None:
    samples = make_noise(3)
    with pytest.raises(ImageError, match="truncated"):
        read(tmp_path, make_tiff((describe(samples, 16, RGB), [samples.astype("<u2").tobytes()[:-1]])))


def test_missing_strips_are_one_error(tmp_path: Path) -> None:
    samples = make_noise(3)
    strips = [samples[:8].tobytes(), samples[8:16].tobytes()]
    with pytest.raises(ImageError, match="strips are missing"):
        read(tmp_path, make_tiff((describe(samples, 16, RGB, t278=(LONG, [8])), strips)))


def test_the_first_page_that_is_no_smaller_copy_is_read_and_the_others_counted(tmp_path: Path) -> None:
    small, first, second = (np.full((size, size, 3), level, np.uint8) for size, level in ((4, 9), (16, 70), (16, 200)))
    pages = [(describe(page, 8, RGB), [page.tobytes()]) for page in (small, first, second)]
    pages[0][0][254] = (LONG, [1])
    picture = read(tmp_path, make_tiff(*pages))
    np.testing.assert_array_equal(picture.image, first)
    assert picture.left_out == {"further pages": 1}


def test_picture_below_a_smaller_one_is_refused(tmp_path: Path) -> None:
    small, large = np.zeros((4, 4, 3), np.uint8), np.zeros((16, 16, 3), np.uint8)
    data = make_tiff((describe(small, 8, RGB), [small.tobytes()]), below=(describe(large, 8, RGB), [large.tobytes()]))
    with pytest.raises(ImageError, match="below that of a smaller one"):
        read(tmp_path, data)


def test_left_out_pages_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = np.zeros((8, 8, 3), np.uint8)
    (tmp_path / "scan.tif").write_bytes(make_tiff(*[(describe(page, 8, RGB), [page.tobytes()])] * 5))
    assert main(["enhance", str(tmp_path / "scan.tif"), "-m", TINY, "-o", str(tmp_path / "out.tif")]) == 0
    assert f"{tmp_path / 'scan.tif'}: left out: further pages (4)" in capsys.readouterr().err


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_picture_is_turned_upright_once(tmp_path: Path, orientation: int, dtype: type) -> None:
    samples = make_noise(3, dtype)
    bits = 8 * samples.itemsize
    entries = describe(samples, bits, RGB, t274=(SHORT, [orientation]))
    stored = [samples, samples[:, ::-1], samples[::-1, ::-1], samples[::-1], samples.transpose(1, 0, 2)]
    stored += [np.rot90(samples, 3), samples[::-1, ::-1].transpose(1, 0, 2), np.rot90(samples)]
    picture = read(tmp_path, make_tiff((entries, [samples.astype(f"<u{bits // 8}").tobytes()])))
    np.testing.assert_array_equal(picture.image, stored[orientation - 1])


def test_tags_resolution_and_packets_are_kept(tmp_path: Path) -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    entries = describe(image, 8, RGB, t700=(1, b"<x:xmpmeta/>"), t33723=(7, b"\x1c\x02\x05\0\x05title"))
    entries |= {270: (2, b"a harbor at night\0"), 315: (2, b"somebody\0"), 33432: (2, b"CC0\0")}
    picture = read(tmp_path, make_tiff((entries, [image.tobytes()])))
    write_picture(picture, tmp_path / "again.tif")
    again = read_picture(tmp_path / "again.tif")
    assert again.notes.xmp == b"<x:xmpmeta/>"
    assert again.notes.iptc == b"\x1c\x02\x05\0\x05title"
    with Image.open(tmp_path / "again.tif") as opened:
        assert [opened.tag_v2[tag] for tag in (270, 315, 33432)] == ["a harbor at night", "somebody", "CC0"]


@pytest.mark.parametrize("order", ["<", ">"])
def test_tags_of_maps_stay_in_a_tiff_and_are_counted_elsewhere(tmp_path: Path, order: str) -> None:
    tags = {
        42113: (2, b"-9999\0"),
        34735: (SHORT, [1, 1, 0, 300]),
        33550: (12, struct.pack("<3d", 0.5, 0.25, 0.0)),
    }
    image = np.zeros((8, 8, 3), np.uint8)
    entries = describe(image, 8, RGB) | tags
    picture = read(tmp_path, make_tiff((entries, [image.tobytes()])))
    if order == ">":
        # The file begins as its EXIF does.
        exif = Image.Exif()
        exif.endian = order
        exif[271] = "a maker"
        picture = dataclasses.replace(picture, exif=exif.tobytes())
    assert list_left_out(picture, ".tif") == {}
    assert list_left_out(picture, ".png") == {"TIFF tags": 3}
    write_picture(picture, tmp_path / "again.tif")
    with Image.open(tmp_path / "again.tif") as opened:
        assert opened.tag_v2[42113] == "-9999"
        assert opened.tag_v2[34735] == (1, 1, 0, 300)
        assert opened.tag_v2[33550] == (0.5, 0.25, 0.0)
        assert (opened.tag_v2.prefix == b"MM") == (order == ">")


# Pillow warns of what it skips; the command line hides that.
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_entry_and_link_that_lead_nowhere_do_not_cost_the_picture(tmp_path: Path) -> None:
    samples = make_noise(3)
    data = bytearray(make_plain_16(samples, RGB, t34377=(7, b"8BIM" * 20)))
    at = int.from_bytes(data[4:8], "little")
    end = at + 2 + 12 * int.from_bytes(data[at : at + 2], "little")
    data[end - 4 : end] = (1 << 30).to_bytes(4, "little")
    data[end : end + 4] = (1 << 30).to_bytes(4, "little")
    np.testing.assert_array_equal(read(tmp_path, bytes(data)).image, samples)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.95])
@pytest.mark.parametrize("bits", [12, 16])
def test_truncated_file_is_one_error(tmp_path: Path, bits: int, share: float) -> None:
    samples = make_noise(3) >> (16 - bits)
    strip = pack_bits(samples, 12) if bits == 12 else samples.astype("<u2").tobytes()
    whole = make_tiff((describe(samples, bits, RGB), [strip]))
    with pytest.raises(ImageError):
        read(tmp_path, whole[: int(len(whole) * share)])
