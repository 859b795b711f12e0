"""The default model at work for three seconds, as JSON on stdout: run in a child process by `edge_dce.doctor`."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_dce.benchmark.frame import make_dark_frame
from edge_dce.benchmark.turns import time_ms
from edge_dce.enhancer import load
from edge_dce.machine import read_cpu_name, read_peak_rss_mb
from edge_dce.models.catalog import DEFAULT_MODEL
from edge_dce.models.runtime import default_threads, find_runtime
from edge_dce.pixels.look import BARE
from edge_dce.pixels.metrics import finite_psnr
from edge_dce.pixels.shrinking import shrink

SIZE = (1920, 1080)
# The same network in another precision, which other code of the runtime computes.
TWIN = DEFAULT_MODEL.replace("int8", "float16")
# Each model runs three times as long as this: the network alone, and a frame without and with cleaning.
_SECONDS = 0.5


@dataclasses.dataclass(frozen=True)
class ModelTrial:
    """One model here: medians in ms of the network alone and of a whole 1080p frame, without and with cleaning."""

    model: str
    uses_xnnpack: bool | None
    network_ms: float
    end_to_end_ms: float
    cleaned_ms: float


def run_trial() -> dict[str, Any]:
    """What `edge_dce.doctor.default_model` reads; `agreement_db` is the PSNR between both models' frames, not cleaned.

    Raises:
        EdgeDceError: as `edge_dce.load`.
    """
    runtime, threads = find_runtime(), default_threads()
    frame = make_dark_frame(*SIZE)
    default, enhanced = _try_model(DEFAULT_MODEL, frame, threads)
    twin, enhanced_by_twin = _try_model(TWIN, frame, threads)
    return {
        "cpu": read_cpu_name(),
        "runtime": runtime.name,
        "runtime_version": runtime.version,
        "size": list(SIZE),
        "threads": threads,
        "default": dataclasses.asdict(default),
        "twin": dataclasses.asdict(twin),
        "agreement_db": finite_psnr(enhanced, enhanced_by_twin),
        "peak_rss_mb": read_peak_rss_mb(),
    }


def _try_model(name: str, frame: npt.NDArray[np.uint8], threads: int) -> tuple[ModelTrial, npt.NDArray[np.uint8]]:
    enhancer = load(name, threads=threads)
    tensor = enhancer.quantize_input(shrink(frame, enhancer.width, enhancer.height))
    trial = ModelTrial(
        model=name,
        uses_xnnpack=enhancer.xnnpack,
        network_ms=_time_median_ms(lambda: enhancer.invoke(tensor)),
        end_to_end_ms=_time_median_ms(lambda: enhancer.enhance(frame, BARE)),
        cleaned_ms=_time_median_ms(lambda: enhancer.enhance(frame)),
    )
    return trial, enhancer.enhance(frame, BARE)


def _time_median_ms(call: Callable[[], object]) -> float:
    runs = max(1, int(_SECONDS * 1e3 / max(time_ms(call), 1)))
    call()
    return round(float(np.median([time_ms(call) for _ in range(runs)])), 2)


if __name__ == "__main__":
    json.dump(run_trial(), sys.stdout)
