"""One call for paths, bytes, images of Pillow, arrays and pictures: each comes back as what it was."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import edge_dce
from edge_dce.pixels.look import Look

STILL = Look(strength=0, denoise=0)


@pytest.fixture(scope="module")
def dark() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 60, (40, 60, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def enhancer() -> edge_dce.Enhancer:
    return edge_dce.load(threads=1)


def encode(image: Image.Image, file_format: str) -> bytes:
    stream = io.BytesIO()
    image.save(stream, file_format)
    return stream.getvalue()


def test_array_is_enhanced_as_by_the_enhancer(dark: np.ndarray, enhancer: edge_dce.Enhancer) -> None:
    np.testing.assert_array_equal(edge_dce.enhance(dark), enhancer.enhance(dark))


def test_order_of_channels_is_that_of_the_array(dark: np.ndarray, enhancer: edge_dce.Enhancer) -> None:
    turned = np.ascontiguousarray(dark[..., ::-1])
    np.testing.assert_array_equal(edge_dce.enhance(turned, channel_order="BGR")[..., ::-1], enhancer.enhance(dark))


def test_deep_array_keeps_its_depth(dark: np.ndarray) -> None:
    assert edge_dce.enhance(dark.astype(np.uint16) * 257).dtype == np.uint16


@pytest.mark.parametrize("kind", [str, Path])
def test_path_gives_the_path_of_the_result(kind: type, dark: np.ndarray, tmp_path: Path) -> None:
    Image.fromarray(dark).save(tmp_path / "night.png")
    result = edge_dce.enhance(kind(tmp_path / "night.png"))
    assert result == kind(tmp_path / "night-enhanced.png")
    np.testing.assert_array_equal(edge_dce.read_picture(result).image, edge_dce.enhance(dark))


def test_result_of_a_path_goes_where_it_shall_and_replaces_nothing(dark: np.ndarray, tmp_path: Path) -> None:
    source, target = tmp_path / "night.png", tmp_path / "bright.png"
    Image.fromarray(dark).save(source)
    assert edge_dce.enhance(source, output=target) == target
    with pytest.raises(edge_dce.OutputError, match="exists"):
        edge_dce.enhance(source, output=target)
    edge_dce.enhance(source, output=target, overwrite=True)


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "TIFF"])
def test_bytes_give_the_bytes_of_a_file_of_the_same_format(file_format: str, dark: np.ndarray) -> None:
    result = edge_dce.enhance(encode(Image.fromarray(dark), file_format), STILL)
    assert isinstance(result, bytes)
    with Image.open(io.BytesIO(result)) as opened:
        assert (opened.format, opened.size) == (file_format, (60, 40))


def test_bytes_of_what_cannot_be_written_give_a_png(dark: np.ndarray) -> None:
    with Image.open(io.BytesIO(edge_dce.enhance(encode(Image.fromarray(dark), "PPM"), STILL))) as opened:
        assert opened.format == "PNG"
        np.testing.assert_array_equal(np.asarray(opened), dark)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("RGB", "RGB"),
        ("RGBA", "RGBA"),
        ("L", "L"),
        ("LA", "LA"),
        ("I;16", "I;16"),
        ("P", "RGB"),
        ("1", "L"),
        ("CMYK", "RGB"),
    ],
)
def test_image_of_pillow_keeps_its_mode_or_gets_one_that_holds_any_color(
    mode: str, expected: str, dark: np.ndarray
) -> None:
    image = (
        Image.fromarray(dark[..., 0].astype(np.uint16) * 200) if mode == "I;16" else Image.fromarray(dark).convert(mode)
    )
    result = edge_dce.enhance(image, STILL)
    assert (result.mode, result.size) == (expected, image.size)
    # Nothing is enhanced, so what is seen is the same; CMYK is told from RGB by Pillow's own formula.
    np.testing.assert_array_equal(
        np.asarray(result), np.asarray(image.convert(expected) if mode != expected else image)
    )


def test_image_of_pillow_keeps_what_it_says(dark: np.ndarray) -> None:
    image = Image.fromarray(dark)
    image.info["dpi"] = (300, 300)
    assert edge_dce.enhance(image).info["dpi"] == (300, 300)


def test_picture_gives_a_picture(dark: np.ndarray) -> None:
    picture = edge_dce.Picture(dark, is_grey=False)
    np.testing.assert_array_equal(edge_dce.enhance(picture).image, edge_dce.enhance(dark))


def test_many_come_one_by_one_each_as_its_kind(dark: np.ndarray) -> None:
    taken = []

    def give() -> object:
        for source in (dark, Image.fromarray(dark)):
            taken.append(source)
            yield source

    results = edge_dce.enhance_many(give())
    assert isinstance(next(results), np.ndarray)
    assert len(taken) == 1
    assert isinstance(next(results), Image.Image)


@pytest.mark.parametrize(("value", "found"), [(None, "NoneType"), ([1, 2], "list"), (3.5, "float")])
def test_anything_else_is_refused_by_its_type(value: object, found: str) -> None:
    with pytest.raises(edge_dce.ImageError, match=f"found {found}"):
        edge_dce.enhance(value)


def test_bytes_of_no_picture_are_refused_in_one_line() -> None:
    with pytest.raises(edge_dce.ImageError, match=r"9 bytes: its content is not a picture") as error:
        edge_dce.enhance(b"some text")
    assert "\n" not in str(error.value)


def test_output_belongs_to_a_path(dark: np.ndarray) -> None:
    with pytest.raises(edge_dce.ImageError, match="expected a path"):
        edge_dce.enhance(dark, output="bright.png")


def test_enhancer_is_called_like_the_function(dark: np.ndarray, enhancer: edge_dce.Enhancer) -> None:
    result = enhancer(Image.fromarray(dark))
    np.testing.assert_array_equal(np.asarray(result), enhancer.enhance(dark))


def test_closed_enhancer_says_so(dark: np.ndarray) -> None:
    with edge_dce.load(threads=2) as enhancer:
        enhancer(dark)
    with pytest.raises(edge_dce.ModelError, match="closed"):
        enhancer(dark)
    enhancer.close()
