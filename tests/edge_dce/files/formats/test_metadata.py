"""What files say of a picture goes with it as far as the target holds it, and is true of the new one."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, PngImagePlugin

from edge_dce.cli import main
from edge_dce.files.formats import jpeg_segments, profiles, registry
from edge_dce.files.picture import Notes, Picture
from edge_dce.files.pictures import encode_picture, list_left_out, read_picture, write_picture
from tests.edge_dce.files.formats.made_files import make_scene

TINY = str(Path(__file__).resolve().parents[3] / "models" / "tiny-16x16-int8.tflite")
SCENE = np.rint(make_scene(48, 64) * 255).astype(np.uint8)
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmp:Rating="4" GPano:ProjectionType="equirectangular"/></rdf:RDF></x:xmpmeta>'
)
IPTC = b"\x1c\x02\x69\x00\x06harbor"
NOTES = Notes(xmp=XMP, iptc=IPTC, resolution_dpi=(300.0, 300.0), texts=(("Comment", "by night"), ("Title", "Größe 東")))


def make_exif(*, has_thumbnail: bool = False, **tags: int) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "a camera maker"
    if tags:
        exif[ExifTags.IFD.Exif] = {int(getattr(ExifTags.Base, name)): value for name, value in tags.items()}
    block = exif.tobytes()
    if not has_thumbnail:
        return block
    stream = io.BytesIO()
    Image.new("RGB", (16, 12), (255, 0, 0)).save(stream, "JPEG")
    tiff = bytearray(block.removeprefix(b"Exif\0\0"))
    order = "<" if tiff[:2] == b"II" else ">"
    (first,) = struct.unpack_from(f"{order}I", tiff, 4)
    (count,) = struct.unpack_from(f"{order}H", tiff, first)
    struct.pack_into(f"{order}I", tiff, first + 2 + 12 * count, len(tiff))
    at = len(tiff) + 2 + 24 + 4
    tiff += struct.pack(f"{order}HHHIIHHIII", 2, 513, 4, 1, at, 514, 4, 1, stream.tell(), 0) + stream.getvalue()
    return b"Exif\0\0" + bytes(tiff)


def read_exif(data: bytes) -> Image.Exif:
    with Image.open(io.BytesIO(data)) as opened:
        return opened.getexif()


@pytest.mark.parametrize("suffix", sorted(registry.WRITABLE_SUFFIXES))
def test_every_format_keeps_what_the_table_says_and_names_the_rest(tmp_path: Path, suffix: str) -> None:
    picture = Picture(SCENE, exif=make_exif(), notes=NOTES)
    path = tmp_path / f"photo{suffix}"
    write_picture(picture, path)
    found = read_picture(path)
    target = registry.find_writer(suffix)
    assert target is not None
    assert target.holds is not None
    left_out = list_left_out(picture, suffix)
    for feature, kept in (
        (registry.EXIF, found.exif is not None),
        (registry.XMP, found.notes.xmp == XMP),
        (registry.IPTC, found.notes.iptc == IPTC),
        (registry.RESOLUTION, found.notes.resolution_dpi == pytest.approx((300, 300), abs=0.02)),
        (registry.TEXT, bool(found.notes.texts)),
    ):
        assert kept == (feature in target.holds), feature
        if feature != registry.TEXT:
            assert (feature in left_out) != kept, feature
    assert left_out[registry.TEXT] == 2 - len(found.notes.texts)


def test_texts_of_every_script_are_kept_by_png(tmp_path: Path) -> None:
    write_picture(Picture(SCENE, notes=NOTES), tmp_path / "photo.png")
    assert dict(read_picture(tmp_path / "photo.png").notes.texts) == dict(NOTES.texts)


def test_text_of_other_programs_is_kept(tmp_path: Path) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "somebody")
    info.add_text("Description", "a long one", zip=True)
    info.add_itxt("XML:com.adobe.xmp", XMP.decode())
    Image.fromarray(SCENE).save(tmp_path / "photo.png", pnginfo=info, dpi=(300, 300))
    notes = read_picture(tmp_path / "photo.png").notes
    assert dict(notes.texts) == {"Author": "somebody", "Description": "a long one"}
    assert notes.xmp == XMP
    assert notes.resolution_dpi == pytest.approx((300, 300), abs=0.02)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_exif_has_the_size_of_the_new_picture(tmp_path: Path, suffix: str) -> None:
    exif = Image.Exif()
    exif.load(make_exif(ExifImageWidth=4000, ExifImageHeight=3000))
    exif[ExifTags.Base.Orientation] = 6
    Image.fromarray(SCENE).save(tmp_path / "photo.jpg", exif=exif)
    details = read_exif(encode_picture(read_picture(tmp_path / "photo.jpg"), suffix)).get_ifd(ExifTags.IFD.Exif)
    assert (details[ExifTags.Base.ExifImageWidth], details[ExifTags.Base.ExifImageHeight]) == (48, 64)


def test_thumbnail_in_exif_shows_the_new_picture(tmp_path: Path) -> None:
    Image.fromarray(SCENE).save(tmp_path / "photo.jpg", exif=make_exif(has_thumbnail=True))
    bright = read_picture(tmp_path / "photo.jpg").with_image(np.full((300, 400, 3), (0, 200, 0), np.uint8))
    exif = read_exif(encode_picture(bright, ".jpg"))
    directory = exif.get_ifd(ExifTags.IFD.IFD1)
    at, size = directory[ExifTags.Base.JpegIFOffset], directory[ExifTags.Base.JpegIFByteCount]
    block = Image.open(io.BytesIO(encode_picture(bright, ".jpg"))).info["exif"].removeprefix(b"Exif\0\0")
    thumbnail = Image.open(io.BytesIO(block[at : at + size]))
    assert thumbnail.size == (160, 120)
    # JPEG of a flat color.
    assert np.abs(np.asarray(thumbnail).astype(int) - (0, 200, 0)).max() <= 3
    assert exif[ExifTags.Base.Make] == "a camera maker"


def test_no_thumbnail_is_made_where_there_was_none(tmp_path: Path) -> None:
    Image.fromarray(SCENE).save(tmp_path / "photo.jpg", exif=make_exif())
    exif = read_exif(encode_picture(read_picture(tmp_path / "photo.jpg"), ".jpg"))
    assert not exif.get_ifd(ExifTags.IFD.IFD1)


def test_orientation_in_xmp_is_that_of_the_new_picture(tmp_path: Path) -> None:
    xmp = XMP.replace(b'xmp:Rating="4"', b'xmp:Rating="4" tiff:Orientation="6"')
    (tmp_path / "photo.jpg").write_bytes(jpeg_segments.insert_segments(encode_picture(Picture(SCENE), ".jpg"), xmp=xmp))
    kept = read_picture(tmp_path / "photo.jpg").notes.xmp
    assert kept == xmp.replace(b'"6"', b'"1"')


def test_second_picture_of_a_phone_is_left_out_with_a_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gain_map = Image.fromarray(SCENE[::2, ::2, 0].copy())
    Image.fromarray(SCENE).save(tmp_path / "photo.jpg", "MPO", save_all=True, append_images=[gain_map])
    source, out = tmp_path / "photo.jpg", tmp_path / "out.jpg"
    assert main(["enhance", str(source), "-m", TINY, "-o", str(out)]) == 0
    assert f"{source}: left out: further pictures (1)" in capsys.readouterr().err
    with Image.open(out) as opened:
        assert opened.format == "JPEG"


def test_xmp_does_not_promise_the_gain_map_and_the_video_that_are_left_out(tmp_path: Path) -> None:
    promise = b'hdrgm:Version="1.0" GCamera:MotionPhoto="1" GCamera:MotionPhotoVersion="1"'
    directory = b'<Container:Directory><rdf:Seq><rdf:li Item:Semantic="GainMap"/></rdf:Seq></Container:Directory>'
    xmp = XMP.replace(b'xmp:Rating="4"', b'xmp:Rating="4" ' + promise).replace(b"</rdf:RDF>", directory + b"</rdf:RDF>")
    (tmp_path / "photo.jpg").write_bytes(
        jpeg_segments.insert_segments(encode_picture(Picture(SCENE), ".jpg"), xmp=xmp) + b"a video"
    )
    picture = read_picture(tmp_path / "photo.jpg")
    assert picture.notes.xmp == XMP
    assert picture.left_out == {"gain map": 1, "motion photo's video": 1}


def test_iptc_among_the_resources_of_photoshop_is_found(tmp_path: Path) -> None:
    resources = b"8BIM\x03\xed\0\0" + struct.pack(">I", 3) + b"abc\0" + b"8BIM\x04\x04\x03one"
    resources += struct.pack(">I", len(IPTC)) + IPTC
    assert jpeg_segments.read_iptc_resource(resources) == IPTC
    assert jpeg_segments.read_iptc_resource(resources[:30]) is None


def test_notes_too_large_for_a_segment_are_left_out_with_a_word() -> None:
    picture = Picture(SCENE, notes=Notes(xmp=bytes(70_000), iptc=bytes(70_000)))
    assert list_left_out(picture, ".jpg") == {"XMP": 1, "IPTC": 1}
    assert list_left_out(picture, ".tif") == {}


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once_and_said_no_more(tmp_path: Path, orientation: int, suffix: str) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    options = {".jpg": {"quality": 100, "subsampling": "4:4:4"}, ".webp": {"lossless": True}}.get(suffix, {})
    Image.fromarray(SCENE).save(tmp_path / f"photo{suffix}", exif=exif, **options)
    picture = read_picture(tmp_path / f"photo{suffix}")
    flipped, turned = SCENE[:, ::-1], SCENE.transpose(1, 0, 2)
    upright = [
        SCENE,
        flipped,
        SCENE[::-1, ::-1],
        SCENE[::-1],
        turned,
        turned[:, ::-1],
        turned[::-1, ::-1],
        turned[::-1],
    ]
    assert picture.image.shape == upright[orientation - 1].shape
    # JPEG at its best.
    assert np.abs(picture.image.astype(int) - upright[orientation - 1]).max() <= 3
    assert read_exif(encode_picture(picture, suffix)).get(ExifTags.Base.Orientation, 1) == 1


def test_resolution_turns_with_the_picture(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.fromarray(SCENE).save(tmp_path / "scan.jpg", exif=exif, dpi=(300, 150))
    assert read_picture(tmp_path / "scan.jpg").notes.resolution_dpi == (150, 300)


def test_what_is_left_out_of_many_files_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "photos").mkdir()
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        gain_map = Image.fromarray(SCENE[::2, ::2, 0].copy())
        Image.fromarray(SCENE).save(tmp_path / "photos" / name, "MPO", save_all=True, append_images=[gain_map])
    assert main(["enhance", str(tmp_path / "photos"), "-m", TINY, "-o", str(tmp_path / "out")]) == 0
    said = [line for line in capsys.readouterr().err.splitlines() if "further pictures" in line]
    assert said == ["3 files: left out: further pictures (3)"]


def test_opaque_alpha_is_no_reason_to_refuse_a_jpeg(tmp_path: Path) -> None:
    write_picture(Picture(SCENE, alpha=np.full(SCENE.shape[:2], 255, np.uint8)), tmp_path / "photo.jpg")
    assert read_picture(tmp_path / "photo.jpg").image.shape == SCENE.shape


def test_profile_that_a_bmp_cannot_hold_is_applied(tmp_path: Path) -> None:
    wide = profiles.make_profile(profiles.find_colorants(profiles.PRIMARIES[9]))
    red = np.full((4, 4, 3), (150, 60, 40), np.uint8)
    write_picture(Picture(red, icc_profile=wide), tmp_path / "red.bmp")
    found = read_picture(tmp_path / "red.bmp").image[0, 0].astype(int)
    # Red of BT.2020 is more red in sRGB.
    assert found[0] > 160
    assert found[1] < 50
