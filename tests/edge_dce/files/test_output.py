import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from edge_dce.errors import OutputError
from edge_dce.files.output import make_folder, write_file


def test_file_appears_whole_with_ordinary_permissions(tmp_path: Path) -> None:
    path = tmp_path / "data.bin"
    write_file(path, b"data")
    ordinary = tmp_path / "ordinary"
    ordinary.touch()
    assert path.read_bytes() == b"data"
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(ordinary.stat().st_mode)
    assert len(list(tmp_path.iterdir())) == 2


def test_failure_leaves_neither_file_nor_remains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Path, mode: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "chmod", fail)
    with pytest.raises(OutputError, match="No space left"):
        write_file(tmp_path / "data.bin", b"data")
    assert not list(tmp_path.iterdir())


def test_only_one_of_many_writers_gets_a_free_name(tmp_path: Path) -> None:
    def write(number: int) -> bool:
        try:
            write_file(tmp_path / "data.bin", bytes([number]))
        except OutputError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(write, range(64))) == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_file_system_without_links_is_served_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    write_file(tmp_path / "data.bin", b"data")
    with pytest.raises(OutputError, match="already exists"):
        write_file(tmp_path / "data.bin", b"other")
    assert (tmp_path / "data.bin").read_bytes() == b"data"


def test_overwriting_a_link_replaces_what_it_names(tmp_path: Path) -> None:
    (tmp_path / "real.bin").write_bytes(b"old")
    (tmp_path / "link.bin").symlink_to("real.bin")
    write_file(tmp_path / "link.bin", b"new", overwrite=True)
    assert (tmp_path / "link.bin").is_symlink()
    assert (tmp_path / "real.bin").read_bytes() == b"new"


def test_overwriting_a_device_writes_to_it() -> None:
    write_file(Path(os.devnull), b"data", overwrite=True)
    assert Path(os.devnull).is_char_device()


def test_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        write_file(tmp_path / "missing" / "data.bin", b"data")


def test_file_in_the_place_of_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(OutputError, match="this folder cannot be created"):
        make_folder(tmp_path / "taken" / "below")
