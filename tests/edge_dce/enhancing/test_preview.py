import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import edge_dce
from edge_dce.cli import main
from edge_dce.enhancing.picture import enhance_picture
from edge_dce.enhancing.preview import STRENGTHS, make_sheet
from edge_dce.files.formats.pillow_samples import convert_to_srgb
from edge_dce.files.formats.profiles import PRIMARIES, find_colorants, make_profile
from edge_dce.files.pictures import Picture

TINY = Path(__file__).resolve().parents[2] / "models" / "tiny-16x16-int8.tflite"


def make_picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(3).integers(1, 60, (height, width, 3)).astype(np.uint8)


def test_sheet_shows_the_picture_and_every_strength_in_order() -> None:
    # As large as a tile, so that nothing is resized.
    enhancer, picture = edge_dce.load(TINY), make_picture(480, 640)
    sheet = make_sheet(Picture(picture), enhancer, edge_dce.Look(0.3, 0.7, 0))
    looks = [edge_dce.Look(strength, 0.7, 0) for strength in STRENGTHS]
    expected = [picture, *(enhancer.enhance(picture, look) for look in looks)]
    assert STRENGTHS == (0.4, 0.6, 0.8, 1.0, 1.2)
    for number, tile in enumerate(expected):
        top, left = 12 + number // 3 * (480 + 52), 12 + number % 3 * (640 + 12)
        np.testing.assert_array_equal(sheet[top : top + 480, left : left + 640], tile)
        # And says below it what it is.
        assert sheet[top + 480 : top + 520, left : left + 640].max() > 200


@pytest.mark.parametrize("hidden", [0, 255])
def test_sheet_does_not_count_what_is_hidden(hidden: int) -> None:
    enhancer, samples = edge_dce.load(TINY), make_picture(480, 640)
    alpha = np.zeros((480, 640), np.uint8)
    alpha[100:300, 200:500] = 255
    samples[alpha == 0] = hidden
    looks = [edge_dce.Look(strength, denoise=0) for strength in STRENGTHS]
    sheet = make_sheet(Picture(samples, alpha), enhancer, edge_dce.Look(denoise=0))
    expected = enhance_picture(Picture(samples, alpha), enhancer, looks[0]).image
    tile = sheet[12 : 12 + 480, 12 + 652 : 12 + 652 + 640]
    np.testing.assert_array_equal(tile[alpha == 255], expected[alpha == 255])
    assert np.all(tile[alpha == 0] == 24)


def test_sheet_shows_the_colors_of_a_profile() -> None:
    profile = make_profile(find_colorants(PRIMARIES[12]))
    samples = np.full((480, 640, 3), (180, 20, 20), np.uint8)
    sheet = make_sheet(Picture(samples, icc_profile=profile), edge_dce.load(TINY), edge_dce.Look())
    # Red of Display P3 is redder than that of sRGB.
    np.testing.assert_array_equal(sheet[12, 12], convert_to_srgb(samples[:1, :1], profile)[0, 0])
    assert sheet[12, 12, 0] > 190


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3000, 4), (30, 2000), (20, 16)])
def test_sheet_of_any_picture_has_a_size_for_a_screen(height: int, width: int) -> None:
    picture = Picture(make_picture(height, width).astype(np.uint16) * 257)
    sheet = make_sheet(picture, edge_dce.load(TINY), edge_dce.Look())
    assert sheet.dtype == np.uint8
    assert 600 < sheet.shape[1] < 2000
    assert sheet.shape[0] < 1500


def test_preview_is_written_beside_the_picture_and_is_no_source(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(make_picture(30, 40)).save(tmp_path / "a.jpg")
    assert main(["enhance", str(tmp_path / "a.jpg"), "--preview", "-m", str(TINY)]) == 0
    assert capfd.readouterr().out == f"{tmp_path / 'a-preview.jpg'}\n"
    assert main(["enhance", str(tmp_path), "-o", str(tmp_path), "-m", str(TINY)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"a.jpg", "a-preview.jpg", "a-enhanced.jpg"}
    assert capfd.readouterr().err.endswith("1 enhanced, 0 already there, 0 failed, 1 left out (1 *-preview)\n")


def test_preview_goes_to_stdout_too(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    Image.fromarray(make_picture(30, 40)).save(tmp_path / "a.png")
    assert main(["enhance", str(tmp_path / "a.png"), "--preview", "-m", str(TINY), "-o", "-"]) == 0
    with Image.open(io.BytesIO(capfdbinary.readouterr().out)) as opened:
        # Three tiles of 640x480 across, two down, gaps of 12 and labels of 40.
        assert (opened.format, opened.size) == ("PNG", (3 * 652 + 12, 2 * 532 + 12))


def test_preview_of_a_folder_names_what_is_no_picture(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    Image.fromarray(make_picture(30, 40)).save(tmp_path / "in" / "a.jpg")
    (tmp_path / "in" / "b.jpg").write_text("no picture")
    clip = tmp_path / "clip.mp4"
    clip.touch()
    command = ["enhance", str(tmp_path / "in"), str(clip), "--preview", "-m", str(TINY), "-o", str(tmp_path / "out")]
    assert main(command) == 1
    errors = capfd.readouterr().err
    assert "b.jpg: its content is not a picture" in errors
    assert "clip.mp4: a preview is made of pictures" in errors
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a-preview.jpg"}
