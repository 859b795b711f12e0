import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from edge_dce.errors import OutputError
from edge_dce.files.output import check_parent, make_folder, write_file

ROOT = Path(__file__).resolve().parents[3]


def test_file_where_a_folder_is_expected_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("precious")
    with pytest.raises(OutputError, match=r"there is no folder .*; .*taken is a file, so choose another$"):
        check_parent(tmp_path / "taken" / "below" / "result.png")


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


@pytest.mark.skipif(sys.platform == "win32", reason="has no named pipes in folders")
def test_pipe_without_a_reader_is_an_error_and_one_with_gets_all(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    os.mkfifo(path)
    with pytest.raises(OutputError, match="nobody reads out of this pipe"):
        write_file(path, b"data", overwrite=True)
    with ThreadPoolExecutor(1) as pool:
        # More than a pipe holds, so that the writer has to wait for the reader.
        reading = pool.submit(path.read_bytes)
        write_file(path, bytes(1 << 20), overwrite=True)
        assert reading.result(30) == bytes(1 << 20)


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


def test_content_reaches_the_disk_before_the_name_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    flush, link = os.fsync, Path.hardlink_to

    def record_flush(handle: int) -> None:
        state = os.fstat(handle)
        steps.append("folder" if stat.S_ISDIR(state.st_mode) else f"{state.st_size} bytes")
        flush(handle)

    def record_link(self: Path, target: Path) -> None:
        steps.append("name")
        link(self, target)

    monkeypatch.setattr(os, "fsync", record_flush)
    monkeypatch.setattr(Path, "hardlink_to", record_link)
    write_file(tmp_path / "data.bin", b"data")
    assert steps == ["4 bytes", "name", "folder"]


def run_child(code: str, folder: Path) -> subprocess.Popen[bytes]:
    """Run code that writes a line once it is at work, in a program of its own."""
    child = subprocess.Popen([sys.executable, "-c", code, str(folder)], cwd=ROOT, stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    return child


WRITE_FOR_LONG = """
import sys, time
from pathlib import Path
from edge_dce.files.output import unfinished_file
with unfinished_file(Path(sys.argv[1]) / "video.mp4") as unfinished:
    unfinished.write_bytes(b"half")
    print("at work", flush=True)
    time.sleep(60)
"""
WRITE_ANOTHER = """
import sys
from pathlib import Path
from edge_dce.files.output import write_file
write_file(Path(sys.argv[1]) / "other.bin", b"data")
print("done", flush=True)
"""


def test_what_a_killed_program_left_is_removed_by_the_next(tmp_path: Path) -> None:
    child = run_child(WRITE_FOR_LONG, tmp_path)
    child.kill()
    child.communicate()
    assert [path.suffix for path in tmp_path.iterdir()] == [".mp4"]
    (tmp_path / ".unfinished-thesis-of-mine.txt").write_text("a person's own")
    run_child(WRITE_ANOTHER, tmp_path).communicate()
    assert {path.name for path in tmp_path.iterdir()} == {"other.bin", ".unfinished-thesis-of-mine.txt"}


def test_what_another_program_is_writing_stays(tmp_path: Path) -> None:
    child = run_child(WRITE_FOR_LONG, tmp_path)
    try:
        run_child(WRITE_ANOTHER, tmp_path).communicate()
        assert len([path for path in tmp_path.iterdir() if path.name.startswith(".unfinished-")]) == 1
    finally:
        child.kill()
        child.communicate()
