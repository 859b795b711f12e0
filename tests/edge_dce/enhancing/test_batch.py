import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import edge_dce
from edge_dce.enhancing import batch
from edge_dce.enhancing.jobs import Job
from edge_dce.files.pictures import Picture, write_picture

TINY = Path(__file__).resolve().parents[2] / "models" / "tiny-16x16-int8.tflite"


@pytest.fixture(scope="module")
def enhancer() -> edge_dce.Enhancer:
    return edge_dce.load(TINY, threads=1)


def make_jobs(folder: Path, count: int, side_px: int = 20) -> list[Job]:
    jobs = []
    for number in range(count):
        write_picture(Picture(np.full((side_px, side_px, 3), 10 + number, np.uint8)), folder / f"{number}.png")
        jobs.append(Job(folder / f"{number}.png", folder / f"{number}-bright.png", resumes=True))
    return jobs


def test_outcomes_come_in_order_and_files_are_what_the_enhancer_makes(
    tmp_path: Path, enhancer: edge_dce.Enhancer
) -> None:
    jobs = make_jobs(tmp_path, 9)
    results = list(batch.enhance_pictures(jobs, enhancer))
    assert [result.job for result in results] == jobs
    for job in jobs:
        assert job.target is not None
        expected = enhancer.enhance(edge_dce.read_picture(job.source).image)
        np.testing.assert_array_equal(edge_dce.read_picture(job.target).image, expected)


def test_one_failure_is_one_outcome(tmp_path: Path, enhancer: edge_dce.Enhancer) -> None:
    jobs = make_jobs(tmp_path, 5)
    jobs[2].source.write_bytes(b"no picture")
    jobs[3] = Job(jobs[3].source, tmp_path / "missing" / "3.png")
    results = list(batch.enhance_pictures(jobs, enhancer))
    assert [result.error is not None for result in results] == [False, False, True, True, False]


def test_job_that_does_not_resume_refuses_an_existing_target(tmp_path: Path, enhancer: edge_dce.Enhancer) -> None:
    (job,) = make_jobs(tmp_path, 1)
    assert job.target is not None
    job.target.write_text("precious")
    (result,) = batch.enhance_pictures([Job(job.source, job.target)], enhancer)
    assert result.error is not None
    assert "already exists" in str(result.error)
    assert job.target.read_text() == "precious"


def test_target_that_another_run_finished_first_is_present_and_no_failure(
    tmp_path: Path, enhancer: edge_dce.Enhancer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a file system has no locks, by which runs would know of each other."""
    jobs = make_jobs(tmp_path, 2)
    write_picture = batch.write_picture

    def write_second(picture: Picture, path: Path, *, overwrite: bool, quality: int) -> None:
        path.write_text("of the other run")
        write_picture(picture, path, overwrite=overwrite, quality=quality)

    monkeypatch.setattr(batch, "write_picture", write_second)
    results = list(batch.enhance_pictures(jobs, enhancer))
    assert [(result.is_present, result.error) for result in results] == [(True, None)] * 2
    assert (tmp_path / "0-bright.png").read_text() == "of the other run"
    # Where nobody asked to go on, it is one.
    (failed,) = batch.enhance_pictures([Job(jobs[0].source, tmp_path / "other.png")], enhancer)
    assert "already exists" in str(failed.error)


@pytest.mark.parametrize(("cores", "ahead_px", "expected"), [(2, 10**9, 6), (4, 10**9, 10), (4, 0, 2)])
def test_few_pictures_are_in_flight_and_fewer_large_ones(
    cores: int,
    ahead_px: int,
    expected: int,
    tmp_path: Path,
    enhancer: edge_dce.Enhancer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batch, "count_usable_cores", lambda: cores)
    monkeypatch.setattr(batch, "_AHEAD_PX_PER_CORE", ahead_px)
    lock = threading.Lock()
    in_flight, most = 0, 0
    read_picture, write_picture = batch.read_picture_for, batch.write_picture

    def count(change: int) -> None:
        nonlocal in_flight, most
        with lock:
            in_flight += change
            most = max(most, in_flight)

    def read_counted(path: Path, channels: int) -> Picture:
        count(+1)
        return read_picture(path, channels)

    def write_counted(picture: Picture, path: Path, *, overwrite: bool, quality: int) -> Counter[str]:
        left_out = write_picture(picture, path, overwrite=overwrite, quality=quality)
        count(-1)
        return left_out

    monkeypatch.setattr(batch, "read_picture_for", read_counted)
    monkeypatch.setattr(batch, "write_picture", write_counted)
    assert len(list(batch.enhance_pictures(make_jobs(tmp_path, 40), enhancer))) == 40
    # On each side of the enhancer one more than cores, or one alone; and the one that it holds.
    assert most <= expected + 1


def test_giving_up_early_stops_the_threads(tmp_path: Path, enhancer: edge_dce.Enhancer) -> None:
    before = threading.active_count()
    results = batch.enhance_pictures(make_jobs(tmp_path, 30), enhancer)
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
