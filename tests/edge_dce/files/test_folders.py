import collections
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge_dce.errors import ImageError
from edge_dce.files.folders import describe_counts, find_pictures, list_folder, match_pairs


def test_pictures_of_a_folder_come_sorted_without_hidden_and_other_files(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpg", ".hidden.png", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert [path.name for path in find_pictures(tmp_path)] == ["a.jpg", "b.PNG"]


def test_folder_without_pictures_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no pictures"):
        find_pictures(tmp_path)
    with pytest.raises(ImageError, match="no such folder"):
        find_pictures(tmp_path / "missing")


def test_picture_without_partner_is_an_error(tmp_path: Path) -> None:
    for side, names in (("low", ("0.png", "1.png")), ("high", ("0.png",))):
        (tmp_path / side).mkdir()
        for name in names:
            (tmp_path / side / name).touch()
    with pytest.raises(ImageError, match=r"expected ground truth named 1\.png in .*, found none"):
        match_pairs(tmp_path / "low", tmp_path / "high")


def write_jpeg(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(path, "JPEG")
    return path


def test_pictures_are_known_by_suffixes_of_every_spelling_and_by_content(tmp_path: Path) -> None:
    for name in ("a.JPG", "b.jfif", "c.jpe", "d.HEIC", "e.avif"):
        (tmp_path / name).touch()
    for name in ("f", "g.jpg_large", "h.1"):
        write_jpeg(tmp_path / name)
    assert [path.name for path in find_pictures(tmp_path)] == (
        ["a.JPG", "b.jfif", "c.jpe", "d.HEIC", "e.avif", "f", "g.jpg_large", "h.1"]
    )


def test_what_only_begins_like_a_picture_is_left_out_by_its_suffix(tmp_path: Path) -> None:
    write_jpeg(tmp_path / "a.jpg")
    for name in ("GH0001.THM", "b.jpg.part", "c.jpg~"):
        write_jpeg(tmp_path / name)
    (tmp_path / "cells.LSM").write_bytes(b"II*\x00\x10\x00\x00\x00")
    (tmp_path / "._a.jpg").write_bytes(b"\x00\x05\x16\x07")
    listing = list_folder(tmp_path)
    assert listing.pictures == [tmp_path / "a.jpg"]
    assert listing.left_out == {".thm": 1, ".part": 1, ".jpg~": 1, ".lsm": 1}


def test_everything_left_out_is_counted_by_kind(tmp_path: Path) -> None:
    write_jpeg(tmp_path / "a.jpg")
    for name in ("b.txt", "c.TXT", "d.mp4", "notes", ".DS_Store"):
        (tmp_path / name).touch()
    write_jpeg(tmp_path / ".secret.jpg")
    write_jpeg(tmp_path / "sub" / "e.jpg")
    (tmp_path / "link").symlink_to("sub")
    (tmp_path / "gone.txt").symlink_to("nowhere")
    (tmp_path / "round.txt").symlink_to("round.txt")
    os.mkfifo(tmp_path / "pipe.jpg")
    listing = list_folder(tmp_path)
    assert listing.pictures == [tmp_path / "a.jpg"]
    assert listing.left_out == {
        ".txt": 2,
        ".mp4": 1,
        "without suffix": 1,
        "hidden": 1,
        "subfolder": 1,
        "link to a folder": 1,
        "dead link": 2,
        "pipe or device": 1,
    }
    assert describe_counts(listing.left_out).startswith("2 .txt, 2 dead links, 1 .mp4, ")


def test_many_kinds_are_summed_up() -> None:
    counts = collections.Counter({f".{number:02}": 20 - number for number in range(15)})
    assert describe_counts(counts).endswith("10 .10, 9 .11, 21 of other kinds")


def test_link_to_a_picture_is_one_and_a_dead_link_is_told(tmp_path: Path) -> None:
    write_jpeg(tmp_path / "sub" / "a.jpg")
    (tmp_path / "live.jpg").symlink_to("sub/a.jpg")
    (tmp_path / "dead.jpg").symlink_to("nowhere")
    listing = list_folder(tmp_path)
    assert (listing.pictures, listing.dead_links) == ([tmp_path / "live.jpg"], [tmp_path / "dead.jpg"])


def test_subfolders_are_walked_but_no_links_hidden_ones_or_the_one_for_results(tmp_path: Path) -> None:
    for name in ("z.jpg", "b/a.jpg", "b/c/a.jpg", "out/a.jpg", ".git/a.jpg"):
        write_jpeg(tmp_path / name)
    (tmp_path / "b" / "up").symlink_to(tmp_path)
    listing = list_folder(tmp_path, is_recursive=True, without=tmp_path / "b" / ".." / "out")
    assert listing.pictures == [tmp_path / name for name in ("z.jpg", "b/a.jpg", "b/c/a.jpg")]
    assert listing.left_out == {"link to a folder": 1}


def test_folder_without_pictures_says_what_it_has(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    with pytest.raises(ImageError, match=r"no pictures in this folder; .*, found 1 \.txt$"):
        find_pictures(tmp_path)
