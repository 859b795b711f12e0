import errno
import io
import sys

import pytest

from edge_dce.errors import ModelError
from edge_dce.terminal.console import answer


def raise_(error: BaseException) -> int:
    raise error


@pytest.mark.parametrize(("returned", "status"), [(None, 0), (0, 0), (3, 3)])
def test_status_is_what_the_command_returns(returned: int | None, status: int) -> None:
    assert answer(lambda: returned, prog="program") == status


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (ModelError("a.tflite: broken"), 1, "program: error: a.tflite: broken\n"),
        (
            FileNotFoundError(2, "No such file or directory", "a.jpg"),
            1,
            "program: error: a.jpg: No such file or direct",
        ),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "program: error: output: No space left on device\n"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Refused"), 1, "program: error: Refused\n"),
        (MemoryError(), 1, "program: error: not enough memory"),
        (KeyboardInterrupt(), 130, "program: interrupted\n"),
    ],
)
def test_end_of_a_program_is_said_in_one_line(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    status: int,
    said: str,
) -> None:
    # What it does to the process's stdout would outlive the test.
    monkeypatch.setattr("edge_dce.terminal.console.discard_stdout", lambda: None)
    assert answer(lambda: raise_(error), prog="program") == status
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(said)
    assert captured.err.count("\n") == 1


def test_debug_raises_errors_and_nothing_else() -> None:
    with pytest.raises(ModelError):
        answer(lambda: raise_(ModelError("broken")), prog="program", debug=True)
    assert answer(lambda: raise_(KeyboardInterrupt()), prog="program", debug=True) == 130


def test_mistake_of_ours_is_not_taken_for_the_users() -> None:
    with pytest.raises(KeyError):
        answer(lambda: raise_(KeyError("name")), prog="program")


def test_reader_that_has_enough_is_no_error(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    class Closed(io.StringIO):
        def flush(self) -> None:
            raise BrokenPipeError

        def fileno(self) -> int:
            return 1

    monkeypatch.setattr(sys, "stdout", Closed())
    assert answer(lambda: print("a line"), prog="program") == 0
    assert capfd.readouterr().err == ""
