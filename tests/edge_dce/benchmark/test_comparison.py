import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from edge_dce.benchmark.comparison import Change, Row, check_size, compare
from edge_dce.benchmark.latency import Latency, Ratio
from edge_dce.benchmark.report import read_report
from edge_dce.benchmark.summary import format_comparison, make_table
from edge_dce.errors import ReportError
from tests.edge_dce.benchmark.reports import make_report, make_result


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (Ratio(1.02, 0.99, 1.05), "no change (0.99–1.05 of the time)"),
        (Ratio(1.02, 0.80, 1.40), "no change (0.80–1.40 of the time)"),
        (Ratio(1.30, 1.25, 1.35), "1.30x slower (1.25–1.35)"),
        (Ratio(0.50, 0.40, 0.80), "2.00x faster (1.25–2.50)"),
        (Ratio(1.30, 1.05, 1.60), "perhaps 1.30x slower (1.05–1.60)"),
        (Ratio(0.50, 0.40, 1.00), "perhaps 2.00x faster (1.00–2.50)"),
    ],
)
def test_change_is_said_in_words(ratio: Ratio, words: str) -> None:
    assert str(Change(ratio, 1 / 1.1, 1.1)) == words


def test_slowdown_counts_only_with_its_whole_interval() -> None:
    assert Change(Ratio(1.3, 1.11, 1.5), 1 / 1.1, 1.1).is_slower
    assert not Change(Ratio(1.3, 1.09, 1.5), 1 / 1.1, 1.1).is_slower
    assert Change(Ratio(1.3, 1.09, 1.5), 1 / 1.05, 1.05).is_slower


def test_model_slower_by_a_third_is_caught_and_the_other_is_no_change() -> None:
    base = make_report(make_result(10), make_result(10, model="b"))
    found = compare(make_report(make_result(13), make_result(10, model="b")), base, tolerance=0.1)
    assert [row.result.model for row in found.slower] == ["a"]
    text = format_comparison(found, base="base.json")
    assert "1.30x slower" in text
    assert "no change" in text
    assert found.warnings == ()


@pytest.mark.parametrize("yardstick", [{"yardstick_ms": 1.3}, {"runtime": "tflite-runtime 2.14.0"}])
def test_machine_that_changed_is_warned_of_and_no_fault_of_a_model(yardstick: dict[str, Any]) -> None:
    base = make_report(make_result(10), make_result(10, model="b"), baseline_ms=10)
    new = make_report(make_result(13), make_result(20, model="b"), baseline_ms=13, cpu="Cortex-A72", **yardstick)
    found = compare(new, base, tolerance=0.1)
    assert [row.result.model for row in found.slower] == ["b"]
    assert any(
        "the machine itself changed: clahe, which runs no model, is 1.30x slower" in text for text in found.warnings
    )
    assert any("cpu is 'Cortex-A72', in the base report 'Cortex-A76'" in text for text in found.warnings)


def test_network_that_slowed_with_the_yardstick_is_no_change() -> None:
    base = make_report(make_result(10), make_result(10, model="b"))
    found = compare(make_report(make_result(12.5), make_result(20, model="b"), yardstick_ms=1.3), base, tolerance=0.1)
    assert str(found.rows[0].invoke).startswith("no change")
    assert [row.result.model for row in found.slower] == ["b"]
    assert any(
        "the machine itself changed: the yardstick, threads 2, is 1.30x slower" in text for text in found.warnings
    )
    assert any("a, threads 2: network: 1.25x slower" in text for text in found.warnings)


@pytest.mark.parametrize("slow", [{"runtime": "ai-edge-litert 2.4.0"}, {"yardstick_ms": 0.7}, {}])
def test_yardstick_excuses_nothing_of_another_runtime_or_direction(slow: dict[str, Any]) -> None:
    slow = {"yardstick_ms": 1.3, **slow} if "runtime" in slow else slow
    found = compare(make_report(make_result(13), **slow), make_report(make_result(10)), tolerance=0.1)
    assert found.slower


def test_yardstick_excuses_of_a_frame_the_part_of_the_network() -> None:
    def change(network_ms: float, frame_ms: float) -> Row:
        base = make_report(dataclasses.replace(make_result(10), invoke=make_result(2).invoke))
        result = dataclasses.replace(make_result(frame_ms), invoke=make_result(network_ms).invoke)
        (row,) = compare(make_report(result, yardstick_ms=2.0), base, tolerance=0.1).rows
        return row

    # A fifth of the frame may take twice its time: 1.2 times the whole, and the tolerance on top.
    assert change(4, 13).end_to_end.most == pytest.approx(1.2 * 1.1)
    assert not change(4, 13).is_slower
    assert change(4, 14).end_to_end.is_slower


def test_noisy_yardstick_excuses_only_what_is_beyond_doubt() -> None:
    noisy = Latency((0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.2), turns=4)
    base = make_report(make_result(10))
    new = make_report(make_result(12.5))
    new = dataclasses.replace(new, yardsticks=(dataclasses.replace(new.yardsticks[0], latency=noisy),))
    assert compare(new, base, tolerance=0.1).slower


def test_median_that_tells_another_story_is_warned_of() -> None:
    slow = tuple(20.0 if run % 10 < 6 else 10.0 for run in range(20))
    result = dataclasses.replace(make_result(10), invoke=Latency(slow, turns=2))
    found = compare(make_report(result), make_report(make_result(10)), tolerance=0.1)
    assert str(found.rows[0].invoke).startswith("no change")
    (warning,) = found.warnings
    assert "a, threads 2: network: the lower quartile did not change, but the median is 2.0" in warning


def test_network_that_lost_xnnpack_is_warned_of_and_not_excused() -> None:
    result = dataclasses.replace(make_result(12.5), xnnpack=False)
    found = compare(make_report(result, yardstick_ms=1.3), make_report(make_result(10)), tolerance=0.1)
    assert found.slower
    assert "a, threads 2: XNNPACK in use: False, in the base report True" in found.warnings


def test_base_of_an_earlier_version_is_warned_of() -> None:
    base = dataclasses.replace(make_report(make_result(10)), yardsticks=())
    (warning,) = compare(make_report(make_result(10)), base, tolerance=0.1).warnings
    assert "an earlier version wrote the base report and measured in another way" in warning


def test_report_without_yardsticks_can_be_read(tmp_path: Path) -> None:
    fields = json.loads(make_report(make_result()).to_json())
    del fields["yardsticks"]
    (tmp_path / "report.json").write_text(json.dumps(fields))
    assert read_report(tmp_path / "report.json").yardsticks == ()


def test_report_from_before_cleaning_can_be_read_and_compared(tmp_path: Path) -> None:
    fields = json.loads(make_report(make_result(psnr_db=15)).to_json())
    for result in fields["results"]:
        del result["cleaned_ms"], result["cleaned_quality"]
    (tmp_path / "base.json").write_text(json.dumps(fields))
    base = read_report(tmp_path / "base.json")
    assert base.results[0].cleaned is base.results[0].cleaned_score is None
    (row,) = compare(make_report(make_result(cleaned_ms=30)), base, tolerance=0.1).rows
    assert row.cleaned is None
    assert row.end_to_end.is_none


def test_cleaning_that_became_slower_is_caught() -> None:
    base = make_report(make_result(10, cleaned_ms=30))
    found = compare(make_report(make_result(10, cleaned_ms=40)), base, tolerance=0.1)
    assert [row.result.model for row in found.slower] == ["a"]
    assert "1.33x slower" in format_comparison(found, base="base.json")
    assert found.rows[0].end_to_end.is_none


def test_table_shows_what_users_get_and_below_it_the_figures_without_cleaning() -> None:
    table = make_table(make_report(make_result(10, cleaned_ms=30, psnr_db=15)))
    cleaned, bare = table.rows[-2:]
    columns = [table.header.index(name) for name in ("photo p50", "PSNR dB")]
    assert [cleaned[0], *(cleaned[column] for column in columns)] == ["a", "30.0", "16.00"]
    assert [bare[0], *(bare[column] for column in columns)] == ["  without cleaning", "10.00", "15.00"]


def test_other_file_of_the_same_name_and_missing_models_are_warned_of() -> None:
    base = make_report(make_result(sha256="1"))
    found = compare(make_report(make_result(sha256="2"), make_result(threads=1)), base, tolerance=0.1)
    assert "a, threads 2: the base report measured another file of this name" in found.warnings
    assert "not in the base report: a (ai-edge-litert, threads 1, 1920x1080)" in found.warnings


def test_reports_without_anything_in_common_are_an_error() -> None:
    with pytest.raises(
        ReportError, match=r"expected a \(ai-edge-litert, threads 2, 1920x1080\) in the base report, found nothing"
    ):
        compare(make_report(make_result()), make_report(make_result(model="b")), tolerance=0.1)


def test_report_survives_json(tmp_path: Path) -> None:
    report = make_report(make_result(psnr_db=15, cleaned_ms=30), make_result(model="b"))
    (tmp_path / "report.json").write_text(report.to_json())
    read = read_report(tmp_path / "report.json")
    assert read.to_json() == report.to_json()
    assert read.results[0].threads == 2


def test_lists_of_numbers_take_one_line_each() -> None:
    assert max(len(line) for line in make_report(make_result()).to_json().splitlines()) > 100


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "expected what --json writes"),
        ("[]", "expected what --json writes"),
        ('{"schema": 1}', "expected a report of schema 2, found 1"),
        ('{"schema": 2}', "expected what --json writes"),
    ],
)
def test_file_that_is_no_report_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "base.json").write_text(content)
    with pytest.raises(ReportError, match=message):
        read_report(tmp_path / "base.json")


def test_picture_as_base_is_one_short_line(tmp_path: Path) -> None:
    path = tmp_path / "night.jpg"
    path.write_bytes(bytes(range(256)) * 1000)
    with pytest.raises(ReportError) as raised:
        read_report(path)
    assert len(str(raised.value)) < 100 + len(str(path))


def test_base_of_another_size_is_refused_with_its_sizes() -> None:
    with pytest.raises(
        ReportError, match=r"base\.json: expected figures for 640x480, found 1920x1080; choose that with"
    ):
        check_size(make_report(make_result()), (640, 480), path=Path("base.json"))


def test_report_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="cannot be read"):
        read_report(tmp_path / "missing.json")
