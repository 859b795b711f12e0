"""The half-hour soak of docs/soak.md, shortened."""

from apps.pi.benchmark import format_cost, read_costs
from apps.pi.soak import Sample, Soak, format_soak, read_soak, soak
from tests.apps.pi.running_camera import ROOT


def test_memory_stays_and_frames_keep_coming() -> None:
    run = soak(minutes=0.4, size=(320, 180), fps=30)
    # Half an hour may drift by 5 MB; so may this, of which most is buffers that still fill.
    assert run.drift_mb < 5
    assert run.samples[-1].frames > run.samples[0].frames
    assert run.requests > 10


def test_drift_is_that_of_the_settled_run() -> None:
    # 20 MB of filling up in the first tenth, then 10 kB a sample.
    rss_mb = [100.0] * 5 + [120.0 + 0.01 * number for number in range(95)]
    samples = tuple(Sample(10.0 * number, round(1e6 * mb), 30, 50, number) for number, mb in enumerate(rss_mb))
    # 90 samples after settling: the medians of the first and last 18 are 72 samples apart.
    assert round(Soak(17, (1, 1), 30, samples, 0).drift_mb, 3) == 0.72


def test_documented_figures_are_those_of_the_committed_results() -> None:
    document = (ROOT / "docs" / "soak.md").read_text()
    results = ROOT / "benchmarks" / "reference" / "amd-epyc-2-cores"
    assert format_soak(read_soak(results / "pi-soak.json")) in document
    for cost in read_costs(results / "pi-frame.json"):
        assert format_cost(cost) in document
