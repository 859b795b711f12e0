"""`edge-dce enhance --watch` on folders that change meanwhile."""

from __future__ import annotations

import itertools
import os
import resource
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import edge_dce
from edge_dce.enhancing.account import Account, Verbosity
from edge_dce.enhancing.batch import JobResult
from edge_dce.enhancing.execution import JobOptions
from edge_dce.enhancing.jobs import Job, Plan, plan_jobs
from edge_dce.enhancing.watching import Arrivals, watch_folders
from edge_dce.files.pictures import Picture, encode_picture, read_picture
from edge_dce.pixels.look import PLAIN
from tests.edge_dce.enhancing.test_command import TINY, enhance, make_picture, run, start, write_picture

# Many times what a picture takes from its arrival to its result.
_LIMIT_S = 60
_MOST_LOOKS = 30


def wait_for(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + _LIMIT_S
    while not condition():
        assert time.monotonic() < end_s, "nothing came"
        time.sleep(0.05)


def wait_until_told(child: subprocess.Popen[bytes], *targets: Path) -> list[str]:
    """The lines of stdout until each result is named: it is counted by then, its file is there a moment sooner."""
    assert child.stdout is not None
    told = b""
    while not {str(target) for target in targets} <= set(told.decode().splitlines()):
        # Of the stream's own buffer `select` knows nothing.
        assert select.select([child.stdout], [], [], _LIMIT_S)[0], "nothing came"
        piece = os.read(child.stdout.fileno(), 1 << 16)
        assert piece, "it has ended"
        told += piece
    return told.decode().splitlines()


def end(child: subprocess.Popen[bytes]) -> tuple[int, str, str]:
    """Exit status, stdout, stderr, after Ctrl-C."""
    child.send_signal(signal.SIGINT)
    output, errors = child.communicate(timeout=_LIMIT_S)
    return child.returncode, output.decode(), errors.decode()


def holds(target: Path, picture: np.ndarray) -> bool:
    return target.exists() and np.array_equal(read_picture(target).image, enhance(picture))


def test_pictures_that_are_there_and_that_come_are_enhanced_until_ctrl_c(tmp_path: Path) -> None:
    write_picture(tmp_path / "in" / "first.png", seed=1)
    child = start("--watch", tmp_path / "in", "-o", tmp_path / "out")
    targets = [tmp_path / "out" / name for name in ("first.png", "second.png")]
    told = wait_until_told(child, targets[0])
    write_picture(tmp_path / "in" / "second.png", seed=2)
    told += wait_until_told(child, targets[1])
    status, output, errors = end(child)
    assert status == 0
    assert [*told, *output.split()] == list(map(str, targets))
    assert errors.splitlines()[-1] == "2 enhanced, 0 already there, 0 failed"
    assert holds(tmp_path / "out" / "second.png", make_picture(2))


def test_an_empty_folder_is_waited_at(tmp_path: Path) -> None:
    child = start("--watch", tmp_path, "-o", tmp_path / "out")
    assert child.stderr is not None
    assert b"watching" in child.stderr.readline()
    write_picture(tmp_path / "late.png")
    wait_for((tmp_path / "out" / "late.png").exists)
    assert end(child)[0] == 0


def test_a_picture_that_is_written_slowly_is_enhanced_whole(tmp_path: Path) -> None:
    data = encode_picture(Picture(make_picture()), ".png")
    (tmp_path / "in").mkdir()
    child = start("--watch", tmp_path / "in", "-o", tmp_path / "out")
    with (tmp_path / "in" / "slow.png").open("wb") as file:
        for byte in data[: len(data) // 2]:
            file.write(bytes([byte]))
            file.flush()
            # Two seconds in all: longer than from one look to the next.
            time.sleep(4 / len(data))
        file.write(data[len(data) // 2 :])
    wait_for((tmp_path / "out" / "slow.png").exists)
    status, _, errors = end(child)
    assert status == 0
    assert holds(tmp_path / "out" / "slow.png", make_picture())
    assert "0 failed" in errors


def test_what_failed_is_tried_again_when_it_has_changed(tmp_path: Path) -> None:
    data = encode_picture(Picture(make_picture()), ".png")
    source = tmp_path / "in" / "torn.png"
    source.parent.mkdir()
    source.write_bytes(data[: len(data) // 2])
    child = start("--watch", source.parent, "-o", tmp_path / "out")
    assert child.stderr is not None
    child.stderr.readline()
    assert b"torn.png" in child.stderr.readline()
    source.write_bytes(data)
    wait_until_told(child, tmp_path / "out" / "torn.png")
    assert end(child)[2].splitlines()[-1] == "1 enhanced, 0 already there, 1 failed"


def read_until(child: subprocess.Popen[bytes], text: str) -> str:
    """The lines of stderr up to the one that holds a text."""
    assert child.stderr is not None
    lines = [child.stderr.readline().decode()]
    while lines[-1] and text not in lines[-1]:
        lines.append(child.stderr.readline().decode())
    return "".join(lines)


@pytest.mark.parametrize("options", [(), ("--debug",)])
def test_a_disk_on_which_nothing_can_be_written_is_named_once_and_waited_for(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    names = ("a.png", "b.png", "c.png")
    (tmp_path / "in").mkdir()
    child = start("--watch", tmp_path / "in", "-o", tmp_path / "out", *options)
    read_until(child, "watching")
    # Any program may be told so, as by `ulimit -f`; a disk may be full to root alone.
    resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    for name in names:
        write_picture(tmp_path / "in" / name)
    told = "".join(read_until(child, "cannot be written") for _ in names)
    # Several attempts.
    time.sleep(4)
    resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    wait_until_told(child, *(tmp_path / "out" / name for name in names))
    status, _, errors = end(child)
    assert status == 0
    assert [told.count(f"{name}: cannot be written") for name in names] == [1, 1, 1]
    assert errors.splitlines() == ["3 enhanced, 0 already there, 3 failed"]


def test_a_folder_that_cannot_be_made_does_not_hold_up_the_others(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").touch()
    write_picture(tmp_path / "in" / "a" / "shot.png")
    write_picture(tmp_path / "in" / "b" / "shot.png")
    child = start("--watch", "-r", tmp_path / "in", "-o", tmp_path / "out")
    wait_for((tmp_path / "out" / "b" / "shot.png").exists)
    time.sleep(3)
    (tmp_path / "out" / "a").unlink()
    wait_for((tmp_path / "out" / "a" / "shot.png").exists)
    status, _, errors = end(child)
    assert status == 0
    assert errors.count("cannot be created") == 1


def test_two_pictures_of_one_result_do_not_hold_up_the_others(tmp_path: Path) -> None:
    for name in ("one/shot.png", "two/shot.png", "two/other.png"):
        write_picture(tmp_path / name)
    child = start("--watch", tmp_path / "one", tmp_path / "two", "-o", tmp_path / "out")
    wait_for((tmp_path / "out" / "other.png").exists)
    time.sleep(2)
    assert not (tmp_path / "out" / "shot.png").exists()
    (tmp_path / "two" / "shot.png").rename(tmp_path / "two" / "renamed.png")
    for name in ("shot.png", "renamed.png"):
        wait_for((tmp_path / "out" / name).exists)
    status, _, errors = end(child)
    assert status == 0
    assert errors.count("would both become") == 1


def test_a_watch_that_would_replace_its_inputs_does_not_begin(tmp_path: Path) -> None:
    write_picture(tmp_path / "shot.png")
    status, _, errors = run("--watch", tmp_path, "-o", tmp_path, "--suffix=")
    assert status == 1
    assert "would replace the input" in errors


def test_a_changed_picture_is_enhanced_again(tmp_path: Path) -> None:
    write_picture(tmp_path / "in" / "shot.png", seed=1)
    child = start("--watch", tmp_path / "in", "-o", tmp_path / "out")
    wait_for(lambda: holds(tmp_path / "out" / "shot.png", make_picture(1)))
    write_picture(tmp_path / "elsewhere.png", seed=2).replace(tmp_path / "in" / "shot.png")
    wait_for(lambda: holds(tmp_path / "out" / "shot.png", make_picture(2)))
    assert end(child)[0] == 0


def test_what_the_watch_did_not_make_stays_although_it_is_older(tmp_path: Path) -> None:
    foreign = write_picture(tmp_path / "out" / "shot.png", seed=3)
    os.utime(foreign, (1, 1))
    before = foreign.read_bytes()
    write_picture(tmp_path / "in" / "shot.png", seed=1)
    child = start("--watch", tmp_path / "in", "-o", tmp_path / "out", "--json")
    assert child.stdout is not None
    assert b"already there" in child.stdout.readline()
    write_picture(tmp_path / "elsewhere.png", seed=2).replace(tmp_path / "in" / "shot.png")
    assert b"already there" in child.stdout.readline()
    assert end(child)[0] == 0
    assert foreign.read_bytes() == before


def test_a_result_that_somebody_has_changed_is_not_replaced(tmp_path: Path) -> None:
    write_picture(tmp_path / "in" / "shot.png", seed=1)
    child = start("--watch", tmp_path / "in", "-o", tmp_path / "out", "--json")
    assert child.stdout is not None
    assert b"enhanced" in child.stdout.readline()
    (tmp_path / "out" / "shot.png").write_bytes(b"retouched")
    write_picture(tmp_path / "elsewhere.png", seed=2).replace(tmp_path / "in" / "shot.png")
    assert b"already there" in child.stdout.readline()
    assert end(child)[0] == 0
    assert (tmp_path / "out" / "shot.png").read_bytes() == b"retouched"


def test_overwrite_replaces_what_is_there(tmp_path: Path) -> None:
    write_picture(tmp_path / "out" / "shot.png", seed=3)
    write_picture(tmp_path / "in" / "shot.png", seed=1)
    child = start("--watch", tmp_path / "in", "-o", tmp_path / "out", "--overwrite")
    wait_for(lambda: holds(tmp_path / "out" / "shot.png", make_picture(1)))
    assert end(child)[0] == 0


def test_after_a_restart_nothing_is_enhanced_again(tmp_path: Path) -> None:
    for number, expected in enumerate(("1 enhanced, 0 already there", "1 enhanced, 1 already there")):
        write_picture(tmp_path / "in" / f"{number}.png")
        child = start("--watch", tmp_path / "in", "-o", tmp_path / "out")
        wait_until_told(child, tmp_path / "out" / f"{number}.png")
        assert expected in end(child)[2]


def test_a_request_of_the_system_ends_it_as_ctrl_c_does(tmp_path: Path) -> None:
    write_picture(tmp_path / "in" / "shot.png")
    child = start("--watch", tmp_path / "in", "-o", tmp_path / "out")
    wait_until_told(child, tmp_path / "out" / "shot.png")
    child.terminate()
    _, errors = child.communicate(timeout=_LIMIT_S)
    assert child.returncode == 0
    assert b"1 enhanced" in errors


def test_an_end_in_the_middle_of_a_video_is_the_usual_one(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("av")
    from tests.edge_dce.enhancing.clips import write_clip

    source, target = tmp_path / "in.mp4", tmp_path / "out" / "in.mp4"
    write_clip(source, size=(960, 720), pts=tuple(range(0, 512 * 250, 512)), sound=None)

    def press_ctrl_c() -> None:
        wait_for(lambda: any(path.stat().st_size for path in target.parent.glob(".unfinished-*")))
        os.kill(os.getpid(), signal.SIGINT)

    options, plan = JobOptions(PLAIN, is_quiet=True), Plan([Job(source, target, resumes=True)])
    presses = threading.Thread(target=press_ctrl_c)
    presses.start()
    watch_folders([tmp_path], lambda: plan, edge_dce.load(TINY), options, Account(Verbosity(), Plan([])))
    presses.join()
    assert capfd.readouterr().err.splitlines()[-1] == "0 enhanced, 0 already there, 0 failed"
    assert list(target.parent.iterdir()) == []


def test_a_drive_unplugged_on_the_way_is_gone_on_with(tmp_path: Path) -> None:
    drive, away, out, looks = tmp_path / "in", tmp_path / "away", tmp_path / "out", itertools.count()
    names = [f"{number:02}.png" for number in range(40)]
    for name in names:
        write_picture(drive / name)

    class Unplugging(Account):
        def tell(self, result: JobResult) -> None:
            super().tell(result)
            if drive.exists() and self.failed == 0:
                drive.rename(away)

    def plan() -> Plan:
        if away.exists() and next(looks) > 2:
            away.rename(drive)
        if all((out / name).exists() for name in names) or next(looks) > _MOST_LOOKS:
            os.kill(os.getpid(), signal.SIGINT)
        return plan_jobs([str(drive)], str(out), is_lenient=True)

    account = Unplugging(Verbosity(is_quiet=True), Plan([]))
    watch_folders([drive], plan, edge_dce.load(TINY), JobOptions(PLAIN, is_quiet=True), account)
    assert account.failed > 0
    assert sorted(path.name for path in out.iterdir()) == names


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["{}/shot.png"], "--watch expects folders, found a file"),
        (["s3://bucket/folder", "-o", "{}"], "--watch expects folders of this machine, found an object store"),
        (["https://example.org/shot.png"], "an address, not a file"),
        (["{}", "--dry-run"], "--dry-run"),
    ],
)
def test_what_cannot_be_watched_is_refused_in_one_line(tmp_path: Path, arguments: list[str], expected: str) -> None:
    write_picture(tmp_path / "shot.png")
    status, _, errors = run("--watch", *(each.format(tmp_path) for each in arguments))
    assert status == 1
    assert expected in errors
    assert errors.count("\n") == 1


def test_a_folder_that_is_missing_from_the_start_is_an_error(tmp_path: Path) -> None:
    status, _, errors = run("--watch", tmp_path / "misspelt")
    assert status == 1
    assert "no such file or folder" in errors


def make_job(folder: Path, name: str) -> Job:
    path = folder / name
    path.write_bytes(b"1")
    return Job(path, folder / "out" / name, resumes=True)


def test_a_file_is_due_once_it_looked_the_same_twice(tmp_path: Path) -> None:
    arrivals, job = Arrivals([tmp_path]), make_job(tmp_path, "a.png")
    assert arrivals.take([job]) == []
    assert arrivals.take([job]) == [job]
    assert arrivals.take([job]) == []


def test_a_growing_file_is_not_due(tmp_path: Path) -> None:
    arrivals, job = Arrivals([tmp_path]), make_job(tmp_path, "a.png")
    for size in range(2, 5):
        assert arrivals.take([job]) == []
        job.source.write_bytes(b"1" * size)


def test_of_files_that_are_gone_nothing_is_kept(tmp_path: Path) -> None:
    arrivals, stays = Arrivals([tmp_path]), make_job(tmp_path, "stays.png")
    for number in range(3):
        job = make_job(tmp_path, f"{number}.png")
        arrivals.take([job, stays])
        arrivals.take([job, stays])
        arrivals.note_made(job)
        assert arrivals.is_own(job) is False  # Nothing lies there.
        job.source.unlink()
        assert arrivals.take([stays]) == []
    kept = vars(arrivals)
    assert [list(kept[name]) for name in ("_seen", "_taken", "_made")] == [[stays.source], [stays.source], []]


@pytest.mark.parametrize("is_empty", [False, True])
def test_a_drive_that_comes_back_holds_nothing_new(tmp_path: Path, is_empty: bool) -> None:
    drive, away = tmp_path / "in", tmp_path / "away"
    for name in ("a.png", "b.png"):
        write_picture(drive / name)
    child = start("--watch", drive, "-o", tmp_path / "out", "--overwrite")
    wait_until_told(child, tmp_path / "out" / "a.png", tmp_path / "out" / "b.png")
    made_ns = (tmp_path / "out" / "a.png").stat().st_mtime_ns
    drive.rename(away)
    if is_empty:
        # A place to mount at that nothing is mounted at.
        drive.mkdir()
    time.sleep(3)
    if is_empty:
        drive.rmdir()
    away.rename(drive)
    write_picture(drive / "new.png")
    wait_until_told(child, tmp_path / "out" / "new.png")
    status, _, errors = end(child)
    assert status == 0
    assert errors.splitlines()[-1] == "3 enhanced, 0 already there, 0 failed"
    assert (tmp_path / "out" / "a.png").stat().st_mtime_ns == made_ns
