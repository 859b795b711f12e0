"""What the table of formats says is so."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

from edge_dce.files.formats import profiles, registry
from edge_dce.files.formats.pillow_samples import has_avif
from edge_dce.files.formats.registry import ALPHA, EXIF, FRAMES, PROFILE, TEXT, XMP, Format
from edge_dce.files.picture import Picture
from edge_dce.files.pictures import encode_picture, read_picture

P3 = profiles.make_profile(profiles.find_colorants(profiles.PRIMARIES[12]))
PACKET = b"<x:xmpmeta/>"


def write_all(known: Format, path: Path) -> None:
    """A file of a format with everything that its writer, of Pillow or pillow-heif, can put into it."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "a maker"
    images = [Image.new("RGBA", (32, 24), (200, 10 + 80 * number, 30, 255)) for number in range(2)]
    for image in images:
        # A GIF knows no half transparency.
        image.paste((0, 0, 0, 0), (4, 4, 12, 12))
    more: dict[str, Any] = {"exif": exif.tobytes(), "xmp": PACKET, "icc_profile": P3}
    if known is registry.HEIC:
        pytest.importorskip("pillow_heif", reason="the extra `heic` is not installed").from_pillow(images[0]).save(
            path, **more
        )
    elif known is registry.AVIF:
        if not has_avif():
            pytest.skip("this Pillow has no AVIF")
        images[0].save(path, save_all=True, append_images=images[1:], duration=50, **more)
    else:
        images[0].save(path, save_all=True, append_images=images[1:], duration=50, comment="by night", disposal=2)


def list_found(picture: Picture) -> set[str]:
    found = {
        ALPHA: picture.alpha is not None,
        PROFILE: picture.icc_profile is not None,
        EXIF: picture.exif is not None,
        XMP: picture.notes.xmp is not None,
        TEXT: bool(picture.notes.texts),
        FRAMES: picture.animation is not None,
    }
    return {feature for feature, is_there in found.items() if is_there}


@pytest.mark.parametrize("known", [registry.GIF, registry.AVIF, registry.HEIC], ids=lambda known: known.name)
def test_format_that_is_only_read_gives_what_the_table_says(known: Format, tmp_path: Path) -> None:
    path = tmp_path / f"photo{known.suffixes[0]}"
    write_all(known, path)
    assert list_found(read_picture(path)) == known.reads & {ALPHA, PROFILE, EXIF, XMP, TEXT, FRAMES}


@pytest.mark.parametrize("suffix", sorted(registry.WRITABLE_SUFFIXES))
def test_format_that_is_written_holds_samples_as_the_table_says(suffix: str, tmp_path: Path) -> None:
    known = registry.find_writer(suffix)
    assert known is not None
    assert known.holds is not None
    assert known.holds <= known.reads
    deep = Picture(np.full((8, 8, 3), 1000, np.uint16), icc_profile=P3)
    (tmp_path / f"photo{suffix}").write_bytes(encode_picture(deep, suffix))
    found = read_picture(tmp_path / f"photo{suffix}")
    assert (found.image.dtype == np.uint16) == (registry.DEPTH in known.holds)
    assert (found.icc_profile == P3) == (PROFILE in known.holds)


def test_every_suffix_belongs_to_one_format() -> None:
    suffixes = [suffix for known in registry.FORMATS for suffix in known.suffixes]
    assert len(suffixes) == len(set(suffixes))


def test_folders_hold_raw_files_where_something_develops_them() -> None:
    assert (".dng" in registry.READABLE_SUFFIXES) == (importlib.util.find_spec("rawpy") is not None)
    assert {".heic", ".avif", ".jfif", ".jpe"} <= registry.READABLE_SUFFIXES
