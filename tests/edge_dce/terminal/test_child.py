import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edge_dce.terminal.child import ChildResult, run, run_python, start_python


def test_output_of_a_child_that_ends_well() -> None:
    assert run_python(["-c", "print('found')"]) == ChildResult("found\n", None)


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        ("import sys; sys.exit(3)", "exit status 3"),
        ("import sys; print('first\\nlast\\n', file=sys.stderr); sys.exit(1)", "last"),
        ("import sys; print('said on stdout'); sys.exit(1)", "said on stdout"),
        ("raise ValueError('wrong')", "ValueError: wrong"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "stopped by SIGKILL"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGRTMIN + 1)", f"stopped by signal {signal.SIGRTMIN + 1}"),
    ],
)
def test_failure_is_told_in_one_line(code: str, failure: str) -> None:
    assert run_python(["-c", code]).failure == failure


def test_program_that_is_missing_or_hangs_is_a_failure_too(tmp_path: Path) -> None:
    assert run([str(tmp_path / "missing")]).failure == "No such file or directory"
    assert run([sys.executable, "-c", "import time; time.sleep(60)"], timeout_s=0.2).failure == "no result after 0.2 s"


def test_child_reads_what_it_is_given() -> None:
    code = "import sys; print(len(sys.stdin.buffer.read()))"
    assert run_python(["-c", code], given=bytes(100_000)) == ChildResult("100000\n", None)


def test_program_that_cannot_start_is_told_from_one_that_fails(tmp_path: Path) -> None:
    assert not run([str(tmp_path / "missing")]).has_started
    assert run([sys.executable, "-c", "raise SystemExit(1)"]).has_started


def test_child_finds_packages_where_this_process_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "only_here.py").write_text("NAME = 'only here'")
    monkeypatch.syspath_prepend(tmp_path)
    code = "import edge_dce, only_here; print(only_here.NAME)"
    assert run_python(["-c", code]) == ChildResult("only here\n", None)


def test_files_of_the_users_folder_are_not_taken_for_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "random.py").write_text("raise RuntimeError('the wrong one')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [folder for folder in sys.path if folder])
    assert run_python(["-c", "import random"]).failure is None


def test_shown_output_is_left_to_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    result = run([sys.executable, "-c", "print('seen'); raise SystemExit(2)"], is_shown=True)
    assert result == ChildResult("", "exit status 2")
    assert capfd.readouterr().out == "seen\n"


def test_started_program_runs_until_it_is_told_to_stop(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w+") as log:
        program = start_python(["-c", "import time; time.sleep(60)"], stderr=log)
        with pytest.raises(subprocess.TimeoutExpired):
            program.wait(0.1)
        program.terminate()
        assert program.wait(30) == -signal.SIGTERM
