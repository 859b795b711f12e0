"""Names that nothing has, and files that are deleted because there are too many."""

import os
import re
import time
from pathlib import Path

import pytest

from apps.pi.outputs.naming import DatedName
from apps.pi.outputs.retention import Keep, Retention
from edge_dce.errors import OutputError


def make_file(path: Path, *, age_s: float, size: int = 1000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    os.utime(path, (time.time() - age_s,) * 2)
    return path


def test_taken_name_gets_a_number(tmp_path: Path) -> None:
    name = DatedName(str(tmp_path / "night.mp4"))
    names = []
    for _ in range(3):
        names.append(name.find_free())
        names[-1].touch()
    assert [path.name for path in names] == ["night.mp4", "night-2.mp4", "night-3.mp4"]


def test_link_to_nothing_is_taken_too(tmp_path: Path) -> None:
    (tmp_path / "night.mp4").symlink_to(tmp_path / "nowhere")
    assert DatedName(str(tmp_path / "night.mp4")).find_free().name == "night-2.mp4"


def test_fields_are_those_of_strftime(tmp_path: Path) -> None:
    path = DatedName(str(tmp_path / "100%%Dark-%F-%H%M%S.mp4")).find_free()
    assert re.fullmatch(r"100%Dark-\d{4}-\d\d-\d\d-\d{6}\.mp4", path.name)


def test_folder_of_the_day_is_made_and_any_other_is_not(tmp_path: Path) -> None:
    path = DatedName(str(tmp_path / "%Y" / "%m" / "night.mp4")).find_free()
    assert path.parent == tmp_path / time.strftime("%Y") / time.strftime("%m")
    assert path.parent.is_dir()
    DatedName(str(tmp_path / "none" / "night.mp4")).find_free()
    assert not (tmp_path / "none").exists()


def test_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be created"):
        DatedName(str(tmp_path / "file" / "%Y" / "night.mp4")).find_free()


def test_only_names_of_the_pattern_are_listed(tmp_path: Path) -> None:
    ours = {"20261125-235959.jpg", "20261126-000000.jpg", "20261126-000000-2.jpg"}
    others = {"holiday.jpg", "20261126.jpg", "20261126-000000.png", "x20261126-000000.jpg", ".unfinished-1.jpg"}
    for name in ours | others:
        (tmp_path / name).touch()
    (tmp_path / "20261126-000001.jpg").mkdir()
    assert {path.name for path in DatedName(f"{tmp_path}/%Y%m%d-%H%M%S.jpg").list_paths()} == ours


def test_files_of_earlier_folders_are_listed(tmp_path: Path) -> None:
    for name in ("2025/12/night.mp4", "2026/01/night-2.mp4", "2026/notes/night.mp4"):
        make_file(tmp_path / name, age_s=0)
    found = {str(path.relative_to(tmp_path)) for path in DatedName(f"{tmp_path}/%Y/%m/night.mp4").list_paths()}
    assert found == {"2025/12/night.mp4", "2026/01/night-2.mp4"}


def test_oldest_go_until_the_size_is_kept(tmp_path: Path) -> None:
    files = [make_file(tmp_path / f"night-{number}.mp4", age_s=100 - number) for number in range(2, 9)]
    other = make_file(tmp_path / "mine.mp4", age_s=1000, size=100_000)
    retention = Retention(Keep(size_bytes=3500), DatedName(str(tmp_path / "night.mp4")))
    retention.prune()
    # Three of 1000 bytes fit.
    assert [path.exists() for path in files] == [False] * 4 + [True] * 3
    assert other.exists()
    assert retention.deleted == 4


def test_too_old_go_and_the_file_being_written_stays(tmp_path: Path) -> None:
    old = make_file(tmp_path / "night-2.mp4", age_s=7200)
    writing = make_file(tmp_path / "night.mp4", age_s=7200)
    young = make_file(tmp_path / "night-3.mp4", age_s=1800)
    Retention(Keep(age_s=3600), DatedName(str(tmp_path / "night.mp4"))).prune(writing)
    assert [path.exists() for path in (old, writing, young)] == [False, True, True]


def test_folders_are_looked_through_once_a_minute(tmp_path: Path) -> None:
    retention = Retention(Keep(size_bytes=1), DatedName(str(tmp_path / "night.mp4")))
    retention.prune()
    path = make_file(tmp_path / "night.mp4", age_s=10)
    retention.prune()
    assert path.exists()
