"""Reports made up for tests of what is done with them."""

from edge_dce.benchmark.latency import Latency
from edge_dce.benchmark.quality import PairScore
from edge_dce.benchmark.report import Baseline, Measurement, Report
from edge_dce.benchmark.yardstick import Yardstick
from edge_dce.machine import Condition

QUIET = Condition(None, None, None, None)


def make_result(
    time_ms: float = 10.0,
    *,
    model: str = "a",
    threads: int = 2,
    sha256: str = "0",
    runtime: str = "ai-edge-litert",
    file_bytes: int = 1000,
    memory_mb: float = 100.0,
    psnr_db: float | None = None,
    cleaned_ms: float | None = None,
) -> Measurement:
    latency = _spread(time_ms)
    return Measurement(
        model=model,
        model_sha256=sha256,
        file_bytes=file_bytes,
        precision="int8",
        contract="curves",
        runtime=runtime,
        runtime_version="2.3.0",
        xnnpack=True,
        size=(1920, 1080),
        threads=threads,
        threads_observed=threads,
        load_ms=1.0,
        first_run_ms=1.0,
        peak_rss_mb=memory_mb,
        rss_before_mb=60.0,
        warmup_runs=6,
        invoke=latency,
        call_overhead_us=20.0,
        end_to_end=latency,
        cleaned=None if cleaned_ms is None else _spread(cleaned_ms),
        score=None if psnr_db is None else PairScore(psnr_db, 0.5),
        cleaned_score=None if psnr_db is None or cleaned_ms is None else PairScore(psnr_db + 1, 0.8),
        difference=None,
        warnings=(),
    )


def _spread(time_ms: float) -> Latency:
    """Runs from 1 % below to 1 % above."""
    return Latency(tuple(time_ms * (0.99 + 0.001 * step) for step in range(20)), turns=5)


def make_report(
    *results: Measurement,
    baseline_ms: float = 10.0,
    yardstick_ms: float = 1.0,
    runtime: str = "ai-edge-litert 2.3.0",
    cpu: str = "Cortex-A76",
) -> Report:
    return Report(
        machine={"cpu": cpu, "cores": 4},
        before=QUIET,
        after=QUIET,
        busy_cores=0.0,
        results=results,
        baselines=(Baseline("clahe", Latency((baseline_ms, baseline_ms * 1.01)), None),),
        yardsticks=(Yardstick("0", runtime, True, 2, Latency((yardstick_ms, yardstick_ms * 1.01))),),
        images=30 if any(result.score for result in results) else 0,
        windows=(),
        warnings=(),
    )
