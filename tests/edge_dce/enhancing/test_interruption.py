import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from edge_dce.enhancing.interruption import Interruption
from edge_dce.files.pictures import Picture, write_picture

ROOT = Path(__file__).resolve().parents[3]
TINY = str(ROOT / "tests" / "models" / "tiny-16x16-int8.tflite")


def test_interrupt_waits_for_the_check() -> None:
    with Interruption() as interruption:
        interruption.check()
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            interruption.check()


def test_second_interrupt_acts_at_once() -> None:
    with Interruption():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_afterwards_interrupts_are_as_before() -> None:
    with Interruption():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_handlers_of_others_stay_in_place() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interruption():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_may_use_it() -> None:
    def work() -> None:
        with Interruption() as interruption:
            interruption.check()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_end_asked_for_by_the_system_waits_too(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    # Whoever runs the tests under nohup has them ignore one.
    before = signal.signal(number, signal.SIG_DFL)
    try:
        with Interruption() as interruption:
            signal.raise_signal(number)
            with pytest.raises(SystemExit) as caught:
                interruption.check()
        assert caught.value.code == 128 + number
        assert capsys.readouterr().err == f"edge-dce: ended by {signal.Signals(number).name}\n"
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)


def test_folder_of_pictures_that_is_asked_to_end_leaves_nothing_unfinished(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(40):
        picture = Picture(np.full((600, 800, 3), number, np.uint8))
        write_picture(picture, tmp_path / "in" / f"{number}.png")
    command = [sys.executable, "-m", "edge_dce", "enhance", str(tmp_path / "in"), "-m", TINY]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None
    child.stdout.readline()
    child.send_signal(signal.SIGTERM)
    _, errors = child.communicate(timeout=60)
    assert (child.returncode, errors.splitlines()[-1]) == (143, "edge-dce: ended by SIGTERM")
    done = list((tmp_path / "in-enhanced").iterdir())
    assert 0 < len(done) < 40
    assert not [path for path in done if path.name.startswith(".")]


def test_hang_up_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interruption() as interruption:
            signal.raise_signal(signal.SIGHUP)
            interruption.check()
    finally:
        signal.signal(signal.SIGHUP, before)
