"""What is left out is said once for each kind."""

from collections import Counter
from pathlib import Path

from edge_dce.enhancing.omissions import Omissions


def test_one_file_is_named_and_what_can_be_counted_is() -> None:
    omissions = Omissions()
    omissions.note(Path("scan.tif"), Counter({"further pages": 1, "EXIF": 1}))
    assert omissions.list_lines() == ["scan.tif: left out: further pages (1)", "scan.tif: left out: EXIF"]


def test_several_files_are_counted() -> None:
    omissions = Omissions()
    omissions.note(Path("a.jpg"), Counter({"gain map": 1}))
    omissions.note(Path("b.jpg"), Counter({"gain map": 1, "text": 3}))
    omissions.note(Path("c.jpg"), Counter())
    assert omissions.list_lines() == ["2 files: left out: gain map", "b.jpg: left out: text (3)"]


def test_nothing_left_out_is_nothing_said() -> None:
    assert Omissions().list_lines() == []
