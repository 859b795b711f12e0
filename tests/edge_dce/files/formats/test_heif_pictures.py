"""HEIC and AVIF, as phones and browsers have them."""

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

from edge_dce.errors import ImageError
from edge_dce.files.formats import transfer
from edge_dce.files.formats.pillow_samples import has_avif
from edge_dce.files.pictures import count_pixels, read_picture, write_picture
from tests.edge_dce.files.formats.made_files import make_scene

SCENE = np.rint(make_scene(48, 64) * 255).astype(np.uint8)
needs_avif = pytest.mark.skipif(not has_avif(), reason="this Pillow reads no AVIF")


@pytest.fixture
def pillow_heif() -> Any:
    return pytest.importorskip("pillow_heif", reason="the extra `heic` is not installed")


def make_heic(pillow_heif: Any, *images: Image.Image, **options: object) -> bytes:
    file = pillow_heif.from_pillow(images[0])
    for image in images[1:]:
        file.add_from_pillow(image)
    stream = io.BytesIO()
    file.save(stream, quality=90, **options)
    return stream.getvalue()


def test_heic_is_read(tmp_path: Path, pillow_heif: Any) -> None:
    (tmp_path / "photo.heic").write_bytes(make_heic(pillow_heif, Image.fromarray(SCENE)))
    picture = read_picture(tmp_path / "photo.heic")
    # Ramps of color at quality 90.
    assert np.abs(picture.image.astype(int) - SCENE).mean() < 2
    assert picture.left_out == {}
    # Coded in blocks of 64 pixels.
    assert 48 * 64 <= count_pixels(tmp_path / "photo.heic") <= 64 * 64


def test_heic_of_10_bits_keeps_them(tmp_path: Path, pillow_heif: Any) -> None:
    deep = (make_scene(48, 64) * 65535).astype(np.uint16)
    file = pillow_heif.from_bytes("RGB;16", (64, 48), deep.tobytes())
    file.save(tmp_path / "photo.heic", quality=100)
    picture = read_picture(tmp_path / "photo.heic")
    assert picture.image.dtype == np.uint16
    assert len(np.unique(picture.image[..., 0])) > 60
    assert picture.image.max() == 65535
    # As of 8 bits, above: chroma has a quarter of the samples.
    assert np.abs(picture.image.astype(int) - deep).mean() < 2 * 257


def test_further_pictures_of_a_heic_are_counted(tmp_path: Path, pillow_heif: Any) -> None:
    images = [Image.fromarray(SCENE), Image.fromarray(255 - SCENE)]
    (tmp_path / "photo.heic").write_bytes(make_heic(pillow_heif, *images, primary_index=0))
    picture = read_picture(tmp_path / "photo.heic")
    assert abs(picture.image.astype(int) - SCENE).mean() < 2
    assert picture.left_out == {"further pictures": 1}


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_heic_is_turned_upright_once(tmp_path: Path, pillow_heif: Any, orientation: int) -> None:
    # As phones do it: by a box that turns, and by EXIF, which readers of HEIC leave alone.
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    (tmp_path / "photo.heic").write_bytes(make_heic(pillow_heif, Image.fromarray(SCENE), exif=exif.tobytes()))
    picture = read_picture(tmp_path / "photo.heic")
    expected = np.rot90(SCENE, {1: 0, 3: 2, 6: 3, 8: 1}[orientation])
    assert picture.image.shape == expected.shape
    assert np.abs(picture.image.astype(int) - expected).mean() < 2
    write_picture(picture, tmp_path / "photo.jpg")
    with Image.open(tmp_path / "photo.jpg") as written:
        assert written.getexif().get(ExifTags.Base.Orientation, 1) == 1


def test_heic_without_pillow_heif_says_what_to_install(
    tmp_path: Path, pillow_heif: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "photo.heic").write_bytes(make_heic(pillow_heif, Image.fromarray(SCENE)))

    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(ImageError, match=r"pip install 'edge-dce\[heic\]'"):
        read_picture(tmp_path / "photo.heic")


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_truncated_heic_is_one_error(tmp_path: Path, pillow_heif: Any, share: float) -> None:
    whole = make_heic(pillow_heif, Image.fromarray(SCENE))
    (tmp_path / "photo.heic").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ImageError):
        read_picture(tmp_path / "photo.heic")


@needs_avif
def test_avif_is_read_with_its_alpha(tmp_path: Path) -> None:
    alpha = np.repeat(np.linspace(0, 255, 64).astype(np.uint8)[np.newaxis], 48, axis=0)
    image = Image.fromarray(SCENE)
    image.putalpha(Image.fromarray(alpha))
    image.save(tmp_path / "photo.avif", quality=90)
    picture = read_picture(tmp_path / "photo.avif")
    assert picture.alpha is not None
    assert np.abs(picture.alpha.astype(int) - alpha).mean() < 2
    assert np.abs(picture.image[alpha > 100].astype(int) - SCENE[alpha > 100]).mean() < 3


@needs_avif
def test_frames_of_an_avif_are_all_read(tmp_path: Path) -> None:
    frames = [Image.fromarray(np.full((48, 64, 3), level, np.uint8)) for level in (20, 60, 100)]
    frames[0].save(tmp_path / "clip.avif", save_all=True, append_images=frames[1:], duration=80)
    picture = read_picture(tmp_path / "clip.avif")
    assert picture.animation is not None
    assert picture.animation.durations_ms == (80, 80, 80)
    levels = [picture.image.mean(), *(image.mean() for image, _ in picture.animation.further)]
    assert np.abs(np.subtract(levels, (20, 60, 100))).max() < 2


@needs_avif
@pytest.mark.parametrize("orientation", range(1, 9))
def test_avif_is_turned_upright_once(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    Image.fromarray(SCENE).save(tmp_path / "photo.avif", quality=95, exif=exif)
    turned = SCENE.transpose(1, 0, 2)
    upright = [SCENE, SCENE[:, ::-1], SCENE[::-1, ::-1], SCENE[::-1]]
    upright += [turned, turned[:, ::-1], turned[::-1, ::-1], turned[::-1]]
    image = read_picture(tmp_path / "photo.avif").image
    assert image.shape == upright[orientation - 1].shape
    assert np.abs(image.astype(int) - upright[orientation - 1]).mean() < 2


@needs_avif
def test_hdr_by_the_boxes_of_an_avif_is_shown(tmp_path: Path) -> None:
    """Pillow gives the samples of PQ and does not say that they are."""
    Image.new("RGB", (32, 32), (52, 52, 52)).save(tmp_path / "photo.avif", quality=100)
    data = bytearray((tmp_path / "photo.avif").read_bytes())
    at = data.index(b"nclx")
    data[at + 4 : at + 8] = bytes((0, 9, 0, 16))
    (tmp_path / "photo.avif").write_bytes(data)
    picture = read_picture(tmp_path / "photo.avif")
    assert picture.cicp == (9, 16)
    expected = transfer.encode_srgb(transfer.find_transfer(16)(np.array([52 / 255])))
    # A level of AVIF.
    assert picture.image.mean() / 65535 == pytest.approx(float(expected[0]), abs=1 / 255)
