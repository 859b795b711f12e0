import io
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from edge_dce.errors import ImageError, OutputError
from edge_dce.files.pictures import Picture, encode_picture, read_image, read_picture, write_picture

ORIENTATION = 0x0112
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def make_rgb(height: int = 12, width: int = 20) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3)).astype(np.uint8)


def read_mode(path: Path) -> str:
    with Image.open(path) as opened:
        return opened.mode


def write_png_rgb(path: Path, width: int, height: int, bits: int, rows: bytes) -> None:
    """A PNG made by hand, for what Pillow can read but not write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, bits, 2, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
def test_lossless_formats_keep_every_sample(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"picture{suffix}"
    write_picture(Picture(make_rgb()), path)
    np.testing.assert_array_equal(read_picture(path).image, make_rgb())


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_alpha_is_kept(tmp_path: Path, suffix: str) -> None:
    alpha = np.tile(np.arange(20, dtype=np.uint8) * 12, (12, 1))
    path = tmp_path / f"picture{suffix}"
    write_picture(Picture(make_rgb(), alpha=alpha), path)
    found = read_picture(path).alpha
    assert found is not None
    np.testing.assert_array_equal(found, alpha)


@pytest.mark.parametrize("suffix", [".jpg", ".bmp"])
def test_format_without_alpha_is_refused_not_flattened(tmp_path: Path, suffix: str) -> None:
    picture = Picture(make_rgb(), alpha=np.zeros((12, 20), np.uint8))
    with pytest.raises(ImageError, match="cannot hold this picture's transparency"):
        write_picture(picture, tmp_path / f"picture{suffix}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_grey_stays_grey(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"grey{suffix}"
    Image.fromarray(make_rgb()[..., 0]).save(path)
    picture = read_picture(path)
    assert picture.is_grey
    assert picture.image.shape == (12, 20, 3)
    write_picture(picture, tmp_path / f"again{suffix}")
    assert read_mode(tmp_path / f"again{suffix}") == "L"


def test_grey_with_alpha_keeps_both(tmp_path: Path) -> None:
    Image.fromarray(make_rgb()[..., :2].copy(), mode="LA").save(tmp_path / "grey.png")
    picture = read_picture(tmp_path / "grey.png")
    assert picture.is_grey
    write_picture(picture, tmp_path / "again.png")
    assert read_mode(tmp_path / "again.png") == "LA"


# Samples leave Pillow in strips of 256 KiB: four of 291 rows and one of 127; a row to each strip.
@pytest.mark.parametrize("size", [(300, 1291), (90_000, 3)], ids=["high", "wide"])
def test_picture_of_several_strips_keeps_every_row(tmp_path: Path, size: tuple[int, int]) -> None:
    width, height = size
    samples = np.random.default_rng(3).integers(0, 256, (height, width, 3)).astype(np.uint8)
    Image.fromarray(samples).save(tmp_path / "input.bmp")
    np.testing.assert_array_equal(read_image(tmp_path / "input.bmp"), samples)


def test_palette_becomes_rgb(tmp_path: Path) -> None:
    image = np.repeat(make_rgb(1, 20), 12, axis=0)
    Image.fromarray(image).quantize(32).save(tmp_path / "palette.png")
    # Twenty colors fit into 32 palette entries, but the quantizer may merge neighbors: one level.
    assert np.abs(read_picture(tmp_path / "palette.png").image.astype(int) - image).max() <= 1


def test_palette_with_transparent_entry_gets_alpha(tmp_path: Path) -> None:
    palette = Image.fromarray(make_rgb()).quantize(16)
    palette.save(tmp_path / "palette.png", transparency=0)
    alpha = read_picture(tmp_path / "palette.png").alpha
    assert alpha is not None
    np.testing.assert_array_equal(alpha == 0, np.asarray(palette) == 0)


def test_16_bit_grey_keeps_every_bit_and_rounds_to_nearest(tmp_path: Path) -> None:
    samples = np.array([[0, 128, 129, 257, 32768, 65535]], np.uint16)
    Image.fromarray(samples).save(tmp_path / "deep.png")
    picture = read_picture(tmp_path / "deep.png")
    assert picture.is_grey
    np.testing.assert_array_equal(picture.image[..., 1], samples)
    np.testing.assert_array_equal(picture.rounded().image[0, :, 0], [0, 0, 1, 1, 128, 255])


def test_16_bit_rgb_is_read_in_full_range(tmp_path: Path) -> None:
    expected = make_rgb()
    rows = b"".join(b"\0" + (row.astype(">u2") * 257).tobytes() for row in expected)
    write_png_rgb(tmp_path / "deep.png", 20, 12, 16, rows)
    np.testing.assert_array_equal(read_picture(tmp_path / "deep.png").image, expected.astype(np.uint16) * 257)
    np.testing.assert_array_equal(read_image(tmp_path / "deep.png"), expected)


def test_cmyk_jpeg_becomes_rgb(tmp_path: Path) -> None:
    red = np.broadcast_to(np.array([200, 30, 40], np.uint8), (16, 16, 3))
    Image.fromarray(red).convert("CMYK").save(tmp_path / "print.jpg", quality=95)
    found = read_picture(tmp_path / "print.jpg").image
    # JPEG of a flat color at quality 95 is off by a few levels at most.
    assert np.abs(found.astype(int) - red).max() <= 4


def test_cmyk_with_unusable_profile_is_read_all_the_same(tmp_path: Path) -> None:
    Image.new("CMYK", (16, 16), (0, 200, 200, 0)).save(tmp_path / "print.jpg", icc_profile=b"not a profile")
    picture = read_picture(tmp_path / "print.jpg")
    assert picture.icc_profile is None
    assert picture.image[8, 8, 0] > 200


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once(tmp_path: Path, orientation: int) -> None:
    stored = Image.fromarray(make_rgb())
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stored.save(tmp_path / "turned.png", exif=exif)
    picture = read_picture(tmp_path / "turned.png")
    assert picture.image.shape[:2] == ((12, 20) if orientation <= 4 else (20, 12))
    write_picture(picture, tmp_path / "upright.png")
    np.testing.assert_array_equal(read_picture(tmp_path / "upright.png").image, picture.image)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_exif_and_profile_are_kept(tmp_path: Path, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x010F] = "a camera maker"
    exif[ORIENTATION] = 6
    Image.fromarray(make_rgb()).save(tmp_path / f"in{suffix}", exif=exif, icc_profile=SRGB)
    write_picture(read_picture(tmp_path / f"in{suffix}"), tmp_path / f"out{suffix}")
    with Image.open(tmp_path / f"out{suffix}") as written:
        assert written.getexif()[0x010F] == "a camera maker"
        assert ORIENTATION not in written.getexif()
        assert written.info["icc_profile"] == SRGB


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".gif", ".bmp"])
def test_truncated_file_is_an_error_everywhere(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(make_rgb(60, 80)).save(tmp_path / f"whole{suffix}")
    whole = (tmp_path / f"whole{suffix}").read_bytes()
    for share in (0.01, 0.1, 0.5, 0.8):
        path = tmp_path / f"truncated{suffix}"
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(ImageError, match="truncated"):
            read_picture(path)


def test_what_is_no_picture_says_so(tmp_path: Path) -> None:
    path = tmp_path / "notes.jpg"
    path.write_text("this is text")
    with pytest.raises(ImageError, match=r"notes\.jpg: its content is not a picture but text"):
        read_picture(path)
    path.write_bytes(b"")
    with pytest.raises(ImageError, match=r"notes\.jpg: an empty file; get a fresh copy"):
        read_picture(path)
    with pytest.raises(ImageError, match="No such file"):
        read_picture(tmp_path / "missing.jpg")
    with pytest.raises(ImageError, match="Is a directory"):
        read_picture(tmp_path)


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_samples_of_32_bits_are_refused(tmp_path: Path, dtype: type) -> None:
    Image.fromarray(np.zeros((4, 4), dtype)).save(tmp_path / "deep.tif")
    with pytest.raises(ImageError, match=r"deep\.tif.*32 bits per sample"):
        read_picture(tmp_path / "deep.tif")


def test_transparent_value_of_16_bit_grey_becomes_alpha(tmp_path: Path) -> None:
    content = io.BytesIO()
    Image.fromarray(np.array([[0, 1000, 65535]], np.uint16)).save(content, "PNG")
    # Pillow 9 of Debian 12 reads such files but writes none: the chunk by hand, behind signature and IHDR.
    chunk = b"tRNS" + struct.pack(">H", 1000)
    chunk = struct.pack(">I", 2) + chunk + struct.pack(">I", zlib.crc32(chunk))
    data = content.getvalue()
    (tmp_path / "deep.png").write_bytes(data[:33] + chunk + data[33:])
    alpha = read_picture(tmp_path / "deep.png").alpha
    assert alpha is not None
    np.testing.assert_array_equal(alpha, [[65535, 0, 65535]])


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damaged_exif_does_not_cost_the_photo(tmp_path: Path) -> None:
    # Orientation of a type that needs more bytes than there are.
    broken = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x05\0\xff\0\0\0\xf0\xff\0\0"
    Image.fromarray(make_rgb()).save(tmp_path / "photo.jpg", exif=broken)
    assert read_picture(tmp_path / "photo.jpg").image.shape == (12, 20, 3)


def test_formats_that_start_other_programs_stay_closed(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n")
    with pytest.raises(ImageError, match="not a picture"):
        read_picture(tmp_path / "photo.jpg")


@pytest.mark.parametrize(("suffix", "width"), [(".webp", 16_400), (".jpg", 65_600)])
def test_picture_too_large_for_its_format_is_an_error(suffix: str, width: int) -> None:
    with pytest.raises(ImageError, match=f"cannot hold this {width}x1 picture"):
        encode_picture(Picture(np.zeros((1, width, 3), np.uint8)), suffix)


def test_reading_in_threads_leaves_the_warning_filters_alone(tmp_path: Path) -> None:
    write_picture(Picture(make_rgb()), tmp_path / "a.png")
    before = list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(read_picture, [tmp_path / "a.png"] * 200))
    assert warnings.filters == before


def test_decompression_bomb_is_refused_before_decoding(tmp_path: Path) -> None:
    write_png_rgb(tmp_path / "bomb.png", 50_000, 50_000, 8, bytes(100_000))
    with pytest.raises(ImageError, match="larger than 178 megapixels"):
        read_picture(tmp_path / "bomb.png")


def test_existing_file_is_kept_unless_told_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_text("precious")
    with pytest.raises(OutputError, match="already exists"):
        write_picture(Picture(make_rgb()), path)
    assert path.read_text() == "precious"
    write_picture(Picture(make_rgb()), path, overwrite=True)
    np.testing.assert_array_equal(read_picture(path).image, make_rgb())


def test_unknown_suffix_is_refused() -> None:
    with pytest.raises(ImageError, match=r"cannot write '\.xyz'; expected one of \.bmp"):
        encode_picture(Picture(make_rgb()), ".xyz")
