"""Pictures of 16 bits per sample: every one of them survives, in every kind of file that holds them."""

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

import edge_dce
from edge_dce.cli import main
from edge_dce.errors import ImageError
from edge_dce.files.pictures import Picture, encode_picture, read_image, read_picture, write_picture
from edge_dce.pixels.look import BARE

ORIENTATION = 0x0112
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
TINY = str(Path(__file__).resolve().parents[2] / "models" / "tiny-16x16-int8.tflite")


def make_samples(channels: int, height: int = 37, width: int = 53) -> np.ndarray:
    return np.random.default_rng(channels).integers(0, 65536, (height, width, channels)).astype(np.uint16)


def make_picture(channels: int) -> Picture:
    """Grey, grey with alpha, RGB or RGBA by the number of channels."""
    samples = make_samples(channels)
    is_grey = channels < 3
    image = np.repeat(samples[..., :1], 3, axis=2) if is_grey else samples[..., :3]
    return Picture(image, alpha=None if channels % 2 else samples[..., -1], is_grey=is_grey)


def assert_same(found: Picture, expected: Picture) -> None:
    assert found.image.dtype == np.uint16
    np.testing.assert_array_equal(found.image, expected.image)
    assert (found.alpha is None) == (expected.alpha is None)
    if expected.alpha is not None:
        np.testing.assert_array_equal(found.alpha, expected.alpha)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_every_bit_survives_writing_and_reading(tmp_path: Path, channels: int, suffix: str) -> None:
    write_picture(make_picture(channels), tmp_path / f"deep{suffix}")
    found = read_picture(tmp_path / f"deep{suffix}")
    assert_same(found, make_picture(channels))
    # A TIFF of grey with alpha is one that Pillow cannot read, so it is written as RGBA.
    assert found.is_grey == (channels < 3 and (channels, suffix) != (2, ".tif"))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_every_bit_survives_the_command_at_strength_zero(tmp_path: Path, channels: int, suffix: str) -> None:
    source, target = tmp_path / f"deep{suffix}", tmp_path / f"same{suffix}"
    write_picture(make_picture(channels), source)
    assert main(["enhance", str(source), "-m", TINY, "--strength", "0", "-o", str(target)]) == 0
    assert_same(read_picture(target), make_picture(channels))


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_files_of_another_program_are_read_in_full(tmp_path: Path, channels: int, suffix: str) -> None:
    samples = make_samples(channels)
    bgr = samples[..., (2, 1, 0, 3)[:channels]] if channels > 1 else samples
    cv2.imwrite(str(tmp_path / f"deep{suffix}"), bgr)
    found = read_picture(tmp_path / f"deep{suffix}")
    np.testing.assert_array_equal(found.image, samples[..., :3] if channels > 1 else np.repeat(samples, 3, axis=2))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 70_000), (3000, 90)])
def test_any_shape_is_written(tmp_path: Path, height: int, width: int) -> None:
    image = make_samples(3, height, width)
    for suffix in (".png", ".tif"):
        write_picture(Picture(image), tmp_path / f"deep{suffix}")
        np.testing.assert_array_equal(read_picture(tmp_path / f"deep{suffix}").image, image)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_other_programs_read_what_is_written(tmp_path: Path, channels: int) -> None:
    for suffix in (".png", ".tif"):
        write_picture(make_picture(channels), tmp_path / f"deep{suffix}")
        found = cv2.imread(str(tmp_path / f"deep{suffix}"), cv2.IMREAD_UNCHANGED)
        assert found.dtype == np.uint16
        colors = found if found.ndim == 2 else found[..., 2]
        np.testing.assert_array_equal(colors, make_picture(channels).image[..., 0])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_to_all_bits(tmp_path: Path, orientation: int) -> None:
    image = make_samples(3, 12, 20)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    (tmp_path / "turned.png").write_bytes(encode_picture(Picture(image, exif=exif.tobytes()), ".png"))
    shallow = Image.fromarray((image >> 8).astype(np.uint8))
    shallow.save(tmp_path / "shallow.png", exif=exif)
    found = read_picture(tmp_path / "turned.png").image
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found >> 8, read_picture(tmp_path / "shallow.png").image)


def test_profile_and_exif_are_kept(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "a camera maker"
    picture = Picture(make_samples(3), icc_profile=SRGB, exif=exif.tobytes())
    write_picture(picture, tmp_path / "deep.png")
    found = read_picture(tmp_path / "deep.png")
    assert found.icc_profile == SRGB
    with Image.open(tmp_path / "deep.png") as opened:
        assert opened.getexif()[0x010F] == "a camera maker"
    write_picture(picture, tmp_path / "deep.tif")
    assert read_picture(tmp_path / "deep.tif").icc_profile == SRGB


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".bmp"])
def test_formats_of_8_bits_get_rounded_samples(tmp_path: Path, suffix: str) -> None:
    image = np.full((16, 16, 3), 257 * 100 + 120, np.uint16)
    write_picture(Picture(image), tmp_path / f"shallow{suffix}")
    # A flat color at quality 95 is off by a level or two.
    assert np.abs(read_picture(tmp_path / f"shallow{suffix}").image.astype(int) - 100).max() <= 2


def test_dark_gradient_gains_levels_from_its_depth(tmp_path: Path) -> None:
    gradient = np.tile(np.linspace(0, 1500, 600).astype(np.uint16)[np.newaxis, :, np.newaxis], (40, 1, 3))
    write_picture(Picture(gradient), tmp_path / "dark.png")
    picture = read_picture(tmp_path / "dark.png")
    enhancer = edge_dce.load()
    # Cleaning would fill in the steps of eight bits, which are what is compared.
    deep = picture.with_image(enhancer.enhance(picture.image, BARE)).rounded().image
    shallow = enhancer.enhance(read_image(tmp_path / "dark.png"), BARE)
    assert len(np.unique(deep[..., 1])) > 3 * len(np.unique(shallow[..., 1]))


# Pillow warns of a TIFF whose directory is cut off; the command line hides that.
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_truncated_deep_file_is_one_error(
    tmp_path: Path, channels: int, suffix: str, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = encode_picture(make_picture(channels), suffix)
    for share in (0.01, 0.3, 0.9):
        (tmp_path / f"cut{suffix}").write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(ImageError):
            read_picture(tmp_path / f"cut{suffix}")
    assert capfd.readouterr().err == ""


def test_transparent_color_of_16_bits_becomes_alpha(tmp_path: Path) -> None:
    samples = make_samples(3, 4, 5)
    whole = encode_picture(Picture(samples), ".png")
    samples_start = whole.index(b"IDAT") - 4
    data = b"tRNS" + samples[1, 2].astype(">u2").tobytes()
    chunk = struct.pack(">I", 6) + data + struct.pack(">I", zlib.crc32(data))
    (tmp_path / "deep.png").write_bytes(whole[:samples_start] + chunk + whole[samples_start:])
    expected = np.full((4, 5), 65535, np.uint16)
    expected[1, 2] = 0
    assert_same(read_picture(tmp_path / "deep.png"), Picture(samples, alpha=expected))


def test_16_bits_of_a_whole_pixel_are_not_said_to_be_more_than_8_of_a_sample(tmp_path: Path) -> None:
    header = struct.pack("<IiiHHIIiiII", 40, 2, 1, 1, 16, 3, 4, 0, 0, 0, 0)
    masks = struct.pack("<3I", 0xF800, 0x07E0, 0x001F)
    start = struct.pack("<2sIHHI", b"BM", 14 + len(header) + len(masks) + 4, 0, 0, 14 + len(header) + len(masks))
    (tmp_path / "made.bmp").write_bytes(start + header + masks + struct.pack("<2H", 0xF800, 0x001F))
    picture = read_picture(tmp_path / "made.bmp")
    assert picture.image.tolist() == [[[255, 0, 0], [0, 0, 255]]]
    assert not picture.left_out
