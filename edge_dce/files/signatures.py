"""What a file is by its first bytes, where its name does not tell: downloads without a suffix, pipes."""

from __future__ import annotations

import codecs
import re

from edge_dce.files.containers import READABLE_SUFFIXES

# As many bytes as `find_suffix` looks at: three packets of a transport stream.
HEAD_BYTES = 600

_STARTS = (
    (b"\xff\xd8\xff", ".jpg"),
    (b"\x89PNG\r\n\x1a\n", ".png"),
    (b"GIF87a", ".gif"),
    (b"GIF89a", ".gif"),
    (b"II*\x00", ".tif"),
    (b"MM\x00*", ".tif"),
    (b"II+\x00", ".tif"),
    (b"MM\x00+", ".tif"),
    # Raw files of cameras that are no TIFF, or no plain one.
    (b"FUJIFILMCCD-RAW", ".raf"),
    (b"IIRO", ".orf"),
    (b"IIRS", ".orf"),
    (b"MMOR", ".orf"),
    (b"IIU\x00", ".rw2"),
    (b"\x1a\x45\xdf\xa3", ".mkv"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", ".wmv"),
    (b"\x00\x00\x01\xba", ".mpg"),
)
# PDF and PostScript.
_PAGES = (b"%PDF-", b"%!PS")
_RIFF = {b"WEBP": ".webp", b"AVI ": ".avi"}
# Brands of ISO base media files; any other holds a video.
_BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), ".avif"),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"), ".heic"),
    b"crx ": ".cr3",
    b"mif1": ".heic",
    b"msf1": ".heic",
    b"qt  ": ".mov",
}
# Sizes of the headers that follow the first 14 bytes of a BMP.
_BMP_HEADERS = frozenset({12, 40, 52, 56, 64, 108, 124})
_PACKET, _SYNC = 188, 0x47


def find_suffix(head: bytes) -> str | None:
    """The usual suffix of a picture or video that begins so, such as ".jpg" or ".mp4"; None for anything else."""
    for start, suffix in _STARTS:
        if head.startswith(start):
            return suffix
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12])
    if head[4:8] == b"ftyp":
        return _find_brand(head)
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return ".bmp"
    if re.match(rb"P[1-6]\s+[#\d]", head):
        return ".ppm"
    # Of Blu-ray a time of four bytes goes before each packet.
    for first, packet in ((0, _PACKET), (4, _PACKET + 4)):
        if len(head) > first + 2 * packet and all(head[first + count * packet] == _SYNC for count in range(3)):
            return ".ts"
    return None


def tell_other_content(head: bytes) -> str:
    """What holds no picture that can be read: what it is instead, as far as it can be seen, and what to do."""
    suffix = find_suffix(head)
    if not head:
        return "an empty file; get a fresh copy"
    if suffix in READABLE_SUFFIXES:
        return f"its content is not a picture but a video; enhance it under a name that ends in {suffix}"
    if suffix is not None:
        return f"its content is not a picture, though it begins like a {suffix}; get a fresh copy"
    if head.startswith(_PAGES):
        return "its content is not a picture but a document of pages; export a page as PNG"
    if _is_text(head):
        return "its content is not a picture but text, perhaps a web page saved instead of one; get the picture itself"
    return "its content is not a picture that is known here; save it as PNG, JPEG or TIFF, or get a fresh copy"


def _is_text(head: bytes) -> bool:
    try:
        # The last letter may be cut off.
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return all(letter.isprintable() or letter.isspace() for letter in text)


def _find_brand(head: bytes) -> str:
    size = min(int.from_bytes(head[:4], "big"), len(head))
    # The major brand, then those that it is compatible with, after a version number.
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, size - 3, 4))]
    found = [_BRANDS[brand] for brand in brands if brand in _BRANDS]
    # The brands of HEIF say how a file is built, not what codes its picture.
    return ".avif" if ".avif" in found else found[0] if found else ".mp4"
