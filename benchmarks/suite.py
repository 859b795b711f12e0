"""The matrix: files x sizes x threads x runtimes, each runtime in the environment that has it."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.results import FRAME, PEERS, PIXEL_PATH, ROOT
from edge_dce.errors import EdgeDceError
from edge_dce.terminal.child import run

PHOTO = ROOT / "docs" / "pictures" / "night-launch.jpg"
ENVIRONMENTS = (ROOT / ".venv", ROOT / ".venv-tflite")


@dataclasses.dataclass(frozen=True)
class Matrix:
    """What to run.

    Attributes:
        models: names or paths.
        sizes: (width, height) of frames; `all_sizes` says whether environments but the first measure more than the
            first of them: what a frame costs beyond the network depends little on the runtime.
        threads: numbers of threads.
        environments: folders of virtual environments, each with one TFLite runtime.
        pairs: folders of dark pictures and ground truth, scored once, by the first environment; None leaves it out.
        peers: whether to measure the same networks on other runtimes, by this very Python.
        frame: whether to measure whole frames of video against what people would use instead.
        runs: counted runs; None chooses.
    """

    models: Sequence[str]
    sizes: Sequence[tuple[int, int]]
    threads: Sequence[int]
    environments: Sequence[Path]
    pairs: tuple[Path, Path] | None
    peers: bool
    all_sizes: bool = True
    frame: bool = False
    runs: int | None = None


@dataclasses.dataclass(frozen=True)
class Step:
    """One child process, which writes one report of the name `output`."""

    title: str
    command: tuple[str, ...]
    output: str


def plan_steps(matrix: Matrix, folder: Path) -> list[Step]:
    """The child processes that measure `matrix` into `folder`.

    Raises:
        EdgeDceError: an environment is missing.
    """
    steps: list[Step] = []
    runs = ["--runs", str(matrix.runs)] if matrix.runs else []
    for environment in matrix.environments:
        python = environment / "bin" / "python"
        if not python.exists():
            raise EdgeDceError(f"{environment}: expected a virtual environment, found none; run: make test")
        for size in matrix.sizes if matrix.all_sizes or not steps else matrix.sizes[:1]:
            frame = "x".join(str(side) for side in size)
            name = f"{environment.name.lstrip('.')}-{frame}.json"
            pairs = ["--pairs", *map(str, matrix.pairs)] if matrix.pairs and not steps else []
            command = [
                *(str(python), "-m", "edge_dce", "benchmark", *matrix.models, *runs),
                *("--size", frame, "--threads", ",".join(str(number) for number in matrix.threads)),
                *pairs,
                *("--json", str(folder / name), "--overwrite"),
            ]
            steps.append(Step(f"{environment.name}, {frame}", tuple(command), name))
    if matrix.peers:
        peers = (sys.executable, "-m", "benchmarks", "peers", *matrix.models, *runs, "--json", str(folder / PEERS))
        steps.append(Step("other runtimes", peers, PEERS))
    first = str(matrix.environments[0] / "bin" / "python")
    pixel_path = (first, "-m", "benchmarks", "pixel-path", *runs, "--json", str(folder / PIXEL_PATH))
    steps.append(Step("pixel path", pixel_path, PIXEL_PATH))
    if matrix.frame:
        frames = (first, "-m", "benchmarks", "frame", "--json", str(folder / FRAME))
        steps.append(Step("whole frames", frames, FRAME))
    return steps


def run_steps(steps: Sequence[Step], *, on_step: Callable[[Step], object] = lambda step: None) -> None:
    """Run one after the other; what they print is left to the terminal.

    Raises:
        EdgeDceError: one failed; what it said is on stderr.
    """
    for step in steps:
        on_step(step)
        # One at a time: two would measure each other.
        result = run(step.command, folder=ROOT, timeout_s=None, is_shown=True)
        if result.failure:
            raise EdgeDceError(f"{step.title} failed ({result.failure}); see above")
