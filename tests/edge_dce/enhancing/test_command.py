"""`edge-dce enhance` on other people's folders, names and pipes, as a shell starts it."""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import edge_dce
from edge_dce.cli import main
from edge_dce.files.pictures import encode_picture
from tests.edge_dce.files.test_claims import start as start_claiming

ROOT = Path(__file__).resolve().parents[3]
TINY = str(ROOT / "tests" / "models" / "tiny-16x16-int8.tflite")
# What a terminal would take for a color and for a new title.
WILD_NAME = b"\xff\x1b[31m\x1b]0;owned\x07.png"


# Without what lets root read everything (capabilities 1 and 2, taken from the bounding set).
OBEDIENT = """
import ctypes, os, sys
for capability in (1, 2):
    ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def make_picture(seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 60, (30, 40, 3)).astype(np.uint8)


def write_picture(path: Path, seed: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(make_picture(seed)).save(path)
    return path


def enhance(picture: np.ndarray) -> np.ndarray:
    return edge_dce.load(TINY).enhance(picture)


def start(*arguments: str | bytes | Path, **options: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "edge_dce", "enhance", "-m", TINY, *arguments]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": os.environ | {"PYTHONPATH": str(ROOT)}}
    return subprocess.Popen(command, **streams | options)  # type: ignore[call-overload, no-any-return]


def run(*arguments: str | bytes | Path, given: bytes | None = None, **options: object) -> tuple[int, bytes, str]:
    """Exit status, stdout, stderr."""
    child = start(*arguments, **{"stdin": subprocess.DEVNULL if given is None else subprocess.PIPE} | options)
    output, errors = child.communicate(given, timeout=60)
    return child.returncode, output, (errors or b"").decode(errors="replace")


def run_obedient(*arguments: str | Path) -> tuple[int, str, str]:
    """As `run`, to whom permissions apply, whoever runs the tests."""
    command = [sys.executable, "-c", OBEDIENT, "-m", "edge_dce", "enhance", "-m", TINY, *arguments]
    child = subprocess.run(
        command, capture_output=True, env=os.environ | {"PYTHONPATH": str(ROOT)}, text=True, timeout=60, check=False
    )
    return child.returncode, child.stdout, child.stderr


@contextlib.contextmanager
def forbidden(path: Path) -> Iterator[None]:
    """Nobody may read or enter a path meanwhile."""
    mode = path.stat().st_mode
    path.chmod(0)
    try:
        probe = [sys.executable, "-c", OBEDIENT, "-c", "import os, sys; sys.exit(os.access(sys.argv[1], os.R_OK))"]
        if subprocess.run([*probe, path], check=False).returncode:
            pytest.skip("needs a system whose root can be made to obey permissions")
        yield
    finally:
        path.chmod(mode)


def read_png(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as opened:
        assert opened.format == "PNG"
        return np.asarray(opened)


def test_folder_of_a_phone_tells_of_every_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "photos"
    for name in ("IMG_0001.JPG", "download.jfif"):
        folder.mkdir(exist_ok=True)
        Image.fromarray(make_picture()).save(folder / name, "JPEG")
    for name in ("IMG_0002.MOV", "IMG_0002.AAE", "IMG_0003.AAE"):
        (folder / name).touch()
    write_picture(folder / "2025" / "a.png")
    assert main(["enhance", str(folder), "-o", str(tmp_path / "out"), "-m", TINY]) == 0
    assert capfd.readouterr().err.splitlines()[-1] == (
        "2 enhanced, 0 already there, 0 failed, 4 left out (2 .aae, 1 .mov, 1 subfolder; -r takes subfolders)"
    )
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["IMG_0001.JPG", "download.jfif"]


def test_tree_is_enhanced_into_a_tree(tmp_path: Path) -> None:
    for seed, name in enumerate(("a.png", "b/a.png", "b/c/a.png")):
        write_picture(tmp_path / "in" / name, seed)
    assert main(["enhance", "-r", str(tmp_path / "in"), "-m", TINY]) == 0
    for seed, name in enumerate(("a.png", "b/a.png", "b/c/a.png")):
        enhanced = edge_dce.read_picture(tmp_path / "in-enhanced" / name).image
        np.testing.assert_array_equal(enhanced, enhance(make_picture(seed)))


def test_results_in_the_folder_of_the_sources_are_never_enhanced_again(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_picture(tmp_path / "a.png")
    command = ["enhance", str(tmp_path), "-o", str(tmp_path), "-m", TINY]
    assert [main(command), main(command), main([*command, "--overwrite"])] == [0, 0, 0]
    sums = [line for line in capfd.readouterr().err.splitlines() if "failed" in line]
    assert sums == [
        "1 enhanced, 0 already there, 0 failed",
        "0 enhanced, 1 already there, 0 failed, 1 left out (1 *-enhanced)",
        "1 enhanced, 0 already there, 0 failed, 1 left out (1 *-enhanced)",
    ]
    assert {path.name for path in tmp_path.iterdir()} == {"a.png", "a-enhanced.png"}
    np.testing.assert_array_equal(edge_dce.read_picture(tmp_path / "a.png").image, make_picture())


def test_what_another_run_is_doing_is_left_to_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for number in range(4):
        write_picture(tmp_path / "in" / f"{number}.png", number)
    (tmp_path / "out").mkdir()
    child, answers = start_claiming(tmp_path / "out" / "1.png", tmp_path / "out" / "2.png")
    try:
        assert answers == ["True", "True"]
        assert main(["enhance", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "-m", TINY]) == 0
    finally:
        child.communicate()
    assert capfd.readouterr().err.splitlines()[-1] == "2 enhanced, 0 already there, 0 failed, 2 left to another run"
    assert {path.name for path in (tmp_path / "out").glob("[0-9]*")} == {"0.png", "3.png"}


def test_two_runs_on_one_folder_do_all_of_it_and_call_nothing_failed(tmp_path: Path) -> None:
    for number in range(40):
        write_picture(tmp_path / "in" / f"{number:02}.png", number)
    runs = [start(tmp_path / "in", "-o", tmp_path / "out") for _ in range(2)]
    outputs, errors = zip(*(child.communicate(timeout=120) for child in runs), strict=True)
    assert [child.returncode for child in runs] == [0, 0], errors
    assert all(", 0 failed" in error.decode() for error in errors)
    names = [Path(line).name for output in outputs for line in output.decode().splitlines()]
    # Each by one of them, none by both.
    assert sorted(names) == [f"{number:02}.png" for number in range(40)]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(names)


def test_dead_link_in_a_folder_is_named_and_the_rest_done(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_picture(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "dead.png").symlink_to("nowhere.png")
    assert main(["enhance", str(tmp_path / "in"), "-m", TINY]) == 1
    errors = capfd.readouterr().err
    assert "dead.png: a link to nowhere.png, which is not there" in errors
    assert "1 enhanced, 0 already there, 1 failed" in errors


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_subfolder_that_may_not_be_read_is_named_and_the_rest_done(tmp_path: Path) -> None:
    for name in ("a.png", "secret/b.png", "sub/c.png"):
        write_picture(tmp_path / "in" / name)
    with forbidden(tmp_path / "in" / "secret"):
        status, _, errors = run_obedient("-r", tmp_path / "in", "-o", tmp_path / "out")
        rehearsal = run_obedient("-r", tmp_path / "in", "-o", tmp_path / "out", "-n")
    assert (status, rehearsal[0]) == (1, 1)
    for told in (errors, rehearsal[2]):
        assert [line for line in told.splitlines() if "error" in line and "secret" in line] == told.splitlines()[:-1]
        assert told.endswith("1 left out (1 unreadable subfolder)\n")
    assert {path.name for path in (tmp_path / "out").rglob("*.png")} == {"a.png", "c.png"}


def test_tree_whose_only_pictures_may_not_be_read_is_told_why(tmp_path: Path) -> None:
    write_picture(tmp_path / "in" / "secret" / "b.png")
    with forbidden(tmp_path / "in" / "secret"):
        status, _, errors = run_obedient("-r", tmp_path / "in")
    assert status == 1
    assert "secret: expected a folder of pictures, but it cannot be read (Permission denied)" in errors
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    ("forbids", "named"),
    [("in", "in/a.png"), ("in/a.png", "in/a.png"), ("in", "in"), ("in", "in/sub"), ("in/pipe", "in/pipe")],
)
def test_what_may_not_be_read_is_told_with_advice_on_permissions(tmp_path: Path, forbids: str, named: str) -> None:
    write_picture(tmp_path / "in" / "a.png")
    os.mkfifo(tmp_path / "in" / "pipe")
    with forbidden(tmp_path / forbids):
        status, _, errors = run_obedient(tmp_path / named)
    assert status == 1
    assert f"{tmp_path / named}: " in errors
    assert "cannot be read (Permission denied); change its permissions or those of its folders" in errors
    assert errors.count("\n") == 1


def test_place_that_may_not_be_entered_takes_no_result(tmp_path: Path) -> None:
    source = write_picture(tmp_path / "a.png")
    (tmp_path / "out" / "sub").mkdir(parents=True)
    with forbidden(tmp_path / "out"):
        status, _, errors = run_obedient(source, "-o", tmp_path / "out" / "sub" / "b.png")
    assert status == 1
    assert errors.endswith("b.png: cannot be written (Permission denied); choose another place\n")
    assert errors.count("\n") == 1


def test_name_that_is_no_text_is_enhanced_and_does_nothing_to_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    Image.fromarray(make_picture()).save(tmp_path / "in" / os.fsdecode(WILD_NAME))
    (tmp_path / "in" / os.fsdecode(b"z\xfe\n.jpg")).write_text("no picture")
    status, output, errors = run("-v", tmp_path / "in", "-o", tmp_path / "out")
    assert status == 1
    # Programs get the name as it is, people see what is in it.
    assert output == os.fsencode(tmp_path / "out") + b"/" + WILD_NAME + b"\n"
    assert r"/\xff\x1b[31m\x1b]0;owned\x07.png: 40x30 enhanced" in errors
    assert r"z\xfe\n.jpg: its content is not a picture" in errors
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", errors)
    enhanced = (tmp_path / "out" / os.fsdecode(WILD_NAME)).read_bytes()
    np.testing.assert_array_equal(read_png(enhanced), enhance(make_picture()))


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_stdout_that_cannot_hold_a_name_gets_its_bytes(tmp_path: Path, encoding: str) -> None:
    photo = write_picture(tmp_path / "Zürich-日.png")
    status, output, errors = run(photo, env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding})
    assert (status, output) == (0, os.fsencode(tmp_path / "Zürich-日-enhanced.png") + b"\n"), errors


def run_with_closed(descriptor: int, *arguments: str | Path) -> tuple[int, str]:
    command = [sys.executable, "-m", "edge_dce", "enhance", "-m", TINY, *map(str, arguments)]
    closing = f'exec "$@" {descriptor}{"<" if descriptor == 0 else ">"}&-'
    child = subprocess.run(["sh", "-c", closing, "sh", *command], stderr=subprocess.PIPE, cwd=ROOT, check=False)
    return child.returncode, child.stderr.decode()


@pytest.mark.parametrize("descriptor", [0, 1, 2])
def test_closed_standard_stream_does_not_get_into_a_picture(tmp_path: Path, descriptor: int) -> None:
    photo = write_picture(tmp_path / "a.png")
    status, errors = run_with_closed(descriptor, photo)
    assert (status, "Traceback" in errors) == (0, False)
    np.testing.assert_array_equal(
        edge_dce.read_picture(tmp_path / "a-enhanced.png").image, enhance(make_picture()), errors
    )


def test_picture_for_a_closed_stdout_is_one_line(tmp_path: Path) -> None:
    status, errors = run_with_closed(1, write_picture(tmp_path / "a.png"), "-o", "-")
    assert (status, errors) == (1, "edge-dce: error: stdout is closed; name a file with -o\n")


def test_terminal_gets_no_bytes_of_a_picture(tmp_path: Path) -> None:
    controller, terminal = pty.openpty()
    status, _, errors = run(write_picture(tmp_path / "a.png"), "-o", "-", stdout=terminal)
    os.close(terminal)
    assert status == 1
    assert errors.startswith("edge-dce: error: stdout is a terminal")
    # At the end of a terminal without a writer, Linux says that reading fails.
    with pytest.raises(OSError, match="Input/output error"):
        os.read(controller, 1000)
    os.close(controller)


@pytest.mark.parametrize("output", [[], ["-o", "-"]])
def test_picture_goes_from_stdin_to_stdout(tmp_path: Path, output: list[str]) -> None:
    photo = write_picture(tmp_path / "a.png")
    status, data, errors = run("-", *output, given=photo.read_bytes())
    assert (status, errors) == (0, "")
    np.testing.assert_array_equal(read_png(data), enhance(make_picture()))


def test_picture_goes_from_a_pipe_to_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    child = start(tmp_path / "pipe", "-o", tmp_path / "out.png")
    with (tmp_path / "pipe").open("wb") as pipe:
        Image.fromarray(make_picture()).save(pipe, "PNG")
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 0, errors
    np.testing.assert_array_equal(edge_dce.read_picture(tmp_path / "out.png").image, enhance(make_picture()))


def test_stream_is_called_as_people_call_it(tmp_path: Path) -> None:
    photo = write_picture(tmp_path / "a.png")
    _, output, errors = run("-", "-v", "-o", tmp_path / "b.png", given=photo.read_bytes())
    assert output == f"{tmp_path / 'b.png'}\n".encode()
    assert re.fullmatch(r"-: 40x30 enhanced in \d+ ms\n", errors)
    _, output, _ = run("-", "--json", "-o", tmp_path / "c.png", given=photo.read_bytes())
    assert json.loads(output)["source"] == "-"
    status, _, errors = run("-", "-o", tmp_path / "d.png", given=photo.read_bytes()[:300])
    assert status == 1
    assert errors.startswith("edge-dce: error: -: damaged or unsupported picture file")


def test_pipe_that_nobody_writes_into_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    status, _, errors = run(tmp_path / "pipe.png")
    assert status == 1
    assert errors == f"edge-dce: error: {tmp_path / 'pipe.png'}: nobody writes into this pipe; " + (
        "start the program that does so first\n"
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (b"", "-: nothing came out of this pipe"),
        (b"a text\n" * 1000, "-: its content is not a picture but text"),
        (b"\x89PNG\r\n\x1a\n" + bytes(900), "-: "),
    ],
)
def test_what_is_no_picture_on_stdin_is_one_line_that_names_stdin(given: bytes, message: str) -> None:
    status, output, errors = run("-", given=given)
    assert (status, output) == (1, b"")
    assert errors.startswith(f"edge-dce: error: {message}")
    assert errors.count("\n") == 1
    assert "edge-dce-" not in errors


def test_device_without_end_on_stdin_is_refused_at_once() -> None:
    with Path("/dev/zero").open("rb") as zeros:
        status, _, errors = run("-", stdin=zeros)
    assert status == 1
    assert errors.startswith("edge-dce: error: -: its content is not a picture that is known here; ")
    assert errors.count("\n") == 1


def test_rehearsal_says_what_would_be_written_and_writes_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for number in range(2):
        write_picture(tmp_path / "in" / f"{number}.png", number)
    write_picture(tmp_path / "out" / "1.png")
    before = sorted(tmp_path.rglob("*"))
    assert main(["enhance", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--dry-run"]) == 0
    captured = capfd.readouterr()
    first, second = ((tmp_path / "in" / name, tmp_path / "out" / name) for name in ("0.png", "1.png"))
    assert captured.out.splitlines() == [
        f"{first[0]} -> {first[1]}",
        f"{second[0]} -> {second[1]} (already there)",
    ]
    assert captured.err == "1 to be enhanced, 1 already there\n"
    assert sorted(tmp_path.rglob("*")) == before


def test_accelerator_of_a_cluster_is_refused_before_work_begins(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_picture(tmp_path / "in" / "a.png")
    command = ["enhance", str(tmp_path / "in"), "--cluster", "local", "--accelerator", "cpu", "-m", TINY]
    assert main(command) == 1
    errors = capfd.readouterr().err
    assert errors.startswith("edge-dce: error: --cluster and --accelerator: workers use their processors alone")
    assert errors.count("\n") == 1
    assert not (tmp_path / "in-enhanced").exists()


def test_quiet_run_says_nothing_but_errors(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_picture(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "b.png").write_text("no picture")
    assert main(["enhance", "-q", str(tmp_path / "in"), "-m", TINY]) == 1
    captured = capfd.readouterr()
    assert captured.out == ""
    assert [line.startswith("edge-dce: error: ") for line in captured.err.splitlines()] == [True]


def test_line_for_each_picture_only_where_it_is_asked_for(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    photo = str(write_picture(tmp_path / "a.png"))
    assert main(["enhance", photo, "-m", TINY]) == 0
    assert capfd.readouterr().err == ""
    assert main(["enhance", photo, "-m", TINY, "--overwrite", "-v"]) == 0
    assert re.fullmatch(rf"{re.escape(photo)}: 40x30 enhanced in \d+ ms\n", capfd.readouterr().err)


def test_programs_get_every_picture_and_the_counts_as_json(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "in"
    write_picture(folder / "a.png")
    (folder / "b.png").write_text("no picture")
    (folder / "c.txt").touch()
    assert main(["enhance", str(folder), "-o", str(tmp_path), "-m", TINY, "--json", "-q"]) == 1
    first, second, counts = map(json.loads, capfd.readouterr().out.splitlines())
    assert (first["source"], first["target"], first["status"]) == (
        *map(str, (folder / "a.png", tmp_path / "a.png")),
        "enhanced",
    )
    assert second["status"] == "failed"
    assert "its content is not a picture" in second["error"]
    assert counts == {"counts": {"enhanced": 1, "failed": 1}, "left_out": {".txt": 1}}


def test_format_and_suffix_are_those_asked_for(tmp_path: Path) -> None:
    photo = write_picture(tmp_path / "a.png")
    assert main(["enhance", str(photo), "-m", TINY, "--format", "webp", "--suffix=-bright"]) == 0
    with Image.open(tmp_path / "a.png-bright.webp") as opened:
        assert (opened.format, opened.size) == ("WEBP", (40, 30))


def test_format_that_the_name_contradicts_is_an_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    photo, output = write_picture(tmp_path / "a.png"), tmp_path / "out.png"
    assert main(["enhance", str(photo), "-m", TINY, "--format", "jpg", "-o", str(output)]) == 1
    assert "a .png file, and --format asks for .jpg" in capfd.readouterr().err
    assert not output.exists()
    assert main(["enhance", str(photo), "-m", TINY, "--format", "jpg", "-o", str(output.with_suffix(".jpeg"))]) == 0


def test_quality_is_that_asked_for(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    photo = write_picture(tmp_path / "a.png")
    enhanced = edge_dce.Picture(enhance(make_picture()))
    for quality in (40, 95):
        options = ["-m", TINY, "--format", "jpg", "--quality", str(quality)]
        assert main(["enhance", str(photo), "-o", "-", *options]) == 0
        expected = encode_picture(enhanced, ".jpg", quality=quality)
        assert capfdbinary.readouterr().out == expected
        assert main(["enhance", str(photo), "--overwrite", *options]) == 0
        assert (tmp_path / "a.png-enhanced.jpg").read_bytes() == expected
        capfdbinary.readouterr()
    for wrong in ("0", "101", "high"):
        with pytest.raises(SystemExit):
            main(["enhance", str(photo), "--quality", wrong])


def test_input_is_replaced_where_that_is_asked_for_twice(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    photo = write_picture(tmp_path / "a.png")
    command = ["enhance", str(photo), "-o", str(photo), "-m", TINY, "--overwrite"]
    assert main(command) == 1
    assert "would replace the input" in capfd.readouterr().err
    np.testing.assert_array_equal(edge_dce.read_picture(photo).image, make_picture())
    assert main([*command, "--overwrite"]) == 0
    np.testing.assert_array_equal(edge_dce.read_picture(photo).image, enhance(make_picture()))


def run_on_terminal(*arguments: str | Path) -> str:
    """All that a terminal of 80 columns is sent."""
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    child = start(*arguments, stdin=terminal, stdout=terminal, stderr=terminal)
    os.close(terminal)
    sent = b""
    # At the end of a terminal without a writer, Linux says that reading fails.
    with contextlib.suppress(OSError):
        while piece := os.read(controller, 4096):
            sent += piece
    os.close(controller)
    assert child.wait() == 0
    return sent.decode()


def test_terminal_shows_a_bar_for_many_and_lines_only_where_they_are_asked_for(tmp_path: Path) -> None:
    for number in range(3):
        write_picture(tmp_path / "in" / f"{number}.png", number)
    shown = run_on_terminal(tmp_path / "in", "-o", tmp_path / "out")
    assert "3/3" in shown
    assert ".png" not in shown
    assert "3 enhanced, 0 already there, 0 failed; see " in shown
    assert run_on_terminal(tmp_path / "in", "-o", tmp_path / "out", "--overwrite", "-v").count("0.png") == 1
    assert run_on_terminal(tmp_path / "in" / "0.png").strip() == str(tmp_path / "in" / "0-enhanced.png")
