import errno
import io
import subprocess
import sys

import pytest

from edge_dce.errors import ModelError
from edge_dce.terminal.console import CUT_SHORT, answer, make_printable, say


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


def test_program_whose_work_is_not_its_output_says_that_it_was_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_dce.terminal.console.discard_stdout", lambda: None)
    assert answer(lambda: raise_(BrokenPipeError()), prog="program", unread_status=CUT_SHORT) == 141


def test_error_of_something_else_leaves_what_was_printed() -> None:
    code = """if True:
        from edge_dce.terminal.console import answer

        def run():
            print("result")
            raise OSError(22, "wrong")

        answer(run)
    """
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (child.stdout, child.stderr) == ("result\n", "edge-dce: error: wrong\n")


def test_error_is_said_where_there_is_no_stdout(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert answer(lambda: raise_(OSError(errno.ENOSPC, "No space left on device")), prog="program") == 1
    assert capsys.readouterr().err == "program: error: output: No space left on device\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Zürich 日 🌃.png", "Zürich 日 🌃.png"),
        ("at\u202f9.41\xa0pm", "at\u202f9.41\xa0pm"),
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("a\nb\tc\\n", r"a\nb\tc\n"),
        # An "ö" in Latin-1, as Python reads it; a C1 code; what turns letters around.
        ("b\udcf6se", r"b\xf6se"),
        ("\x9b31m", r"\x9b31m"),
        ("photo\u202egnp.exe", r"photo\u202egnp.exe"),
        ("\ud800", r"\ud800"),
    ],
)
def test_text_that_would_move_a_terminal_is_escaped(text: str, shown: str) -> None:
    assert make_printable(text) == shown


def test_nothing_that_is_said_can_fail(capfd: pytest.CaptureFixture[str]) -> None:
    say("error: \udcff\x1b[2J\nsecond line")
    assert capfd.readouterr().err == "error: \\xff\\x1b[2J\\nsecond line\n"
