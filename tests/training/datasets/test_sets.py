"""Kinds of data sets, several sets with shares, and scenes that stay together."""

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_dce.errors import ImageError
from edge_dce.files.pictures import Picture, write_picture
from tests.training.lol_folder import write_lol
from tests.training.tiny_recipe import TINY
from training.cli import main
from training.datasets import kinds
from training.datasets.picture import DarkPicture
from training.datasets.sets import Source, find_parts, split_by_scene

PLAIN = dataclasses.replace(TINY, exposure_shift=0.0)


def draw_scene(number: int, size: tuple[int, int] = (60, 44)) -> np.ndarray:
    """A smooth picture that has nothing to do with that of another number; `size` is (width, height)."""
    coarse = np.random.default_rng(number).random((6, 8, 3)).astype(np.float32) * 200
    return np.clip(cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC), 0, 255)


def write(path: Path, scene: np.ndarray, factor: float = 1.0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_picture(Picture(np.rint(scene * factor).astype(np.uint8)), path)


def find(kind: str, place: object) -> list[DarkPicture]:
    return kinds.KINDS[kind].find(str(place), Path())


def test_lol_v2_keeps_its_own_test_part(tmp_path: Path) -> None:
    for part, numbers in (("Train", (1, 2, 3)), ("Test", (4,))):
        for number in numbers:
            write(tmp_path / "Real_captured" / part / "Low" / f"low{number:05}.png", draw_scene(number), 0.1)
            write(tmp_path / "Real_captured" / part / "Normal" / f"normal{number:05}.png", draw_scene(number))
    parts = find_parts([Source.parse(f"lol-v2:{tmp_path}")], TINY, cache=tmp_path / "cache")
    assert [(p.low.name, p.high.name) for p in parts["test"] if p.high] == [("low00004.png", "normal00004.png")]
    assert len(parts["train"]) == 3


def test_exposures_take_the_label_or_the_best_exposed_of_the_scene(tmp_path: Path) -> None:
    for factor, name in ((0.1, "1"), (0.4, "2"), (1.1, "3")):
        write(tmp_path / "a" / f"{name}.png", draw_scene(1) * 0.9, factor)
    assert [(p.low.stem, p.high and p.high.stem) for p in find("exposures", tmp_path)] == [("1", "3"), ("2", "3")]
    write(tmp_path / "Label" / "a.png", draw_scene(1), 0.3)
    assert [(p.low.stem, p.high and p.high.stem) for p in find("exposures", tmp_path)] == [("1", "a")]


def test_fivek_takes_the_third_expert(tmp_path: Path) -> None:
    write(tmp_path / "input" / "a0001.png", draw_scene(1), 0.2)
    for expert in "AC":
        write(tmp_path / f"expert{expert}" / "a0001.png", draw_scene(1))
    (pair,) = find("fivek", tmp_path)
    assert pair.high is not None
    assert pair.high.parent.name == "expertC"


def test_names_that_do_not_match_are_told(tmp_path: Path) -> None:
    for side, name in (("low", "low_1"), ("low", "2"), ("high", "normal_1"), ("high", "3")):
        write(tmp_path / side / f"{name}.png", draw_scene(1))
    with pytest.raises(ImageError, match=r"for each of 2 pictures, found none for 2\.png; without .* are 3\.png"):
        find("pairs", f"{tmp_path / 'low'},{tmp_path / 'high'}")


def test_video_gives_a_frame_a_second_in_scenes(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write_clip(path, frames=35)
    pictures = kinds.find_video(str(path), tmp_path / "cache")
    assert len(pictures) == 4
    assert len({picture.scene for picture in pictures}) == 4
    assert kinds.find_video(str(path), tmp_path / "cache") == pictures


def write_clip(path: Path, frames: int) -> None:
    """Ten frames a second."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 60, 44, "yuv420p"
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(draw_scene(number // 10).astype(np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def test_scenes_stay_together_whatever_size_format_and_exposure(tmp_path: Path) -> None:
    for number in range(10):
        write(tmp_path / "one" / f"{number}.png", draw_scene(number), 0.5)
        write(tmp_path / "other" / f"{9 - number}.jpg", draw_scene(number, (90, 66)), 0.8)
    sources = [Source.parse(str(tmp_path / "one")), Source.parse(f"photos:{tmp_path / 'other'}")]
    parts = find_parts(sources, PLAIN, cache=tmp_path / "cache")
    assert [len(parts[part]) for part in ("test", "train", "validation")] == [0, 16, 4]
    held_out = {int(p.low.stem) if p.low.suffix == ".png" else 9 - int(p.low.stem) for p in parts["validation"]}
    assert held_out == {4, 9}


def test_picture_of_a_test_part_is_refused_in_training(tmp_path: Path) -> None:
    write(tmp_path / "test.png", draw_scene(1))
    write(tmp_path / "train.jpg", draw_scene(1, (120, 88)), 0.6)
    pictures = [DarkPicture(tmp_path / "test.png", None, part="test"), DarkPicture(tmp_path / "train.jpg", None)]
    with pytest.raises(ImageError, match=r"train\.jpg: shows the scene of .*test\.png, which is kept for tests"):
        split_by_scene(pictures, tmp_path / "cache")


def test_share_counts_sets_and_not_pictures(tmp_path: Path) -> None:
    for name, count in (("few", 5), ("many", 10)):
        for number in range(count):
            write(tmp_path / name / f"{number}.png", draw_scene(count + number))
    sources = [Source.parse(f"{tmp_path / 'few'}@3"), Source.parse(f"photos:{tmp_path / 'many'}@1")]
    train = find_parts(sources, PLAIN, cache=tmp_path / "cache")["train"]
    weights = {picture.low.parent.name: picture.weight for picture in train}
    assert weights == pytest.approx({"few": 3 / 5, "many": 1 / 10})
    with pytest.raises(ImageError, match="for every set or for none"):
        find_parts([sources[0], Source.parse(str(tmp_path / "many"))], PLAIN, cache=tmp_path / "cache")


def test_run_learns_from_several_sets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lol = write_lol(tmp_path / "lol", 6)
    for number in range(6):
        write(tmp_path / "photos" / f"{number}.png", draw_scene(number), 0.2)
    command = ["fit", "--data", f"lol:{lol}@1", "--data", f"{tmp_path / 'photos'}@2", "--out", str(tmp_path / "run")]
    command += ["--epochs", "1", "--set", "resize_px=32", "--set", "epoch_images=8"]
    assert main(command) == 0
    assert main([*command[:2], f"lol:{lol}@2", *command[3:]]) == 1
    assert "started with other shares of its sets" in capsys.readouterr().err


def test_another_kind_is_one_function_and_one_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        write(tmp_path / f"night-{number}.png", draw_scene(number))

    def find_nights(data: str, _: Path) -> list[DarkPicture]:
        return [DarkPicture(path, None) for path in sorted(Path(data).glob("night-*.png"))]

    monkeypatch.setitem(kinds.KINDS, "nights", kinds.Kind(find_nights, "photos called night"))
    parts = find_parts([Source.parse(f"nights:{tmp_path}")], PLAIN, cache=tmp_path / "cache")
    assert [len(parts[part]) for part in ("train", "validation")] == [4, 1]
