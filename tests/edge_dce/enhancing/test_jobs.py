"""Which file goes where, asserted on the names alone: nothing here is decoded."""

import os
from pathlib import Path

import pytest

from edge_dce.enhancing.jobs import Naming, Plan, plan_jobs
from edge_dce.errors import ImageError, OutputError


def make_files(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def list_targets(plan: Plan, folder: Path) -> list[str]:
    return [str(job.target.relative_to(folder)) for job in plan.jobs if job.target is not None]


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    make_files(tmp_path / "photos", "a.JPG", "b.gif", "b.png")
    return tmp_path / "photos"


@pytest.mark.parametrize("name", ["a.JPG", "b.gif", "b.png"])
def test_result_has_one_name_whether_its_source_was_named_or_its_folder(photos: Path, name: str) -> None:
    (alone,) = plan_jobs([f"photos/{name}"], "out/").jobs
    of_folder = [job.target for job in plan_jobs(["photos"], "out").jobs if job.source.name == name]
    assert [alone.target] == of_folder
    (beside,) = plan_jobs([f"photos/{name}"], None).jobs
    assert beside.target in [job.target for job in plan_jobs(["photos"], "photos").jobs]


def test_results_beside_their_sources_are_marked_and_no_two_get_one_name(photos: Path) -> None:
    assert list_targets(plan_jobs(["photos"], str(photos)), Path(photos)) == (
        ["a-enhanced.JPG", "b.gif-enhanced.png", "b-enhanced.png"]
    )
    assert list_targets(plan_jobs(["photos"], None), Path()) == (
        ["photos-enhanced/a.JPG", "photos-enhanced/b.gif.png", "photos-enhanced/b.png"]
    )


def test_output_that_is_the_input_by_another_name_is_told(photos: Path) -> None:
    (photos.parent / "album").symlink_to("photos")
    assert list_targets(plan_jobs(["photos"], "album"), Path())[0] == "album/a-enhanced.JPG"


def test_tree_is_mirrored(photos: Path) -> None:
    make_files(photos, "2025/x.jpg", "2025/may/y.jpg")
    plan = plan_jobs(["photos"], "out", is_recursive=True)
    assert list_targets(plan, Path("out")) == ["a.JPG", "b.gif.png", "b.png", "2025/x.jpg", "2025/may/y.jpg"]
    assert not plan.left_out


def test_results_in_the_tree_of_the_sources_are_not_sources(photos: Path) -> None:
    make_files(photos, "out/a.JPG", "sub/x.jpg", "sub/x-enhanced.jpg", "sub-enhanced/x.jpg")
    plan = plan_jobs(["photos"], "photos/out", is_recursive=True)
    assert [job.source.name for job in plan.jobs] == ["a.JPG", "b.gif", "b.png", "x.jpg"]
    assert plan.left_out == {"*-enhanced": 2}


def test_results_among_named_pictures_are_not_sources(photos: Path) -> None:
    make_files(photos, "a-enhanced.JPG")
    names = [str(path) for path in sorted(photos.iterdir())]
    assert [job.source.name for job in plan_jobs(names, None).jobs] == ["a.JPG", "b.gif", "b.png"]
    # Named alone, it is meant.
    assert plan_jobs(["photos/a-enhanced.JPG"], None).jobs[0].target == Path("photos/a-enhanced-enhanced.JPG")


def test_picture_named_twice_is_one_job(photos: Path) -> None:
    assert len(plan_jobs(["photos", "photos/b.png"], "out").jobs) == 3


def test_input_is_replaced_only_if_that_is_asked_for_twice(photos: Path) -> None:
    for target in ("photos/b.png", "photos/../photos/b.png"):
        with pytest.raises(OutputError, match=r"would replace the input .*--overwrite --overwrite"):
            plan_jobs(["photos/b.png"], target)
    (job,) = plan_jobs(["photos/b.png"], "photos/b.png", replaces_inputs=True).jobs
    assert job.target == job.source


def test_suffix_and_format_are_what_was_asked_for(photos: Path) -> None:
    naming = Naming(marker="-bright", picture_suffix=".jpg")
    assert list_targets(plan_jobs(["photos"], "photos", naming=naming), photos.relative_to(photos.parent)) == (
        ["a-bright.JPG", "b.gif-bright.jpg", "b.png-bright.jpg"]
    )
    make_files(photos, "a-bright.JPG")
    assert plan_jobs(["photos"], "photos", naming=naming).left_out == {"*-bright": 1}


def test_dead_link_is_named_with_what_it_leads_to(photos: Path) -> None:
    (photos / "dead.jpg").symlink_to("nowhere/x.jpg")
    with pytest.raises(ImageError, match=r"dead\.jpg: a link to nowhere/x\.jpg, which is not there"):
        plan_jobs(["photos/dead.jpg"], None)


@pytest.mark.parametrize("address", ["https://example.org/a.jpg?x=1", "rtsp://camera/stream", "gs://bucket/a.png"])
def test_address_comes_back_as_it_was_typed(address: str) -> None:
    with pytest.raises(ImageError) as caught:
        plan_jobs([address], None)
    assert str(caught.value).startswith(f"{address}: an address, not a file")


@pytest.mark.parametrize("device", ["/dev/zero", os.devnull])
def test_device_is_refused_at_once(device: str) -> None:
    with pytest.raises(ImageError, match="a device, not a picture"):
        plan_jobs([device], None)


def test_video_without_suffix_is_told_by_its_first_bytes(photos: Path) -> None:
    (photos / "clip").write_bytes(b"\x00\x00\x00\x14ftypisom\x00\x00\x02\x00isom")
    (job,) = plan_jobs(["photos/clip"], "out/").jobs
    assert (job.is_video, job.target) == (True, Path("out/clip.mkv"))
