"""The command line as a user meets it: exit status, stdout, stderr, files."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import edge_dce
from edge_dce.cli import main
from edge_dce.models.catalog import DEFAULT_MODEL
from edge_dce.models.command import EXPLANATIONS

ROOT = Path(__file__).resolve().parents[2]
TINY = str(ROOT / "tests" / "models" / "tiny-16x16-int8.tflite")
SAMPLE = ROOT / "docs" / "pictures" / "night-launch.jpg"


def write_photo(path: Path, seed: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.random.default_rng(seed).integers(1, 60, (30, 40, 3)).astype(np.uint8)
    Image.fromarray(samples).save(path)
    return path


def read_error(capfd: pytest.CaptureFixture[str]) -> str:
    """The one line on stderr, with nothing on stdout."""
    captured = capfd.readouterr()
    lines = captured.err.splitlines()
    assert len(lines) == 1, captured.err
    assert lines[0].startswith("edge-dce: error: ")
    assert captured.out == ""
    return lines[0]


def test_enhance_writes_beside_the_input_and_prints_where(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    photo = write_photo(tmp_path / "night.png")
    assert main(["enhance", str(photo), "-m", TINY]) == 0
    target = tmp_path / "night-enhanced.png"
    assert capfd.readouterr().out == f"{target}\n"
    enhanced = edge_dce.read_picture(target).image
    np.testing.assert_array_equal(enhanced, edge_dce.load(TINY).enhance(edge_dce.read_picture(photo).image))


def test_enhance_takes_a_bundled_name_and_a_target(tmp_path: Path) -> None:
    target = tmp_path / "bright.png"
    assert main(["enhance", str(SAMPLE), "-m", "zero-dce-128x128-int8", "-o", str(target), "--threads", "2"]) == 0
    assert edge_dce.read_picture(target).image.mean() > edge_dce.read_picture(SAMPLE).image.mean() + 20


def test_enhance_to_stdout_is_one_png_and_nothing_else(tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "night.jpg")
    child = subprocess.run(
        [sys.executable, "-m", "edge_dce", "enhance", str(photo), "-m", TINY, "-o", "-"],
        capture_output=True,
        cwd=ROOT,
        check=True,
    )
    with Image.open(io.BytesIO(child.stdout)) as opened:
        assert (opened.format, opened.size) == ("PNG", (40, 30))


def test_strength_zero_changes_nothing(tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "night.png")
    assert main(["enhance", str(photo), "-m", TINY, "--strength", "0", "-o", str(tmp_path / "same.png")]) == 0
    same = edge_dce.read_picture(tmp_path / "same.png").image
    np.testing.assert_array_equal(same, edge_dce.read_picture(photo).image)


def test_look_options_reach_the_picture(tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "night.png")
    options = ["--strength", "0.8", "--max-brightness", "0.6", "--denoise", "0.5"]
    assert main(["enhance", str(photo), "-m", TINY, *options, "-o", str(tmp_path / "out.png")]) == 0
    expected = edge_dce.load(TINY).enhance(edge_dce.read_picture(photo).image, edge_dce.Look(0.8, 0.6, 0.5))
    np.testing.assert_array_equal(edge_dce.read_picture(tmp_path / "out.png").image, expected)


def test_folder_becomes_a_folder(tmp_path: Path) -> None:
    for number in range(3):
        write_photo(tmp_path / "in" / f"{number}.png", number)
    assert main(["enhance", str(tmp_path / "in"), "-m", TINY, "-o", str(tmp_path / "out")]) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["0.png", "1.png", "2.png"]


def test_folder_without_target_gets_a_name_of_its_own(tmp_path: Path) -> None:
    write_photo(tmp_path / "in" / "0.png")
    assert main(["enhance", str(tmp_path / "in"), "-m", TINY]) == 0
    assert (tmp_path / "in-enhanced" / "0.png").exists()


def test_broken_picture_in_a_folder_is_named_and_the_rest_done(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for number in range(3):
        write_photo(tmp_path / "in" / f"{number}.png", number)
    broken = tmp_path / "in" / "1.png"
    broken.write_bytes(broken.read_bytes()[:200])
    assert main(["enhance", str(tmp_path / "in"), "-m", TINY, "-o", str(tmp_path / "out")]) == 1
    error = capfd.readouterr().err
    assert "1.png: damaged" in error
    assert "2 enhanced, 0 already there, 1 failed" in error
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["0.png", "2.png"]


def test_second_run_over_a_folder_goes_on_where_the_first_ended(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for number in range(3):
        write_photo(tmp_path / "in" / f"{number}.png", number)
    command = ["enhance", str(tmp_path / "in"), "-m", TINY, "-o", str(tmp_path / "out")]
    assert main(command) == 0
    (tmp_path / "out" / "1.png").unlink()
    (tmp_path / "out" / "2.png").write_text("precious")
    capfd.readouterr()
    assert main(command) == 0
    captured = capfd.readouterr()
    assert captured.out == f"{tmp_path / 'out' / '1.png'}\n"
    assert captured.err.splitlines()[-1] == "1 enhanced, 2 already there, 0 failed"
    assert (tmp_path / "out" / "2.png").read_text() == "precious"
    assert main([*command, "--overwrite"]) == 0
    assert edge_dce.read_picture(tmp_path / "out" / "2.png").image.shape == (30, 40, 3)


def test_results_are_printed_in_the_order_of_the_inputs(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    # Large and small in turn, so that they are not ready in this order.
    for number in range(12):
        samples = np.zeros((1500, 1500, 3) if number % 2 == 0 else (8, 8, 3), np.uint8)
        (tmp_path / "in").mkdir(exist_ok=True)
        Image.fromarray(samples).save(tmp_path / "in" / f"{number:02}.png")
    assert main(["enhance", str(tmp_path / "in"), "-m", TINY]) == 0
    names = [Path(line).name for line in capfd.readouterr().out.splitlines()]
    assert names == [f"{number:02}.png" for number in range(12)]


def test_several_named_pictures_resume_too(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    photos = [str(write_photo(tmp_path / f"{number}.png", number)) for number in range(2)]
    command = ["enhance", *photos, "-m", TINY, "-o", str(tmp_path / "out")]
    assert [main(command), main(command)] == [0, 0]
    assert capfd.readouterr().err.splitlines()[-1] == "0 enhanced, 2 already there, 0 failed"


def test_inputs_of_one_name_do_not_overwrite_each_other(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    first, second = write_photo(tmp_path / "a" / "0.png"), write_photo(tmp_path / "b" / "0.png")
    assert main(["enhance", str(first), str(second), "-m", TINY, "-o", str(tmp_path / "out")]) == 1
    assert "would both become" in read_error(capfd)
    assert not (tmp_path / "out").exists()


def make_bad_input(kind: str, folder: Path) -> list[str]:
    photo = write_photo(folder / "good.png")
    target = str(folder / "result.png")
    bad = folder / "bad.png"
    model = folder / "bad.tflite"
    if kind == "truncated png":
        bad.write_bytes(photo.read_bytes()[:300])
    elif kind == "text named jpg":
        bad = folder / "bad.jpg"
        bad.write_text("not a picture")
    elif kind == "folder without pictures":
        bad = folder / "empty"
        bad.mkdir()
    elif kind == "empty model":
        model.touch()
    elif kind == "truncated model":
        model.write_bytes(Path(TINY).read_bytes()[:1500])
    elif kind == "wrong shapes":
        model.write_bytes((ROOT / "tests" / "models" / "wrong-shape.tflite").read_bytes())
    if kind in ("empty model", "truncated model", "wrong shapes", "missing model"):
        return ["enhance", str(photo), "-m", str(model), "-o", target]
    if kind == "existing output":
        Path(target).write_text("precious")
        return ["enhance", str(photo), "-m", TINY, "-o", target]
    if kind == "file as output folder":
        (folder / "taken").write_text("precious")
        return ["enhance", str(photo), "-m", TINY, "-o", str(folder / "taken" / "result.png")]
    if kind == "unwritable folder":
        # Nobody can make files there, not even root.
        return ["enhance", str(photo), "-m", TINY, "-o", "/proc/result.png"]
    if kind == "unknown output format":
        return ["enhance", str(photo), "-m", TINY, "-o", str(folder / "result.xyz")]
    return ["enhance", str(bad), "-m", TINY, "-o", target]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("truncated png", "damaged"),
        ("text named jpg", "not a picture"),
        ("missing path", "no such file or folder"),
        ("folder without pictures", "no pictures"),
        ("empty model", "empty file"),
        ("truncated model", "expected a whole TFLite model"),
        ("wrong shapes", "expected input (1, H, W, 3)"),
        ("missing model", "no such model file"),
        ("existing output", "already exists"),
        ("file as output folder", "there is no folder"),
        ("unwritable folder", "cannot be written"),
        ("unknown output format", "or a name ending in one of"),
    ],
)
def test_bad_input_gives_one_line_and_leaves_nothing(
    kind: str, message: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = make_bad_input(kind, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert main(command) == 1
    assert message in read_error(capfd)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    "command",
    [
        ["enhance"],
        ["enhance", "x.png", "--strength", "2"],
        ["enhance", "x.png", "--max-brightness", "0.4"],
        ["enhance", "x.png", "--denoise", "2"],
        ["enhance", "x.png", "--strength", "bright"],
        ["enhance", "x.png", "--threads", "0"],
        ["benchmark", "m.tflite", "--size", "1920"],
        ["benchmark", "m.tflite", "--runs", "0"],
        ["brighten", "x.png"],
    ],
)
def test_wrong_usage_exits_with_2(command: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(command)
    assert caught.value.code == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("edge-dce")
    assert ": error: " in line


def test_help_is_shown_where_nothing_is_asked_for(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([])
    assert capfd.readouterr().err.startswith("usage: edge-dce ")


def test_info_tells_the_card(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["info", TINY]) == 0
    assert "precision: int8" in capfd.readouterr().out
    assert main(["info", TINY, "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["contract"] == "curves"


def test_info_explains_every_fact_of_the_default_model(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["info"]) == 0
    shown = capfd.readouterr().out
    assert DEFAULT_MODEL in shown
    own_names = re.compile(r"  (  )?[A-Z_0-9]+: \d+|  [a-z-]+: [0-9.]+")  # operators, types, tools
    assert [line for line in shown.splitlines() if "  # " not in line and not own_names.fullmatch(line)] == []


def test_info_explains_facts_that_a_card_has(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "--json"]) == 0
    facts = json.loads(capfd.readouterr().out)
    places = set(facts) | {
        f"{part}.{name}" for part, inner in facts.items() if isinstance(inner, dict) for name in inner
    }
    assert places >= EXPLANATIONS.keys()


def test_info_of_a_model_without_card_tells_its_tensors(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(ROOT / "tests" / "models" / "without-card-24-maps.tflite"), "--json"]) == 0
    facts = json.loads(capfd.readouterr().out)
    assert facts["output"]["shape"] == [1, 16, 16, 24]
    assert facts["precision"] is None


def test_models_lists_name_path_precision_contract_and_default(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--json"]) == 0
    models = json.loads(capfd.readouterr().out)
    assert {"zero-dce-128x128-int8", "zero-dce-128x128-float16"} <= {model["name"] for model in models}
    assert sum(model["default"] for model in models) == 1
    assert all(Path(model["path"]).is_file() for model in models)
    # What the name of each says.
    assert all(model["contract"] == ("tone" if "tone" in model["name"] else "curves") for model in models)
    assert main(["models"]) == 0
    assert "zero-dce-128x128-int8" in capfd.readouterr().out


def test_models_says_what_each_is_for_on_one_line_of_a_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--json"]) == 0
    models = json.loads(capfd.readouterr().out)
    assert main(["models"]) == 0
    lines = capfd.readouterr().out.splitlines()
    for model, line in zip(models, lines, strict=True):
        assert model["purpose"]
        assert line.startswith(model["name"])
        assert model["purpose"] in line
        assert len(line) <= 80


def test_version_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capfd.readouterr().out.startswith("edge-dce 0.")


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    with pytest.raises(edge_dce.ImageError):
        main(["enhance", str(tmp_path / "missing.png"), "--debug"])


def test_reader_that_goes_away_is_no_error() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    child = subprocess.run(
        [sys.executable, "-m", "edge_dce", "models"], stdout=write_end, stderr=subprocess.PIPE, cwd=ROOT, check=False
    )
    os.close(write_end)
    assert child.returncode == 0
    assert child.stderr == b""


@pytest.mark.parametrize("name", [".", "..", "../in"])
def test_folder_named_by_dots_gets_its_output_beside_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "in" if name != ".." else tmp_path
    write_photo(folder / "0.png")
    (tmp_path / "in").mkdir(exist_ok=True)
    monkeypatch.chdir(tmp_path / "in")
    assert main(["enhance", name, "-m", TINY]) == 0
    assert (folder.parent / f"{folder.name}-enhanced" / "0.png").exists()


def test_pictures_that_differ_in_suffix_only_both_come_out(tmp_path: Path) -> None:
    write_photo(tmp_path / "in" / "0.png")
    write_photo(tmp_path / "in" / "0.gif")
    assert main(["enhance", str(tmp_path / "in"), "-m", TINY]) == 0
    assert {path.name for path in (tmp_path / "in-enhanced").iterdir()} == {"0.png", "0.gif.png"}


def test_unusable_model_leaves_no_folder_behind(tmp_path: Path) -> None:
    write_photo(tmp_path / "in" / "0.png")
    assert main(["enhance", str(tmp_path / "in"), "-m", "missing.tflite", "-o", str(tmp_path / "out")]) == 1
    assert not (tmp_path / "out").exists()


def test_full_disk_under_stdout_is_one_line(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        child = subprocess.run(
            [sys.executable, "-m", "edge_dce", "models"], stdout=full, stderr=subprocess.PIPE, cwd=ROOT, check=False
        )
    assert child.returncode == 1
    assert child.stderr == b"edge-dce: error: output: No space left on device\n"


def test_name_too_long_for_the_file_system_is_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["enhance", str(tmp_path / ("x" * 300 + ".png")), "-m", TINY]) == 1
    assert "File name too long" in read_error(capfd)


def test_reader_that_goes_away_does_not_stop_the_other_pictures(tmp_path: Path) -> None:
    for number in range(3):
        write_photo(tmp_path / "in" / f"{number}.png", number)
    read_end, write_end = os.pipe()
    os.close(read_end)
    command = [sys.executable, "-m", "edge_dce", "enhance", str(tmp_path / "in"), "-m", TINY]
    child = subprocess.run(command, stdout=write_end, stderr=subprocess.PIPE, cwd=ROOT, check=False)
    os.close(write_end)
    assert child.returncode == 0, child.stderr.decode()
    assert len(list((tmp_path / "in-enhanced").iterdir())) == 3


def test_json_into_a_missing_folder_is_refused_before_measuring(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["benchmark", TINY, "--json", str(tmp_path / "missing" / "x.json")]) == 1
    assert "there is no folder" in read_error(capfd)


def test_name_of_one_picture_is_no_place_for_several(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_photo(tmp_path / "in" / "0.png")
    assert main(["enhance", str(tmp_path / "in"), "-m", TINY, "-o", str(tmp_path / "out.png")]) == 1
    error = read_error(capfd)
    assert "expected a folder for several pictures" in error
    assert f"name a folder, such as {tmp_path / 'out'}, " in error


def test_interrupt_in_a_folder_exits_with_130_and_leaves_whole_files_only(tmp_path: Path) -> None:
    # Some seconds of work, of which the interrupt comes early.
    samples = np.random.default_rng(1).integers(0, 60, (1200, 1600, 3)).astype(np.uint8)
    (tmp_path / "in").mkdir()
    for number in range(30):
        Image.fromarray(samples).save(tmp_path / "in" / f"{number:02}.png", compress_level=0)
    out = tmp_path / "in-enhanced"
    command = [sys.executable, "-m", "edge_dce", "enhance", str(tmp_path / "in")]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=ROOT)
    while child.poll() is None and not any(out.glob("[0-9]*.png")):
        time.sleep(0.005)
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate()
    assert child.returncode == 130, errors.decode()
    assert b"Traceback" not in errors
    written = sorted(path.name for path in out.iterdir())
    assert 0 < len(written) < 30
    for name in written:
        assert edge_dce.read_picture(out / name).image.shape == samples.shape


@pytest.mark.parametrize("command", [["info"], ["models"], ["info", TINY], ["--help"]])
@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_stdout_of_another_encoding_gets_every_line(command: list[str], encoding: str) -> None:
    def run(name: str) -> str:
        environment = os.environ | {"PYTHONIOENCODING": name}
        words = [sys.executable, "-m", "edge_dce", *command]
        child = subprocess.run(words, capture_output=True, cwd=ROOT, env=environment, check=True)
        assert child.stderr == b""
        return child.stdout.decode(name)

    assert run(encoding).count("\n") == run("utf-8").count("\n")


@pytest.mark.parametrize("command", ["info", "models", "doctor"])
def test_closed_stdout_is_no_traceback(command: str) -> None:
    words = ["sh", "-c", 'exec "$@" >&-', "sh", sys.executable, "-m", "edge_dce", command]
    child = subprocess.run(words, stderr=subprocess.PIPE, cwd=ROOT, check=False)
    assert b"Traceback" not in child.stderr
    assert b"Exception" not in child.stderr
