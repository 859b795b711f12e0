"""What only a fresh process can tell of a model: load, first run, peak memory, threads.

`probe` starts this module as a program, which measures and prints one line of JSON.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from pathlib import Path

import numpy as np

from edge_dce.benchmark.frame import make_dark_frame
from edge_dce.benchmark.subject import open_subject
from edge_dce.benchmark.turns import time_ms
from edge_dce.machine import count_threads, read_peak_rss_mb
from edge_dce.models.runtime import find_runtime
from edge_dce.terminal.child import run_python

_FRAMES = 3


@dataclasses.dataclass(frozen=True)
class Probe:
    """One model in a process of its own.

    Attributes:
        load_ms: from file to an interpreter with its tensors allocated; the runtime's library is loaded before.
        first_run_ms: the network's first run.
        peak_rss_mb: the most memory the process held, of which it held `rss_before_mb` before it loaded the model
            (Python, numpy, OpenCV and the runtime). None where the system does not tell.
        threads: that the network was seen to run on; None where the system does not tell.
    """

    load_ms: float
    first_run_ms: float
    peak_rss_mb: float | None
    rss_before_mb: float | None
    threads: int | None


def probe(path: Path, *, threads: int, contract: str | None, size: tuple[int, int]) -> Probe | None:
    """Load a model and enhance three frames of `size` (width, height) in a new process; None if that process died."""
    asked = json.dumps({"path": str(path.resolve()), "threads": threads, "contract": contract, "size": size})
    result = run_python(["-m", "edge_dce.benchmark.probe", asked])
    return None if result.failure else Probe(**json.loads(result.output.splitlines()[-1]))


def _measure(path: str, threads: int, contract: str | None, size: tuple[int, int]) -> Probe:
    # Loads the runtime's library, whose time and memory are not the model's.
    find_runtime()
    before_mb, threads_before = read_peak_rss_mb(), count_threads()
    start = time.perf_counter()
    subject, _ = open_subject(path, threads=threads, contract=contract)
    load_ms = (time.perf_counter() - start) * 1e3
    tensor = subject.quantize_input(np.zeros((subject.height, subject.width, 3), np.uint8))
    first_run_ms = time_ms(lambda: subject.invoke(tensor))
    threads_after = count_threads()
    frame = make_dark_frame(*size)
    for _ in range(_FRAMES):
        subject.enhance(frame)
    return Probe(
        load_ms=round(load_ms, 3),
        first_run_ms=round(first_run_ms, 3),
        peak_rss_mb=read_peak_rss_mb(),
        rss_before_mb=before_mb,
        # This thread works too.
        threads=threads_after - threads_before + 1 if threads_after and threads_before else None,
    )


if __name__ == "__main__":
    print(json.dumps(dataclasses.asdict(_measure(**json.loads(sys.argv[1])))))
