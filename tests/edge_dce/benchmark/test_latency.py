import numpy as np
import pytest

from edge_dce.benchmark.latency import Latency, Ratio, divide, divide_in_turn, divide_pairs, share_runs
from edge_dce.benchmark.turns import Task, choose_runs, take_turns, warm_up


def make_latency(median_ms: float, *, drift: float = 0.0, seed: int = 0, turns: int = 10) -> Latency:
    """Twenty runs per turn with 2 % noise; each turn is off by a factor of its own of about `drift`."""
    random = np.random.default_rng(seed)
    of_turns = median_ms * (1 + drift * random.standard_normal((turns, 1)))
    values = of_turns * (1 + 0.02 * random.standard_normal((turns, 20)))
    return Latency(tuple(values.ravel()), turns)


def test_percentiles_are_those_of_the_raw_values() -> None:
    latency = Latency(tuple(float(value) for value in range(101)))
    assert (latency.percentile(50), latency.percentile(90), latency.percentile(99)) == (50, 90, 99)


def test_spread_and_comparison_are_said_in_one_dialect() -> None:
    assert str(Latency(tuple(float(value) for value in range(1, 12)))) == "6.00 / 10.0"
    # The same ratio in each pair: no other can be drawn.
    assert str(divide_pairs([300.0, 600.0], [2.0, 4.0])) == "150x (150–150)"


def test_pairs_share_the_drift_of_the_machine() -> None:
    base_ms = [10.0, 100.0, 20.0, 50.0, 40.0]
    assert divide_pairs([1.5 * value for value in base_ms], base_ms) == Ratio(1.5, 1.5, 1.5)
    with pytest.raises(ValueError, match="expected the same turns"):
        divide_pairs(base_ms, base_ms[1:])


def test_noise_is_a_tenth_of_the_mean() -> None:
    assert not Latency((100.0, 109.0, 91.0)).is_noisy
    assert Latency((100.0, 120.0, 80.0)).is_noisy


def test_latency_survives_json() -> None:
    latency = Latency((1.5, 2.25, 3.0), 3)
    assert Latency.from_dict(latency.to_dict()) == latency


@pytest.mark.parametrize("values", [[], [-1.0], [float("nan")]])
def test_durations_that_cannot_be_are_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Latency.from_dict({"values": values, "turns": 1})


def test_runs_are_shared_evenly_and_none_is_lost() -> None:
    assert share_runs(12, 10) == [1, 1, 1, 1, 2, 1, 1, 1, 1, 2]
    assert share_runs(3, 3) == [1, 1, 1]


def test_percentiles_of_turns_follow_the_turns() -> None:
    np.testing.assert_array_equal(Latency((1.0, 3.0, 10.0, 30.0), 2).turn_percentiles(50), [2, 20])


def test_ratio_of_a_model_a_third_slower_has_an_interval_around_it() -> None:
    ratio = divide(make_latency(13, seed=1), make_latency(10, seed=2))
    # 2 % noise over 200 runs: a quartile strays by 0.02 · 1.36 / sqrt(200) = 0.2 % on each side.
    assert ratio.value == pytest.approx(1.3, rel=0.01)
    assert 1.25 < ratio.low < ratio.value < ratio.high < 1.35


def test_runs_that_something_else_lengthened_change_no_ratio() -> None:
    base = make_latency(10, seed=1)
    # Three runs of five, in all turns, take up to three times as long.
    factors = np.random.default_rng(5).uniform(1, 3, len(base.values_ms)) ** (np.arange(len(base.values_ms)) % 5 < 3)
    disturbed = Latency(tuple(np.array(base.values_ms) * factors), base.turns)
    # The quartile of all is the one of three fifths of the undisturbed: 2 % noise moves it by less than that.
    assert divide(disturbed, base).value == pytest.approx(1, abs=0.02)


def test_interval_is_wide_where_the_machine_drifts_and_narrow_where_both_drift_together() -> None:
    base = make_latency(10, drift=0.2, seed=3)
    new = Latency(tuple(1.3 * value for value in base.values_ms), base.turns)
    alone, together = divide(new, base), divide_in_turn(new, base)
    assert alone.low < 1.2 < 1.4 < alone.high
    assert together.low == pytest.approx(1.3)
    assert together.high == pytest.approx(1.3)


def test_tasks_take_turns_forth_and_back_after_one_uncounted_run_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_dce.benchmark.turns._SETTLE_S", 0.0)
    order: list[str] = []
    tasks = [Task(lambda: order.append("a"), 2), Task(lambda: order.append("b"), 2)]
    timings = take_turns(tasks)
    assert "".join(order) == "aabb" + "bbaa"
    assert [len(timing.latency.values_ms) for timing in timings] == [2, 2]
    assert timings[0].latency.turns == 2


def test_turn_settles_before_it_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr("edge_dce.benchmark.turns.time.perf_counter", lambda: next(clock) * 0.01)
    runs: list[int] = []
    (timing,) = take_turns([Task(lambda: runs.append(1), 1)])
    # Looks at the clock every 10 ms, for 50 ms; then one run that counts.
    assert len(runs) == 5 + 1
    assert len(timing.latency.values_ms) == 1


def test_overhead_is_what_a_run_takes_beyond_its_inner_part() -> None:
    (timing,) = take_turns([Task(lambda: None, 3, read_inner_ms=lambda: -5.0)])
    # The run itself takes no time; 5 ms is what it is said to take beyond its inner part.
    assert timing.overhead_ms == pytest.approx(5.0, abs=1.0)


def test_warm_up_goes_on_while_runs_get_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    durations = iter([9.0, 8.0, 7.0, 6.0, 5.0, 4.0, *[3.0] * 20])
    monkeypatch.setattr("edge_dce.benchmark.turns.time_ms", lambda call: next(durations))
    done = warm_up(lambda: None, least=0)
    # The last three medians are of 4, 3, 3 and of 3, 3, 3: no longer faster.
    assert (done.runs, done.typical_ms, done.is_steady) == (11, 3.0, True)


def test_warm_up_that_never_gets_steady_ends_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    durations = iter([2.0**-run for run in range(1000)])
    clock = iter(range(1000))
    monkeypatch.setattr("edge_dce.benchmark.turns.time_ms", lambda call: next(durations))
    monkeypatch.setattr("edge_dce.benchmark.turns.time.perf_counter", lambda: next(clock))
    assert not warm_up(lambda: None, least=0).is_steady


def test_number_of_runs_follows_their_length_within_bounds() -> None:
    assert choose_runs(0.01) == 400
    assert choose_runs(30) == 50
    assert choose_runs(5000) == 20


def test_ratio_in_turn_needs_the_same_turns() -> None:
    with pytest.raises(ValueError, match="found 2 and 1"):
        divide_in_turn(Latency((1.0, 2.0), 2), Latency((1.0, 2.0), 1))
