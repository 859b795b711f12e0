"""Samples coded otherwise than sRGB's show the same light, before and after."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from edge_dce.errors import ImageError
from edge_dce.files.formats import profiles, transfer
from edge_dce.files.formats.deep_png import decode, encode_png
from edge_dce.files.formats.png_chunks import list_chunks
from edge_dce.files.pictures import Picture, encode_picture, list_left_out, read_picture
from tests.edge_dce.files.formats.made_files import insert_png_chunk, make_scene

P3, BT2020, PQ, HLG, LINEAR, SRGB = 12, 9, 16, 18, 8, 13
LIGHT = make_scene() * 0.4


def code(light: np.ndarray, top: int) -> np.ndarray:
    return np.rint(light * top).astype(np.uint16 if top > 255 else np.uint8)


def encode(samples: np.ndarray) -> bytes:
    if samples.dtype == np.uint16:
        return encode_png(samples)
    stream = io.BytesIO()
    Image.fromarray(samples).save(stream, "PNG")
    return stream.getvalue()


def read(tmp_path: Path, data: bytes) -> Picture:
    (tmp_path / "made.png").write_bytes(data)
    return read_picture(tmp_path / "made.png")


def read_again(tmp_path: Path, picture: Picture, suffix: str = ".png") -> Picture:
    (tmp_path / f"again{suffix}").write_bytes(encode_picture(picture, suffix))
    return read_picture(tmp_path / f"again{suffix}")


def light_of(picture: Picture) -> np.ndarray:
    return transfer.decode_srgb(picture.image / np.iinfo(picture.image.dtype).max)


def encode_pq(nits: float) -> float:
    """The number that BT.2100 has for a luminance."""
    share = (nits / 10000) ** (2610 / 16384)
    return float(((3424 / 4096 + 2413 / 128 * share) / (1 + 2392 / 128 * share)) ** (2523 / 32))


@pytest.mark.parametrize("top", [255, 65535])
def test_linear_samples_by_gamma_show_their_light(tmp_path: Path, top: int) -> None:
    data = insert_png_chunk(encode(code(LIGHT, top)), b"gAMA", struct.pack(">I", 100_000))
    picture = read(tmp_path, data)
    # Half a step of the file, and sRGB's of 16 bits, which are at most 2.4 / 65535 of light.
    assert np.abs(light_of(picture) - LIGHT).max() <= 0.5 / top + 2.4 / 65535
    np.testing.assert_array_equal(read_again(tmp_path, picture).image, picture.image)


def test_linear_samples_by_code_points_show_their_light(tmp_path: Path) -> None:
    data = insert_png_chunk(encode(code(LIGHT, 65535)), b"cICP", bytes((1, LINEAR, 0, 1)))
    assert np.abs(light_of(read(tmp_path, data)) - LIGHT).max() <= 3 / 65535


@pytest.mark.parametrize("exponent", [100_000, 55_556, 45_455])
def test_gamma_and_chromaticities_and_their_samples_stay_in_a_png(tmp_path: Path, exponent: int) -> None:
    samples = code(LIGHT, 65535)
    points = struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
    gamma = struct.pack(">I", exponent)
    data = insert_png_chunk(insert_png_chunk(encode(samples), b"cHRM", points), b"gAMA", gamma)
    written = encode_picture(read(tmp_path, data), ".png")
    chunks = dict(list_chunks(written))
    assert (chunks[b"gAMA"], chunks[b"cHRM"]) == (gamma, points)
    assert b"iCCP" not in chunks
    found = decode(written)
    assert found is not None
    # Half a level of 255, as of HDR.
    assert np.abs(found.astype(int) - samples).max() <= 128


def test_linear_samples_by_code_points_stay_in_a_png(tmp_path: Path) -> None:
    samples = code(LIGHT, 65535)
    data = insert_png_chunk(encode(samples), b"cICP", bytes((P3, LINEAR, 0, 1)))
    written = encode_picture(read(tmp_path, data), ".png")
    chunks = dict(list_chunks(written))
    assert chunks[b"cICP"] == bytes((P3, LINEAR, 0, 1))
    assert b"iCCP" not in chunks
    found = decode(written)
    assert found is not None
    assert np.abs(found.astype(int) - samples).max() <= 128


def test_linear_samples_become_those_of_srgb_where_a_format_has_no_gamma(tmp_path: Path) -> None:
    data = insert_png_chunk(encode(code(LIGHT, 65535)), b"gAMA", struct.pack(">I", 100_000))
    picture = read(tmp_path, data)
    np.testing.assert_array_equal(read_again(tmp_path, picture, ".tif").image, picture.image)


def test_linear_samples_by_profile_show_their_light_and_their_colors_stay(tmp_path: Path) -> None:
    colorants = profiles.find_colorants(profiles.PRIMARIES[P3])
    linear = profiles.make_profile(colorants).replace(
        struct.pack(">4sIHH5i", b"para", 0, 3, 0, 157286, 62119, 3417, 5072, 2651),
        struct.pack(">4sII", b"curv", 0, 0).ljust(32, b"\0"),
    )
    stream = io.BytesIO()
    Image.fromarray(code(LIGHT, 255)).save(stream, "PNG", icc_profile=linear)
    picture = read(tmp_path, stream.getvalue())
    assert np.abs(light_of(picture) - LIGHT).max() <= 0.5 / 255 + 3 / 65535
    kept = profiles.read_simple(picture.icc_profile or b"")
    assert kept is not None
    assert kept.has_srgb_curves
    np.testing.assert_allclose(kept.colorants, colorants, atol=1e-4)


def test_gamma_of_screens_changes_nothing(tmp_path: Path) -> None:
    samples = code(make_scene(), 255)
    data = insert_png_chunk(encode(samples), b"gAMA", struct.pack(">I", 45_455))
    picture = read(tmp_path, data)
    np.testing.assert_array_equal(picture.image, samples)
    assert picture.icc_profile is None


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_display_p3_by_code_points_gets_a_profile_that_every_format_holds(tmp_path: Path, suffix: str) -> None:
    data = insert_png_chunk(encode(code(make_scene(), 255)), b"cICP", bytes((P3, SRGB, 0, 1)))
    picture = read(tmp_path, data)
    again = read_again(tmp_path, picture, suffix)
    simple = profiles.read_simple(again.icc_profile or b"")
    assert simple is not None
    np.testing.assert_allclose(simple.colorants, profiles.find_colorants(profiles.PRIMARIES[P3]), atol=1e-4)


def test_display_p3_by_code_points_keeps_them_in_png(tmp_path: Path) -> None:
    data = insert_png_chunk(encode(code(make_scene(), 255)), b"cICP", bytes((P3, SRGB, 0, 1)))
    written = dict(list_chunks(encode_picture(read(tmp_path, data), ".png")))
    assert written[b"cICP"] == bytes((P3, SRGB, 0, 1))
    assert b"iCCP" not in written


def test_primaries_by_chromaticities_become_a_profile(tmp_path: Path) -> None:
    red, green, blue, white = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), (0.3127, 0.329))
    points = [round(number * 100_000) for point in (white, red, green, blue) for number in point]
    data = insert_png_chunk(encode(code(make_scene(), 255)), b"cHRM", struct.pack(">8I", *points))
    profile = read(tmp_path, data).icc_profile
    adobe = profiles.find_colorants((*red, *green, *blue, *white))
    simple = profiles.read_simple(profile or b"")
    assert simple is not None
    np.testing.assert_allclose(simple.colorants, adobe, atol=1e-4)


@pytest.mark.parametrize("curve", [PQ, HLG])
def test_hdr_keeps_its_code_points_and_its_samples(tmp_path: Path, curve: int) -> None:
    samples = np.arange(65536, dtype=np.uint16)[::7][:9360].reshape(60, 52, 3)
    data = insert_png_chunk(encode(samples), b"cICP", bytes((BT2020, curve, 0, 1)))
    written = encode_picture(read(tmp_path, data), ".png")
    assert dict(list_chunks(written))[b"cICP"] == bytes((BT2020, curve, 0, 1))
    with Image.open(io.BytesIO(written)) as opened:
        assert "icc_profile" not in opened.info
    # 16 bits of sRGB tell the darkest and the brightest numbers less apart: half a level of 255.
    found = decode(written)
    assert found is not None
    assert np.abs(found.astype(int) - samples).max() <= 150


def test_hdr_shows_white_below_white_and_the_dark_as_it_is(tmp_path: Path) -> None:
    # White has 203 nits.
    samples = np.full((4, 4, 3), encode_pq(203.0))
    samples[:2] = encode_pq(2.03)
    picture = read(tmp_path, insert_png_chunk(encode(code(samples, 65535)), b"cICP", bytes((BT2020, PQ, 0, 1))))
    assert light_of(picture)[0, 0, 0] == pytest.approx(0.01, rel=0.02)
    assert 0.85 < picture.image[3, 0, 0] / 65535 < 0.9


def test_hdr_in_another_format_is_said_to_be_left_out(tmp_path: Path) -> None:
    data = insert_png_chunk(encode(code(make_scene(), 65535)), b"cICP", bytes((BT2020, PQ, 0, 1)))
    picture = read(tmp_path, data)
    assert list_left_out(picture, ".jpg") == {"HDR": 1}
    assert read_again(tmp_path, picture, ".jpg").icc_profile == picture.icc_profile
    assert list_left_out(picture, ".png") == {}


@pytest.mark.parametrize("cicp", [(1, 17, 0, 1), (10, 13, 0, 1), (1, 13, 1, 1), (1, 13, 0, 0)])
def test_code_points_that_are_not_understood_are_refused(tmp_path: Path, cicp: tuple[int, ...]) -> None:
    with pytest.raises(ImageError, match="convert it to sRGB"):
        read(tmp_path, insert_png_chunk(encode(code(make_scene(), 255)), b"cICP", bytes(cicp)))


@pytest.mark.parametrize("primaries", [1, P3, BT2020])
def test_made_profile_means_to_littlecms_what_it_says(primaries: int) -> None:
    profile = profiles.make_profile(profiles.find_colorants(profiles.PRIMARIES[primaries]))
    grey = Image.new("RGB", (1, 1), (120, 120, 120))
    converted = ImageCms.profileToProfile(
        grey, ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    assert converted is not None
    # White of the profile is white of sRGB, up to a level by rounding.
    assert np.abs(np.array(converted).astype(int) - 120).max() <= 1


@pytest.mark.parametrize("kind", range(5))
def test_parametric_curves_are_those_of_littlecms(kind: int) -> None:
    # From black to white each, because LittleCMS bends the ends of others there.
    numbers = (
        (1.8,),
        (2.2, 1.1, -0.1),
        (2.0, 0.8198, 0.2, -0.04),
        (2.4, 1 / 1.055, 0.0521, 0.0774, 0.0405),
        (2.4, 0.9, 0.05, 2.965, 0.04, 0.1158, 0.0),
    )[kind]
    curve = struct.pack(f">4sIHH{len(numbers)}i", b"para", 0, kind, 0, *(round(number * 65536) for number in numbers))
    plain = profiles.make_profile(profiles.find_colorants(profiles.SRGB_PRIMARIES))
    # Behind the profile, where its three tags point to, there is room for the longest curve.
    profile = bytearray(plain + curve)
    for number in range(struct.unpack_from(">I", profile, 128)[0]):
        entry = 132 + 12 * number
        if profile[entry + 1 : entry + 4] == b"TRC":
            struct.pack_into(">II", profile, entry + 4, len(plain), len(curve))
    struct.pack_into(">I", profile, 0, len(profile))
    simple = profiles.read_simple(bytes(profile))
    assert simple is not None
    levels = np.arange(256, dtype=np.uint8)
    grey = Image.fromarray(np.repeat(levels[np.newaxis, :, np.newaxis], 3, axis=2))
    converted = ImageCms.profileToProfile(
        grey, ImageCms.ImageCmsProfile(io.BytesIO(bytes(profile))), ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    assert converted is not None
    expected = 255 * transfer.encode_srgb(simple.curves[0](levels / 255))
    # Two roundings of 8 bits.
    assert np.abs(np.array(converted)[0, :, 1] - expected).max() <= 1.5
