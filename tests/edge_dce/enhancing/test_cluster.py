"""Pictures from and to an object store, by one process and by workers of Ray: the same bytes, nothing lost or twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edge_dce.enhancing.jobs import Job
from edge_dce.errors import EdgeDceError
from edge_dce.files.claims import LOCK_NAME
from edge_dce.files.pictures import Picture, write_picture
from tests.edge_dce.enhancing.test_command import ROOT, TINY

pytest.importorskip("ray", reason="needs: make test-cluster")
pytest.importorskip("s3fs", reason="needs: make test-cluster")
moto_server = pytest.importorskip("moto.server", reason="needs: make test-cluster")

from benchmarks.cluster import find_workers  # noqa: E402
from edge_dce.enhancing.cluster import Cluster  # noqa: E402

PICTURES = 40
PATIENCE_S = 120
DEADLY = """
import os, signal
from edge_dce.enhancing import batch

def read(source, channels, read=batch.read_picture_for):
    if source.name == "3.png":
        os.kill(os.getpid(), signal.SIGKILL)
    return read(source, channels)

batch.read_picture_for = read
"""


@pytest.fixture(scope="module")
def store() -> Iterator[dict[str, str]]:
    """The environment in which an object store with the bucket `pictures` is found."""
    import boto3

    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    environ = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
    }
    client = boto3.client(
        "s3",
        endpoint_url=environ["AWS_ENDPOINT_URL"],
        aws_access_key_id="test",
        aws_secret_access_key="test",
        region_name="us-east-1",
    )
    client.create_bucket(Bucket="pictures")
    # Keys that are no paths, and an object that is no picture.
    for key in ("odd//name.png", "notes.txt", "empty/"):
        client.put_object(Bucket="pictures", Key=f"other/{key}", Body=b"")
    yield environ
    server.stop()


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Dark pictures in two folders, and one file that is none."""
    folder = tmp_path_factory.mktemp("photos")
    (folder / "sub").mkdir()
    for number in range(PICTURES):
        dark = np.random.default_rng(number).integers(1, 60, (30, 40, 3)).astype(np.uint8)
        write_picture(Picture(dark), folder / ("sub" if number % 3 else "") / f"{number}.png")
    (folder / "bad.png").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="module")
def enhanced(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What one process makes of them, by name."""
    target = tmp_path_factory.mktemp("enhanced")
    assert run(photos, "-o", target)[0] == 1
    return read_folder(target)


def start(*words: str | Path, environ: dict[str, str] | None = None) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "edge_dce", "enhance", "-m", TINY, "-r", *words]
    environ = os.environ | {"PYTHONPATH": str(ROOT)} | (environ or {})
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run(*words: str | Path, environ: dict[str, str] | None = None) -> tuple[int, str, str]:
    """Exit status, stdout, stderr."""
    child = start(*words, environ=environ)
    output, errors = child.communicate(timeout=PATIENCE_S)
    return child.returncode, output, errors


def read_line(child: subprocess.Popen[str]) -> str:
    """The next line of stdout, and not a byte more: what Python reads ahead `communicate` would not find."""
    assert child.stdout is not None
    return b"".join(iter(lambda: os.read(child.stdout.fileno(), 1), b"\n")).decode()


def read_folder(folder: Path) -> dict[str, bytes]:
    """All files by name, but for the lock that a killed worker leaves to the next one."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != LOCK_NAME)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_one_process_goes_from_folder_to_store_and_back(
    photos: Path, enhanced: dict[str, bytes], store: dict[str, str], tmp_path: Path
) -> None:
    status, _, errors = run(photos, "-o", "s3://pictures/one", environ=store)
    assert (status, errors.splitlines()[-1]) == (1, f"{PICTURES} enhanced, 0 already there, 1 failed")
    # Their own results, copied by strength 0, which changes no sample of a PNG.
    assert run("s3://pictures/one", "-o", tmp_path, "--strength", "0", "--denoise", "0", environ=store)[0] == 0
    assert read_folder(tmp_path).keys() == enhanced.keys()


def test_scheme_in_capitals_is_understood(photos: Path, store: dict[str, str], tmp_path: Path) -> None:
    assert run(photos / "sub", "-o", "S3://pictures/capitals", environ=store)[0] == 0
    status, _, errors = run("S3://pictures/capitals", "-o", tmp_path, environ=store)
    assert (status, "Traceback" in errors) == (0, False), errors
    assert sorted(read_folder(tmp_path)) == sorted(path.name for path in (photos / "sub").iterdir())


def test_worker_is_killed_and_nothing_is_lost_twice_or_different(
    photos: Path, enhanced: dict[str, bytes], store: dict[str, str], tmp_path: Path
) -> None:
    child = start(photos, "-o", tmp_path, "--cluster", "local", "--json")
    first = read_line(child)
    os.kill(find_workers(child.pid)[0], signal.SIGKILL)
    output, errors = child.communicate(timeout=PATIENCE_S)
    lines = [json.loads(line) for line in [first, *output.splitlines()]]
    told = [line["source"] for line in lines[:-1]]
    assert child.returncode == 1
    assert len(told) == len(set(told)) == PICTURES + 1
    assert [line["source"] for line in lines[:-1] if line["status"] == "failed"] == [str(photos / "bad.png")]
    assert errors.startswith(f"edge-dce: error: {photos / 'bad.png'}: its content is not a picture")
    assert read_folder(tmp_path) == enhanced


def test_cluster_goes_from_store_to_store_and_goes_on_where_it_was(
    photos: Path, enhanced: dict[str, bytes], store: dict[str, str], tmp_path: Path
) -> None:
    assert run(photos, "-o", "s3://pictures/dark", "--strength", "0", "--denoise", "0", environ=store)[0] == 1
    # An earlier run that came no further.
    assert run("s3://pictures/dark/sub", "-o", "s3://pictures/bright/sub", environ=store)[0] == 0
    words = ("s3://pictures/dark", "-o", "s3://pictures/bright", "--cluster", "local", "--json")
    status, output, errors = run(*words, environ=store)
    before = sum("sub" in name for name in enhanced)
    assert (status, errors) == (0, f"{PICTURES - before} enhanced, {before} already there, 0 failed\n")
    assert json.loads(output.splitlines()[-1])["counts"] == {
        "enhanced": PICTURES - before,
        "already there": before,
    }


def test_picture_that_kills_its_workers_fails_alone(
    photos: Path, enhanced: dict[str, bytes], store: dict[str, str], tmp_path: Path
) -> None:
    # Every Python that starts in this environment reads it, workers too.
    (tmp_path / "sitecustomize.py").write_text(DEADLY)
    environ = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    words = (photos, "-o", tmp_path / "out", "--cluster", "local", "--json")
    status, output, errors = run(*words, environ=environ)
    counts = json.loads(output.splitlines()[-1])["counts"]
    assert (status, counts["failed"]) == (1, 2)
    # What a worker wrote before it died is there when another one comes.
    assert counts["enhanced"] + counts.get("already there", 0) == PICTURES - 1
    assert f"{photos / '3.png'}: the workers that took this picture died" in errors
    assert read_folder(tmp_path / "out") == {name: data for name, data in enhanced.items() if name != "3.png"}


def test_interruption_ends_a_cluster_within_seconds(photos: Path, tmp_path: Path) -> None:
    child = start(photos, "-o", tmp_path, "--cluster", "local")
    assert child.stdout is not None
    child.stdout.readline()
    start_s = time.monotonic()
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=PATIENCE_S)
    assert child.returncode == 130
    # The bound after which it is ended by force, and as much again for a busy machine.
    assert time.monotonic() - start_s < 16
    assert not [name for name in read_folder(tmp_path) if "unfinished" in name]


@pytest.mark.parametrize(
    ("words", "environ", "expected"),
    [
        (("s3://nowhere/a", "-o", "s3://pictures/x"), {}, "s3://nowhere/a: no such bucket, folder or object"),
        (("{photos}", "-o", "s3://nowhere/x"), {}, "s3://nowhere: no such bucket, folder or object"),
        (("s3://", "-o", "{photos}"), {}, "s3://: expected a bucket, as in s3://bucket/folder"),
        (("s3://pictures",), {}, "s3://pictures: this folder has no place beside it"),
        (("s3://pictures/other", "-o", "s3://pictures/x"), {}, "s3://pictures/other: no pictures in this folder"),
        (("s3://pictures/clip.mp4", "-o", "s3://pictures/x"), {}, "s3://pictures/clip.mp4: no such bucket"),
        (
            ("s3://pictures/a", "-o", "s3://pictures/x"),
            {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
            "s3://pictures/a: no credentials for this store",
        ),
        (
            ("s3://pictures/a", "-o", "s3://pictures/x"),
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
            "s3://pictures/a: the store does not answer as expected",
        ),
        (("{photos}", "--cluster", "127.0.0.1:1"), {}, "--cluster 127.0.0.1:1: nothing answers there"),
        (("{photos}", "--cluster", "nonsense"), {}, "--cluster nonsense: expected local, auto, host:port or ray://"),
        (("{photos}", "--cluster", "local", "--preview"), {}, "--cluster takes files and addresses"),
    ],
)
def test_what_cannot_begin_is_one_line(
    words: tuple[str, ...], environ: dict[str, str], expected: str, photos: Path, store: dict[str, str]
) -> None:
    status, output, errors = run(*(word.format(photos=photos) for word in words), environ=store | environ)
    assert (status, output) == (1, "")
    assert errors.startswith(f"edge-dce: error: {expected}")
    assert errors.count("\n") == 1


def test_two_sources_of_one_result_are_refused_before_work_begins(photos: Path, store: dict[str, str]) -> None:
    assert run(photos, "-o", "s3://pictures/left", environ=store)[0] == 1
    words = ("s3://pictures/left/0.png", str(photos / "0.png"), "-o", "s3://pictures/met")
    status, _, errors = run(*words, environ=store)
    assert status == 1
    assert "would both become s3://pictures/met/0.png; rename one" in errors


@pytest.mark.parametrize(
    ("address", "package", "expected"),
    [
        ("local", "pyarrow", "expected all of Ray for --cluster (none); run: pip install 'edge-dce[cluster]'"),
        # In Ray's own words.
        ("ray://{store}", "grpc", "Ray Client requires pip package `ray[client]`"),
    ],
)
def test_ray_without_its_parts_is_told_with_what_to_install(
    address: str, package: str, expected: str, photos: Path, store: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / f"{package}.py").write_text("raise ImportError('none')")
    # Anything that answers: the parts are missed first.
    address = address.format(store=store["AWS_ENDPOINT_URL"].removeprefix("http://"))
    environ = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    status, _, errors = run(photos, "-o", tmp_path / "out", "--cluster", address, environ=environ)
    assert status == 1
    assert expected in errors
    assert "lost on the way" not in errors
    assert errors.count("\n") == 1


def test_reason_of_no_cluster_is_not_lost_behind_many_pictures(tmp_path: Path) -> None:
    # 20,000 names are megabytes, and a pipe holds less than one.
    jobs = [Job(tmp_path / f"{number}.png", tmp_path / "out" / f"{number}.png") for number in range(20_000)]
    with Cluster("auto", model=TINY) as cluster, pytest.raises(EdgeDceError, match="no cluster found on this machine"):
        list(cluster.enhance_pictures(jobs))


def test_cluster_of_a_missing_model_is_refused() -> None:
    with pytest.raises(EdgeDceError, match="nothing"):
        Cluster("local", model="nothing")
