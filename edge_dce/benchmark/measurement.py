"""Measure models side by side."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_dce.benchmark import doubts
from edge_dce.benchmark.frame import make_dark_frame
from edge_dce.benchmark.latency import Latency
from edge_dce.benchmark.probe import Probe, probe
from edge_dce.benchmark.quality import BASELINES, Difference, Quality, Score, measure_quality
from edge_dce.benchmark.report import Baseline, Measurement, Report
from edge_dce.benchmark.subject import Subject, TimedInterpreter, open_subject
from edge_dce.benchmark.sustained import WINDOW_S, Window, sustain
from edge_dce.benchmark.turns import TURNS, Call, Task, Timing, WarmUp, choose_runs, take_turns, warm_up
from edge_dce.benchmark.yardstick import Yardstick, open_yardstick
from edge_dce.files.folders import find_pictures, match_pairs
from edge_dce.machine import LoadMeter, describe_machine, read_condition
from edge_dce.models.catalog import find_model
from edge_dce.models.contracts import IMAGE
from edge_dce.models.runtime import Runtime, default_threads, find_runtime
from edge_dce.pixels.look import BARE
from edge_dce.pixels.shrinking import shrink

Uint8Array = npt.NDArray[np.uint8]
Pictures = Sequence[tuple[Path, Path | None]]

_UNTOUCHED = "input"


@dataclasses.dataclass(frozen=True)
class Plan:
    """What to measure.

    Attributes:
        size: (width, height) of the synthetic dark frame for the runs from image to image.
        threads: every model is measured with each of these; empty chooses as `edge_dce.load` does.
        runs: counted runs; None takes as many as a figure needs, by how long one takes.
        warmup: the least number of uncounted runs; more follow until the time is steady.
        contract: for files without a card that could be of several.
        accelerator: that every model is compiled for; None interprets it. Processes for a model alone interpret it.
        pairs: folders of dark pictures and of their ground truth under the same names.
        images: a folder of dark pictures without ground truth, instead.
        reference: model whose pictures the others' are compared with.
        sustained_s: seconds at full load afterwards.
        probes: whether to start a process per model for what only that can tell.
    """

    size: tuple[int, int] = (1920, 1080)
    threads: tuple[int, ...] = ()
    runs: int | None = None
    warmup: int = 5
    contract: str | None = None
    accelerator: str | None = None
    pairs: tuple[Path, Path] | None = None
    images: Path | None = None
    reference: str | None = None
    sustained_s: float = 0.0
    probes: bool = True

    def find_pictures(self) -> Pictures:
        """The pictures to score on, with their ground truth if there is one.

        Raises:
            ImageError: a folder is missing or empty, or the pairs do not match.
        """
        if self.pairs:
            return list(match_pairs(*self.pairs))
        return [(path, None) for path in find_pictures(self.images)] if self.images else []


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A loaded model about to be measured; `probe` is None for what a fresh process cannot load by itself."""

    name: str
    subject: Subject
    interpreter: TimedInterpreter
    runtime: Runtime
    probe: Callable[[], Probe | None] | None = None


@dataclasses.dataclass(frozen=True)
class Progress:
    """Whom to tell how far the work is: `start` with what and how many steps, `step` after each of them."""

    start: Callable[[str, int], object] = lambda what, steps: None
    step: Callable[[], object] = lambda: None


@dataclasses.dataclass(frozen=True)
class _ModelTiming:
    invoke: Timing
    end_to_end: Timing
    cleaned: Timing | None
    warm_up: WarmUp


@dataclasses.dataclass(frozen=True)
class _Scored:
    """What the pictures gave of one model, None without pictures; see `Measurement`."""

    bare: Score | None = None
    cleaned: Score | None = None
    difference: Difference | None = None


@dataclasses.dataclass(frozen=True)
class _Timings:
    """Of everything that took turns; `baselines` by key, the others in the order of the candidates."""

    models: list[_ModelTiming]
    yardsticks: list[Yardstick]
    baselines: dict[str, Latency]


def measure(models: Sequence[str | Path], plan: Plan, *, progress: Progress | None = None) -> Report:
    """Benchmark models by name or path, all in turn.

    Raises:
        RuntimeMissingError, ModelError: as `edge_dce.load`.
        ImageError: pictures are missing, broken, or do not match.
    """
    return measure_candidates(open_candidates(models, plan), plan, progress=progress)


def open_candidates(models: Sequence[str | Path], plan: Plan) -> list[Candidate]:
    """Load every model once for each number of threads. Raises as `measure`."""
    runtime = find_runtime()
    if plan.accelerator is not None:
        runtime = dataclasses.replace(runtime, name=f"{runtime.name} compiled for {plan.accelerator},")
    paths = [find_model(model) for model in models]
    candidates = []
    for path, name in zip(paths, _name_apart(paths), strict=True):
        for threads in plan.threads or (default_threads(),):
            subject, interpreter = open_subject(
                path, threads=threads, contract=plan.contract, accelerator=plan.accelerator
            )
            ask = functools.partial(probe, path, threads=threads, contract=plan.contract, size=plan.size)
            candidates.append(Candidate(name, subject, interpreter, runtime, ask if plan.probes else None))
    return candidates


def measure_candidates(candidates: Sequence[Candidate], plan: Plan, *, progress: Progress | None = None) -> Report:
    """Benchmark what is loaded already. Raises as `measure`."""
    progress = progress or Progress()
    pictures = plan.find_pictures()
    reference = _open_reference(plan)
    # First, because a broken picture should not cost the time of a measurement.
    quality = _score(candidates, pictures, reference, progress) if pictures else None
    meter, before = LoadMeter(), read_condition()
    probes = _ask_probes(candidates, progress)
    frame = make_dark_frame(*plan.size)
    timings = _time_all(candidates, frame, plan, progress)
    busy_cores = meter.read_busy_cores()
    windows = _sustain(candidates, frame, plan, progress)
    after = windows[-1].condition if windows else read_condition()
    scored = [_pick(quality, candidate.name) for candidate in candidates]
    return Report(
        machine=describe_machine(),
        before=before,
        after=after,
        busy_cores=busy_cores,
        results=tuple(
            _join(*each, size=plan.size) for each in zip(candidates, timings.models, probes, scored, strict=True)
        ),
        baselines=tuple(
            Baseline(key, timings.baselines.get(key), quality.baselines[key] if quality else None) for key in BASELINES
        ),
        yardsticks=tuple(timings.yardsticks),
        images=quality.images if quality else 0,
        windows=windows,
        warnings=tuple(doubts.doubt_machine(before, after, busy_cores) + doubts.doubt_pictures(pictures)),
    )


def _name_apart(paths: Sequence[Path]) -> list[str]:
    """A name for each file: its stem, the path where others have the same stem, a number where it is named twice."""
    stems = Counter(path.stem for path in set(paths))
    names = [path.stem if stems[path.stem] == 1 else str(path) for path in paths]
    return [
        name if names.index(name) == place else f"{name} #{names[: place + 1].count(name)}"
        for place, name in enumerate(names)
    ]


def _open_reference(plan: Plan) -> tuple[str, Subject] | None:
    if plan.reference is None:
        return None
    threads = max(plan.threads, default=default_threads())
    return find_model(plan.reference).stem, open_subject(plan.reference, threads=threads, contract=plan.contract)[0]


def _ask_probes(candidates: Sequence[Candidate], progress: Progress) -> list[Probe | None]:
    progress.start("loading", len(candidates))
    probes = []
    for candidate in candidates:
        probes.append(candidate.probe() if candidate.probe else None)
        progress.step()
    return probes


def _time_all(candidates: Sequence[Candidate], frame: Uint8Array, plan: Plan, progress: Progress) -> _Timings:
    """The network and the whole of each candidate, the yardsticks and the baselines, in turn."""
    progress.start("warming up", len(candidates))
    # What is timed, and of which candidate, number of threads or baseline.
    tasks: dict[tuple[str, int | str], Task] = {}
    warm_ups = []
    for place, candidate in enumerate(candidates):
        subject, interpreter = candidate.subject, candidate.interpreter
        tensor = subject.quantize_input(shrink(frame, subject.width, subject.height))
        invoke = functools.partial(subject.invoke, tensor)
        warm_ups.append(warm_up(invoke, least=plan.warmup))
        runs = plan.runs or choose_runs(warm_ups[-1].typical_ms)
        tasks["network", place] = Task(invoke, runs, interpreter.read_last_ms)
        tasks["frame", place] = _plan_task(functools.partial(subject.enhance, frame, BARE), plan)
        if _cleans(candidate):
            tasks["cleaned", place] = _plan_task(functools.partial(subject.enhance, frame), plan)
        progress.step()
    yardsticks = {number: open_yardstick(threads=number) for number in sorted({c.subject.threads for c in candidates})}
    for number, yardstick in yardsticks.items():
        tasks["yardstick", number] = _plan_task(yardstick.invoke, plan)
    baselines = [key for key in BASELINES if key != _UNTOUCHED]
    for key in baselines:
        tasks["baseline", key] = _plan_task(functools.partial(BASELINES[key], frame), plan)
    progress.start("timing", TURNS)
    timed = dict(zip(tasks, take_turns(list(tasks.values()), on_turn=progress.step), strict=True))
    return _Timings(
        [
            _ModelTiming(timed["network", place], timed["frame", place], timed.get(("cleaned", place)), done)
            for place, done in enumerate(warm_ups)
        ],
        [each.conclude(timed["yardstick", number].latency) for number, each in yardsticks.items()],
        {key: timed["baseline", key].latency for key in baselines},
    )


def _plan_task(call: Call, plan: Plan) -> Task:
    return Task(call, plan.runs or choose_runs(warm_up(call, least=plan.warmup).typical_ms))


def _score(
    candidates: Sequence[Candidate], pictures: Pictures, reference: tuple[str, Subject] | None, progress: Progress
) -> Quality:
    progress.start("scoring", len(pictures))
    # Threads change no picture: one candidate of each name.
    models = {candidate.name: _bare(candidate.subject) for candidate in candidates}
    cleaned = {_name_cleaned(each.name): each.subject.enhance for each in candidates if _cleans(each)}
    named = reference and (reference[0], _bare(reference[1]))
    return measure_quality(pictures, models | cleaned, reference=named, on_picture=progress.step)


def _sustain(candidates: Sequence[Candidate], frame: Uint8Array, plan: Plan, progress: Progress) -> tuple[Window, ...]:
    if not plan.sustained_s:
        return ()
    progress.start("full load", math.ceil(plan.sustained_s / WINDOW_S))
    calls = [functools.partial(candidate.subject.enhance, frame) for candidate in candidates]
    return sustain(calls, plan.sustained_s, on_window=lambda window: progress.step())


def _pick(quality: Quality | None, name: str) -> _Scored:
    if quality is None:
        return _Scored()
    return _Scored(quality.models[name], quality.models.get(_name_cleaned(name)), quality.differences.get(name))


def _bare(subject: Subject) -> Callable[[Uint8Array], npt.NDArray[Any]]:
    return functools.partial(subject.enhance, look=BARE)


def _cleans(candidate: Candidate) -> bool:
    """Whether its pictures are cleaned by default; those of a network that returns the image itself are not."""
    return candidate.subject.contract != IMAGE.name


def _name_cleaned(name: str) -> str:
    return f"{name}, cleaned"


def _join(
    candidate: Candidate,
    timing: _ModelTiming,
    asked: Probe | None,
    scored: _Scored,
    *,
    size: tuple[int, int],
) -> Measurement:
    subject, model = candidate.subject, candidate.subject.model
    invoke, end_to_end = timing.invoke.latency, timing.end_to_end.latency
    cleaned = timing.cleaned.latency if timing.cleaned else None
    overhead_ms = timing.invoke.overhead_ms
    observed = asked.threads if asked else None
    return Measurement(
        model=candidate.name,
        model_sha256=model.sha256,
        file_bytes=model.path.stat().st_size,
        precision=model.card.precision if model.card else None,
        contract=subject.contract,
        runtime=candidate.runtime.name,
        runtime_version=candidate.runtime.version,
        xnnpack=candidate.interpreter.xnnpack,
        size=size,
        threads=subject.threads,
        threads_observed=observed,
        load_ms=asked.load_ms if asked else None,
        first_run_ms=asked.first_run_ms if asked else None,
        peak_rss_mb=asked.peak_rss_mb if asked else None,
        rss_before_mb=asked.rss_before_mb if asked else None,
        warmup_runs=timing.warm_up.runs,
        invoke=invoke,
        call_overhead_us=None if overhead_ms is None else round(overhead_ms * 1e3, 1),
        end_to_end=end_to_end,
        cleaned=cleaned,
        score=scored.bare,
        cleaned_score=scored.cleaned,
        difference=scored.difference,
        warnings=(
            *doubts.doubt_warm_up(timing.warm_up),
            *doubts.doubt_latency("network", invoke),
            *doubts.doubt_latency("photo to photo", cleaned or end_to_end),
            *doubts.doubt_threads(subject.threads, observed),
            *doubts.doubt_runtime(candidate.runtime.name, candidate.interpreter.xnnpack),
        ),
    )
