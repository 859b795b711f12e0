import os
import stat
from pathlib import Path

import pytest

from edge_dce.errors import OutputError
from edge_dce.output import make_folder, write_file


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


def test_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        write_file(tmp_path / "missing" / "data.bin", b"data")


def test_file_in_the_place_of_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(OutputError, match="cannot be made a folder"):
        make_folder(tmp_path / "taken" / "below")
