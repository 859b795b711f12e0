import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge_dce.files.signatures import HEAD_BYTES, find_suffix, tell_other_content


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("BMP", ".bmp"),
        ("GIF", ".gif"),
        ("JPEG", ".jpg"),
        ("PNG", ".png"),
        ("PPM", ".ppm"),
        ("TIFF", ".tif"),
        ("WEBP", ".webp"),
    ],
)
def test_picture_is_told_by_its_first_bytes(name: str, suffix: str) -> None:
    stream = io.BytesIO()
    Image.fromarray(np.zeros((30, 40, 3), np.uint8)).save(stream, name)
    assert find_suffix(stream.getvalue()[:HEAD_BYTES]) == suffix


@pytest.mark.parametrize(
    ("brands", "suffix"),
    [
        ([b"heic", b"mif1", b"heic"], ".heic"),
        ([b"mif1", b"mif1", b"heic"], ".heic"),
        ([b"mif1", b"avif", b"miaf"], ".avif"),
        ([b"avif", b"mif1", b"miaf"], ".avif"),
        ([b"isom", b"isom", b"avc1"], ".mp4"),
        ([b"qt  ", b"qt  "], ".mov"),
        ([b"crx ", b"isom"], ".cr3"),
    ],
)
def test_brands_tell_pictures_from_videos(brands: list[bytes], suffix: str) -> None:
    first, *others = brands
    body = b"ftyp" + first + bytes(4) + b"".join(others)
    # What follows the box is not a brand.
    assert find_suffix((len(body) + 4).to_bytes(4, "big") + body + b"avif" * 20) == suffix


@pytest.mark.parametrize(
    ("head", "suffix"),
    [
        ((b"\x47" + bytes(187)) * 3, ".ts"),
        ((bytes(4) + b"\x47" + bytes(187)) * 3, ".ts"),
        (b"\x1a\x45\xdf\xa3" + bytes(60), ".mkv"),
        (b"RIFF\x00\x01\x00\x00AVI LIST", ".avi"),
        (b"RIFF\x00\x01\x00\x00WAVEfmt ", None),
        (b"", None),
        (bytes(HEAD_BYTES), None),
        (b"BMW is a car, and this is a text about it.", None),
        (b"P5 is a processor", None),
        (b"P5\n# made by hand\n8 8\n", ".ppm"),
        (b"PS: this is a letter", None),
        (b"%PDF-1.7", None),
    ],
)
def test_other_files_are_told_too(head: bytes, suffix: str | None) -> None:
    assert find_suffix(head) == suffix


@pytest.mark.parametrize(
    ("head", "told", "advice"),
    [
        (b"", "an empty file", "get a fresh copy"),
        (b"<!doctype html>\n<title>Not found</title>", "text", "get the picture itself"),
        # A letter of two bytes is cut where the head ends.
        ("ä".encode() * 300 + b"\xc3", "text", "get the picture itself"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0isommp42", "a video", "a name that ends in .mp4"),
        (b"%PDF-1.7\n", "a document of pages", "export a page"),
        (b"\xff\xd8\xff\xe0", "begins like a .jpg", "get a fresh copy"),
        (bytes(100), "not a picture that is known here", "save it as PNG"),
    ],
)
def test_what_is_no_picture_is_told_with_what_to_do(head: bytes, told: str, advice: str) -> None:
    message = tell_other_content(head)
    assert told in message
    assert advice in message.partition("; ")[2]


def test_own_pictures_are_what_their_names_say() -> None:
    folder = Path(__file__).resolve().parents[3] / "docs" / "pictures"
    for path in folder.glob("*.jpg"):
        assert find_suffix(path.read_bytes()[:HEAD_BYTES]) == ".jpg"


@pytest.mark.parametrize("start", [b"II+\0", b"MM\0+"])
def test_tiff_of_64_bit_offsets_is_one(start: bytes) -> None:
    assert find_suffix(start + bytes(60)) == ".tif"
