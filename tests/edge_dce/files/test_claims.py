"""A claim holds against other processes, so most of these tests start one."""

import subprocess
import sys
from pathlib import Path

import pytest

from edge_dce.files.claims import Claims

TAKE = """if True:
    import sys
    from pathlib import Path
    from edge_dce.files.claims import Claims

    claims = Claims()
    print(*(claims.take(Path(name)) for name in sys.argv[1:]), flush=True)
    sys.stdin.read()
"""


def start(*paths: Path) -> tuple["subprocess.Popen[str]", list[str]]:
    """A process that holds what it could claim, and what it says of each path."""
    command = [sys.executable, "-c", TAKE, *map(str, paths)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    return child, child.stdout.readline().split()


def test_file_is_claimed_by_one_run_at_a_time(tmp_path: Path) -> None:
    with Claims() as claims:
        assert claims.take(tmp_path / "a.png")
        child, answers = start(tmp_path / "a.png", tmp_path / "b.png")
        try:
            assert answers == ["False", "True"]
            assert not claims.take(tmp_path / "b.png")
            assert claims.take(tmp_path / "c.png")
        finally:
            child.communicate()


def test_what_is_given_back_can_be_claimed(tmp_path: Path) -> None:
    with Claims() as claims:
        claims.take(tmp_path / "a.png")
        claims.take(tmp_path / "b.png")
        claims.give_back(tmp_path / "a.png")
        child, answers = start(tmp_path / "a.png", tmp_path / "b.png")
        child.communicate()
    assert answers == ["True", "False"]


def test_claims_of_the_dead_are_free(tmp_path: Path) -> None:
    child, answers = start(tmp_path / "a.png")
    assert answers == ["True"]
    child.kill()
    child.communicate()
    with Claims() as claims:
        assert claims.take(tmp_path / "a.png")
    # And nothing is left of either.
    assert not list(tmp_path.iterdir())


def test_who_ends_first_leaves_the_claims_of_others(tmp_path: Path) -> None:
    child, _ = start(tmp_path / "a.png")
    try:
        with Claims() as claims:
            assert claims.take(tmp_path / "b.png")
        with Claims() as claims:
            assert not claims.take(tmp_path / "a.png")
    finally:
        child.communicate()


def test_folder_that_takes_no_lock_grants_every_claim(tmp_path: Path) -> None:
    with Claims() as claims:
        assert claims.take(tmp_path / "missing" / "a.png")
        claims.give_back(tmp_path / "missing" / "a.png")


@pytest.mark.skipif(sys.platform != "linux", reason="counts open files as Linux lists them")
def test_few_folders_stay_open(tmp_path: Path) -> None:
    descriptors = Path("/proc/self/fd")
    before = len(list(descriptors.iterdir()))
    with Claims() as claims:
        for number in range(100):
            (tmp_path / str(number)).mkdir()
            claims.take(tmp_path / str(number) / "a.png")
            claims.give_back(tmp_path / str(number) / "a.png")
        assert len(list(descriptors.iterdir())) < before + 40
    assert not list(tmp_path.glob("*/*"))
