"""Memory of tensors: taken from the kernel once."""

import ctypes
import platform
import subprocess
import sys
from pathlib import Path

import keras
import pytest

from tests.training.lol_folder import write_lol
from training import allocator

ROOT = Path(__file__).resolve().parents[2]
PAGES, TIMES = 256, 100
MMAP_THRESHOLD = -3
# Trains, then counts the pages that the kernel clears for arrays that are freed at once.
COUNT_FAULTS = f"""
import resource, sys
from pathlib import Path
import numpy as np
from tests.training.tiny_recipe import TINY
from training.fitting import fit
from training.run import Run

def count():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

fit(Path(sys.argv[1]), TINY, Run(Path(sys.argv[2])), verbose=0)
before = count()
for _ in range({TIMES}):
    np.ones({PAGES} * resource.getpagesize(), np.uint8)
print(count() - before)
"""


IS_CHANGED = keras.backend.backend() == "tensorflow" and platform.libc_ver()[0] == "glibc"


def count_faults(folder: Path) -> int:
    """In a process of its own: what is set stays, and other tests train too."""
    command = [sys.executable, "-c", COUNT_FAULTS, str(write_lol(folder / "lol")), str(folder / "run")]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert child.returncode == 0, child.stderr
    return int(child.stdout.split()[-1])


@pytest.mark.skipif(not IS_CHANGED, reason="only TensorFlow changes the allocator, and only glibc's")
def test_training_takes_the_same_memory_from_the_kernel_once(tmp_path: Path) -> None:
    # Each page once at most, and some for the counting. As TensorFlow leaves it, mostly each of them 100 times: how far
    # glibc has raised its threshold before that depends on what the start has freed.
    assert count_faults(tmp_path) < 2 * PAGES


def test_glibc_that_refuses_the_largest_threshold_gets_the_most_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []

    class OldLibrary:
        @staticmethod
        def mallopt(parameter: int, value: int) -> int:
            asked.append((parameter, value))
            return int(parameter != MMAP_THRESHOLD or value <= 32 * 2**20)

    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda name: OldLibrary)
    allocator.keep_freed_memory()
    assert asked[-1] == (MMAP_THRESHOLD, 4 * 2**20 * ctypes.sizeof(ctypes.c_long))
