"""How long a step of a training takes: by TensorFlow with and without memory that stays, and by jax, in turn."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from edge_dce.benchmark.latency import Latency, divide_pairs
from edge_dce.errors import EdgeDceError
from edge_dce.files.pictures import Picture, write_picture
from edge_dce.machine import read_peak_rss_mb
from edge_dce.reports.table import EMPTY, Table
from edge_dce.terminal.child import run_python

# Engine, and whether `training.allocator` is at work.
VARIANTS = {
    "TensorFlow": ("tensorflow", True),
    "TensorFlow, without kept memory": ("tensorflow", False),
    "jax": ("jax", True),
}
# It needs no pairs and no panoramas.
RECIPE = "edge-scene"
# Enough that every batch is drawn anew, of LOL's size.
_PICTURES, _WIDTH, _HEIGHT = 64, 600, 400
# The first epoch traces and compiles.
_EPOCHS = 3
_CHILD = "import sys; from benchmarks.training_speed import train_and_tell; train_and_tell(*sys.argv[1:])"


@dataclasses.dataclass(frozen=True)
class EngineSpeed:
    """What the trainings of one variant took, one after the other.

    Attributes:
        step_ms: mean duration of a step, of each epoch after the first.
        program_s, kernel_s: processor time of each process, start included, in the program and in the kernel.
        peak_mb: resident memory of each process at most.
    """

    step_ms: tuple[float, ...]
    program_s: tuple[float, ...]
    kernel_s: tuple[float, ...]
    peak_mb: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class TrainingSpeed:
    """Of one recipe on made pictures; `engines` by the names of VARIANTS."""

    recipe: str
    steps: int
    engines: dict[str, EngineSpeed]


def measure_training_speed(
    recipe: str, *, steps: int = 24, turns: int = 3, variants: Iterable[str] = tuple(VARIANTS)
) -> TrainingSpeed:
    """Train by a recipe that needs no pairs and no panoramas, each variant in a process of its own, in turn.

    Args:
        steps: of an epoch.
        turns: how many trainings of each variant.
        variants: names of VARIANTS; those of an engine that is not installed are left out.

    Raises:
        EdgeDceError: no engine is installed, or a training fails.
    """
    names = [name for name in variants if importlib.util.find_spec(VARIANTS[name][0]) is not None]
    if not names:
        raise EdgeDceError("expected TensorFlow or jax, found neither; run it in .venv-workshop (make workshop)")
    told: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory(prefix="edge-dce-") as folder:
        photos = Path(folder, "photos")
        _write_photos(photos)
        for turn in range(turns):
            for name in names:
                engine, keeps = VARIANTS[name]
                out = Path(folder, f"run-{names.index(name)}-{turn}")
                arguments = (recipe, str(steps), engine, "keep" if keeps else "", str(photos), str(out))
                child = run_python(("-c", _CHILD, *arguments), timeout_s=None)
                if child.failure:
                    raise EdgeDceError(f"{name}: expected a training by '{recipe}', found: {child.failure}")
                told[name].append(json.loads(child.output.splitlines()[-1]))
    engines = {
        name: EngineSpeed(
            step_ms=tuple(step_ms for each in runs for step_ms in each["step_ms"]),
            **{key: tuple(each[key] for each in runs) for key in ("program_s", "kernel_s", "peak_mb")},
        )
        for name, runs in told.items()
    }
    return TrainingSpeed(recipe, steps, engines)


def train_and_tell(recipe_name: str, steps: str, engine: str, keeps: str, photos: str, out: str) -> None:
    """The child: train, then print what an epoch and the process took as one line of JSON."""
    # Keras reads it once, when it is imported.
    os.environ["KERAS_BACKEND"] = engine
    from training import allocator, fitting
    from training.recipe import find_recipe
    from training.run import Run

    epochs_s: list[float] = []

    # In the place of the callback that is compared, so that the training is otherwise the one that users have.
    class Clock(allocator.MemoryKeeper):
        def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            epochs_s.append(time.perf_counter())

        def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
            super().on_train_batch_end(batch, logs)
            if batch == int(steps) - 1:
                epochs_s[-1] = time.perf_counter() - epochs_s[-1]

    recipe = find_recipe(recipe_name)
    recipe = dataclasses.replace(recipe, epochs=_EPOCHS, epoch_images=int(steps) * recipe.batch_size)
    keep = allocator.keep_freed_memory if keeps else lambda: None
    with mock.patch.object(fitting, "MemoryKeeper", Clock), mock.patch.object(allocator, "keep_freed_memory", keep):
        fitting.fit(Path(photos), recipe, Run(Path(out)), cache=Path(out).with_suffix(".cache"), verbose=0)
    used = os.times()
    figures = {
        "step_ms": [1000 * epoch_s / int(steps) for epoch_s in epochs_s[1:]],
        "program_s": used.user,
        "kernel_s": used.system,
        "peak_mb": read_peak_rss_mb(),
    }
    print(json.dumps(figures))


def format_training_speed(speed: TrainingSpeed) -> str:
    """A table for the terminal."""
    return f"{_describe(speed)}\n{_make_table(speed).to_text()}"


def render_training_speed(record: dict[str, Any]) -> str:
    """What `python -m benchmarks training-speed --json` wrote, as Markdown."""
    fields = record["training_speed"]
    engines = {
        name: EngineSpeed(**{key: tuple(values) for key, values in each.items()})
        for name, each in fields["engines"].items()
    }
    speed = TrainingSpeed(fields["recipe"], fields["steps"], engines)
    return f"{_describe(speed)}\n\n{_make_table(speed).to_markdown()}"


def _describe(speed: TrainingSpeed) -> str:
    turns = max(len(each.peak_mb) for each in speed.engines.values())
    return f"`{speed.recipe}`, {turns} trainings of {_EPOCHS} epochs of {speed.steps} steps each, in turn:"


def _make_table(speed: TrainingSpeed) -> Table:
    first = next(iter(speed.engines.values()))
    rows = [
        [
            name,
            str(Latency(each.step_ms)),
            EMPTY if each is first else str(divide_pairs(each.step_ms, first.step_ms)),
            f"{np.median(each.program_s):.0f} / {np.median(each.kernel_s):.0f}",
            f"{np.median(each.peak_mb):.0f}",
        ]
        for name, each in speed.engines.items()
    ]
    header = ["engine", "a step, p50 / p90 ms", "times the first", "program / kernel, s of processor", "peak memory MB"]
    return Table(header, rows)


def _write_photos(folder: Path) -> None:
    folder.mkdir()
    for number, image in enumerate(_make_photos()):
        write_picture(Picture(image), folder / f"{number}.png")


def _make_photos() -> Iterator[np.ndarray[Any, np.dtype[np.uint8]]]:
    """Dark pictures of which no two are alike."""
    for number in range(_PICTURES):
        random = np.random.default_rng(number)
        coarse = random.integers(0, 60, (_HEIGHT // 25, _WIDTH // 25, 3))
        yield coarse.repeat(25, axis=0).repeat(25, axis=1).astype(np.uint8)
