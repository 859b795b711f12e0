"""Every kind of picture that is read, at strength 0, against what ImageMagick reads in the source.

ImageMagick is in a Debian package of its own, and here alone.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

import edge_dce
from edge_dce.enhancing.picture import enhance_picture
from edge_dce.files.formats import profiles
from edge_dce.files.formats.pillow_samples import has_avif
from edge_dce.files.pictures import read_picture, write_picture
from edge_dce.pixels.look import Look
from tests.edge_dce.files.formats.made_files import SHORT, describe, make_scene, make_tiff, pack_bits

MAGICK = shutil.which("magick") or shutil.which("convert") or ""
pytestmark = pytest.mark.skipif(not MAGICK, reason="needs ImageMagick: apt-get install imagemagick")

TINY = str(Path(__file__).resolve().parents[3] / "models" / "tiny-16x16-int8.tflite")
UNCHANGED = Look(strength=0, denoise=0)
P3 = profiles.make_profile(profiles.find_colorants(profiles.PRIMARIES[12]))
HEIGHT, WIDTH = 40, 56

# Name of the file -> how ImageMagick makes it of a scene of 16 bits with alpha.
MADE_BY_MAGICK = {
    **{f"grey{bits}.png": f"-alpha off -colorspace Gray -depth {bits}" for bits in (1, 2, 4, 8, 16)},
    **{f"rgb{bits}.png": f"-alpha off -depth {bits} -define png:color-type=2" for bits in (8, 16)},
    **{f"rgba{bits}.png": f"-depth {bits} -define png:color-type=6" for bits in (8, 16)},
    **{f"grey-alpha{bits}.png": f"-colorspace Gray -depth {bits} -define png:color-type=4" for bits in (8, 16)},
    "palette.png": "-alpha off -colors 32 -define png:color-type=3 -depth 8",
    "interlaced.png": "-alpha off -depth 8 -interlace PNG",
    **{f"linear{bits}.png": f"-alpha off -colorspace RGB -depth {bits}" for bits in (8, 16)},
    "plain.jpg": "-alpha off -quality 92",
    "progressive.jpg": "-alpha off -quality 92 -interlace JPEG -sampling-factor 4:4:4",
    "grey.jpg": "-alpha off -colorspace Gray -quality 92",
    "cmyk.jpg": "-alpha off -colorspace CMYK -quality 92",
    **{
        f"{name}-{compression.lower()}.tif": f"{options} -compress {compression}"
        for name, options in {
            "grey8": "-alpha off -colorspace Gray -depth 8",
            "grey12": "-alpha off -colorspace Gray -depth 12",
            "grey16": "-alpha off -colorspace Gray -depth 16",
            "rgb8": "-alpha off -depth 8",
            "rgb12": "-alpha off -depth 12",
            "rgb16": "-alpha off -depth 16",
            "rgba8": "-depth 8",
            "rgba16": "-depth 16",
            "grey-alpha8": "-colorspace Gray -depth 8",
            "grey-alpha16": "-colorspace Gray -depth 16",
        }.items()
        for compression in ("None", "LZW", "Zip")
    },
    "bilevel.tif": "-alpha off -colorspace Gray -threshold 50% -type Bilevel -compress Group4",
    "grey4.tif": "-alpha off -colorspace Gray -depth 4 -compress LZW",
    "palette.tif": "-alpha off -colors 32 -type Palette -compress None",
    "cmyk8.tif": "-alpha off -colorspace CMYK -depth 8 -compress Zip",
    "jpeg.tif": "-alpha off -depth 8 -compress JPEG",
    "white-is-zero8.tif": "-alpha off -colorspace Gray -depth 8 -define quantum:polarity=min-is-white -compress None",
    "white-is-zero16.tif": "-alpha off -colorspace Gray -depth 16 -define quantum:polarity=min-is-white -compress Zip",
    **{
        f"{name}{bits}.tif": f"-alpha off -depth {bits} {options}"
        for bits in (8, 16)
        for name, options in {
            "tiled": "-define tiff:tile-geometry=16x32 -compress Zip",
            "planes": "-interlace plane -compress LZW",
            "big-endian": "-define tiff:endian=msb -compress LZW",
            "packbits": "-compress RLE",
        }.items()
    },
    "planes-alpha16.tif": "-depth 16 -interlace plane -compress LZW",
    "lossless.webp": "-define webp:lossless=true",
    "lossy.webp": "-alpha off -quality 90",
    "plain.gif": "-alpha off",
    "plain.bmp": "-alpha off",
    "palette.bmp": "-alpha off -colors 32 -type Palette",
    "grey.pgm": "-alpha off -colorspace Gray -depth 8",
    "grey16.pgm": "-alpha off -colorspace Gray -depth 16",
    "rgb.ppm": "-alpha off -depth 8",
    "rgb16.ppm": "-alpha off -depth 16",
    "bilevel.pbm": "-alpha off -colorspace Gray -threshold 50%",
}


@pytest.fixture(scope="module")
def enhancer() -> edge_dce.Enhancer:
    return edge_dce.load(TINY)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PNG of 16 bits with alpha."""
    path = tmp_path_factory.mktemp("scene") / "scene.png"
    samples = np.rint(make_scene(HEIGHT, WIDTH, 4) * 65535).astype(np.uint16)
    # Without a place where nothing is seen: what readers make of colors there is their own affair.
    write_picture(edge_dce.Picture(samples[..., :3], alpha=np.maximum(samples[..., 3], 20_000)), path)
    return path


def run_magick(*words: str | Path) -> bytes:
    return subprocess.run([MAGICK, *words], capture_output=True, check=True).stdout


def read_by_magick(path: Path, *options: str) -> np.ndarray:
    """(H, W, 4) of 255 levels, in sRGB's numbers but with the colors of the file's own profile."""
    found = json.loads(run_magick(f"{path}[0]", *options, "-format", "[%w, %h]", "info:"))
    raw = run_magick(
        f"{path}[0]", *options, "-colorspace", "sRGB", "-alpha", "set", "-depth", "16", "-endian", "LSB", "RGBA:-"
    )
    return np.frombuffer(raw, "<u2").reshape(found[1], found[0], 4) / 257


def read_by_us(path: Path, enhancer: edge_dce.Enhancer) -> np.ndarray:
    """The same, of what strength 0 writes as PNG."""
    out = path.with_name("out.png")
    write_picture(enhance_picture(read_picture(path), enhancer, UNCHANGED), out, overwrite=True)
    return read_by_magick(out)


def assert_same(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.shape == expected.shape
    # The mean of each channel within one level, and no part of the picture in another place.
    np.testing.assert_allclose(found.mean(axis=(0, 1)), expected.mean(axis=(0, 1)), atol=1)
    assert np.abs(found - expected).mean() < 1.5


@pytest.mark.parametrize("name", MADE_BY_MAGICK)
def test_picture_is_what_imagemagick_sees(name: str, scene: Path, tmp_path: Path, enhancer: edge_dce.Enhancer) -> None:
    run_magick(scene, *MADE_BY_MAGICK[name].split(), tmp_path / name)
    assert_same(read_by_us(tmp_path / name, enhancer), read_by_magick(tmp_path / name))


# ImageMagick 6 knows of none in PNG and WebP.
@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_what_imagemagick_applies(
    orientation: int, suffix: str, tmp_path: Path, enhancer: edge_dce.Enhancer
) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    path = tmp_path / f"photo{suffix}"
    options = {"tiffinfo": {274: orientation}} if suffix == ".tif" else {"exif": exif}
    Image.fromarray(np.rint(make_scene(HEIGHT, WIDTH) * 255).astype(np.uint8)).save(path, **options)
    assert_same(read_by_us(path, enhancer), read_by_magick(path, "-auto-orient"))


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
def test_profile_is_the_one_that_imagemagick_finds(suffix: str, tmp_path: Path, enhancer: edge_dce.Enhancer) -> None:
    path, out = tmp_path / f"photo{suffix}", tmp_path / f"out{suffix}"
    Image.fromarray(np.rint(make_scene(HEIGHT, WIDTH) * 255).astype(np.uint8)).save(path, icc_profile=P3)
    write_picture(enhance_picture(read_picture(path), enhancer, UNCHANGED), out)
    assert run_magick(out, "icc:-") == P3
    assert_same(read_by_magick(out), read_by_magick(path))


def test_samples_of_12_bits_are_what_imagemagick_sees(tmp_path: Path, enhancer: edge_dce.Enhancer) -> None:
    samples = np.rint(make_scene(HEIGHT, WIDTH, 1) * 4095).astype(np.uint16)
    (tmp_path / "deep.tif").write_bytes(make_tiff((describe(samples, 12, 1), [pack_bits(samples, 12)])))
    assert_same(read_by_us(tmp_path / "deep.tif", enhancer), read_by_magick(tmp_path / "deep.tif"))


def test_planes_without_compression_are_what_imagemagick_sees(tmp_path: Path, enhancer: edge_dce.Enhancer) -> None:
    samples = np.rint(make_scene(HEIGHT, WIDTH) * 65535).astype("<u2")
    planes = [samples[..., channel].tobytes() for channel in range(3)]
    (tmp_path / "planes.tif").write_bytes(make_tiff((describe(samples, 16, 2, t284=(SHORT, [2])), planes)))
    assert_same(read_by_us(tmp_path / "planes.tif", enhancer), read_by_magick(tmp_path / "planes.tif"))


@pytest.mark.parametrize("suffix", [".avif", ".heic"])
def test_picture_of_a_phone_is_what_imagemagick_sees(suffix: str, tmp_path: Path, enhancer: edge_dce.Enhancer) -> None:
    path = tmp_path / f"photo{suffix}"
    image = Image.fromarray(np.rint(make_scene(HEIGHT, WIDTH) * 255).astype(np.uint8))
    if suffix == ".heic":
        pytest.importorskip("pillow_heif", reason="the extra `heic` is not installed").from_pillow(image).save(path)
    elif has_avif():
        image.save(path, quality=90)
    else:
        pytest.skip("this Pillow has no AVIF")
    try:
        expected = read_by_magick(path)
    except subprocess.CalledProcessError:
        pytest.skip(f"this ImageMagick reads no {suffix}")
    assert_same(read_by_us(path, enhancer), expected)


@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp"])
@pytest.mark.parametrize("target", [".png", ".webp"])
def test_animation_has_the_frames_that_imagemagick_counts(
    suffix: str, target: str, tmp_path: Path, enhancer: edge_dce.Enhancer
) -> None:
    frames = [Image.new("RGB", (WIDTH, HEIGHT), (40 * number, 30, 90)) for number in range(4)]
    path, out = tmp_path / f"clip{suffix}", tmp_path / f"out{target}"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=80, loop=0)
    write_picture(enhance_picture(read_picture(path), enhancer, UNCHANGED), out)
    # ImageMagick 6 sees one frame of an animated PNG.
    counted = [run_magick(file, "-format", "%n %T\n", "info:").split() for file in (path, out) if file.suffix != ".png"]
    for words in counted:
        assert words[0] == b"4"
        assert {int(word) for word in words[1::2]} == {8}
