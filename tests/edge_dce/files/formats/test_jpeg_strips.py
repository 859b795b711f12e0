import io

import cv2
import numpy as np
import pytest
from PIL import Image

from edge_dce.files.formats.jpeg_strips import JpegStrips
from tests.edge_dce.files.formats.made_files import make_scene

QUALITY = 90


def make_image(height: int, width: int) -> np.ndarray:
    return np.rint(make_scene(height, width) * 255).astype(np.uint8)


def encode_whole(image: np.ndarray, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=QUALITY, subsampling="4:2:0", **options)
    return stream.getvalue()


def encode_strips(image: np.ndarray, rows: int) -> JpegStrips:
    """The lowest strip first: threads finish them in any order."""
    strips = JpegStrips(image, QUALITY)
    for top in reversed(range(0, len(image), rows)):
        strips.encode(slice(top, top + rows))
    return strips


def decode(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


# In one strip, in a few, in more than the eight restart markers that there are, with edges inside a block.
@pytest.mark.parametrize(("height", "width", "rows"), [(30, 40, 32), (96, 64, 32), (333, 501, 32), (17, 15, 16)])
def test_strips_show_what_one_piece_shows(height: int, width: int, rows: int) -> None:
    image = make_image(height, width)
    whole = encode_whole(image)
    joined = encode_strips(image, rows).join(whole)
    assert joined is not None
    assert Image.open(io.BytesIO(joined)).quantization == Image.open(io.BytesIO(whole)).quantization
    # Two builds of libjpeg may round a transform differently.
    assert np.abs(decode(joined).astype(int) - decode(whole)).max() <= 2
    again = cv2.imdecode(np.frombuffer(joined, np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(again[..., ::-1].astype(int) - decode(joined)).max() <= 2


def test_file_says_what_the_other_one_says() -> None:
    exif = Image.Exif()
    exif[0x010E] = "lamp"
    described = encode_whole(make_image(8, 8), comment=b"night", dpi=(300, 300), icc_profile=b"profile" * 9, exif=exif)
    joined = encode_strips(make_image(96, 64), 32).join(described)
    assert joined is not None
    opened = Image.open(io.BytesIO(joined))
    assert opened.size == (64, 96)
    assert (opened.info["comment"], opened.info["dpi"]) == (b"night", (300, 300))
    assert opened.info["icc_profile"] == b"profile" * 9
    assert opened.getexif()[0x010E] == "lamp"


def test_strips_that_are_missing_make_no_file() -> None:
    image = make_image(96, 64)
    strips = JpegStrips(image, QUALITY)
    assert strips.join(encode_whole(image)) is None
    for top in (0, 64):
        strips.encode(slice(top, top + 32))
    assert strips.join(encode_whole(image)) is None


def test_strips_of_more_blocks_than_an_interval_counts_make_no_file() -> None:
    # 1,025 blocks across and 64 down are 65,600; the marker holds 16 bits.
    image = np.zeros((1040, 16_400, 3), np.uint8)
    assert encode_strips(image, 1024).join(encode_whole(image)) is None
