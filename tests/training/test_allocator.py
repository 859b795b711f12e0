"""Memory of tensors: taken from the kernel once."""

import platform
import subprocess
import sys
from pathlib import Path

import keras
import pytest

from tests.training.lol_folder import write_lol

ROOT = Path(__file__).resolve().parents[2]
PAGES, TIMES = 256, 100
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


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow" or platform.libc_ver()[0] != "glibc",
    reason="only TensorFlow changes the allocator, and only glibc's",
)
def test_training_takes_the_same_memory_from_the_kernel_once(tmp_path: Path) -> None:
    # A process of its own: what is set stays, and other tests train too.
    child = subprocess.run(
        [sys.executable, "-c", COUNT_FAULTS, str(write_lol(tmp_path / "lol")), str(tmp_path / "run")],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert child.returncode == 0, child.stderr
    # Each page once at most, and some for the counting; as TensorFlow leaves it, each of them 100 times.
    assert int(child.stdout.split()[-1]) < 2 * PAGES
