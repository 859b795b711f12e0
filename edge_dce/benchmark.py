"""Measure one model file on this device: latency, memory, quality.

Raw values are kept and statistics computed on reading; whatever makes a figure doubtful is a warning in the result.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.baselines import apply_gamma
from edge_dce.catalog import find_model
from edge_dce.enhancer import Enhancer, load
from edge_dce.errors import ImageError
from edge_dce.folders import match_pairs, warn_of_lossy
from edge_dce.images import read_image
from edge_dce.metrics import finite_psnr, ssim
from edge_dce.preprocessing import shrink
from edge_dce.runtime import find_runtime

Uint8Array = npt.NDArray[np.uint8]

SCHEMA = 1
_NOISY_RATIO = 0.10
_FEW_RUNS = 10
_GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


@dataclasses.dataclass(frozen=True)
class Latency:
    """Raw durations of single runs, in milliseconds, in the order they were taken."""

    values_ms: tuple[float, ...]

    def percentile(self, percent: float) -> float:
        return float(np.percentile(self.values_ms, percent))

    @property
    def is_noisy(self) -> bool:
        """Standard deviation of a tenth of the mean or more."""
        return bool(np.std(self.values_ms) >= _NOISY_RATIO * np.mean(self.values_ms))

    def to_dict(self) -> dict[str, Any]:
        return {
            "p50": round(self.percentile(50), 3),
            "p90": round(self.percentile(90), 3),
            "p99": round(self.percentile(99), 3),
            "values": [round(value, 3) for value in self.values_ms],
        }


@dataclasses.dataclass(frozen=True)
class Quality:
    """Mean PSNR and SSIM of enhanced images against ground truth, beside two rows that need no network."""

    images: int
    psnr_db: float
    ssim: float
    input_psnr_db: float
    input_ssim: float
    gamma_psnr_db: float
    gamma_ssim: float


@dataclasses.dataclass(frozen=True)
class Measurement:
    """What one benchmark of one model file gave.

    `model_sha256` is that of the model without its card, `invoke` is the network alone, `end_to_end` uint8 image in to
    uint8 image out at `size` (width, height).
    """

    model: str
    model_sha256: str
    precision: str | None
    contract: str
    runtime: str
    runtime_version: str
    size: tuple[int, int]
    threads: int
    load_ms: float
    first_run_ms: float
    invoke: Latency
    end_to_end: Latency
    peak_rss_mb: float | None
    quality: Quality | None
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """One element of the report's `results`."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        fields["size"] = list(self.size)
        fields["warnings"] = list(self.warnings)
        fields["quality"] = self.quality and {
            name: value if name == "images" else round(value, 4)
            for name, value in dataclasses.asdict(self.quality).items()
        }
        fields["invoke_ms"] = fields.pop("invoke").to_dict()
        fields["end_to_end_ms"] = fields.pop("end_to_end").to_dict()
        return fields


def measure(
    model: str | Path,
    *,
    size: tuple[int, int] = (1920, 1080),
    threads: int | None = None,
    runs: int = 50,
    warmup: int = 5,
    pairs: tuple[Path, Path] | None = None,
    contract: str | None = None,
) -> Measurement:
    """Benchmark one model.

    Args:
        model: bundled name or path.
        size: (width, height) of the synthetic dark frame for the end-to-end runs.
        threads: None chooses as `load` does.
        runs, warmup: counted and uncounted runs, of the network alone and of the whole.
        pairs: folders of low-light images and of their ground truth under the same names.
        contract: as for `load`.

    Raises:
        RuntimeMissingError, ModelError: as `load`.
        ImageError: the pairs do not match.
    """
    runtime = find_runtime()
    matched = match_pairs(*pairs) if pairs else []
    start = time.perf_counter()
    enhancer = load(model, threads=threads, contract=contract)
    load_ms = (time.perf_counter() - start) * 1e3

    frame = make_dark_frame(*size)
    tensor = enhancer.quantize_input(shrink(frame, enhancer.width, enhancer.height))
    first = time_runs(lambda: enhancer.invoke(tensor), runs=1, warmup=0)
    invoke = time_runs(lambda: enhancer.invoke(tensor), runs=runs, warmup=warmup)
    end_to_end = time_runs(lambda: enhancer.enhance(frame), runs=runs, warmup=warmup)
    peak_rss_mb = read_peak_rss_mb()
    return Measurement(
        model=find_model(model).stem,
        model_sha256=hashlib.sha256(enhancer.model.content).hexdigest(),
        precision=enhancer.card.precision if enhancer.card else None,
        contract=enhancer.contract,
        runtime=runtime.name,
        runtime_version=runtime.version,
        size=size,
        threads=enhancer.threads,
        load_ms=round(load_ms, 3),
        first_run_ms=round(first.values_ms[0], 3),
        invoke=invoke,
        end_to_end=end_to_end,
        peak_rss_mb=peak_rss_mb,
        quality=measure_quality(enhancer, matched) if matched else None,
        warnings=tuple(_find_warnings(runtime.name, invoke, end_to_end, matched)),
    )


def measure_quality(enhancer: Enhancer, pairs: list[tuple[Path, Path]]) -> Quality:
    """PSNR and SSIM at native size, in float64, without alignment of any kind.

    Raises:
        ImageError: a picture is broken, or the two of a pair differ in size.
    """
    rows: list[list[float]] = []
    for low_path, high_path in pairs:
        image, truth = read_image(low_path), read_image(high_path)
        if image.shape != truth.shape:
            raise ImageError(f"{low_path}: {_dimensions(image)}, but its ground truth is {_dimensions(truth)}")
        row: list[float] = []
        for candidate in (enhancer.enhance(image), image, apply_gamma(image)):
            row += [finite_psnr(candidate, truth), ssim(candidate, truth)]
        rows.append(row)
    means = [float(value) for value in np.mean(rows, axis=0)]
    return Quality(
        images=len(rows),
        psnr_db=means[0],
        ssim=means[1],
        input_psnr_db=means[2],
        input_ssim=means[3],
        gamma_psnr_db=means[4],
        gamma_ssim=means[5],
    )


def make_dark_frame(width: int, height: int) -> Uint8Array:
    """A reproducible dark frame with sensor noise and one bright region, (height, width, 3) uint8."""
    random = np.random.default_rng(2001)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    scene = 10 + 20 * x / width + 200 * np.exp(-((x / width - 0.7) ** 2 + (y / height - 0.3) ** 2) / 0.005)
    noise = random.normal(0, 4, (height, width, 3)).astype(np.float32)
    frame: Uint8Array = np.clip(scene[..., np.newaxis] + noise, 0, 255).astype(np.uint8)
    return frame


def time_runs(call: Callable[[], object], *, runs: int, warmup: int) -> Latency:
    """Durations of `runs` calls after `warmup` uncounted ones."""
    for _ in range(warmup):
        call()
    values = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        values.append((time.perf_counter() - start) * 1e3)
    return Latency(tuple(values))


def describe_machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "cpu": _read_cpu_name(),
        "cores": os.cpu_count(),
        "architecture": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "governor": _GOVERNOR.read_text().strip() if _GOVERNOR.exists() else None,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
    }


def make_report(measurements: list[Measurement]) -> dict[str, Any]:
    """The JSON object that `edge-dce benchmark --json` writes."""
    return {
        "schema": SCHEMA,
        "machine": describe_machine(),
        "results": [measurement.to_dict() for measurement in measurements],
    }


def read_peak_rss_mb() -> float | None:
    """The most memory this process ever held, in MB; None where the system does not tell (Windows)."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)


def _find_warnings(runtime: str, invoke: Latency, end_to_end: Latency, pairs: list[tuple[Path, Path]]) -> list[str]:
    warnings = []
    for name, latency in (("invoke", invoke), ("end to end", end_to_end)):
        if latency.is_noisy:
            warnings.append(f"noisy: {name} varies by 10 % or more; close other programs, or raise --runs")
    if len(invoke.values_ms) < _FEW_RUNS:
        warnings.append(f"few runs: p90 and p99 of {len(invoke.values_ms)} values mean little; raise --runs")
    governor = _GOVERNOR.read_text().strip() if _GOVERNOR.exists() else "performance"
    if governor != "performance":
        warnings.append(f"clock: the CPU governor is '{governor}', not 'performance'")
    if runtime == "tflite-runtime" and platform.machine() in ("x86_64", "AMD64"):
        warnings.append("slow runtime: on x86-64 ai-edge-litert runs int8 models two to three times as fast")
    return warnings + warn_of_lossy(pairs)


def _read_cpu_name() -> str:
    board = Path("/proc/device-tree/model")
    if board.exists():
        return board.read_text().rstrip("\0\n")
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def _dimensions(image: Uint8Array) -> str:
    return f"{image.shape[1]}x{image.shape[0]}"
