"""Pictures that move stay whole."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge_dce.cli import main
from edge_dce.errors import ImageError
from edge_dce.files.formats import limits
from edge_dce.files.picture import Animation, Picture
from edge_dce.files.pictures import encode_picture, read_picture, write_picture
from tests.edge_dce.files.formats.made_files import make_moving

TINY = str(Path(__file__).resolve().parents[3] / "models" / "tiny-16x16-int8.tflite")
DURATIONS_MS = [100, 50, 200, 80]


def write_clip(path: Path, **options: object) -> list[np.ndarray]:
    frames = make_moving(4)
    images = [Image.fromarray(frame) for frame in frames]
    if path.suffix == ".webp":
        options["lossless"] = True
    images[0].save(path, save_all=True, append_images=images[1:], duration=DURATIONS_MS, loop=0, **options)
    return frames


@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp"])
def test_frames_times_and_loops_are_read(tmp_path: Path, suffix: str) -> None:
    frames = write_clip(tmp_path / f"clip{suffix}")
    picture = read_picture(tmp_path / f"clip{suffix}")
    assert picture.animation is not None
    assert list(picture.animation.durations_ms) == DURATIONS_MS
    assert picture.animation.loops == 0
    found = [picture.image, *(image for image, _ in picture.animation.further)]
    np.testing.assert_array_equal(found, frames)


@pytest.mark.parametrize("target", [".png", ".webp"])
@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp"])
def test_frames_survive_the_command(tmp_path: Path, suffix: str, target: str) -> None:
    source, out = tmp_path / f"clip{suffix}", tmp_path / f"out{target}"
    frames = write_clip(source)
    assert main(["enhance", str(source), "-m", TINY, "--strength", "0", "--denoise", "0", "-o", str(out)]) == 0
    with Image.open(out) as opened:
        assert opened.n_frames == 4  # type: ignore[attr-defined]
        for number, frame in enumerate(frames):
            opened.seek(number)
            opened.load()
            assert round(opened.info["duration"]) == DURATIONS_MS[number]
            # WebP at quality 95 of flat colors with an edge.
            assert np.abs(np.asarray(opened.convert("RGB")).astype(int) - frame).mean() < 1


def test_format_of_one_picture_says_that_frames_are_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_clip(tmp_path / "clip.gif")
    assert main(["enhance", str(tmp_path / "clip.gif"), "-m", TINY, "-o", str(tmp_path / "out.jpg")]) == 0
    assert f"{tmp_path / 'clip.gif'}: left out: further frames (3)" in capsys.readouterr().err


def test_picture_before_an_animated_png_is_named(tmp_path: Path) -> None:
    frames = write_clip(tmp_path / "clip.png", default_image=True)
    picture = read_picture(tmp_path / "clip.png")
    assert picture.left_out == {"still picture": 1}
    np.testing.assert_array_equal(picture.image, frames[1])


def test_frames_with_and_without_alpha_all_have_it(tmp_path: Path) -> None:
    images = [Image.fromarray(frame).convert("RGBA") for frame in make_moving(3)]
    images[1].putalpha(Image.fromarray(np.full((40, 60), 99, np.uint8)))
    images[0].save(tmp_path / "clip.png", save_all=True, append_images=images[1:], duration=50)
    picture = read_picture(tmp_path / "clip.png")
    assert picture.alpha is not None
    write_picture(picture, tmp_path / "again.webp")
    again = read_picture(tmp_path / "again.webp").animation
    assert again is not None
    assert np.unique(again.further[0][1]).tolist() == [99]


def test_frames_too_large_for_webp_are_one_error() -> None:
    frame = np.zeros((1, 16_400, 3), np.uint8)
    picture = Picture(frame, animation=Animation((50, 50), ((frame, None),)))
    with pytest.raises(ImageError, match="cannot hold this 16400x1 picture"):
        encode_picture(picture, ".webp")


def test_too_many_frames_are_refused_before_they_are_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_clip(tmp_path / "clip.gif")
    monkeypatch.setattr(limits, "MOST_PIXELS", 3 * 40 * 60)
    with pytest.raises(ImageError, match="in its 4 frames"):
        read_picture(tmp_path / "clip.gif")


@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp"])
def test_animation_that_breaks_off_is_one_error(tmp_path: Path, suffix: str) -> None:
    write_clip(tmp_path / f"clip{suffix}")
    whole = (tmp_path / f"clip{suffix}").read_bytes()
    for share in (0.3, 0.6, 0.9):
        (tmp_path / f"cut{suffix}").write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(ImageError):
            read_picture(tmp_path / f"cut{suffix}")
