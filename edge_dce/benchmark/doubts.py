"""What makes figures doubtful: warnings as values of the result, each with what to do about it."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from pathlib import Path

from edge_dce.benchmark.latency import Latency
from edge_dce.benchmark.turns import WarmUp
from edge_dce.files.folders import warn_of_lossy
from edge_dce.machine import Condition, count_usable_cores, find_throttling, read_governor

_FEW_RUNS = 10
_LEAST_MS = 20.0
_BUSY_CORES = 0.2
_X86 = ("x86_64", "AMD64")


def doubt_latency(name: str, latency: Latency) -> list[str]:
    """Of one series of durations; `name` says what of."""
    warnings = []
    if latency.is_noisy:
        warnings.append(f"noisy: {name} varies by 10 % or more; close other programs")
    if len(latency.values_ms) < _FEW_RUNS:
        warnings.append(f"few runs: p90 and p99 of {len(latency.values_ms)} values mean little; raise --runs")
    if sum(latency.values_ms) < _LEAST_MS:
        warnings.append(f"too short: {name} was timed for {sum(latency.values_ms):.1f} ms in all; raise --runs")
    return warnings


def doubt_threads(asked: int, observed: int | None) -> list[str]:
    """Of the number of threads."""
    if asked > count_usable_cores():
        return [f"threads: {asked} threads share {count_usable_cores()} cores; ask for fewer"]
    if observed is not None and observed != asked:
        return [f"threads: asked for {asked}, the runtime uses {observed} for this model"]
    return []


def doubt_warm_up(done: WarmUp) -> list[str]:
    """Of the state in which counting began."""
    return [] if done.is_steady else [f"not warm: it still got faster after {done.runs} uncounted runs; raise --warmup"]


def doubt_runtime(name: str, xnnpack: bool | None) -> list[str]:
    """Of the runtime's choice for this processor, and of its kernels for the model."""
    if xnnpack is False:
        return ["slow kernels: XNNPACK runs no part of this model; convert it with edge-dce convert"]
    if name == "tflite-runtime" and platform.machine() in _X86:
        return [
            "slow runtime: ai-edge-litert runs int8 models two to three times as fast here; install edge-dce[litert]"
        ]
    return []


def doubt_machine(before: Condition, after: Condition, busy_cores: float | None) -> list[str]:
    """Of the machine during the whole run."""
    warnings = []
    governor = read_governor()
    if governor not in (None, "performance"):
        warnings.append(f"clock: the CPU governor is '{governor}'; figures vary less with 'performance'")
    if busy_cores is not None and busy_cores >= _BUSY_CORES:
        warnings.append(f"other load: other programs kept {busy_cores:.1f} cores busy; close them")
    slowed_by = find_throttling(before, after)
    if slowed_by:
        warnings.append(f"throttled: {', '.join(slowed_by)}; cool the board or strengthen its power supply")
    return warnings


def doubt_pictures(pictures: Iterable[tuple[Path, Path | None]]) -> list[str]:
    """Of pictures with ground truth."""
    return warn_of_lossy((path, truth) for path, truth in pictures if truth is not None)
