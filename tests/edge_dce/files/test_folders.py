from pathlib import Path

import pytest

from edge_dce.errors import ImageError
from edge_dce.files.folders import find_pictures, match_pairs


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
